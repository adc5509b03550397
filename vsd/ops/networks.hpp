// The networks that contexts can be connected to, as this host has them on record. What a network
// is made of on the host comes and goes with its contexts (vsd/ops/links.hpp).
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "netfw/network.hpp"
#include "vsd/ops/host.hpp"

namespace vs {

// What operations on networks hold: kNetworkObject + name.
inline constexpr std::string_view kNetworkObject = "network ";

struct NetworkPicture {
  netfw::Network network;
  std::vector<std::string> contexts;  // of this host that have a link in it
};

std::vector<netfw::Network> networksOf(const Host& host);
// Throws NotFound.
netfw::Network networkNamed(const Host& host, const std::string& name);

// As in the API (type Network of io.vsd.varlink), without the contexts.
nlohmann::json toJson(const netfw::Network& network);
// Throws InvalidParameter naming the field.
netfw::Network networkFrom(const nlohmann::json& json);

// Of the text of vs-tools' networks.conf (netfw/network.hpp), on `device`.
std::vector<netfw::Network> networksIn(const std::string& text, const std::string& file,
                                       const std::string& device);

// Throws InvalidParameter with everything that is wrong with them or between them and those there
// are, Exists.
void checkAddNetworks(const Host& host, const std::vector<netfw::Network>& networks);
std::vector<std::string> planAddNetworks(const Host& host,
                                         const std::vector<netfw::Network>& networks);
void addNetworks(const Host& host, const std::vector<netfw::Network>& networks,
                 Operation& operation);

// Throws NotFound; InvalidState as long as contexts have links in it.
void checkRemoveNetwork(const Host& host, const std::string& name);
void removeNetwork(const Host& host, const std::string& name, Operation& operation);

NetworkPicture showNetwork(const Host& host, const std::string& name);
std::vector<NetworkPicture> listNetworks(const Host& host);

}  // namespace vs
