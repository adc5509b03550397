#include "vsd/ops/links.hpp"

#include <fcntl.h>
#include <fmt/ranges.h>
#include <net/if.h>

#include <algorithm>
#include <charconv>
#include <mutex>
#include <set>

#include "netfw/announce.hpp"
#include "netfw/nat.hpp"
#include "netfw/netlink.hpp"
#include "vsd/base/error.hpp"
#include "vsd/base/file.hpp"
#include "vsd/base/names.hpp"
#include "vsd/ops/networks.hpp"

namespace vs {
namespace {

// Says that there may be something of it on the host, whatever its definition says by now.
std::string markOf(const Host& host, const std::string& name) {
  return host.paths.contextOf(name) + "/links";
}

netfw::Address addressOf(const std::string& text) {
  if (const auto address = netfw::Address::parse(text)) return *address;
  throw invalid("the address '{}' is neither an IPv4 nor an IPv6 address", printable(text));
}

netfw::LinkMode modeOf(LinkKind kind) {
  return netfw::linkModeFrom(nameOf(kind)).value_or(netfw::LinkMode::Bridge);
}

Fd namespaceOf(pid_t init) {
  return openFile(fmt::format("/proc/{}/ns/net", init), O_RDONLY | O_CLOEXEC);
}

netfw::Filter filterOf(const Definition& definition) {
  return definition.firewall == Firewall::On ? netfw::Filter::On : netfw::Filter::Off;
}

netfw::Ruleset rulesetOf(const Host& host, const Definition& definition,
                         const std::vector<netfw::LinkPlan>& plans) {
  return netfw::rulesetFor(definition.name, plans, rulesOf(host, definition), filterOf(definition));
}

bool isThere(const std::string& device) { return ::if_nametoindex(device.c_str()) != 0; }

std::optional<std::uint64_t> counterOf(const std::string& device, const char* what) {
  const auto text = readFileIfExists(fmt::format("/sys/class/net/{}/statistics/{}", device, what));
  if (!text) return std::nullopt;
  std::uint64_t count = 0;
  std::from_chars(text->data(), text->data() + text->size(), count);
  return count;
}

void mustBeUnused(const Host& host, const Definition& definition) {
  std::set<netfw::Address> own;
  for (const LinkDefinition& link : definition.links)
    for (const std::string& address : link.addresses)
      if (!own.insert(addressOf(address)).second)
        throw invalid("context '{}' cannot have the address {} twice", definition.name, address);
  for (const ContextPicture& context : host.contexts.all()) {
    if (context.definition.name == definition.name) continue;
    for (const LinkDefinition& link : context.definition.links)
      for (const std::string& address : link.addresses)
        if (own.contains(addressOf(address)))
          throw invalid("context '{}' cannot have the address {}: it is that of context '{}'",
                        definition.name, address, context.definition.name);
  }
}

// The first address that can be reached by forwards, with its network; nullopt when none can.
struct BehindHost {
  netfw::Network network;
  netfw::Address address;
};
std::optional<BehindHost> behindHost(const Host& host, const Definition& definition) {
  for (const LinkDefinition& link : definition.links) {
    netfw::Network network = networkNamed(host, link.network);
    if (network.kind != netfw::NetworkKind::Nat || link.addresses.empty()) continue;
    return BehindHost{std::move(network), addressOf(link.addresses.front())};
  }
  return std::nullopt;
}

std::vector<netfw::Forward> forwardsOf(const Host& host, const Definition& definition) {
  std::vector<netfw::Forward> forwards;
  if (definition.forwards.empty()) return forwards;
  const std::optional<BehindHost> behind = behindHost(host, definition);
  if (!behind)
    throw invalid("no port can lead to context '{}': it has no address in a network of kind nat",
                  definition.name);
  for (const std::string& text : definition.forwards) {
    forwards.push_back(netfw::parseForward(text));
    forwards.back().to = behind->address;
  }
  return forwards;
}

void checkForwards(const Host& host, const Definition& definition) {
  std::set<std::pair<netfw::Protocol, std::uint16_t>> taken;
  for (const netfw::Forward& forward : forwardsOf(host, definition))
    if (!taken.insert({forward.protocol, forward.hostPort}).second)
      throw invalid("context '{}' forwards port {} twice", definition.name, forward.hostPort);
  if (taken.empty()) return;
  for (const ContextPicture& context : host.contexts.all()) {
    if (context.definition.name == definition.name) continue;
    for (const std::string& text : context.definition.forwards)
      if (const netfw::Forward other = netfw::parseForward(text);
          taken.contains({other.protocol, other.hostPort}))
        throw invalid("port {} of this host cannot lead to context '{}': it leads to '{}'",
                      other.hostPort, definition.name, context.definition.name);
  }
}

// The forwards of all contexts that are connected to a network that its host hides. Of one that
// changes `changed` is said; `without` is about to go.
std::vector<netfw::Forward> forwardsIn(const Host& host, const netfw::Network& network,
                                       const Definition* changed = nullptr,
                                       const std::string& without = {}) {
  std::vector<netfw::Forward> forwards;
  for (const ContextPicture& context : host.contexts.all()) {
    const std::string& name = context.definition.name;
    if (name == without || !exists(markOf(host, name))) continue;
    const Definition& definition =
        changed != nullptr && changed->name == name ? *changed : context.definition;
    const auto behind = behindHost(host, definition);
    if (!behind || behind->network.name != network.name) continue;
    for (const netfw::Forward& forward : forwardsOf(host, definition)) forwards.push_back(forward);
  }
  return forwards;
}

// Loads what hides it. One call at a time: each has what all others have.
void loadNatOf(const Host& host, const netfw::Network& network, const Definition* changed,
               const std::string& without) {
  static std::mutex loading;
  const std::lock_guard lock(loading);
  netfw::loadNat(network, forwardsIn(host, network, changed, without), host.runner);
}

// Devices and rules, not yet the wire.
void makeLinks(const Host& host, const Definition& definition,
               const std::vector<netfw::LinkPlan>& plans, const Fd& netns) {
  writeAtomic(markOf(host, definition.name), "");
  for (const netfw::LinkPlan& plan : plans) netfw::apply(plan, netns.get());
  for (const netfw::LinkPlan& plan : plans)
    if (!plan.bridgeAddresses.empty())
      loadNatOf(host, networkNamed(host, plan.network), nullptr, {});
  netfw::load(rulesetOf(host, definition, plans), host.runner);
}

// Throws Exists when somebody else has one of the addresses.
void askTheWire(const Host& host, const netfw::LinkPlan& plan, const Fd& netns) {
  const Millis time = host.config.addressProbe;
  if (time.count() == 0) return;
  for (const netfw::AddressWithLength& each : plan.addresses) {
    const auto holder = netfw::probe(plan, netns.get(), each.address, time);
    if (!holder) continue;
    throw Error(Kind::Exists, fmt::format("context '{}' cannot have the address {}: in network "
                                          "'{}' the machine with MAC address {} has it",
                                          plan.context, each.address.text(), plan.network, *holder))
        .withHint(
            fmt::format("free it there, or give the context another with 'vsctl set {} --address'",
                        plan.context));
  }
}

}  // namespace

void completeLinks(const Host& host, Definition& definition) {
  if (definition.links.empty()) return;
  const std::vector<netfw::Network> networks = networksOf(host);
  for (LinkDefinition& link : definition.links) {
    if (!link.network.empty()) continue;
    if (link.addresses.empty())
      throw invalid("a link of context '{}' names neither a network nor an address",
                    definition.name);
    link.network = networkOf(addressOf(link.addresses.front()), networks).network->name;
  }
}

std::vector<netfw::LinkPlan> linkPlansOf(const Host& host, const Definition& definition) {
  std::vector<netfw::LinkPlan> plans;
  for (const LinkDefinition& link : definition.links) {
    netfw::LinkWish wish;
    wish.context = definition.name;
    wish.uuid = definition.uuid;
    wish.index = static_cast<int>(plans.size());
    wish.mode = modeOf(link.kind);
    wish.shape = {link.rateIn, link.rateOut, link.burst};
    for (const std::string& address : link.addresses) wish.addresses.push_back(addressOf(address));
    plans.push_back(planLink(wish, networkNamed(host, link.network), host.config.trunk));
  }
  return plans;
}

netfw::Rules rulesIn(const Host& host, const std::string& text, const std::string& file) {
  const std::string path = host.paths.etc() + "/sets.fw";
  const auto shared = readFileIfExists(path);
  return netfw::parseRules(text, file,
                           shared ? netfw::parseDefinitions(*shared, path) : netfw::Definitions{});
}

netfw::Rules rulesOf(const Host& host, const Definition& definition) {
  return rulesIn(host, fmt::format("{}", fmt::join(definition.rules, "\n")),
                 definition.name + ".fw");
}

void checkLinks(const Host& host, const Definition& definition) {
  rulesOf(host, definition);
  checkForwards(host, definition);
  if (definition.links.empty()) return;
  rulesetOf(host, definition, linkPlansOf(host, definition));
  mustBeUnused(host, definition);
}

void connectLinks(const Host& host, const Definition& definition, pid_t init) {
  const std::vector<netfw::LinkPlan> plans = linkPlansOf(host, definition);
  if (plans.empty()) return;
  const Fd netns = namespaceOf(init);
  makeLinks(host, definition, plans, netns);
  for (const netfw::LinkPlan& plan : plans) netfw::plug(plan, netns.get());
  for (const netfw::LinkPlan& plan : plans) askTheWire(host, plan, netns);
  for (const netfw::LinkPlan& plan : plans) netfw::announce(plan, netns.get());
}

void prepareLinks(const Host& host, const Definition& definition, pid_t init) {
  const Fd netns = namespaceOf(init);
  netfw::bringUpLoopback(netns.get());
  if (!definition.links.empty()) makeLinks(host, definition, linkPlansOf(host, definition), netns);
}

void plugLinks(const Host& host, const Definition& definition, pid_t init) {
  const Fd netns = namespaceOf(init);
  for (const netfw::LinkPlan& plan : linkPlansOf(host, definition)) {
    netfw::plug(plan, netns.get());
    netfw::announce(plan, netns.get());
  }
}

void unplugLinks(const Host& host, const Definition& definition) {
  for (const netfw::LinkPlan& plan : linkPlansOf(host, definition)) netfw::unplug(plan);
}

void loadRules(const Host& host, const Definition& definition) {
  if (definition.links.empty()) return;
  netfw::change(rulesetOf(host, definition, linkPlansOf(host, definition)), host.runner);
}

void shapeLinks(const Host& host, const Definition& definition) {
  loadRules(host, definition);
  for (const netfw::LinkPlan& plan : linkPlansOf(host, definition)) netfw::shape(plan);
}

bool differInShape(const Definition& before, const Definition& after) {
  std::vector<LinkDefinition> unshaped = after.links;
  if (before.links == after.links || before.links.size() != unshaped.size()) return false;
  for (std::size_t i = 0; i < unshaped.size(); ++i) {
    unshaped[i].rateIn = before.links[i].rateIn;
    unshaped[i].rateOut = before.links[i].rateOut;
    unshaped[i].burst = before.links[i].burst;
  }
  return unshaped == before.links;
}

void loadForwards(const Host& host, const Definition& definition) {
  if (const auto behind = behindHost(host, definition))
    loadNatOf(host, behind->network, &definition, {});
}

void removeLinks(const Host& host, const std::string& name) {
  if (!exists(markOf(host, name))) return;
  netfw::remove(name);
  netfw::unload(name, host.runner);
  for (const netfw::Network& network : networksOf(host)) {
    if (network.kind != netfw::NetworkKind::Nat) continue;
    if (isThere(netfw::bridgeName(network.name)))
      loadNatOf(host, network, nullptr, name);
    else
      netfw::unloadNat(network.name, host.runner);
  }
  removeFile(markOf(host, name));
}

std::vector<std::string> linkProblems(const Host& host, const ContextPicture& context) {
  const Definition& definition = context.definition;
  std::vector<std::string> problems;
  if (definition.links.empty() || !context.running) return problems;
  const std::vector<netfw::LinkPlan> plans = linkPlansOf(host, definition);
  for (const netfw::LinkPlan& plan : plans)
    for (const std::string& device : {plan.vlanDevice, plan.bridge, plan.hostEnd})
      if (!device.empty() && !isThere(device))
        problems.push_back(
            fmt::format("context '{}' has lost its device '{}'", definition.name, device));
  for (const netfw::LinkPlan& plan : plans)
    if (!plan.bridgeAddresses.empty()) {
      const netfw::Network network = networkNamed(host, plan.network);
      if (!netfw::isNatLoaded(network, forwardsIn(host, network), host.runner))
        problems.push_back(
            fmt::format("network '{}' is not hidden behind this host", plan.network));
    }
  if (!netfw::isLoaded(rulesetOf(host, definition, plans), host.runner))
    problems.push_back(fmt::format("the firewall of context '{}' is not loaded", definition.name));
  return problems;
}

void mendLinks(const Host& host, const ContextPicture& context) {
  const std::vector<netfw::LinkPlan> plans = linkPlansOf(host, context.definition);
  const Fd netns = namespaceOf(context.running->init.pid());
  std::set<std::string> unplugged;
  for (const netfw::LinkPlan& plan : plans)
    if (const auto flags = readFileIfExists(fmt::format("/sys/class/net/{}/flags", plan.hostEnd));
        flags && (std::stoul(*flags, nullptr, 16) & IFF_UP) == 0)
      unplugged.insert(plan.hostEnd);
  makeLinks(host, context.definition, plans, netns);
  for (const netfw::LinkPlan& plan : plans) {
    if (unplugged.contains(plan.hostEnd)) continue;
    netfw::plug(plan, netns.get());
    netfw::announce(plan, netns.get());
  }
}

bool usesTable(const Definition& definition, const std::set<std::string>& tables) {
  return tables.contains(netfw::tableName(definition.name)) ||
         std::ranges::any_of(definition.links, [&](const LinkDefinition& link) {
           return tables.contains(netfw::natTableName(link.network));
         });
}

std::vector<std::string> strayDevices(const Host& host) {
  std::set<std::string> wanted;
  for (const ContextPicture& context : host.contexts.all()) {
    if (!context.running && !host.operations.runningOn(context.definition.name)) continue;
    for (const netfw::LinkPlan& plan : linkPlansOf(host, context.definition))
      wanted.insert({plan.vlanDevice, plan.bridge, plan.hostEnd});
  }
  std::vector<std::string> stray = netfw::ourDevices();
  std::erase_if(stray, [&](const std::string& device) { return wanted.contains(device); });
  return stray;
}

std::vector<LinkPicture> showLinks(const Host& host, const std::string& name) {
  const ContextPicture context = host.contexts.find(name);
  std::vector<LinkPicture> pictures;
  for (netfw::LinkPlan& plan : linkPlansOf(host, context.definition)) {
    LinkPicture picture;
    const std::string& device = plan.hostEnd;
    if (context.running && device.empty()) picture.connected = true;
    if (context.running && isThere(device)) {
      const auto state = readFileIfExists(fmt::format("/sys/class/net/{}/operstate", device));
      picture.connected = state && state->starts_with("up");
      // What comes out of the host's end of the pair goes in inside.
      picture.received = counterOf(device, "tx_bytes");
      picture.sent = counterOf(device, "rx_bytes");
    }
    picture.plan = std::move(plan);
    pictures.push_back(std::move(picture));
  }
  return pictures;
}

void switchLinks(const Host& host, const std::string& name, const LinkSwitch& to) {
  const ContextPicture context = host.contexts.find(name);
  if (!context.running)
    throw Error(Kind::InvalidState, fmt::format("cannot switch the links of context '{}': it is {}",
                                                name, nameOf(context.state)));
  const Fd netns = namespaceOf(context.running->init.pid());
  for (const netfw::LinkPlan& plan : linkPlansOf(host, context.definition)) {
    if (to.connected == false) netfw::unplug(plan);
    if (to.connected == true) netfw::plug(plan, netns.get());
    if (to.routed)
      netfw::switchRoutes(plan, netns.get(), *to.routed ? netfw::Routes::On : netfw::Routes::Off);
    if (to.connected == true) netfw::announce(plan, netns.get());
  }
}

}  // namespace vs
