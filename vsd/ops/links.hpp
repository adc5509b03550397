// The links of a context and what may pass on them: from its definition and the networks on record
// to devices, rules, and back. Everything on the host is found by the context's name, and removed
// twice without harm.
#pragma once

#include <sys/types.h>

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "netfw/links.hpp"
#include "netfw/nft.hpp"
#include "netfw/rules.hpp"
#include "vsd/ops/host.hpp"

namespace vs {

// Names the networks of links that say only addresses. Throws InvalidParameter when no network has
// them, or several.
void completeLinks(const Host& host, Definition& definition);

// Everything that would stop its links at a start, said now: InvalidParameter (an address outside
// of its network, or that another context of this host has; a rule), NotFound (a network),
// Unsupported.
void checkLinks(const Host& host, const Definition& definition);

// Throws as checkLinks does.
std::vector<netfw::LinkPlan> linkPlansOf(const Host& host, const Definition& definition);
// Its rules, with the sets and groups of this host. Throws InvalidParameter with all problems.
netfw::Rules rulesOf(const Host& host, const Definition& definition);
// The same of a text, for a check.
netfw::Rules rulesIn(const Host& host, const std::string& text, const std::string& file);

// In a start, before anything runs in it: devices, addresses, rules, then the wire.
void connectLinks(const Host& host, const Definition& definition, pid_t init);
// In a resume, the same in two halves: all but the wire, in a network namespace that is empty; then
// the wire, when what answers on it is there again.
void prepareLinks(const Host& host, const Definition& definition, pid_t init);
void plugLinks(const Host& host, const Definition& definition, pid_t init);
// Nothing comes through any more, and nothing is lost but packets.
void unplugLinks(const Host& host, const Definition& definition);
// Replaces the rules of one that runs.
void loadRules(const Host& host, const Definition& definition);
// What its links pass at most, of one that runs: rules and queues.
void shapeLinks(const Host& host, const Definition& definition);
// True when they differ in that alone.
bool differInShape(const Definition& before, const Definition& after);
// Replaces what leads to one that runs, or is about to.
void loadForwards(const Host& host, const Definition& definition);
// Off the host with all of it; nothing there is success.
void removeLinks(const Host& host, const std::string& name);

// What of a running context's links and rules is not there; empty when all is well.
std::vector<std::string> linkProblems(const Host& host, const ContextPicture& context);
// What was taken off the wire stays off it.
void mendLinks(const Host& host, const ContextPicture& context);
// Whether one of these nftables tables is made for it.
bool usesTable(const Definition& definition, const std::set<std::string>& tables);
// Devices of ours that belong to no running context.
std::vector<std::string> strayDevices(const Host& host);

struct LinkPicture {
  netfw::LinkPlan plan;
  bool connected = false;                 // it is there, and on the wire
  std::optional<std::uint64_t> received;  // bytes, where the host can tell
  std::optional<std::uint64_t> sent;
};
std::vector<LinkPicture> showLinks(const Host& host, const std::string& name);
// The wire of its links, and the routes that lead beyond them.
struct LinkSwitch {
  std::optional<bool> connected;
  std::optional<bool> routed;
};
// Until its next start. Throws InvalidState when it does not run.
void switchLinks(const Host& host, const std::string& name, const LinkSwitch& to);

}  // namespace vs
