// The contexts of this host as the daemon knows them at this moment: each record together with the
// state it is in and, when it runs, the processes that are it. One lock, short sections, copies
// out.
//
// Records change through here so that memory and store never disagree: the store first (durable),
// then the picture.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "vsd/base/process.hpp"
#include "vsd/context/store.hpp"
#include "vsd/kernel/boot_plan.hpp"

namespace vs {

// The living processes of a running context.
struct RunningContext {
  Process guest;           // its monitor
  Process init;            // its process 1
  std::int64_t since = 0;  // seconds since 1970
};

struct ContextPicture {
  Definition definition;
  State state = State::Stopped;
  Goal goal = Goal::Stopped;
  bool removing = false;
  std::string ended;
  std::string snapshotTrouble;                    // why a snapshot that is due is not there
  std::shared_ptr<const RunningContext> running;  // null unless Running, Frozen or Stopping
  // What was in the way of saving its memory when somebody last looked; nullopt: nobody has.
  std::optional<std::vector<std::string>> obstacles;
};

class Contexts {
 public:
  // Loads every record of the store as stopped.
  explicit Contexts(Store& store);

  // Throws NotFound.
  ContextPicture find(const std::string& name) const;
  std::optional<ContextPicture> findIfAny(const std::string& name) const;
  std::vector<ContextPicture> all() const;  // by name

  void insert(const Definition& definition);  // throws Exists
  void replaceDefinition(const Definition& definition);
  void rename(const std::string& from, const Definition& renamed);
  void erase(const std::string& name);
  void markRemoving(const std::string& name);
  void setGoal(const std::string& name, Goal goal);

  // Of its schedule; empty: none. Says whether that is news. Of a context that is gone nothing is.
  bool setSnapshotTrouble(const std::string& name, const std::string& trouble);
  // Of the run that is `running`; of any other, or a context that is gone, nothing is noted.
  void setObstacles(const std::string& name, const RunningContext& running,
                    std::vector<std::string> obstacles);
  void setState(const std::string& name, State state);
  // It runs: state Running, and the watcher is told.
  void setRunning(const std::string& name, std::shared_ptr<const RunningContext> running);
  // It does not run any more: Stopped or Failed, with how it ended in words.
  void setEnded(const std::string& name, State state, const std::string& ended);

  // Called (outside the lock) whenever a context begins to run.
  using Watcher =
      std::function<void(const std::string& name, std::shared_ptr<const RunningContext>)>;
  void watch(Watcher watcher) { watcher_ = std::move(watcher); }

  // A range of ids that no context has, reserved until the reservation is dropped.
  class IdReservation {
   public:
    IdReservation(Contexts& contexts, IdRange range) : contexts_(&contexts), range_(range) {}
    IdReservation(IdReservation&& other) noexcept
        : contexts_(std::exchange(other.contexts_, nullptr)), range_(other.range_) {}
    IdReservation& operator=(IdReservation&&) = delete;
    ~IdReservation();
    const IdRange& range() const { return range_; }

   private:
    Contexts* contexts_;
    IdRange range_;
  };
  // `alsoTaken` are ranges in other use (subuid(5)).
  IdReservation reserveIds(const std::vector<IdRange>& alsoTaken);

 private:
  ContextPicture& at(const std::string& name);

  Store& store_;
  mutable std::mutex mutex_;
  std::map<std::string, ContextPicture> pictures_;
  std::vector<IdRange> reserved_;
  Watcher watcher_;
};

}  // namespace vs
