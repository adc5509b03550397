#include "netfw/nat.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <sstream>

#include "netfw/links.hpp"
#include "netfw/nft.hpp"
#include "netfw/ruleset.hpp"
#include "vsd/base/error.hpp"
#include "vsd/base/file.hpp"
#include "vsd/base/names.hpp"

namespace vs::netfw {
namespace {

constexpr const char* kForward = "/proc/sys/net/ipv4/ip_forward";

// Of family inet, where no context's table is.
std::string tableOf(const std::string& network) { return "inet " + natTableName(network); }

// Lines of rules, in our own words or in those of `nft list`.
std::size_t rulesIn(const std::string& text) {
  std::istringstream lines(text);
  std::size_t rules = 0;
  for (std::string line; std::getline(lines, line);) {
    line.erase(0, std::min(line.find_first_not_of(" \t"), line.size()));
    const bool opens = line.ends_with('{') || line.ends_with("{ }");
    if (!line.empty() && line != "}" && !opens && !line.starts_with("type ") &&
        !line.starts_with("packets ") && !line.starts_with("add ") && !line.starts_with("delete "))
      ++rules;
  }
  return rules;
}

std::uint16_t portIn(std::string_view text, std::string_view whole) {
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port == 0 || port > 65'535)
    throw invalid("'{}' is no port from 1 to 65535 in the forward '{}'", printable(text),
                  printable(whole));
  return static_cast<std::uint16_t>(port);
}

}  // namespace

Forward parseForward(std::string_view text) {
  const std::size_t first = std::min(text.find(':'), text.size());
  const std::string_view protocol = text.substr(0, first);
  if ((protocol != "tcp" && protocol != "udp") || first == text.size())
    throw invalid("the forward '{}' is not PROTOCOL:PORT[:PORT], as in tcp:8080:80",
                  printable(text));
  const std::string_view ports = text.substr(first + 1);
  const std::size_t second = ports.find(':');
  Forward forward;
  forward.protocol = protocol == "tcp" ? Protocol::Tcp : Protocol::Udp;
  forward.hostPort = portIn(ports.substr(0, second), text);
  forward.port =
      second == std::string_view::npos ? forward.hostPort : portIn(ports.substr(second + 1), text);
  return forward;
}

std::string natRulesFor(const Network& network, const std::vector<Forward>& forwards) {
  const std::string bridge = bridgeName(network.name);
  const std::string table = tableOf(network.name);
  std::string text = withoutTable(table) + fmt::format("table {} {{\n", table);
  text += "  chain out {\n    type nat hook postrouting priority srcnat; policy accept;\n";
  for (const Subnet& subnet : network.subnets)
    text +=
        fmt::format("    ip saddr {} oifname != \"{}\" masquerade\n", subnet.prefix.text(), bridge);
  text += "  }\n  chain in {\n    type filter hook input priority filter; policy accept;\n";
  text += fmt::format("    iifname != \"{}\" accept\n", bridge);
  text += "    ct state established,related accept\n    drop\n";
  text += "  }\n  chain on {\n    type filter hook forward priority filter; policy accept;\n";
  text += fmt::format("    oifname != \"{}\" accept\n", bridge);
  text += "    ct state established,related accept\n    ct status dnat accept\n    drop\n  }\n";
  const auto lead = [&](const char* chain, const char* hook, const std::string& match) {
    text += fmt::format("  chain {} {{\n    type nat hook {} priority -100; policy accept;\n",
                        chain, hook);
    for (const Forward& forward : forwards)
      text +=
          fmt::format("    {} fib daddr type local {} dport {} dnat ip to {}:{}\n", match,
                      nameOf(forward.protocol), forward.hostPort, forward.to.text(), forward.port);
    text += "  }\n";
  };
  lead("pre", "prerouting", fmt::format("iifname != \"{}\"", bridge));
  lead("own", "output", "ip daddr != 127.0.0.0/8");
  return text + fmt::format("  counter {} {{ }}\n}}\n", textMark(text));
}

std::string natTableName(const std::string& network) { return "vsd-net-" + network; }

void loadNat(const Network& network, const std::vector<Forward>& forwards, Runner& runner) {
  if (readFile(kForward).starts_with('0')) writeExisting(kForward, "1");
  Command command = nft({"-f", "-"});
  command.input = natRulesFor(network, forwards);
  runner.mustRun(command, fmt::format("cannot hide network '{}' behind this host", network.name));
}

bool isNatLoaded(const Network& network, const std::vector<Forward>& forwards, Runner& runner) {
  const Output output = runner.run(nft({"list", "table", tableOf(network.name)}));
  const std::string wanted = natRulesFor(network, forwards);
  const std::size_t mark = wanted.rfind("counter ");
  return output.status == 0 && readFile(kForward).starts_with('1') &&
         output.out.find(wanted.substr(mark, wanted.find(' ', mark + 8) - mark)) !=
             std::string::npos &&
         rulesIn(output.out) == rulesIn(wanted);
}

void unloadNat(const std::string& network, Runner& runner) {
  Command command = nft({"-f", "-"});
  command.input = withoutTable(tableOf(network));
  runner.mustRun(command, fmt::format("cannot show network '{}' again", network));
}

}  // namespace vs::netfw
