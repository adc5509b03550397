// What a context is to be: the user's wish as plain values, the same in the store, beside the data
// and in the API (type Definition of io.vsd.varlink explains each field).
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "vsd/base/units.hpp"
#include "vsd/context/schedule.hpp"
#include "vsd/kernel/boot_plan.hpp"

namespace vs {

struct Limits {
  std::optional<Bytes> memory;
  std::optional<Bytes> swap;
  std::optional<std::uint32_t> milliCpus;  // thousandths of a processor
  std::optional<std::uint32_t> cpuWeight;  // 1..10000
  std::optional<std::uint64_t> pids;
  std::optional<Bytes> readRate;  // a second
  std::optional<Bytes> writeRate;
  bool operator==(const Limits&) const = default;
  bool isEmpty() const { return *this == Limits{}; }
};

enum class Init { Systemd, Sysv, Command };
enum class Profile { System, Nesting };
enum class Restart { No, OnFailure, Always };
// Undoable: from each start on a snapshot holds what its volume was, until somebody says what
// becomes of the changes. AtStop: who says that when nobody did at the stop.
enum class Disk { Normal, Undoable };
enum class AtStop { Ask, Keep, Discard };

std::string_view nameOf(Init init);
std::string_view nameOf(Profile profile);
std::string_view nameOf(Restart restart);
std::string_view nameOf(Disk disk);
std::string_view nameOf(AtStop atStop);

// How a link reaches its network.
enum class LinkKind { Bridge, Macvlan, Ipvlan };
std::string_view nameOf(LinkKind kind);

// A network interface: "eth0" for the first of a definition.
struct LinkDefinition {
  std::string network;  // in a wish: may be empty where the addresses say it
  LinkKind kind = LinkKind::Bridge;
  std::vector<std::string> addresses;
  // Bits a second that come in and go out at most, and bytes that may come at once; 0: no limit, a
  // tenth of a second's worth.
  std::uint64_t rateIn = 0;
  std::uint64_t rateOut = 0;
  Bytes burst;
  bool operator==(const LinkDefinition&) const = default;
};

// What passes between a context and its networks. Off: everything that it may send as itself.
enum class Firewall { On, Off };

struct Definition {
  std::string name;
  std::string uuid;
  std::string templateName;
  std::string storage = "dir";
  std::optional<Bytes> size;
  Init init = Init::Systemd;
  std::vector<std::string> command;
  std::string user;  // Command only; empty is root
  std::vector<std::string> environment;
  Profile profile = Profile::System;
  std::string hostname;
  std::vector<std::string> dns;
  std::string domain;
  std::vector<std::string> hosts;
  std::vector<std::string> authorizedKeys;
  bool autostart = false;
  Restart restart = Restart::No;
  Millis stopTimeout{60'000};
  Disk disk = Disk::Normal;
  AtStop atStop = AtStop::Ask;
  std::vector<std::string> tags;
  Limits limits;
  Schedule schedule;  // of snapshots
  std::vector<LinkDefinition> links;
  Firewall firewall = Firewall::On;
  std::vector<std::string> rules;     // lines in the words of netfw/rules.hpp
  std::vector<std::string> forwards;  // ports of its host that lead to it: "tcp:8080:80"
  IdRange ids;
  std::string created;
};

nlohmann::json toJson(const Definition& definition);
// Of a stored definition; throws InvalidParameter naming the field on anything unexpected.
Definition definitionFrom(const nlohmann::json& json);

// Every problem of a definition, as sentences; empty when there is none. Pure: looks only at
// values.
std::vector<std::string> problemsOf(const Definition& definition);
// Throws InvalidParameter listing all problems.
void validate(const Definition& definition);

// Overlays the fields of an API object (Wish or Changes) on a definition.
// Throws InvalidParameter for values that cannot be of that field.
void applyFields(const nlohmann::json& fields, Definition& definition);
// Puts the named fields ("domain", "limits.memory") back to their defaults.
void unset(const std::vector<std::string>& fields, Definition& definition);

}  // namespace vs
