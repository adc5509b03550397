#include "vsd/context/config.hpp"

#include <toml++/toml.h>
#include <array>

#include "vsd/base/error.hpp"
#include "vsd/base/file.hpp"
#include "vsd/base/names.hpp"

namespace vs {
namespace {

// Walks one file's tables and collects problems instead of stopping at the first.
class Reader {
 public:
  Reader(Config& config, std::string file, std::vector<std::string>& problems)
      : config_(config), file_(std::move(file)), problems_(problems) {}

  void read(const toml::table& root) {
    for (const auto& [key, node] : root) {
      const toml::table* table = node.as_table();
      if (table == nullptr) {
        report(node, fmt::format("'{}' stands outside of any section; known are [daemon], "
                                 "[defaults], [network], [storage], [templates]",
                                 key.str()));
        continue;
      }
      for (const auto& [name, value] : *table) field(key.str(), name.str(), value);
    }
  }

 private:
  void report(const toml::node& node, std::string_view text) {
    const auto& at = node.source().begin;
    problems_.push_back(fmt::format("{}:{}:{}: {}", file_, at.line, at.column, text));
  }

  void field(std::string_view section, std::string_view name, const toml::node& value) {
    try {
      if (!assign(section, name, value))
        report(value, fmt::format("there is no setting '{}' in [{}]", name, section));
    } catch (const Error& error) {
      report(value, error.text());
    }
  }

  // clang-format off
  bool assign(std::string_view section, std::string_view name, const toml::node& value) {
    if (section == "daemon") {
      if (name == "group") config_.group = text(value, name);
      else if (name == "debug") config_.debug = boolean(value, name);
      else if (name == "console-log-limit") config_.consoleLogLimit = parseBytes(text(value, name), name);
      else return false;
    } else if (section == "defaults") {
      if (name == "template") config_.defaultTemplate = checkName(text(value, name), "template name");
      else if (name == "storage") config_.defaultStorage = checkName(text(value, name), "storage name");
      else if (name == "dns") config_.dns = texts(value, name);
      else if (name == "domain") config_.domain = text(value, name);
      else if (name == "stop-timeout") config_.stopTimeout = parseDuration(text(value, name), name);
      else if (name == "memory") config_.limits.memory = parseBytes(text(value, name), name);
      else if (name == "swap") config_.limits.swap = parseBytes(text(value, name), name);
      else if (name == "pids") config_.limits.pids = static_cast<std::uint64_t>(integer(value, name, 8, 4'194'304));
      else if (name == "cpu-weight") config_.limits.cpuWeight = static_cast<std::uint32_t>(integer(value, name, 1, 10'000));
      else return false;
    } else if (section == "network") {
      if (name == "device") config_.trunk = text(value, name);
      else if (name == "address-probe") config_.addressProbe = Millis(integer(value, name, 0, 10'000));
      else return false;
    } else if (section == "storage") {
      if (name == "grow-at") config_.growAt = static_cast<int>(integer(value, name, 10, 95));
      else if (name == "grow-by") config_.growBy = static_cast<int>(integer(value, name, 5, 100));
      else if (name == "reserve") config_.growReserve = static_cast<int>(integer(value, name, 0, 50));
      else if (name == "overcommit") config_.overcommit = static_cast<int>(integer(value, name, 1, 1000));
      else if (name == "default-size") config_.defaultSize = volumeSize(text(value, name), name);
      else if (name == "when-full") config_.whenFull = whenFull(text(value, name));
      else return false;
    } else if (section == "templates") {
      if (name == "mirror") config_.mirror = text(value, name);
      else if (name == "keyring") config_.keyring = absolutePath(text(value, name), name);
      else if (name == "max-size") config_.maxTemplateSize = parseBytes(text(value, name), name);
      else return false;
    } else {
      return false;
    }
    return true;
  }
  // clang-format on

  static std::string text(const toml::node& value, std::string_view name) {
    const auto found = value.value_exact<std::string>();
    if (!found) throw invalid("'{}' must be a text in quotes", name);
    return *found;
  }
  static bool boolean(const toml::node& value, std::string_view name) {
    const auto found = value.value_exact<bool>();
    if (!found) throw invalid("'{}' must be true or false", name);
    return *found;
  }
  static std::int64_t integer(const toml::node& value, std::string_view name, std::int64_t low,
                              std::int64_t high) {
    const auto found = value.value_exact<std::int64_t>();
    if (!found || *found < low || *found > high)
      throw invalid("'{}' must be a whole number from {} to {}", name, low, high);
    return *found;
  }
  static std::vector<std::string> texts(const toml::node& value, std::string_view name) {
    std::vector<std::string> found;
    const toml::array* array = value.as_array();
    if (array == nullptr) throw invalid("'{}' must be a list of texts", name);
    for (const toml::node& item : *array) found.push_back(text(item, name));
    return found;
  }
  static WhenFull whenFull(const std::string& word) {
    if (word == "error") return WhenFull::Error;
    if (word == "pause") return WhenFull::Pause;
    throw invalid("'when-full' must be \"error\" or \"pause\", not '{}'", printable(word));
  }
  static Bytes volumeSize(const std::string& text, std::string_view name) {
    const Bytes size = parseBytes(text, name);
    if (size < 256_MiB || size > Bytes{64ULL << 40})
      throw invalid("'{}' must lie between 256M and 64T, not {}", name, formatBytes(size));
    return size;
  }
  static std::string absolutePath(std::string path, std::string_view name) {
    if (path.empty() || path[0] != '/')
      throw invalid("'{}' must be an absolute path, not '{}'", name, printable(path));
    return path;
  }

  Config& config_;
  std::string file_;
  std::vector<std::string>& problems_;
};

}  // namespace

Config parseConfig(const std::vector<ConfigText>& texts) {
  Config config;
  std::vector<std::string> problems;
  for (const ConfigText& source : texts) {
    try {
      Reader(config, source.file, problems).read(toml::parse(source.text, source.file));
    } catch (const toml::parse_error& error) {
      const auto& at = error.source().begin;
      problems.push_back(
          fmt::format("{}:{}:{}: {}", source.file, at.line, at.column, error.description()));
    }
  }
  if (problems.empty()) return config;
  std::string text = fmt::format("the configuration has {} problem{}", problems.size(),
                                 problems.size() == 1 ? "" : "s");
  for (const std::string& problem : problems) text += "; " + problem;
  throw Error(Kind::InvalidParameter, std::move(text))
      .withBlockers(problems)
      .withHint("see vsd.toml(5)");
}

Config readConfig(const std::string& directory) {
  std::vector<ConfigText> texts;
  const auto add = [&texts](const std::string& path) {
    if (auto content = readFileIfExists(path)) texts.push_back({path, std::move(*content)});
  };
  add(directory + "/vsd.toml");
  for (const std::string& name : listDirectory(directory + "/vsd.toml.d"))
    if (name.ends_with(".toml")) add(directory + "/vsd.toml.d/" + name);
  return parseConfig(texts);
}

}  // namespace vs
