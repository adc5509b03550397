#include "vsctl/columns.hpp"
#include "vsctl/commands/commands.hpp"
#include "vsctl/exit_code.hpp"
#include "vsctl/operation.hpp"
#include "vsctl/text.hpp"
#include "vsd/base/error.hpp"

namespace vs::ctl {
namespace {

constexpr long kMostKept = 366;

// "hourly=24 daily=7" -> {"hourly": 24, "daily": 7}; "off" -> {}.
Json scheduleFrom(const std::vector<std::string>& rules) {
  Json schedule = Json::object();
  if (rules == std::vector<std::string>{"off"}) return schedule;
  for (const std::string& rule : rules) {
    const std::size_t equals = rule.find('=');
    if (equals == std::string::npos)
      throw invalid("the rule '{}' is not PERIOD=NUMBER", rule)
          .withHint("write for example hourly=24 daily=7, or off");
    const std::string period = rule.substr(0, equals);
    if (schedule.contains(period)) throw invalid("the rule '{}' is given twice", period);
    schedule[period] = parseWhole(rule.substr(equals + 1), period, 1, kMostKept);
  }
  return schedule;
}

int show(Session& session, const std::string& name) {
  const Json reply = session.call("SnapshotScheduleShow", {{"name", name}});
  if (reply.at("rules").empty() && session.globals().isForPeople())
    session.note(fmt::format("no snapshots of {} are taken by themselves", name));
  else
    session.printItems("ScheduleRuleList", kScheduleColumns, reply.at("rules"));
  noteTrouble(session, reply);
  return kSuccess;
}

}  // namespace

void noteTrouble(const Session& session, const Json& reply) {
  const std::string trouble = reply.value("trouble", "");
  if (!trouble.empty())
    session.note("the snapshot that is due cannot be taken: " + cleanLine(trouble));
}

Action snapshotScheduleVerb(Flags& flags) {
  struct Options {
    std::string context;
    std::vector<std::string> rules;
  };
  auto options = std::make_shared<Options>();
  flags.operand("CONTEXT", options->context);
  flags.operands("RULE", options->rules, Flags::Need::Optional);
  return [options](Session& session) {
    if (options->rules.empty()) return show(session, options->context);
    return carryOut(session,
                    {{"schedule snapshots of", "scheduled snapshots of"},
                     options->context,
                     "SnapshotSchedule",
                     {{"name", options->context}, {"schedule", scheduleFrom(options->rules)}},
                     {}});
  };
}

}  // namespace vs::ctl
