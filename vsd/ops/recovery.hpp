// Recovery: what a vsd that starts makes of what earlier ones left, after any crash of vsd or of
// the host. Running contexts are adopted (their processes never notice), operations that were cut
// off are finished or undone, leftovers are found by name.
//
// A storage may come later than vsd: a LUN that is not connected yet. What lies on it waits for
// that.
#pragma once

#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "vsd/ops/host.hpp"
#include "vsd/ops/journal.hpp"

namespace vs {

// Whether vsd has run before since the host was booted.
enum class Boot { FirstStart, LaterStart };

class Recovery {
 public:
  Recovery(const Host& host, Journal& journal, Boot boot)
      : host_(host), journal_(journal), boot_(boot) {}

  // Before anything else.
  void begin();
  // After that, when operations can run: those that go on are started. A context is stopped or
  // removed only because an operation that was to do so had begun, or the record says that its
  // removal had.
  void goOn();
  // The same for storages that have come since, and contexts on them that start with the host are
  // started. To join the hosts that share one can take minutes.
  void lookForStorages();
  // Does so, every few seconds, in a thread that ends when all are there.
  void keepLooking();

 private:
  struct Interrupted {
    std::string verb;
    std::string context;
    std::string parameters;
    bool isPutBack = false;  // the volume of a checkpoint's, or was being put back
  };

  void closeOperations();
  void findContexts();
  void settleStorage(storage::Engine& storage, const std::set<std::string>& inUse);
  bool look(const storage::Engine& storage);
  void keepForLater(const std::string& storage, const Error& error);
  bool isAway(const std::string& context) const;
  bool isAway(const Interrupted& one) const;
  void startWithHost(const std::string& storage) const;

  Operations::Work workOf(const Interrupted& one) const;
  Operations::Work endingOf(const ContextPicture& context, const Interrupted& one) const;
  void finishRemovals() const;
  void endSessions() const;

  const Host& host_;
  Journal& journal_;
  const Boot boot_;
  std::map<std::string, std::string> away_;  // storages that cannot be asked yet, and why
  std::vector<Journal::Open> open_;          // operations that need one of them
  std::vector<Interrupted> waiting_;         // those that go on
  std::jthread thread_;
};

}  // namespace vs
