// Undo for errors: each thing that outlives us registers how to take it back the moment it exists;
// unless commit() is reached, the list runs backwards.
//
// Declare it first in the function: it is then destroyed last, so undo steps must capture names by
// value, never locals by reference. Crashes are not its business: reconcile finds leftovers by
// name.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace vs {

class Rollback {
 public:
  Rollback() = default;
  Rollback(const Rollback&) = delete;
  Rollback& operator=(const Rollback&) = delete;
  // Runs what was not committed, newest first; an undo that throws is logged and the rest still
  // run.
  ~Rollback();

  // `what` completes the sentence "cannot ...": "remove the cgroup".
  void add(std::string what, std::function<void()> undo);
  void commit() { steps_.clear(); }

 private:
  struct Step {
    std::string what;
    std::function<void()> undo;
  };
  std::vector<Step> steps_;
};

}  // namespace vs
