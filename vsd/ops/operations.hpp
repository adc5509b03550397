// All operations of this host: starts each on a thread of its own, keeps one at a time per object,
// journals every step, and remembers the ended ones.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "vsd/ops/journal.hpp"
#include "vsd/ops/operation.hpp"

namespace vs {

struct OperationRequest {
  std::string verb;
  std::string object;                 // "web1", "template debian13"
  std::vector<std::string> alsoBusy;  // other objects that it holds: the new name of a rename
  std::string user;
  std::string parameters = "{}";  // JSON for recovery after a crash
};

class Operations {
 public:
  using Work = std::function<void(Operation&)>;

  explicit Operations(Journal& journal) : journal_(journal) {}
  // Waits for running operations to end; call cancelAll first for a quick end.
  ~Operations();

  // Throws Busy (naming the operation in the way) when one of the objects is held.
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
  void run(const std::shared_ptr<Operation>& operation, const Work& work);
  void forget(const std::string& id);

  Journal& journal_;
  mutable std::mutex mutex_;
  std::condition_variable allEnded_;
  std::map<std::string, std::shared_ptr<Operation>> running_;  // by id
  std::map<std::string, std::string> holders_;                 // object -> id
};

}  // namespace vs
