#include "vsd/context/template_definition.hpp"

#include <toml++/toml.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <set>

#include "vsd/base/error.hpp"
#include "vsd/base/file.hpp"
#include "vsd/base/names.hpp"

namespace vs {
namespace {

constexpr std::string_view kLower = "abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view kLowerAndDigits = "abcdefghijklmnopqrstuvwxyz0123456789";

constexpr std::array<std::string_view, 10> kVariants{
    "extract", "custom", "essential", "apt",      "required",
    "minbase", "buildd", "important", "standard", "debootstrap"};

// True when `text` is not empty, begins with one of `first`, and goes on with lower case letters,
// digits and `others`.
bool matches(std::string_view text, std::string_view first, std::string_view others) {
  if (text.empty() || text.size() > 128 || first.find(text[0]) == std::string_view::npos)
    return false;
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return kLowerAndDigits.find(c) != std::string_view::npos ||
           others.find(c) != std::string_view::npos;
  });
}

bool isPlainPath(std::string_view path) {
  const auto isPlain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("/._+-").find(c) != std::string_view::npos;
  };
  return path.size() > 1 && path[0] == '/' && path.find("..") == std::string_view::npos &&
         std::all_of(path.begin(), path.end(), isPlain);
}

// Takes one file's table apart; every problem is kept with its place.
class Reader {
 public:
  explicit Reader(TemplateDefinition& definition) : definition_(definition) {}

  void read(const toml::table& table) {
    for (const auto& [key, value] : table) {
      try {
        assign(key.str(), value);
        seen_.insert(std::string(key.str()));
      } catch (const Error& error) {
        report(value.source().begin, error.text());
      }
    }
    for (const char* key : {"description", "distribution", "release", "mirror", "keyring", "init"})
      if (!table.contains(key)) report({1, 1}, fmt::format("'{}' is missing", key));
    const bool isCommand = seen_.contains("init") && definition_.init == Init::Command;
    if (isCommand && definition_.command.empty())
      report({1, 1}, "'command' is missing: init = \"command\" needs to know what to run");
    if (seen_.contains("init") && !isCommand && !definition_.command.empty())
      report(table["command"].node()->source().begin,
             "'command' is of use with init = \"command\" only");
  }

  void report(const toml::source_position& at, std::string text) {
    problems_.push_back({at.line, at.column, std::move(text)});
  }

  // In the order of the file.
  std::vector<std::string> problems() {
    std::stable_sort(problems_.begin(), problems_.end(), [](const Problem& a, const Problem& b) {
      return a.line != b.line ? a.line < b.line : a.column < b.column;
    });
    std::vector<std::string> texts;
    for (const Problem& problem : problems_)
      texts.push_back(fmt::format("{}:{}:{}: {}", definition_.origin, problem.line, problem.column,
                                  problem.text));
    return texts;
  }

 private:
  struct Problem {
    unsigned line;
    unsigned column;
    std::string text;
  };
  using Test = bool (*)(std::string_view);

  void assign(std::string_view key, const toml::node& value);

  static std::string text(const toml::node& value, std::string_view key) {
    const auto found = value.value_exact<std::string>();
    if (!found) throw invalid("'{}' must be a text in quotes", key);
    return *found;
  }
  static std::string text(const toml::node& value, std::string_view key, Test test,
                          std::string_view wanted) {
    std::string found = text(value, key);
    if (!test(found)) throw invalid("'{}' must be {}, not '{}'", key, wanted, printable(found));
    return found;
  }
  // Each wrong item is reported where it stands.
  std::vector<std::string> texts(const toml::node& value, std::string_view key, Test test,
                                 std::string_view wanted) {
    const toml::array* array = value.as_array();
    if (array == nullptr) throw invalid("'{}' must be a list of texts", key);
    std::vector<std::string> found;
    for (const toml::node& item : *array) {
      try {
        found.push_back(text(item, key, test, wanted));
      } catch (const Error& error) {
        report(item.source().begin, error.text());
      }
    }
    return found;
  }
  static Init initFrom(const std::string& word) {
    for (const Init init : {Init::Systemd, Init::Sysv, Init::Command})
      if (word == nameOf(init)) return init;
    throw invalid("'init' must be systemd, sysv or command, not '{}'", printable(word));
  }

  TemplateDefinition& definition_;
  std::set<std::string> seen_;
  std::vector<Problem> problems_;
};

bool isWord(std::string_view text) { return matches(text, kLowerAndDigits, ".-"); }
bool isComponent(std::string_view text) { return matches(text, kLower, "-/"); }
bool isVariant(std::string_view text) {
  return std::find(kVariants.begin(), kVariants.end(), text) != kVariants.end();
}
bool isArgument(std::string_view text) { return text.find('\0') == std::string_view::npos; }

void Reader::assign(std::string_view key, const toml::node& value) {
  TemplateDefinition& d = definition_;
  constexpr std::string_view kWord = "of a-z, 0-9, '.' and '-'";
  constexpr std::string_view kUrl = "an http:// or https:// address without user";
  if (key == "description")
    d.description = text(value, key);
  else if (key == "distribution")
    d.distribution = text(value, key, isWord, kWord);
  else if (key == "release")
    d.release = text(value, key, isWord, kWord);
  else if (key == "mirror")
    d.mirror = text(value, key, isMirror, kUrl);
  else if (key == "security")
    d.security = text(value, key, isMirror, kUrl);
  else if (key == "keyring")
    d.keyring = text(value, key, isPlainPath, "an absolute path");
  else if (key == "components")
    d.components = texts(value, key, isComponent, "names like 'main'");
  else if (key == "variant")
    d.variant = text(value, key, isVariant, "a variant of mmdebstrap(1)");
  else if (key == "packages")
    d.packages = texts(value, key, isPackageName, "names of packages");
  else if (key == "init")
    d.init = initFrom(text(value, key));
  else if (key == "command")
    d.command = texts(value, key, isArgument, "texts");
  else if (key == "clean")
    d.clean = texts(value, key, isPlainPath, "absolute paths");
  else
    throw invalid("there is no setting '{}'", printable(key));
}

ParsedTemplate load(const std::string& folder, const std::string& name) {
  const std::string origin = folder + "/template.toml";
  ParsedTemplate parsed = parseTemplate(readFile(origin), name, origin);
  const std::string customize = folder + "/customize";
  if (::access(customize.c_str(), X_OK) == 0) parsed.definition.customize = customize;
  return parsed;
}

// The folder of a definition, the first that has one; empty when there is none.
std::string folderOf(const std::vector<std::string>& directories, const std::string& name) {
  for (const std::string& directory : directories)
    if (exists(directory + "/" + name + "/template.toml")) return directory + "/" + name;
  return {};
}

}  // namespace

bool isPackageName(std::string_view text) {
  // To apt a trailing '-' means: remove it. A trailing '+' belongs to names like g++.
  return text.size() >= 2 && matches(text, kLowerAndDigits, "+.-") && text.back() != '-';
}

bool isMirror(std::string_view text) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!text.starts_with(scheme)) continue;
    text.remove_prefix(scheme.size());
    return !text.empty() && text.size() <= 500 && text[0] != '/' &&
           std::all_of(text.begin(), text.end(), [](char c) {
             return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    std::string_view("/._~+:-").find(c) != std::string_view::npos;
           });
  }
  return false;
}

ParsedTemplate parseTemplate(std::string_view toml, const std::string& name,
                             const std::string& origin) {
  ParsedTemplate parsed;
  parsed.definition.name = name;
  parsed.definition.origin = origin;
  parsed.definition.components = {"main"};
  Reader reader(parsed.definition);
  try {
    reader.read(toml::parse(toml, origin));
  } catch (const toml::parse_error& error) {
    reader.report(error.source().begin, std::string(error.description()));
  }
  parsed.problems = reader.problems();
  return parsed;
}

TemplateDefinitions findTemplateDefinitions(const std::vector<std::string>& directories) {
  std::set<std::string> names;
  for (const std::string& directory : directories)
    for (std::string& name : listDirectory(directory))
      if (isValidName(name) && exists(directory + "/" + name + "/template.toml"))
        names.insert(std::move(name));
  TemplateDefinitions found;
  for (const std::string& name : names) {
    ParsedTemplate parsed = load(folderOf(directories, name), name);
    if (parsed.problems.empty()) found.definitions.push_back(std::move(parsed.definition));
    found.problems.insert(found.problems.end(), parsed.problems.begin(), parsed.problems.end());
  }
  return found;
}

TemplateDefinition findTemplateDefinition(const std::vector<std::string>& directories,
                                          const std::string& name) {
  checkName(name, "template definition");
  const std::string folder = folderOf(directories, name);
  if (folder.empty()) {
    std::string known;
    for (const TemplateDefinition& definition : findTemplateDefinitions(directories).definitions)
      known += (known.empty() ? "" : ", ") + definition.name;
    throw Error(Kind::NotFound, fmt::format("there is no template definition '{}'", name))
        .withHint(known.empty() ? "definitions lie in /etc/vsd/templates/NAME/template.toml"
                                : fmt::format("there are: {}", known));
  }
  const ParsedTemplate parsed = load(folder, name);
  if (parsed.problems.empty()) return parsed.definition;
  std::string text = fmt::format("template definition '{}' has {} problem{}", name,
                                 parsed.problems.size(), parsed.problems.size() == 1 ? "" : "s");
  for (const std::string& problem : parsed.problems) text += "; " + problem;
  throw Error(Kind::InvalidParameter, std::move(text)).withBlockers(parsed.problems);
}

}  // namespace vs
