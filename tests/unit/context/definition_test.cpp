#include "vsd/context/definition.hpp"

#include <gtest/gtest.h>

#include "vsd/base/error.hpp"
#include "vsd/base/json.hpp"

namespace vs {
namespace {

Definition good() {
  Definition d;
  d.name = "web1";
  d.uuid = "6b1e1d2c-3f4a-4b5c-8d6e-7f8091a2b3c4";
  d.templateName = "debian13";
  d.hostname = "web1";
  d.ids = {0x80000, 65536};
  d.created = "2008-03-01T12:00:00.000Z";
  return d;
}

TEST(Definition, SurvivesJsonWithEveryFieldSet) {
  Definition d = good();
  d.size = 8_GiB;
  d.init = Init::Command;
  d.command = {"/bin/sh", "-c", "exec sleep 1"};
  d.user = "daemon";
  d.environment = {"A=1"};
  d.profile = Profile::Nesting;
  d.dns = {"10.0.3.5"};
  d.domain = "foo.bar";
  d.hosts = {"10.0.3.9 db db.foo.bar"};
  d.authorizedKeys = {"ssh-ed25519 AAAA me"};
  d.autostart = true;
  d.restart = Restart::OnFailure;
  d.stopTimeout = Millis(5000);
  d.disk = Disk::Undoable;
  d.atStop = AtStop::Discard;
  d.tags = {"prod"};
  d.limits.memory = 512_MiB;
  d.limits.swap = 0_MiB;
  d.limits.milliCpus = 1500;
  d.limits.cpuWeight = 200;
  d.limits.pids = 100;
  d.limits.readRate = 1_MiB;
  d.limits.writeRate = 2_MiB;
  d.schedule.keep = {{Period::Hourly, 24}, {Period::Weekly, 4}};
  d.links = {{"vlan3", LinkKind::Bridge, {"10.0.3.17", "2001:db8:3::17"}},
             {"lan", LinkKind::Macvlan, {}}};
  d.firewall = Firewall::Off;
  d.rules = {"# mine", "allow from 0/0 to tcp:80"};
  d.forwards = {"tcp:8080:80"};
  EXPECT_EQ(problemsOf(d), std::vector<std::string>{});
  EXPECT_EQ(toJson(definitionFrom(toJson(d))), toJson(d));
}

TEST(Definition, LeavesAbsentFieldsAtTheirDefaults) {
  const Definition d =
      definitionFrom(Json{{"name", "a"}, {"limits", Json::object()}, {"domain", nullptr}});
  EXPECT_EQ(d.name, "a");
  EXPECT_EQ(d.init, Init::Systemd);
  EXPECT_TRUE(d.limits.isEmpty());
}

TEST(Definition, RefusesUnknownFieldsAndWrongTypesByName) {
  const auto textOf = [](const Json& json) {
    try {
      definitionFrom(json);
    } catch (const Error& error) {
      return error.text();
    }
    return std::string("no error");
  };
  EXPECT_EQ(textOf({{"colour", 1}}), "the field 'colour' is unknown");
  EXPECT_EQ(textOf({{"limits", {{"colour", 1}}}}), "the limit 'colour' is unknown");
  EXPECT_EQ(textOf({{"limits", {{"memory", -1}}}}),
            "limits.memory is not a whole number of 0 or more");
  EXPECT_EQ(textOf({{"dns", "10.0.0.1"}}), "dns is not a list of texts");
  EXPECT_EQ(textOf({{"init", "upstart"}}),
            "init 'upstart' is unknown; choose from systemd, sysv, command");
}

TEST(Validation, TellsAllProblemsAtOnce) {
  Definition d = good();
  d.name = "Web_1";
  d.hostname = "-x";
  d.dns = {"10.0.0.300"};
  d.hosts = {"not-an-address name"};
  d.environment = {"A=1\nB=2"};
  d.limits.memory = Bytes{1};
  d.limits.pids = 0;
  d.limits.milliCpus = 0;
  d.tags = {"a b"};
  EXPECT_EQ(problemsOf(d),
            (std::vector<std::string>{
                "the context name 'Web_1' is not usable: use 1 to 41 of a-z, 0-9 and '-', "
                "beginning with a letter or digit",
                "the hostname '-x' is not usable (RFC 1123, at most 64)",
                "the name server '10.0.0.300' is neither an IPv4 nor an IPv6 address",
                "the hosts line 'not-an-address name' is not 'ADDRESS NAME...'",
                "the tag 'a b' is not usable",
                "the environment entry 'A=1?B=2' is not NAME=VALUE on one line",
                "the memory limit of 1B is too small for any program; give at least 4M",
                "the cpus limit must lie between 0.01 and 1024",
                "the pids limit must lie between 8 and 4194304",
            }));
}

TEST(Validation, NamesWhatIsWrongWithLinksAndRules) {
  Definition d = good();
  d.links = {{"LAN", LinkKind::Bridge, {"10.0.3"}}};
  d.rules = {"allow\001from any", "allow\tto any", std::string(40'000, 'x')};
  EXPECT_EQ(problemsOf(d), (std::vector<std::string>{
                               "the network 'LAN' of a link is not usable",
                               "the address '10.0.3' is neither an IPv4 nor an IPv6 address",
                               "the rule 'allow?from any' holds a control character",
                               "its rules have 40029 bytes, more than the 8192 that are kept",
                           }));
  EXPECT_THROW(definitionFrom(Json{{"links", {{{"mode", "veth"}}}}}), Error);
  EXPECT_THROW(definitionFrom(Json{{"links", {{{"speed", 1}}}}}), Error);
}

TEST(Validation, HoldsCommandAndUserToTheInitKind) {
  Definition d = good();
  d.user = "daemon";
  EXPECT_EQ(problemsOf(d), std::vector<std::string>{"a user is only possible with init 'command'"});
  d.init = Init::Command;
  EXPECT_EQ(problemsOf(d), std::vector<std::string>{"init 'command' needs a command to run"});
  d.command = {"sh"};
  EXPECT_EQ(problemsOf(d), std::vector<std::string>{"the command 'sh' is not an absolute path"});
}

TEST(Unset, PutsFieldsBackAndRefusesWhatHasNoDefault) {
  Definition d = good();
  d.domain = "foo.bar";
  d.hostname = "other";
  d.limits.memory = 1_GiB;
  d.limits.pids = 100;
  unset({"domain", "hostname", "limits.memory"}, d);
  EXPECT_EQ(d.domain, "");
  EXPECT_EQ(d.hostname, "web1");
  EXPECT_EQ(d.limits.memory, std::nullopt);
  EXPECT_EQ(d.limits.pids, 100U);
  EXPECT_THROW(unset({"uuid"}, d), Error);
}

}  // namespace
}  // namespace vs
