// The records of this host's contexts and storages, in SQLite with full durability: what each is to
// be and what its user wished last. What *is* (running, pids) is never stored here: it is found in
// the kernel.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "vsd/context/database.hpp"
#include "vsd/context/definition.hpp"
#include "vsd/context/state.hpp"

namespace vs {

struct Record {
  Definition definition;
  Goal goal = Goal::Stopped;
  bool removing = false;  // a remove has begun and must be finished
  std::string ended;      // how it ended last, in words; empty when it never ran or runs
};

// A storage that was added to this host (tier `dir` is always there and has none).
struct StorageRecord {
  std::string name;
  std::string tier;   // "thin"
  std::string group;  // its volume group
  std::string created;
};

// A network that was added to this host.
struct NetworkRecord {
  std::string name;
  std::string definition;  // JSON, as the API has it
};

class Store {
 public:
  explicit Store(const std::string& path);

  std::vector<Record> all();
  // Throws Exists when the name or the uuid is taken.
  void insert(const Record& record);
  void updateDefinition(const Definition& definition);
  void updateGoal(const std::string& name, Goal goal);
  void updateEnded(const std::string& name, const std::string& ended);
  void markRemoving(const std::string& name);
  void rename(const std::string& from, const Definition& renamed);
  void erase(const std::string& name);  // absent is success

  std::vector<StorageRecord> storages();             // by name
  void insertStorage(const StorageRecord& storage);  // throws Exists
  void eraseStorage(const std::string& name);        // absent is success

  std::vector<NetworkRecord> networks();                            // by name
  void insertNetworks(const std::vector<NetworkRecord>& networks);  // all or none; throws Exists
  void eraseNetwork(const std::string& name);                       // absent is success

 private:
  std::mutex mutex_;
  Database database_;
};

}  // namespace vs
