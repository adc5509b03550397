// All operations of this host: starts each on a thread of its own, keeps one at a time per object,
// journals every step, and remembers the ended ones.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "vsd/ops/journal.hpp"
#include "vsd/ops/operation.hpp"

namespace vs {

// How an operation stands to others that want its object. One that was Asked for is in their way
// (Busy). One that Yields is cancelled for those that were asked for, and they wait for its end;
// whoever began it tells of its failure.
enum class Manner { Asked, Yields };

struct OperationRequest {
  std::string verb;
  std::string object;                 // "web1", "template debian13"
  std::vector<std::string> alsoBusy;  // other objects that it holds: the new name of a rename
  std::string user;
  std::string parameters = "{}";  // JSON for recovery after a crash
  Manner manner = Manner::Asked;
  Millis patience{60'000};  // with those that yield
};

class Operations {
 public:
  using Work = std::function<void(Operation&)>;

  explicit Operations(Journal& journal) : journal_(journal) {}
  // Waits for running operations to end; call cancelAll first for a quick end.
  ~Operations();

  // Waits for operations that yield. Throws Busy (naming the operation in the way) when one of the
  // objects is held.
  std::shared_ptr<Operation> start(const OperationRequest& request, Work work);

  // The running operation on `object`, if any.
  std::shared_ptr<Operation> runningOn(const std::string& object) const;
  // Throws NotFound.
  OperationPicture show(const std::string& id) const;
  std::shared_ptr<Operation> findRunning(
      const std::string& id) const;  // null when it is not running
  std::vector<OperationPicture> running() const;
  std::vector<std::string> busyObjects() const;  // all that running operations hold
  std::vector<OperationPicture> newest(int limit) const { return journal_.newest(limit); }

 private:
  // Ends those that yield and hold one of the objects.
  void makeWay(std::unique_lock<std::mutex>& lock, const std::vector<std::string>& objects,
               Millis patience);
  void run(const std::shared_ptr<Operation>& operation, const Work& work, Manner manner);
  void forget(const std::string& id);

  Journal& journal_;
  mutable std::mutex mutex_;
  std::condition_variable ended_;
  std::map<std::string, std::shared_ptr<Operation>> running_;  // by id
  std::map<std::string, std::string> holders_;                 // object -> id
  std::set<std::string> yielding_;                             // ids
};

}  // namespace vs
