// A host below a directory of its own, for operations that need no kernel: a real store, journal
// and registry of operations, and a storage whose snapshots are names in memory.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tests/support/fake_runner.hpp"
#include "vsd/base/error.hpp"
#include "vsd/base/file.hpp"
#include "vsd/base/names.hpp"
#include "vsd/ops/host.hpp"
#include "vsd/storage/dir_engine.hpp"

namespace vs::test {

// Holds whatever volume it is asked for.
class FakeSnapshots : public storage::DirEngine {
 public:
  using DirEngine::DirEngine;

  storage::Capabilities capabilities() const override {
    storage::Capabilities can = DirEngine::capabilities();
    can.snapshots = hasSnapshots;
    return can;
  }
  bool hasVolume(const std::string&) const override {
    list();
    return isOwner;
  }
  std::vector<storage::Volume> list() const override {
    if (away) throw failed("volume group 'vg' is not there");
    return {};
  }
  void destroy(const std::string& name) override {
    list();
    destroyed.push_back(name);
  }
  void saveDefinition(const std::string&, const std::string& definition) override {
    saved = definition;
  }
  void createSnapshot(const std::string&, const std::string& snapshot,
                      storage::MadeBy by) override {
    if (!trouble.empty()) throw failed("{}", trouble);
    snapshots.push_back({snapshot, now(), 8_GiB, by});
  }
  void removeSnapshot(const std::string&, const std::string& snapshot) override {
    std::erase_if(snapshots, [&](const auto& each) { return each.name == snapshot; });
  }
  void restoreSnapshot(const std::string&, const std::string& snapshot) override {
    restored.push_back(snapshot);
  }
  bool isReleased(const std::string&) const override { return released; }
  std::vector<storage::Snapshot> listSnapshots(const std::string&) const override {
    ++listed;
    return snapshots;
  }

  bool hasSnapshots = true;
  bool isOwner = true;
  bool away = false;
  std::vector<std::string> destroyed;
  std::string trouble;  // of each creation
  std::string saved;
  std::vector<std::string> restored;
  bool released = false;
  std::vector<storage::Snapshot> snapshots;
  mutable int listed = 0;
};

class FakeHost {
 public:
  FakeHost() { storages_.add(storage); }

  void add(const std::string& name) {
    Definition definition;
    definition.name = name;
    definition.uuid = makeUuid();
    definition.storage = "dir";
    definition.hostname = name;
    definition.created = now();
    contexts.insert(definition);
  }

 private:
  TempDir directory_;
  Paths paths_{directory_.path(), ""};
  Config config_;
  FakeRunner runner_;
  storage::Storages storages_{runner_};
  struct Made {
    explicit Made(const std::string& directory) { makeDirectories(directory); }
  } made_{paths_.state()};
  Store store_{paths_.database()};
  GuestProgram program_{"/bin/true"};

 public:
  Journal journal{paths_.database()};
  Contexts contexts{store_};
  Operations operations{journal};
  std::shared_ptr<FakeSnapshots> storage = std::make_shared<FakeSnapshots>(paths_, runner_);
  const Host host{paths_,   config_, runner_,  storages_, store_,
                  program_, "/usr",  contexts, operations};
};

}  // namespace vs::test
