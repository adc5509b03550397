#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "netfw/network.hpp"
#include "vsd/base/error.hpp"
#include "vsd/base/names.hpp"

namespace vs::netfw {
namespace {

struct Field {
  std::string_view text;
  std::size_t column = 1;
};

// Cuts `text` at each of `separators`; blanks around what remains are dropped.
std::vector<Field> fieldsOf(Field line, std::string_view separators) {
  std::vector<Field> fields;
  std::size_t begin = 0;
  while (true) {
    const std::size_t end = std::min(line.text.find_first_of(separators, begin), line.text.size());
    std::string_view part = line.text.substr(begin, end - begin);
    std::size_t column = line.column + begin;
    const std::size_t first = std::min(part.find_first_not_of(" \t\r"), part.size());
    part.remove_prefix(first);
    column += first;
    part = part.substr(0, part.find_last_not_of(" \t\r") + 1);
    fields.push_back({part, column});
    if (end == line.text.size()) return fields;
    begin = end + 1;
  }
}

class Reader {
 public:
  explicit Reader(const std::string& file) : file_(file) {}

  void read(std::string_view line, std::size_t number) {
    line_ = number;
    line = line.substr(0, line.find('#'));
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) return;
    const std::size_t before = problems.size();
    Network network = networkFrom(fieldsOf({line, 1}, ","));
    if (problems.size() > before) return;
    for (const std::string& problem : problemsOf(network)) report(1, problem);
    if (problems.size() == before) add(std::move(network));
  }

  std::vector<Network> networks;
  std::vector<std::string> problems;

 private:
  void report(std::size_t column, std::string_view text) {
    problems.push_back(fmt::format("{}:{}:{}: {}", file_, line_, column, text));
  }

  Network networkFrom(const std::vector<Field>& fields) {
    Network network;
    if (fields.size() < 3 || fields.size() > 5) {
      report(1, fmt::format("{} fields, but a line is "
                            "vlan,network/prefix,gateway[,domain[,nameserver nameserver...]]",
                            fields.size()));
      return network;
    }
    network.vlan = vlanFrom(fields[0]);
    network.name = fmt::format("vlan{}", network.vlan);
    network.subnets.push_back(subnetFrom(fields[1], fields[2]));
    if (fields.size() > 3) network.domain = std::string(fields[3].text);
    if (fields.size() > 4)
      for (const Field& server : fieldsOf(fields[4], " \t"))
        if (!server.text.empty()) addServer(server, network);
    return network;
  }

  int vlanFrom(const Field& field) {
    int vlan = 0;
    const char* end = field.text.data() + field.text.size();
    const auto [stop, error] = std::from_chars(field.text.data(), end, vlan);
    if (error != std::errc() || stop != end || vlan < 1 || vlan > 4094)
      report(field.column,
             fmt::format("'{}' is no VLAN: a number from 1 to 4094", printable(field.text)));
    return vlan;
  }

  Subnet subnetFrom(const Field& field, const Field& gateway) {
    Subnet subnet;
    const auto prefix = Prefix::parse(field.text);
    if (!prefix || field.text.find('/') == std::string_view::npos)
      report(field.column, fmt::format("'{}' is no network: ADDRESS/LENGTH with nothing set behind "
                                       "the length, as 10.0.3.0/24",
                                       printable(field.text)));
    else
      subnet.prefix = *prefix;
    if (gateway.text.empty()) return subnet;
    subnet.gateway = Address::parse(gateway.text);
    if (!subnet.gateway)
      report(gateway.column, fmt::format("'{}' is no address", printable(gateway.text)));
    return subnet;
  }

  void addServer(const Field& field, Network& network) {
    if (const auto server = Address::parse(field.text))
      network.dns.push_back(*server);
    else
      report(field.column, fmt::format("'{}' is no address", printable(field.text)));
  }

  // A VLAN that is there already gets another subnet.
  void add(Network network) {
    const auto same = std::find_if(networks.begin(), networks.end(),
                                   [&](const Network& n) { return n.vlan == network.vlan; });
    if (same == networks.end()) return networks.push_back(std::move(network));
    Network together = *same;
    together.subnets.push_back(network.subnets[0]);
    if (together.domain.empty()) together.domain = network.domain;
    if (network.domain != together.domain && !network.domain.empty())
      report(1, fmt::format("VLAN {} has the domain '{}' already", network.vlan, together.domain));
    for (const Address& server : network.dns)
      if (std::find(together.dns.begin(), together.dns.end(), server) == together.dns.end())
        together.dns.push_back(server);
    for (const std::string& problem : problemsOf(together)) report(1, problem);
    *same = std::move(together);
  }

  std::string file_;
  std::size_t line_ = 0;
};

}  // namespace

std::vector<Network> parseNetworksConf(std::string_view text, const std::string& file) {
  Reader reader(file);
  std::size_t number = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    reader.read(text.substr(0, end), ++number);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  for (const std::string& problem : problemsBetween(reader.networks))
    reader.problems.push_back(file + ": " + problem);
  if (reader.problems.empty()) return reader.networks;
  std::string all = fmt::format("{} has {} problem{}", file, reader.problems.size(),
                                reader.problems.size() == 1 ? "" : "s");
  for (const std::string& problem : reader.problems) all += "; " + problem;
  throw Error(Kind::InvalidParameter, std::move(all)).withBlockers(reader.problems);
}

}  // namespace vs::netfw
