#include "vsctl/table.hpp"

#include <gtest/gtest.h>

#include "vsctl/columns.hpp"
#include "vsctl/record.hpp"
#include "vsctl/text.hpp"
#include "vsd/base/error.hpp"

namespace vs::ctl {
namespace {

constexpr Column kColumns[] = {
    {"name", "name"},
    {"state", "state", Style::State},
    {"memory", "usage.memory", Style::Size},
    {"since", "since", Style::Age},
    {"tags", "tags"},
    {"cpus", "cpus", Style::Cpus, Shown::Wide},
    {"secret", "secret", Style::Text, Shown::Asked},
};

const Now kNow = *parseTime("2024-05-01T12:00:00Z");

const Json kItems = parseJson(R"([
  {"name": "web1", "state": "running", "usage": {"memory": 134217728},
   "since": "2024-05-01T09:47:00.000Z", "tags": ["front", "blue"], "cpus": 1500, "secret": "s"},
  {"name": "database-1", "state": "stopped", "since": "2024-04-26T10:00:00Z", "tags": []},
  {"name": "über", "state": "failed", "usage": {"memory": 5242880},
   "since": "2024-05-01T11:59:55Z", "tags": ["front"]}
])",
                              "test");

std::string table(const std::vector<std::string>& names, const TableStyle& style,
                  Width width = Width::Normal) {
  return formatTable(chooseColumns(kColumns, names, width), kItems, style);
}

std::string namesOf(const Json& items) {
  std::string names;
  for (const Json& item : items) names += item["name"].get<std::string>() + " ";
  return names;
}

TEST(Table, AlignsColumnsAndSaysDashForWhatIsAbsent) {
  EXPECT_EQ(table({}, {.now = kNow}),
            "NAME        STATE    MEMORY  SINCE  TAGS\n"
            "web1        running    128M  2h13m  front,blue\n"
            "database-1  stopped       -  5d02h  -\n"
            "über        failed     5.0M  5s     front\n");
}

TEST(Table, ShowsWideColumnsOnlyWhenAsked) {
  EXPECT_EQ(table({}, {.header = Header::Hidden, .now = kNow}, Width::Wide),
            "web1        running  128M  2h13m  front,blue  1.5\n"
            "database-1  stopped     -  5d02h  -             -\n"
            "über        failed   5.0M  5s     front         -\n");
}

TEST(Table, ShowsTheColumnsThatAreNamedInTheirOrder) {
  EXPECT_EQ(table({"secret", "name"}, {.now = kNow}),
            "SECRET  NAME\n"
            "s       web1\n"
            "-       database-1\n"
            "-       über\n");
}

TEST(Table, PaintsStateWordsOnlyAndKeepsTheAlignment) {
  EXPECT_EQ(table({"state", "name"}, {.colour = Colour::On, .now = kNow}),
            "STATE    NAME\n"
            "\x1b[32mrunning\x1b[0m  web1\n"
            "stopped  database-1\n"
            "\x1b[31mfailed\x1b[0m   über\n");
}

TEST(Table, LetsNoControlCharacterOfAValueThrough) {
  const Json items = {{{"name", "a\x1b[2Jb\nc\xc2\x9b"}}};
  EXPECT_EQ(formatTable(chooseColumns(kColumns, {"name"}, Width::Normal), items, {.now = kNow}),
            "NAME\na?[2Jb?c?\n");
}

TEST(Table, IsOnlyAHeadingWithoutItems) {
  EXPECT_EQ(formatTable(chooseColumns(kColumns, {"name", "state"}, Width::Normal), Json::array(),
                        {.now = kNow}),
            "NAME  STATE\n");
}

TEST(Table, NamesTheColumnsThereAreWhenOneIsUnknown) {
  try {
    findColumn(kColumns, "nam");
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Kind::InvalidParameter);
    EXPECT_EQ(error.text(), "there is no column 'nam'");
    EXPECT_EQ(error.hint(), "columns are: name, state, memory, since, tags, cpus, secret");
  }
}

TEST(Csv, HoldsRawValuesAndQuotesWhereNeeded) {
  EXPECT_EQ(formatCsv(chooseColumns(kColumns, {}, Width::Normal), kItems, Header::Shown),
            "name,state,memory,since,tags\n"
            "web1,running,134217728,2024-05-01T09:47:00.000Z,\"front,blue\"\n"
            "database-1,stopped,,2024-04-26T10:00:00Z,\n"
            "über,failed,5242880,2024-05-01T11:59:55Z,front\n");
  const Json items = {{{"name", "a \"b\"\nc"}, {"state", "x"}}};
  EXPECT_EQ(
      formatCsv(chooseColumns(kColumns, {"name", "state"}, Width::Normal), items, Header::Hidden),
      "\"a \"\"b\"\"\nc\",x\n");
}

TEST(Filter, KeepsWhatMatchesEveryPattern) {
  const auto kept = [](std::vector<std::string> filters) {
    return namesOf(filterItems(kItems, kColumns, filters, kNow));
  };
  EXPECT_EQ(kept({"state=running"}), "web1 ");
  EXPECT_EQ(kept({"name=*1"}), "web1 database-1 ");
  EXPECT_EQ(kept({"tags=front"}), "web1 über ");
  EXPECT_EQ(kept({"tags=front", "state!=failed"}), "web1 ");
  EXPECT_EQ(kept({"memory=128M"}), "web1 ");
  EXPECT_EQ(kept({"memory=134217728"}), "web1 ");
  EXPECT_EQ(kept({"memory="}), "database-1 ");
  EXPECT_EQ(kept({"state=nothing"}), "");
}

TEST(Filter, RefusesWhatIsNoFilter) {
  for (const char* text : {"running", "=x", "nokey=1"})
    EXPECT_THROW(filterItems(kItems, kColumns, {text}, kNow), Error) << text;
}

TEST(Sort, GoesByValueWithAbsentOnesLastInBothDirections) {
  const auto sorted = [](const char* key) { return namesOf(sortItems(kItems, kColumns, key)); };
  EXPECT_EQ(sorted(""), "web1 database-1 über ");
  EXPECT_EQ(sorted("name"), "database-1 web1 über ");
  EXPECT_EQ(sorted("memory"), "über web1 database-1 ");
  EXPECT_EQ(sorted("-memory"), "web1 über database-1 ");
  EXPECT_EQ(sorted("since"), "database-1 web1 über ");
}

TEST(Record, TakesALineForEachMemberOfAListAndLeavesOutWhatIsAbsent) {
  EXPECT_EQ(formatRecord(kColumns, kItems[0], {.now = kNow}),
            "name    web1\n"
            "state   running\n"
            "memory  128M\n"
            "since   2h13m ago\n"
            "tags    front\n"
            "        blue\n"
            "cpus    1.5\n"
            "secret  s\n");
  EXPECT_EQ(formatRecord(kColumns, kItems[1], {.now = kNow}),
            "name   database-1\n"
            "state  stopped\n"
            "since  5d02h ago\n");
}

TEST(Table, WritesAnObjectAsItsFields) {
  constexpr Column kSchedule[] = {{"schedule", "schedule"}};
  EXPECT_EQ(textOf(kSchedule[0], Json{{"schedule", {{"daily", 7}, {"hourly", 24}}}}, kNow),
            "daily=7,hourly=24");
}

TEST(Record, WritesACommandAsItIsTypedToAShell) {
  constexpr Column kCommand[] = {{"command", "command", Style::Command}};
  const Json item = {{"command", {"/bin/sh", "-c", "echo it's; true", ""}}};
  EXPECT_EQ(formatRecord(kCommand, item, {.now = kNow}),
            "command  /bin/sh -c 'echo it'\\''s; true' ''\n");
}

TEST(ContextColumns, ShowAContextAsTheDaemonSendsIt) {
  const Json contexts = parseJson(R"([{
    "definition": {"name": "web1", "template": "debian13", "tags": ["front"], "hostname": "web1",
                   "init": "systemd", "profile": "system", "autostart": true,
                   "limits": {"memory": 536870912, "cpus": 500}},
    "state": "running", "movable": "yes", "goal": "running", "pid": 4242, "since": "2024-05-01T11:00:00Z",
    "usage": {"memory": 104857600, "pids": 17, "cpuTime": 61500000}, "addresses": ["10.0.3.17"],
    "notes": []}])",
                                  "test");
  EXPECT_EQ(
      formatTable(chooseColumns(kContextColumns, {}, Width::Wide), contexts, {.now = kNow}),
      "NAME  STATE    SINCE  TEMPLATE  ADDRESSES  MEMORY  PIDS  MOVABLE  TAGS   GOAL      PID    "
      "CPU  MEMORY LIMIT  CPUS LIMIT  HOSTNAME  INIT     PROFILE  AUTOSTART  ENDED\n"
      "web1  running  1h00m  debian13  10.0.3.17    100M    17  yes      front  running  4242  "
      "1m01s          512M         0.5  web1      systemd  system   yes        -\n");
}

}  // namespace
}  // namespace vs::ctl
