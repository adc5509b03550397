#include "vsd/context/definition.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <set>

#include "vsd/base/error.hpp"
#include "vsd/base/json.hpp"
#include "vsd/base/names.hpp"

namespace vs {
namespace {

template <typename Enum, std::size_t N>
using Words = std::array<std::pair<Enum, std::string_view>, N>;

constexpr Words<Init, 3> kInitWords{
    {{Init::Systemd, "systemd"}, {Init::Sysv, "sysv"}, {Init::Command, "command"}}};
constexpr Words<Profile, 2> kProfileWords{
    {{Profile::System, "system"}, {Profile::Nesting, "nesting"}}};
constexpr Words<Restart, 3> kRestartWords{
    {{Restart::No, "no"}, {Restart::OnFailure, "onFailure"}, {Restart::Always, "always"}}};
constexpr Words<Disk, 2> kDiskWords{{{Disk::Normal, "normal"}, {Disk::Undoable, "undoable"}}};
constexpr Words<AtStop, 3> kAtStopWords{
    {{AtStop::Ask, "ask"}, {AtStop::Keep, "keep"}, {AtStop::Discard, "discard"}}};

constexpr Words<LinkKind, 3> kLinkWords{
    {{LinkKind::Bridge, "bridge"}, {LinkKind::Macvlan, "macvlan"}, {LinkKind::Ipvlan, "ipvlan"}}};
constexpr std::size_t kMostLinks = 10;  // netfw/links.hpp
constexpr std::uint64_t kSlowestLink = 64'000;
constexpr std::uint64_t kFastestLink = 16'000'000'000;  // the kernel counts bytes in 31 bits
// Rules go with the data in tags of its volume, and a volume group keeps about half a mebibyte of
// such for all (lvm(8), pvmetadatasize); sets and groups of the host keep them short.
constexpr std::size_t kMostRuleBytes = 8'192;

template <typename Enum, std::size_t N>
std::string_view wordFor(const Words<Enum, N>& words, Enum value) {
  for (const auto& [candidate, word] : words)
    if (candidate == value) return word;
  return words[0].second;
}

template <typename Enum, std::size_t N>
Enum fromWord(const Words<Enum, N>& words, const std::string& text, std::string_view field) {
  std::string choices;
  for (const auto& [value, word] : words) {
    if (word == text) return value;
    choices += (choices.empty() ? "" : ", ") + std::string(word);
  }
  throw invalid("{} '{}' is unknown; choose from {}", field, printable(text), choices);
}

// --- limits ---

std::uint64_t countFrom(const Json& value, std::string_view field) {
  if (!value.is_number_integer() || (!value.is_number_unsigned() && value.get<std::int64_t>() < 0))
    throw invalid("{} is not a whole number of 0 or more", field);
  return value.get<std::uint64_t>();
}

void applyLimits(const Json& json, Limits& limits) {
  if (!json.is_object()) throw invalid("limits is not an object");
  for (const auto& [key, value] : json.items()) {
    if (value.is_null()) continue;
    const std::string field = "limits." + key;
    const std::uint64_t count = countFrom(value, field);
    // clang-format off
    if (key == "memory") limits.memory = Bytes{count};
    else if (key == "swap") limits.swap = Bytes{count};
    else if (key == "pids") limits.pids = count;
    else if (key == "readRate") limits.readRate = Bytes{count};
    else if (key == "writeRate") limits.writeRate = Bytes{count};
    else if (key == "cpus") limits.milliCpus = static_cast<std::uint32_t>(std::min<std::uint64_t>(count, UINT32_MAX));
    else if (key == "cpuWeight") limits.cpuWeight = static_cast<std::uint32_t>(std::min<std::uint64_t>(count, UINT32_MAX));
    else throw invalid("the limit '{}' is unknown", printable(key));
    // clang-format on
  }
}

Json toJson(const Limits& limits) {
  Json json = Json::object();
  if (limits.memory) json["memory"] = limits.memory->value;
  if (limits.swap) json["swap"] = limits.swap->value;
  if (limits.milliCpus) json["cpus"] = *limits.milliCpus;
  if (limits.cpuWeight) json["cpuWeight"] = *limits.cpuWeight;
  if (limits.pids) json["pids"] = *limits.pids;
  if (limits.readRate) json["readRate"] = limits.readRate->value;
  if (limits.writeRate) json["writeRate"] = limits.writeRate->value;
  return json;
}

void unsetLimit(const std::string& name, Limits& limits) {
  // clang-format off
  if (name == "memory") limits.memory.reset();
  else if (name == "swap") limits.swap.reset();
  else if (name == "cpus") limits.milliCpus.reset();
  else if (name == "cpuWeight") limits.cpuWeight.reset();
  else if (name == "pids") limits.pids.reset();
  else if (name == "readRate") limits.readRate.reset();
  else if (name == "writeRate") limits.writeRate.reset();
  else throw invalid("the limit '{}' is unknown", printable(name));
  // clang-format on
}

// --- fields ---

std::string textFrom(const Json& value, std::string_view field) {
  if (!value.is_string()) throw invalid("{} is not a text", field);
  return value.get<std::string>();
}

std::vector<std::string> textsFrom(const Json& value, std::string_view field) {
  if (!value.is_array()) throw invalid("{} is not a list of texts", field);
  std::vector<std::string> texts;
  for (const Json& item : value) texts.push_back(textFrom(item, field));
  return texts;
}

LinkDefinition linkFrom(const Json& json) {
  if (!json.is_object()) throw invalid("a link is not an object");
  LinkDefinition link;
  for (const auto& [key, value] : json.items()) {
    if (value.is_null()) continue;
    // clang-format off
    if (key == "network") link.network = textFrom(value, key);
    else if (key == "mode") link.kind = fromWord(kLinkWords, textFrom(value, key), "the mode of a link");
    else if (key == "addresses") link.addresses = textsFrom(value, key);
    else if (key == "rateIn") link.rateIn = countFrom(value, key);
    else if (key == "rateOut") link.rateOut = countFrom(value, key);
    else if (key == "burst") link.burst = Bytes{countFrom(value, key)};
    else throw invalid("the field '{}' of a link is unknown", printable(key));
    // clang-format on
  }
  return link;
}

std::vector<LinkDefinition> linksFrom(const Json& value) {
  if (!value.is_array()) throw invalid("links is not a list");
  std::vector<LinkDefinition> links;
  for (const Json& item : value) links.push_back(linkFrom(item));
  return links;
}

Json toJson(const LinkDefinition& link) {
  Json json{{"network", link.network}, {"mode", nameOf(link.kind)}, {"addresses", link.addresses}};
  if (link.rateIn != 0) json["rateIn"] = link.rateIn;
  if (link.rateOut != 0) json["rateOut"] = link.rateOut;
  if (link.burst.value != 0) json["burst"] = link.burst.value;
  return json;
}

void applyField(const std::string& key, const Json& value, Definition& d) {
  // clang-format off
  if (key == "name") d.name = textFrom(value, key);
  else if (key == "uuid") d.uuid = textFrom(value, key);
  else if (key == "template") d.templateName = textFrom(value, key);
  else if (key == "storage") d.storage = textFrom(value, key);
  else if (key == "size") d.size = Bytes{countFrom(value, key)};
  else if (key == "init") d.init = fromWord(kInitWords, textFrom(value, key), key);
  else if (key == "command") d.command = textsFrom(value, key);
  else if (key == "user") d.user = textFrom(value, key);
  else if (key == "environment") d.environment = textsFrom(value, key);
  else if (key == "profile") d.profile = fromWord(kProfileWords, textFrom(value, key), key);
  else if (key == "hostname") d.hostname = textFrom(value, key);
  else if (key == "dns") d.dns = textsFrom(value, key);
  else if (key == "domain") d.domain = textFrom(value, key);
  else if (key == "hosts") d.hosts = textsFrom(value, key);
  else if (key == "authorizedKeys") d.authorizedKeys = textsFrom(value, key);
  else if (key == "autostart") {
    if (!value.is_boolean()) throw invalid("autostart is neither true nor false");
    d.autostart = value.get<bool>();
  } else if (key == "restart") d.restart = fromWord(kRestartWords, textFrom(value, key), key);
  else if (key == "disk") d.disk = fromWord(kDiskWords, textFrom(value, key), key);
  else if (key == "atStop") d.atStop = fromWord(kAtStopWords, textFrom(value, key), key);
  else if (key == "stopTimeout") d.stopTimeout = Millis(static_cast<std::int64_t>(countFrom(value, key)));
  else if (key == "tags") d.tags = textsFrom(value, key);
  else if (key == "limits") applyLimits(value, d.limits);
  else if (key == "links") d.links = linksFrom(value);
  else if (key == "firewall") {
    if (!value.is_boolean()) throw invalid("firewall is neither true nor false");
    d.firewall = value.get<bool>() ? Firewall::On : Firewall::Off;
  } else if (key == "rules") d.rules = textsFrom(value, key);
  else if (key == "forwards") d.forwards = textsFrom(value, key);
  else if (key == "schedule") d.schedule = scheduleFrom(value);
  else if (key == "idBase") d.ids.first = static_cast<std::uint32_t>(countFrom(value, key));
  else if (key == "created") d.created = textFrom(value, key);
  else throw invalid("the field '{}' is unknown", printable(key));
  // clang-format on
}

// --- problems ---

bool isAddress(const std::string& text) {
  unsigned char bytes[16];
  return ::inet_pton(AF_INET, text.c_str(), bytes) == 1 ||
         ::inet_pton(AF_INET6, text.c_str(), bytes) == 1;
}

// RFC 1123: labels of letters, digits and inner hyphens, at most 63 each, 64 in all
// (sethostname(2)).
bool isHostname(std::string_view name) {
  if (name.empty() || name.size() > 64) return false;
  std::size_t label = 0;
  char before = '.';
  for (const char c : name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (c == '.') {
      if (before == '.' || before == '-') return false;
      label = 0;
    } else if (plain || (c == '-' && before != '.')) {
      if (++label > 63) return false;
    } else {
      return false;
    }
    before = c;
  }
  return before != '.' && before != '-';
}

bool hasControl(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return (c >= 0 && c < 0x20) || c == 0x7f; });
}

bool isEnvironment(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == 0 || equals == std::string_view::npos || hasControl(text)) return false;
  for (const char c : text.substr(0, equals)) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    if (!plain) return false;
  }
  return !(text[0] >= '0' && text[0] <= '9');
}

bool isUuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : ::isxdigit(static_cast<unsigned char>(text[i])) == 0) return false;
  }
  return true;
}

void findHostLineProblems(const std::string& line, std::vector<std::string>& problems) {
  const std::size_t space = line.find(' ');
  if (space == std::string::npos || hasControl(line) || !isAddress(line.substr(0, space))) {
    problems.push_back(
        fmt::format("the hosts line '{}' is not 'ADDRESS NAME...'", printable(line)));
    return;
  }
  for (std::size_t at = space; at < line.size();) {
    const std::size_t start = line.find_first_not_of(' ', at);
    if (start == std::string::npos) break;
    at = std::min(line.find(' ', start), line.size());
    if (!isHostname(line.substr(start, at - start)))
      problems.push_back(fmt::format("the hosts line '{}' holds the impossible name '{}'",
                                     printable(line), printable(line.substr(start, at - start))));
  }
}

void findLimitProblems(const Limits& limits, std::vector<std::string>& problems) {
  if (limits.memory && *limits.memory < 4_MiB)
    problems.push_back(
        fmt::format("the memory limit of {} is too small for any program; give at least 4M",
                    formatBytes(*limits.memory)));
  if (limits.milliCpus && (*limits.milliCpus < 10 || *limits.milliCpus > 1'024'000))
    problems.push_back("the cpus limit must lie between 0.01 and 1024");
  if (limits.cpuWeight && (*limits.cpuWeight < 1 || *limits.cpuWeight > 10'000))
    problems.push_back("the cpu weight must lie between 1 and 10000");
  if (limits.pids && (*limits.pids < 8 || *limits.pids > 4'194'304))
    problems.push_back("the pids limit must lie between 8 and 4194304");
  for (const auto& rate : {limits.readRate, limits.writeRate})
    if (rate && *rate < 4_KiB)
      problems.push_back("a read or write rate must be at least 4K a second");
}

void findLinkProblems(const Definition& d, std::vector<std::string>& problems) {
  if (d.links.size() > kMostLinks)
    problems.push_back(fmt::format("more than {} links", kMostLinks));
  for (const LinkDefinition& link : d.links) {
    if (!isValidName(link.network))
      problems.push_back(
          fmt::format("the network '{}' of a link is not usable", printable(link.network)));
    for (const std::string& address : link.addresses)
      if (!isAddress(address))
        problems.push_back(fmt::format("the address '{}' is neither an IPv4 nor an IPv6 address",
                                       printable(address)));
    for (const std::uint64_t rate : {link.rateIn, link.rateOut})
      if (rate != 0 && (rate < kSlowestLink || rate > kFastestLink))
        problems.push_back(fmt::format("the rate of a link, {}, must lie between {} and {}",
                                       formatBitRate(rate), formatBitRate(kSlowestLink),
                                       formatBitRate(kFastestLink)));
    if (link.burst.value != 0 && (link.burst < 16_KiB || link.burst > 256_MiB))
      problems.push_back(fmt::format("the burst of a link, {}, must lie between 16K and 256M",
                                     formatBytes(link.burst)));
    if (link.burst.value != 0 && link.rateIn == 0 && link.rateOut == 0)
      problems.push_back("a link has a burst and no rate");
  }
  std::size_t bytes = 0;
  for (const std::string& line : d.rules) {
    bytes += line.size() + 1;
    std::string plain = line;
    std::ranges::replace(plain, '\t', ' ');
    if (hasControl(plain))
      problems.push_back(
          fmt::format("the rule '{}' holds a control character", printable(line, 80)));
  }
  if (bytes > kMostRuleBytes)
    problems.push_back(fmt::format("its rules have {} bytes, more than the {} that are kept", bytes,
                                   kMostRuleBytes));
}

void findCommandProblems(const Definition& d, std::vector<std::string>& problems) {
  if (d.init == Init::Command && d.command.empty())
    problems.push_back("init 'command' needs a command to run");
  if (!d.command.empty() && (d.command[0].empty() || d.command[0][0] != '/'))
    problems.push_back(
        fmt::format("the command '{}' is not an absolute path", printable(d.command[0])));
  if (d.init != Init::Command && !d.user.empty())
    problems.push_back("a user is only possible with init 'command'");
  for (const std::string& word : d.command)
    if (word.find('\0') != std::string::npos || word.size() > 65'536)
      problems.push_back("a word of the command holds a NUL byte or is longer than 64 KiB");
  for (const std::string& entry : d.environment)
    if (!isEnvironment(entry))
      problems.push_back(fmt::format("the environment entry '{}' is not NAME=VALUE on one line",
                                     printable(entry)));
}

}  // namespace

std::string_view nameOf(Init init) { return wordFor(kInitWords, init); }
std::string_view nameOf(Profile profile) { return wordFor(kProfileWords, profile); }
std::string_view nameOf(Restart restart) { return wordFor(kRestartWords, restart); }
std::string_view nameOf(Disk disk) { return wordFor(kDiskWords, disk); }
std::string_view nameOf(AtStop atStop) { return wordFor(kAtStopWords, atStop); }
std::string_view nameOf(LinkKind kind) { return wordFor(kLinkWords, kind); }

Json toJson(const Definition& d) {
  Json json{{"name", d.name},
            {"uuid", d.uuid},
            {"template", d.templateName},
            {"storage", d.storage},
            {"init", nameOf(d.init)},
            {"command", d.command},
            {"environment", d.environment},
            {"profile", nameOf(d.profile)},
            {"hostname", d.hostname},
            {"dns", d.dns},
            {"hosts", d.hosts},
            {"authorizedKeys", d.authorizedKeys},
            {"autostart", d.autostart},
            {"restart", nameOf(d.restart)},
            {"stopTimeout", d.stopTimeout.count()},
            {"disk", nameOf(d.disk)},
            {"atStop", nameOf(d.atStop)},
            {"tags", d.tags},
            {"limits", toJson(d.limits)},
            {"idBase", d.ids.first},
            {"created", d.created}};
  if (d.size) json["size"] = d.size->value;
  if (!d.user.empty()) json["user"] = d.user;
  if (!d.domain.empty()) json["domain"] = d.domain;
  if (!d.schedule.isEmpty()) json["schedule"] = toJson(d.schedule);
  for (const LinkDefinition& link : d.links) json["links"].push_back(toJson(link));
  if (d.firewall == Firewall::Off) json["firewall"] = false;
  if (!d.rules.empty()) json["rules"] = d.rules;
  if (!d.forwards.empty()) json["forwards"] = d.forwards;
  return json;
}

Definition definitionFrom(const Json& json) {
  Definition definition;
  applyFields(json, definition);
  return definition;
}

void applyFields(const Json& fields, Definition& definition) {
  if (!fields.is_object()) throw invalid("a definition is not an object");
  for (const auto& [key, value] : fields.items())
    if (!value.is_null()) applyField(key, value, definition);
}

void unset(const std::vector<std::string>& fields, Definition& d) {
  const Definition defaults;
  for (const std::string& field : fields) {
    if (field.starts_with("limits."))
      unsetLimit(field.substr(7), d.limits);
    else if (field == "limits")
      d.limits = {};
    else if (field == "environment")
      d.environment.clear();
    else if (field == "dns")
      d.dns.clear();
    else if (field == "domain")
      d.domain.clear();
    else if (field == "hosts")
      d.hosts.clear();
    else if (field == "authorizedKeys")
      d.authorizedKeys.clear();
    else if (field == "tags")
      d.tags.clear();
    else if (field == "links")
      d.links.clear();
    else if (field == "rules")
      d.rules.clear();
    else if (field == "forwards")
      d.forwards.clear();
    else if (field == "firewall")
      d.firewall = defaults.firewall;
    else if (field == "user")
      d.user.clear();
    else if (field == "hostname")
      d.hostname = d.name;
    else if (field == "autostart")
      d.autostart = defaults.autostart;
    else if (field == "restart")
      d.restart = defaults.restart;
    else if (field == "stopTimeout")
      d.stopTimeout = defaults.stopTimeout;
    else if (field == "disk")
      d.disk = defaults.disk;
    else if (field == "atStop")
      d.atStop = defaults.atStop;
    else if (field == "profile")
      d.profile = defaults.profile;
    else
      throw invalid("the field '{}' cannot be unset", printable(field));
  }
}

std::vector<std::string> problemsOf(const Definition& d) {
  std::vector<std::string> problems;
  if (!isValidName(d.name))
    problems.push_back(
        fmt::format("the context name '{}' is not usable: use 1 to 41 of a-z, 0-9 and '-', "
                    "beginning with a letter or digit",
                    printable(d.name)));
  if (!isUuid(d.uuid)) problems.push_back(fmt::format("the uuid '{}' is none", printable(d.uuid)));
  if (!isValidName(d.templateName))
    problems.push_back(
        fmt::format("the template name '{}' is not usable", printable(d.templateName)));
  if (d.ids.first == 0) problems.push_back("the context has no range of ids");
  if (!isHostname(d.hostname))
    problems.push_back(fmt::format("the hostname '{}' is not usable (RFC 1123, at most 64)",
                                   printable(d.hostname)));
  if (!d.domain.empty() && !isHostname(d.domain))
    problems.push_back(fmt::format("the domain '{}' is not usable", printable(d.domain)));
  for (const std::string& server : d.dns)
    if (!isAddress(server))
      problems.push_back(fmt::format("the name server '{}' is neither an IPv4 nor an IPv6 address",
                                     printable(server)));
  if (d.dns.size() > 3)
    problems.push_back("more than 3 name servers: resolvers use the first 3 (resolv.conf(5))");
  for (const std::string& line : d.hosts) findHostLineProblems(line, problems);
  for (const std::string& key : d.authorizedKeys)
    if (hasControl(key) || key.size() > 16'384 || key.find(' ') == std::string::npos)
      problems.push_back(fmt::format("the authorized key '{}' is not one line 'TYPE KEY [COMMENT]'",
                                     printable(key, 40)));
  for (const std::string& tag : d.tags)
    if (!isValidName(tag))
      problems.push_back(fmt::format("the tag '{}' is not usable", printable(tag)));
  if (d.stopTimeout > std::chrono::hours(24))
    problems.push_back("the stop timeout is longer than a day");
  findLinkProblems(d, problems);
  findCommandProblems(d, problems);
  findLimitProblems(d.limits, problems);
  return problems;
}

void validate(const Definition& definition) {
  std::vector<std::string> problems = problemsOf(definition);
  if (problems.empty()) return;
  std::string text = problems[0];
  for (std::size_t i = 1; i < problems.size(); ++i) text += "; " + problems[i];
  throw Error(Kind::InvalidParameter, std::move(text)).withBlockers(std::move(problems));
}

}  // namespace vs
