// One run of vsctl: its global flags, its connection to the daemon and how it speaks to the user.
//
// Results go to standard output in the wished format; everything else (notes, progress, errors) to
// standard error. Lines are written whole, so threads may share a session's printing.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vsctl/globals.hpp"
#include "vsctl/table.hpp"
#include "vsd/api/client.hpp"
#include "vsd/base/error.hpp"
#include "vsd/base/json.hpp"

namespace vs::ctl {

// Writes to standard output. Throws Failed when that is not possible; a reader that left ends
// vsctl.
void print(std::string_view text);
// Writes to standard error; trouble there is nobody's error.
void printError(std::string_view text);

bool isTerminal(int fd);
// Colours and moving lines: a terminal that can, and no NO_COLOR.
bool mayPaint(int fd);

// "vsctl: error: ...", its hint and its reasons; JSON when `format` is json.
std::string errorText(const Error& error, std::string_view object, std::string_view format);

class Session {
 public:
  Session(Globals globals, std::vector<std::string> rest);

  const Globals& globals() const { return globals_; }
  // The words after "--", or after the name for exec.
  const std::vector<std::string>& rest() const { return rest_; }

  // The shared connection, made on first use; only for the main thread.
  api::Client& client();
  // A connection of one's own, with the same deadline.
  api::Client connect() const;
  Json call(std::string_view method, const Json& parameters = Json::object());

  // Filters, sorts and prints a list in the wished format.
  void printItems(std::string_view kind, Columns columns, Json items);
  // The same for documents of single objects: people read a record each, one line per field.
  void printRecords(std::string_view kind, Columns table, Columns record, Json items);
  // A line for people, unless --quiet.
  void note(std::string_view line) const;
  // Prints an error of one object and returns the exit code for it.
  int report(const Error& error, std::string_view object = {}) const;
  // Asks on the terminal; --yes and --dry-run answer yes. Throws InvalidParameter when there is no
  // terminal to ask on.
  bool confirm(const std::string& question) const;
  // Whether there is somebody at a terminal who may be asked: not with --yes, --dry-run or --quiet.
  bool mayAsk() const;
  // Asks until one of `answers` is given, or its first letter; nothing is the last of them.
  std::string choose(const std::string& question, std::span<const std::string_view> answers) const;

 private:
  Json selected(Columns columns, Json items) const;
  TableStyle tableStyle() const;

  Globals globals_;
  std::vector<std::string> rest_;
  std::optional<Deadline> deadline_;
  std::optional<api::Client> client_;
};

}  // namespace vs::ctl
