#include "netfw/ruleset.hpp"

#include <algorithm>

#include "netfw/ruleset_text.hpp"
#include "vsd/base/error.hpp"
#include "vsd/base/hash.hpp"

namespace vs::netfw {

Ruleset rulesetFor(const std::string& context, const std::vector<LinkPlan>& links,
                   const Rules& rules, Filter filter) {
  for (const LinkPlan& link : links)
    if (link.hostEnd.empty() && filter == Filter::On)
      throw Error(
          Kind::Unsupported,
          fmt::format("the firewall of context '{}' cannot see its {} link '{}': that has no "
                      "end on this host",
                      context, nameOf(link.mode), link.name))
          .withHint("use --link bridge, or switch its firewall off");
  RulesetText text(context);
  const std::string table = "netdev " + tableName(context);
  text.line("table {} {{", table);
  writeRules(text, rules);
  if (std::ranges::any_of(links, [](const LinkPlan& link) { return link.shape.out != 0; }))
    text.line("  counter {} {{ }}", kLimited);
  for (std::size_t i = 0; i < links.size(); ++i)
    if (!links[i].hostEnd.empty()) writeLink(text, links[i], i, filter);
  text.ruleset.mark = textMark(text.ruleset.text);
  text.line("  counter {} {{ }}", text.ruleset.mark);
  text.line("}}");
  return std::move(text.ruleset);
}

std::string tableName(const std::string& context) { return "vsd-" + context; }
std::string counterName(std::size_t index) { return fmt::format("rule{}", index + 1); }

std::string textMark(const std::string& text) {
  Hash hash;
  hash.add(text.data(), text.size());
  return "text-" + hash.digest().substr(0, 16);
}

bool isMemory(const std::string& set) { return !set.starts_with("set-"); }

Address linkLocalOf(const std::string& mac) {
  std::uint8_t bytes[16] = {0xfe, 0x80};
  std::uint8_t octets[6] = {};
  for (std::size_t i = 0; i < 6 && mac.size() == 17; ++i)
    octets[i] = static_cast<std::uint8_t>(std::stoul(mac.substr(3 * i, 2), nullptr, 16));
  bytes[8] = octets[0] ^ 2;
  bytes[9] = octets[1];
  bytes[10] = octets[2];
  bytes[11] = 0xff;
  bytes[12] = 0xfe;
  std::copy(octets + 3, octets + 6, bytes + 13);
  return Address::fromBytes(Family::IPv6, bytes);
}

}  // namespace vs::netfw
