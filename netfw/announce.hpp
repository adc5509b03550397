// Tells everybody on the wire where an address is now: gratuitous ARP, as a request and as a reply
// (RFC 5227 3; some listen to one only), and unsolicited neighbour advertisements with the override
// flag (RFC 4861 7.2.6). They also teach the switches between. For a start and for the last moments
// of a move; the caller repeats it, after 100 ms and a second, say, because any of them can be
// lost.
#pragma once

#include <optional>
#include <string>

#include "netfw/links.hpp"
#include "vsd/base/units.hpp"

namespace vs::netfw {

// Sends one of each for every address of the link, from inside the network namespace `netns`.
// Throws NotFound when the link is not there.
void announce(const LinkPlan& plan, int netns);

// The frames themselves, whole from the Ethernet header on.
std::string arpRequestFrame(const std::string& mac, const Address& address);
std::string arpReplyFrame(const std::string& mac, const Address& address);
std::string neighbourAdvertisementFrame(const std::string& mac, const Address& address);

// Asks the wire whether somebody has `address` (an ARP probe, or a neighbour solicitation from the
// unspecified address), from inside `netns`, and waits so long for an answer: the MAC address of
// who has it.
std::optional<std::string> probe(const LinkPlan& plan, int netns, const Address& address,
                                 Millis time);

}  // namespace vs::netfw
