#include "vsd/context/database.hpp"

#include <sqlite3.h>

#include "vsd/base/error.hpp"

namespace vs {
namespace {

using Statement = std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)>;

Database::Value columnOf(sqlite3_stmt* statement, int column) {
  if (sqlite3_column_type(statement, column) == SQLITE_INTEGER)
    return std::int64_t{sqlite3_column_int64(statement, column)};
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, column));
  return std::string(text == nullptr ? "" : text,
                     static_cast<std::size_t>(sqlite3_column_bytes(statement, column)));
}

}  // namespace

Database::Database(const std::string& path, Durability durability)
    : path_(path), handle_(nullptr, [](sqlite3* handle) { sqlite3_close_v2(handle); }) {
  sqlite3* raw = nullptr;
  const int result =
      sqlite3_open_v2(path.c_str(), &raw,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX, nullptr);
  handle_.reset(raw);
  if (result != SQLITE_OK) fail("open");
  sqlite3_busy_timeout(raw, 5000);
  const std::vector<Row> found = query("PRAGMA quick_check(1)");
  if (found.empty() || std::get<std::string>(found[0].at(0)) != "ok") fail("check");
  query("PRAGMA journal_mode=WAL");
  execute(durability == Durability::Full ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL");
  execute("PRAGMA foreign_keys=ON");
}

Database::~Database() = default;

void Database::fail(const std::string& what) const {
  const int code = handle_ ? sqlite3_errcode(handle_.get()) : SQLITE_CANTOPEN;
  const std::string text = handle_ ? sqlite3_errmsg(handle_.get()) : "out of memory";
  Error error = failed("cannot {} the store '{}': {}", what, path_, text);
  if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB || what == "check")
    error.withHint(
        fmt::format("the store is damaged; move '{}' aside and run 'vsd --rebuild': it recreates "
                    "the store from the "
                    "definitions kept with the volumes (running contexts go on meanwhile)",
                    path_));
  throw error;
}

std::vector<Database::Row> Database::query(const std::string& sql,
                                           const std::vector<Value>& values) {
  sqlite3_stmt* raw = nullptr;
  if (sqlite3_prepare_v2(handle_.get(), sql.c_str(), -1, &raw, nullptr) != SQLITE_OK) fail("read");
  const Statement statement(raw, &sqlite3_finalize);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const int at = static_cast<int>(i + 1);
    if (const auto* number = std::get_if<std::int64_t>(&values[i])) {
      sqlite3_bind_int64(raw, at, *number);
    } else {
      const auto& text = std::get<std::string>(values[i]);
      sqlite3_bind_text(raw, at, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
    }
  }
  std::vector<Row> rows;
  int result;
  while ((result = sqlite3_step(raw)) == SQLITE_ROW) {
    Row row;
    for (int column = 0; column < sqlite3_column_count(raw); ++column)
      row.push_back(columnOf(raw, column));
    rows.push_back(std::move(row));
  }
  if (result != SQLITE_DONE) fail("use");
  return rows;
}

void Database::execute(const std::string& sql, const std::vector<Value>& values) {
  query(sql, values);
}

std::int64_t Database::lastInsertId() const { return sqlite3_last_insert_rowid(handle_.get()); }

void Database::transaction(const std::function<void()>& work) {
  execute("BEGIN IMMEDIATE");
  try {
    work();
    execute("COMMIT");
  } catch (...) {
    try {
      execute("ROLLBACK");
    } catch (const Error&) {
      // The first error says more; an open transaction ends with the connection at the latest.
    }
    throw;
  }
}

}  // namespace vs
