// SQLite with exceptions and bound values: prepare, bind, step. One connection, used by one thread
// at a time (each owner has its own lock).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

struct sqlite3;

namespace vs {

// Full: a commit survives a power cut. Normal: it survives the death of the process, not of the
// host.
enum class Durability { Full, Normal };

class Database {
 public:
  using Value = std::variant<std::int64_t, std::string>;
  using Row = std::vector<Value>;

  // Opens or creates `path` in WAL mode and checks it (PRAGMA quick_check). A damaged file throws
  // Failed with a hint how to recover; nothing is changed then.
  Database(const std::string& path, Durability durability);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  std::vector<Row> query(const std::string& sql, const std::vector<Value>& values = {});
  void execute(const std::string& sql, const std::vector<Value>& values = {});
  std::int64_t lastInsertId() const;
  // Runs `work` in one transaction; an exception rolls it back.
  void transaction(const std::function<void()>& work);

 private:
  [[noreturn]] void fail(const std::string& what) const;

  std::string path_;
  std::unique_ptr<sqlite3, void (*)(sqlite3*)> handle_;
};

}  // namespace vs
