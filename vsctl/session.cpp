#include "vsctl/session.hpp"

#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "vsctl/exit_code.hpp"
#include "vsctl/formats.hpp"
#include "vsctl/record.hpp"
#include "vsctl/text.hpp"

namespace vs::ctl {
namespace {

bool isSet(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value != '\0';
}

// Only the chosen columns of each item, for programs that asked for columns.
Json onlyColumns(const Chosen& columns, const Json& items) {
  Json rows = Json::array();
  for (const Json& item : items) {
    Json row = Json::object();
    for (const Column* column : columns) row[std::string(column->name)] = valueOf(*column, item);
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace

void print(std::string_view text) {
  try {
    writeAll(STDOUT_FILENO, text, "standard output");
  } catch (const Error& error) {
    if (error.errnoValue() == EPIPE) ::_exit(kFailure);
    throw;
  }
}

void printError(std::string_view text) {
  if (::write(STDERR_FILENO, text.data(), text.size()) < 0) return;
}

bool isTerminal(int fd) { return ::isatty(fd) == 1; }

bool mayPaint(int fd) {
  const char* terminal = std::getenv("TERM");
  return !isSet("NO_COLOR") && isTerminal(fd) && terminal != nullptr &&
         std::string_view(terminal) != "dumb";
}

std::string errorText(const Error& error, std::string_view object, std::string_view format) {
  if (format == "json") return jsonError(error, object);
  std::string text = fmt::format("vsctl: error: {}\n", error.text());
  for (const std::string& reason : error.blockers()) text += fmt::format("  - {}\n", reason);
  if (!error.step().empty()) text += fmt::format("  step: {}\n", error.step());
  if (!error.hint().empty()) text += fmt::format("  hint: {}\n", error.hint());
  return text;
}

Session::Session(Globals globals, std::vector<std::string> rest)
    : globals_(std::move(globals)), rest_(std::move(rest)) {
  if (const auto limit = globals_.waitLimit()) deadline_ = deadlineIn(*limit);
}

api::Client& Session::client() {
  if (!client_) client_ = connect();
  return *client_;
}

api::Client Session::connect() const {
  api::Client client(globals_.socket.empty() ? api::defaultSocketPath() : globals_.socket);
  if (deadline_) client.setDeadline(*deadline_);
  return client;
}

Json Session::call(std::string_view method, const Json& parameters) {
  return client().call(method, parameters).parameters;
}

TableStyle Session::tableStyle() const {
  return {globals_.noHeader ? Header::Hidden : Header::Shown,
          mayPaint(STDOUT_FILENO) ? Colour::On : Colour::Off, std::chrono::system_clock::now()};
}

Json Session::selected(Columns columns, Json items) const {
  const Now now = std::chrono::system_clock::now();
  items = filterItems(std::move(items), columns, globals_.filters, now);
  return sortItems(std::move(items), columns, globals_.sort);
}

void Session::printItems(std::string_view kind, Columns columns, Json items) {
  items = selected(columns, std::move(items));
  const Format format = globals_.formatKind();
  const Chosen chosen = chooseColumns(columns, globals_.columns,
                                      format == Format::Wide ? Width::Wide : Width::Normal);
  if ((format == Format::Json || format == Format::Yaml) && !globals_.columns.empty())
    items = onlyColumns(chosen, items);
  switch (format) {
    case Format::Table:
    case Format::Wide:
      return print(formatTable(chosen, items, tableStyle()));
    case Format::Csv:
      return print(formatCsv(chosen, items, tableStyle().header));
    case Format::Json:
      return print(jsonDocument(kind, items));
    case Format::Yaml:
      return print(yamlDocument(kind, items));
    case Format::Name: {
      std::string names;
      for (const Json& item : items) names += rawTextOf(columns.front(), item) + "\n";
      return print(names);
    }
  }
}

void Session::printRecords(std::string_view kind, Columns table, Columns record, Json items) {
  if (globals_.formatKind() != Format::Table || !globals_.columns.empty())
    return printItems(kind, table, std::move(items));
  std::string text;
  for (const Json& item : selected(table, std::move(items))) {
    if (!text.empty()) text += "\n";
    text += formatRecord(record, item, tableStyle());
  }
  print(text);
}

void Session::note(std::string_view line) const {
  if (!globals_.quiet) printError(fmt::format("{}\n", line));
}

int Session::report(const Error& error, std::string_view object) const {
  printError(errorText(error, object, globals_.format));
  return exitCodeFor(error.kind());
}

bool Session::confirm(const std::string& question) const {
  if (globals_.yes || globals_.dryRun) return true;
  if (!isTerminal(STDIN_FILENO) || !isTerminal(STDERR_FILENO))
    throw invalid("cannot ask \"{}\": there is no terminal", question)
        .withHint("give --yes to say yes beforehand");
  printError(question + " [y/N] ");
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

bool Session::mayAsk() const {
  return !globals_.yes && !globals_.dryRun && !globals_.quiet && isTerminal(STDIN_FILENO) &&
         isTerminal(STDERR_FILENO);
}

std::string Session::choose(const std::string& question,
                            std::span<const std::string_view> answers) const {
  for (;;) {
    printError(fmt::format("{} [{}] ", question,
                           join({std::vector<std::string>(answers.begin(), answers.end())}, "/")));
    std::string said;
    if (!std::getline(std::cin, said) || said.empty()) return std::string(answers.back());
    for (const std::string_view answer : answers)
      if (said == answer || said == answer.substr(0, 1)) return std::string(answer);
  }
}

}  // namespace vs::ctl
