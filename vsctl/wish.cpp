#include "vsctl/wish.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <limits>

#include "vsctl/flags.hpp"
#include "vsctl/rules_file.hpp"
#include "vsctl/text.hpp"
#include "vsd/base/error.hpp"
#include "vsd/base/file.hpp"
#include "vsd/base/units.hpp"

namespace vs::ctl {
namespace {

using enum Reading;
using enum Settable;

constexpr Field kFields[] = {
    {"--template", "template", Text, AtCreation, "NAME", "the template to make it from"},
    {"--storage", "storage", Text, AtCreation, "STORAGE", "which storage holds it"},
    {"--size", "size", Size, AtCreation, "SIZE", "size of its volume"},
    {"--init", "init", Text, AtCreation, "KIND", "systemd, sysv or command"},
    {"--memory", "limits.memory", Size, Always, "SIZE", "memory limit (512M, 2G)"},
    {"--swap", "limits.swap", Size, Always, "SIZE", "swap limit"},
    {"--cpus", "limits.cpus", Cpus, Always, "NUMBER", "processors' worth of time (1.5)"},
    {"--cpu-weight", "limits.cpuWeight", Number, Always, "1-10000", "share when busy, usual 100"},
    {"--pids", "limits.pids", Number, Always, "NUMBER", "limit of tasks"},
    {"--read-rate", "limits.readRate", Size, Always, "SIZE", "bytes a second read from its volume"},
    {"--write-rate", "limits.writeRate", Size, Always, "SIZE",
     "bytes a second written to its volume"},
    {"--hostname", "hostname", Text, Always, "NAME", "host name inside"},
    {"--dns", "dns", CommaList, Always, "ADDRESS,...", "name servers"},
    {"--domain", "domain", Text, Always, "DOMAIN", "search domain"},
    {"--address", "links", Addresses, Always, "ADDRESS,...", "of a link; its network follows"},
    {"--network", "links", Network, Always, "NETWORK", "a link without an address"},
    {"--link", "links", Link, Always, "KEY=VALUE,...",
     "a link: network, address, mode, rate-in, rate-out, burst"},
    {"--rules", "rules", RuleFile, Always, "FILE", "the rules of its firewall"},
    {"--forward", "forwards", CommaList, Always, "PROTOCOL:PORT[:PORT],...",
     "ports of the host that lead to it"},
    {"--firewall", "firewall", OnOff, Always, "on|off", "whether its rules hold (on)"},
    {"--hosts", "hosts", Lines, Always, "'ADDRESS NAMES'", "a line for /etc/hosts"},
    {"--authorized-key", "authorizedKeys", Lines, Always, "FILE", "ssh keys for its root"},
    {"--env", "environment", Lines, Always, "NAME=VALUE", "environment of its first program"},
    {"--user", "user", Text, Always, "USER", "user of its command"},
    {"--profile", "profile", Text, Always, "PROFILE", "isolation: system or nesting"},
    {"--restart", "restart", Restart, Always, "WHEN", "no, on-failure or always"},
    {"--stop-timeout", "stopTimeout", Duration, Always, "TIME", "patience of stop (60s)"},
    {"--disk", "disk", Text, Always, "KIND", "normal or undoable: changes until its stop can go"},
    {"--at-stop", "atStop", Text, Always, "ANSWER", "of an undoable disk: keep, discard or ask"},
    {"--tag", "tags", CommaList, Always, "TAG,...", "tags"},
};

constexpr std::string_view kLinkKeys[] = {"network", "mode",     "address",
                                          "rate-in", "rate-out", "burst"};

Json listFrom(const Field& field, const std::vector<std::string>& texts) {
  Json list = Json::array();
  for (const std::string& text : texts) {
    if (field.flag == "--env" && text.find('=') == std::string::npos)
      throw invalid("--env '{}' is not NAME=VALUE", text);
    if (field.reading == Lines)
      list.push_back(text);
    else
      for (const std::string& part : splitList(text)) list.push_back(part);
  }
  return list;
}

// "network=vlan3,mode=macvlan,address=10.0.3.17,address=2001:db8::17,rate-in=100Mbit"
Json linkFrom(const std::string& text) {
  Json link = Json::object();
  for (const std::string& part : splitList(text)) {
    const std::size_t equals = std::min(part.find('='), part.size());
    const std::string key = part.substr(0, equals);
    const std::string value = part.substr(std::min(equals + 1, part.size()));
    if (value.empty() || std::ranges::find(kLinkKeys, key) == std::end(kLinkKeys))
      throw invalid("--link '{}' is not KEY=VALUE,... with {}", text, fmt::join(kLinkKeys, ", "));
    if (key == "address")
      link["addresses"].push_back(value);
    else if (key == "rate-in")
      link["rateIn"] = parseBitRate(value, key);
    else if (key == "rate-out")
      link["rateOut"] = parseBitRate(value, key);
    else if (key == "burst")
      link["burst"] = parseBytes(value, key).value;
    else
      link[key] = value;
  }
  return link;
}

Json linksFrom(const Field& field, const std::vector<std::string>& texts) {
  Json links = Json::array();
  for (const std::string& text : texts) {
    if (field.reading == Link)
      links.push_back(linkFrom(text));
    else if (field.reading == Network)
      links.push_back({{"network", text}});
    else
      links.push_back({{"addresses", splitList(text)}});
  }
  return links;
}

bool isOn(const std::string& text, std::string_view flag) {
  if (text != "on" && text != "off") throw invalid("{} is 'on' or 'off', not '{}'", flag, text);
  return text == "on";
}

Json valueFrom(const Field& field, const std::vector<std::string>& texts) {
  const std::string& text = texts.back();
  switch (field.reading) {
    case Size:
      return parseBytes(text, field.flag).value;
    case Duration:
      return parseDuration(text, field.flag).count();
    case Cpus:
      return parseCpus(text, field.flag);
    case Number:
      return parseWhole(text, field.flag, 0, std::numeric_limits<long>::max());
    case Restart:
      return text == "on-failure" ? "onFailure" : text;
    case Addresses:
    case Network:
    case Link:
      return linksFrom(field, texts);
    case OnOff:
      return isOn(text, field.flag);
    case RuleFile:
      return rulesIn(text);
    case CommaList:
    case Lines:
      return listFrom(field, texts);
    case Text:
      break;
  }
  return text;
}

// Sets "limits.memory" as a member of the object "limits".
void put(Json& object, std::string_view path, Json value) {
  const std::size_t dot = path.find('.');
  if (dot == std::string_view::npos)
    object[std::string(path)] = std::move(value);
  else
    put(object[std::string(path.substr(0, dot))], path.substr(dot + 1), std::move(value));
}

// Names of fields that have no flag of their own in the table.
constexpr std::string_view kOtherUnsettable[] = {"autostart", "command"};

}  // namespace

std::span<const Field> fields() { return kFields; }

void addWishFlags(Flags& flags, WishFlags& wish, For what) {
  for (const Field& field : kFields) {
    if (what == For::Set && field.settable == AtCreation) continue;
    const std::string flag(field.flag);
    flags.list(flag, wish.typed[flag], Flags::Split::Never, std::string(field.type),
               std::string(field.help));
  }
  flags.toggle("--autostart", wish.autostart, "start it with the host");
  flags.toggle("--no-autostart", wish.noAutostart, "do not start it with the host");
  flags.exclude("--no-autostart", "--autostart");
}

Json fieldsFrom(const WishFlags& flags, const std::vector<std::string>& command) {
  Json object = Json::object();
  for (const Field& field : kFields) {
    const auto texts = flags.typed.find(std::string(field.flag));
    if (texts == flags.typed.end() || texts->second.empty()) continue;
    Json value = valueFrom(field, texts->second);
    if (field.field == "links" && object.contains("links"))
      for (Json& link : value) object["links"].push_back(std::move(link));
    else
      put(object, field.field, std::move(value));
  }
  if (flags.autostart || flags.noAutostart) object["autostart"] = flags.autostart;
  if (!command.empty()) object["command"] = command;
  return object;
}

std::vector<std::string> unsettableNames() {
  std::vector<std::string> names(std::begin(kOtherUnsettable), std::end(kOtherUnsettable));
  for (const Field& field : kFields)
    if (field.settable == Always) names.emplace_back(field.flag.substr(2));
  std::ranges::sort(names);
  return names;
}

std::vector<std::string> unsetFields(const std::vector<std::string>& names) {
  std::vector<std::string> unset;
  for (const std::string& name : names) {
    const auto found = std::ranges::find_if(kFields, [&](const Field& field) {
      return field.settable == Always && (field.flag.substr(2) == name || field.field == name);
    });
    if (found != std::end(kFields))
      unset.emplace_back(found->field);
    else if (std::ranges::find(kOtherUnsettable, name) != std::end(kOtherUnsettable))
      unset.push_back(name);
    else
      throw invalid("'{}' is nothing that can be unset", name)
          .withHint("these can: " + join(unsettableNames(), ", "));
  }
  return unset;
}

std::vector<std::string> linesOf(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  while (!lines.empty() && lines.back().empty()) lines.pop_back();
  return lines;
}

void readKeyFiles(WishFlags& flags) {
  std::vector<std::string> keys;
  for (const std::string& word : flags.typed["--authorized-key"]) {
    if (word.starts_with("ssh-") || word.starts_with("ecdsa-") || word.starts_with("sk-")) {
      keys.push_back(word);
      continue;
    }
    for (const std::string& line : splitList(readFile(word, 1U << 20), '\n'))
      if (line.find_first_not_of(" \t\r") != std::string::npos && !line.starts_with('#'))
        keys.push_back(line);
  }
  flags.typed["--authorized-key"] = std::move(keys);
}

std::int64_t parseCpus(std::string_view text, std::string_view what) {
  const auto refuse = [&] {
    return invalid("{} '{}' is not a number of processors; write for example 2 or 1.5", what, text);
  };
  const std::size_t dot = std::min(text.find('.'), text.size());
  const std::string whole(text.substr(0, dot));
  std::string part(text.substr(std::min(dot + 1, text.size())));
  const auto isDigits = [](std::string_view digits) {
    return digits.find_first_not_of("0123456789") == std::string_view::npos;
  };
  if ((whole.empty() && part.empty()) || whole.size() > 6 || part.size() > 3 || !isDigits(whole) ||
      !isDigits(part) || (dot < text.size() && part.empty()))
    throw refuse();
  part.resize(3, '0');
  const std::int64_t value = (whole.empty() ? 0 : std::stoll(whole)) * 1000 + std::stoll(part);
  if (value == 0) throw refuse();
  return value;
}

}  // namespace vs::ctl
