#include "vsd/ops/journal.hpp"

#include "vsd/base/json.hpp"
#include "vsd/ops/picture_json.hpp"

namespace vs {
namespace {

constexpr int kKept = 1000;

OperationPicture pictureOf(const Database::Row& row) {
  return pictureFrom(parseJson(std::get<std::string>(row[0]), "a journal row"));
}

}  // namespace

Journal::Journal(const std::string& path) : database_(path, Durability::Normal) {
  database_.execute(
      "CREATE TABLE IF NOT EXISTS operations (id INTEGER PRIMARY KEY AUTOINCREMENT, open INTEGER "
      "NOT NULL,"
      " parameters TEXT NOT NULL, picture TEXT NOT NULL)");
}

std::string Journal::begin(const std::string& verb, const std::string& object,
                           const std::string& user, const std::string& parameters) {
  const std::lock_guard lock(mutex_);
  std::string id;
  database_.transaction([&] {
    database_.execute("INSERT INTO operations (open, parameters, picture) VALUES (1, ?1, '')",
                      {parameters});
    id = std::to_string(database_.lastInsertId());
    OperationPicture picture = Operation(id, verb, object, user).picture();
    database_.execute("UPDATE operations SET picture=?2 WHERE id=?1",
                      {std::stoll(id), toJson(picture).dump()});
    database_.execute("DELETE FROM operations WHERE open=0 AND id<=?1", {std::stoll(id) - kKept});
  });
  return id;
}

void Journal::record(const OperationPicture& picture) {
  const std::lock_guard lock(mutex_);
  database_.execute("UPDATE operations SET picture=?2, open=?3 WHERE id=?1",
                    {std::stoll(picture.id), toJson(picture).dump(),
                     std::int64_t{picture.state == OperationState::Running}});
}

std::vector<Journal::Open> Journal::unfinished() {
  const std::lock_guard lock(mutex_);
  std::vector<Open> found;
  for (const auto& row :
       database_.query("SELECT picture, parameters FROM operations WHERE open=1 ORDER BY id"))
    found.push_back({pictureOf(row), std::get<std::string>(row[1])});
  return found;
}

std::vector<OperationPicture> Journal::newest(int limit) {
  const std::lock_guard lock(mutex_);
  std::vector<OperationPicture> found;
  for (const auto& row : database_.query("SELECT picture FROM operations ORDER BY id DESC LIMIT ?1",
                                         {std::int64_t{limit}}))
    found.push_back(pictureOf(row));
  return found;
}

std::optional<OperationPicture> Journal::find(const std::string& id) {
  if (id.empty() || id.size() > 18 || id.find_first_not_of("0123456789") != std::string::npos)
    return std::nullopt;
  const std::lock_guard lock(mutex_);
  const auto rows = database_.query("SELECT picture FROM operations WHERE id=?1", {std::stoll(id)});
  if (rows.empty()) return std::nullopt;
  return pictureOf(rows[0]);
}

}  // namespace vs
