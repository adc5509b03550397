#include "vsd/context/store.hpp"

#include "vsd/base/error.hpp"
#include "vsd/base/json.hpp"

namespace vs {
namespace {

constexpr int kSchema = 3;

void createTables(Database& database) {
  const auto version = std::get<std::int64_t>(database.query("PRAGMA user_version")[0][0]);
  if (version > kSchema)
    throw failed("the store was written by a newer vsd (schema {}, this one knows {})", version,
                 kSchema)
        .withHint("install that version of vsd again");
  if (version == kSchema) return;
  database.transaction([&] {
    if (version < 1)
      database.execute(
          "CREATE TABLE contexts (name TEXT PRIMARY KEY, uuid TEXT NOT NULL UNIQUE, definition "
          "TEXT "
          "NOT NULL,"
          " goal TEXT NOT NULL, removing INTEGER NOT NULL DEFAULT 0, ended TEXT NOT NULL DEFAULT "
          "'')");
    if (version < 2)
      database.execute(
          "CREATE TABLE storages (name TEXT PRIMARY KEY, tier TEXT NOT NULL, volume_group TEXT NOT "
          "NULL, created TEXT NOT NULL)");
    database.execute("CREATE TABLE networks (name TEXT PRIMARY KEY, definition TEXT NOT NULL)");
    database.execute("PRAGMA user_version=3");
  });
}

}  // namespace

Store::Store(const std::string& path) : database_(path, Durability::Full) {
  createTables(database_);
}

std::vector<Record> Store::all() {
  const std::lock_guard lock(mutex_);
  std::vector<Record> records;
  for (const auto& row : database_.query(
           "SELECT name, definition, goal, removing, ended FROM contexts ORDER BY name")) {
    Record record;
    const std::string& name = std::get<std::string>(row[0]);
    record.definition = definitionFrom(parseJson(
        std::get<std::string>(row[1]), fmt::format("the stored definition of context '{}'", name)));
    record.goal = goalFrom(std::get<std::string>(row[2])).value_or(Goal::Stopped);
    record.removing = std::get<std::int64_t>(row[3]) != 0;
    record.ended = std::get<std::string>(row[4]);
    records.push_back(std::move(record));
  }
  return records;
}

void Store::insert(const Record& record) {
  const std::lock_guard lock(mutex_);
  const Definition& d = record.definition;
  if (!database_.query("SELECT 1 FROM contexts WHERE name=?1", {d.name}).empty())
    throw Error(Kind::Exists, fmt::format("context '{}' exists already", d.name));
  database_.execute("INSERT INTO contexts (name, uuid, definition, goal) VALUES (?1, ?2, ?3, ?4)",
                    {d.name, d.uuid, toJson(d).dump(), std::string(nameOf(record.goal))});
}

void Store::updateDefinition(const Definition& d) {
  const std::lock_guard lock(mutex_);
  database_.execute("UPDATE contexts SET definition=?2 WHERE name=?1", {d.name, toJson(d).dump()});
}

void Store::updateGoal(const std::string& name, Goal goal) {
  const std::lock_guard lock(mutex_);
  database_.execute("UPDATE contexts SET goal=?2 WHERE name=?1 AND goal<>?2",
                    {name, std::string(nameOf(goal))});
}

void Store::updateEnded(const std::string& name, const std::string& ended) {
  const std::lock_guard lock(mutex_);
  database_.execute("UPDATE contexts SET ended=?2 WHERE name=?1 AND ended<>?2", {name, ended});
}

void Store::markRemoving(const std::string& name) {
  const std::lock_guard lock(mutex_);
  database_.execute("UPDATE contexts SET removing=1 WHERE name=?1", {name});
}

void Store::rename(const std::string& from, const Definition& renamed) {
  const std::lock_guard lock(mutex_);
  database_.execute("UPDATE contexts SET name=?2, definition=?3 WHERE name=?1",
                    {from, renamed.name, toJson(renamed).dump()});
}

void Store::erase(const std::string& name) {
  const std::lock_guard lock(mutex_);
  database_.execute("DELETE FROM contexts WHERE name=?1", {name});
}

std::vector<StorageRecord> Store::storages() {
  const std::lock_guard lock(mutex_);
  std::vector<StorageRecord> storages;
  for (const auto& row :
       database_.query("SELECT name, tier, volume_group, created FROM storages ORDER BY name"))
    storages.push_back({std::get<std::string>(row[0]), std::get<std::string>(row[1]),
                        std::get<std::string>(row[2]), std::get<std::string>(row[3])});
  return storages;
}

void Store::insertStorage(const StorageRecord& storage) {
  const std::lock_guard lock(mutex_);
  if (!database_.query("SELECT 1 FROM storages WHERE name=?1", {storage.name}).empty())
    throw Error(Kind::Exists, fmt::format("storage '{}' exists already", storage.name));
  database_.execute("INSERT INTO storages VALUES (?1, ?2, ?3, ?4)",
                    {storage.name, storage.tier, storage.group, storage.created});
}

void Store::eraseStorage(const std::string& name) {
  const std::lock_guard lock(mutex_);
  database_.execute("DELETE FROM storages WHERE name=?1", {name});
}

std::vector<NetworkRecord> Store::networks() {
  const std::lock_guard lock(mutex_);
  std::vector<NetworkRecord> networks;
  for (const auto& row : database_.query("SELECT name, definition FROM networks ORDER BY name"))
    networks.push_back({std::get<std::string>(row[0]), std::get<std::string>(row[1])});
  return networks;
}

void Store::insertNetworks(const std::vector<NetworkRecord>& networks) {
  const std::lock_guard lock(mutex_);
  database_.transaction([&] {
    for (const NetworkRecord& network : networks) {
      if (!database_.query("SELECT 1 FROM networks WHERE name=?1", {network.name}).empty())
        throw Error(Kind::Exists, fmt::format("network '{}' exists already", network.name));
      database_.execute("INSERT INTO networks VALUES (?1, ?2)", {network.name, network.definition});
    }
  });
}

void Store::eraseNetwork(const std::string& name) {
  const std::lock_guard lock(mutex_);
  database_.execute("DELETE FROM networks WHERE name=?1", {name});
}

}  // namespace vs
