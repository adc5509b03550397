#include "vsctl/rules_file.hpp"

#include <fmt/ranges.h>
#include <toml++/toml.h>

#include "vsctl/wish.hpp"
#include "vsd/base/error.hpp"
#include "vsd/base/file.hpp"

namespace vs::ctl {
namespace {

constexpr std::size_t kLongestFile = 1U << 20;

class Translation {
 public:
  explicit Translation(std::string file) : file_(std::move(file)) {}

  std::vector<std::string> of(const std::string& text) {
    try {
      translate(toml::parse(text));
    } catch (const toml::parse_error& error) {
      report(error.source(), std::string(error.description()));
    }
    if (problems_.empty()) return std::move(lines_);
    throw invalid("the rules in '{}' cannot be used", file_).withBlockers(problems_);
  }

 private:
  void translate(const toml::table& root) {
    for (const auto& [key, node] : root) {
      if (key == "sets" || key == "groups")
        definitions(key == "sets" ? "set" : "group", node);
      else if (key == "rule")
        rules(node);
      else
        report(node.source(), fmt::format("'{}' is not known; there are sets, groups and rule",
                                          std::string(key.str())));
    }
    if (firstRule_ != 0 && lastDefinition_ > firstRule_)
      report({{lastDefinition_, 1}, {}, nullptr}, "sets and groups stand above the rules");
  }

  // [sets]
  // admins = ["10.1.0.0/16", "2001:db8:1::/48"]
  void definitions(const char* kind, const toml::node& node) {
    const toml::table* table = node.as_table();
    if (table == nullptr) return report(node.source(), fmt::format("{}s is not a table", kind));
    for (const auto& [name, value] : *table) {
      lastDefinition_ = std::max(lastDefinition_, value.source().begin.line);
      write(value, fmt::format("{} {} = {}", kind, std::string(name.str()), listIn(value)));
    }
  }

  // [[rule]]
  // allow = "from"
  // peers = ["any"]
  // services = ["tcp:80"]
  void rules(const toml::node& node) {
    const toml::array* array = node.as_array();
    if (array == nullptr) return report(node.source(), "rules are written as [[rule]]");
    for (const toml::node& each : *array) {
      if (const toml::table* table = each.as_table())
        rule(*table);
      else
        report(each.source(), "a rule is a table");
    }
  }

  void rule(const toml::table& table) {
    const auto line = table.source().begin.line;
    firstRule_ = firstRule_ == 0 ? line : std::min(firstRule_, line);
    std::string action, peers = "any", services;
    for (const auto& [key, value] : table) {
      const std::string name(key.str());
      if (name == "allow" || name == "deny") {
        const std::string direction = value.value_or(std::string());
        if (direction != "to" && direction != "from")
          report(value.source(), fmt::format("{} is \"to\" or \"from\"", name));
        if (!action.empty()) report(value.source(), "a rule either allows or denies");
        action = name + " " + direction;
      } else if (name == "peers") {
        peers = listIn(value);
      } else if (name == "services") {
        services = " to " + listIn(value);
      } else if (name != "comment") {
        report(value.source(),
               fmt::format("'{}' is not known of a rule; there are allow, deny, peers, services "
                           "and comment",
                           name));
      }
    }
    if (action.empty()) return report(table.source(), "the rule has neither allow nor deny");
    write(table, fmt::format("{} {}{}", action, peers, services));
  }

  std::string listIn(const toml::node& node) {
    if (const auto single = node.value<std::string>()) return *single;
    std::vector<std::string> words;
    if (const toml::array* array = node.as_array())
      for (const toml::node& item : *array)
        if (const auto word = item.value_exact<std::string>()) words.push_back(*word);
    const bool isComplete = node.is_array() && words.size() == node.as_array()->size();
    if (!isComplete || words.empty())
      report(node.source(), "a list of texts is wanted, such as [\"tcp:80\", \"tcp:443\"]");
    // A line break in a text would be another rule.
    for (const std::string& word : words)
      if (word.find_first_of("\n\r#") != std::string::npos)
        report(node.source(), "a text with a line break or a '#' means nothing here");
    return fmt::format("{}", fmt::join(words, ", "));
  }

  void write(const toml::node& node, std::string text) {
    const std::size_t line = node.source().begin.line;
    if (lines_.size() < line) lines_.resize(line);
    std::string& place = lines_[line - 1];
    if (!place.empty()) report(node.source(), "each rule, set and group wants a line of its own");
    place = std::move(text);
  }

  void report(const toml::source_region& at, const std::string& text) {
    problems_.push_back(fmt::format("{}:{}:{}: {}", file_, at.begin.line, at.begin.column, text));
  }

  std::string file_;
  std::vector<std::string> lines_;
  std::vector<std::string> problems_;
  toml::source_index firstRule_ = 0;  // lines
  toml::source_index lastDefinition_ = 0;
};

}  // namespace

std::vector<std::string> rulesFromToml(const std::string& text, const std::string& file) {
  return Translation(file).of(text);
}

std::vector<std::string> rulesIn(const std::string& file) {
  const std::string text = readFile(file, kLongestFile);
  return file.ends_with(".toml") ? rulesFromToml(text, file) : linesOf(text);
}

}  // namespace vs::ctl
