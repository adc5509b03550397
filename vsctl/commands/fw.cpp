#include "vsctl/columns.hpp"
#include "vsctl/commands/commands.hpp"
#include "vsctl/exit_code.hpp"
#include "vsctl/operation.hpp"
#include "vsctl/rules_file.hpp"
#include "vsctl/text.hpp"
#include "vsd/base/error.hpp"

namespace vs::ctl {

Action fwShowVerb(Flags& flags) {
  auto name = std::make_shared<std::string>();
  flags.operand("CONTEXT", *name);
  return [name](Session& session) {
    const Json shown = session.call("FirewallShow", {{"name", *name}});
    Json items = shown.at("rules");
    const auto add = [&](const char* words, const char* field) {
      Json item = shown.at(field);
      item["rule"] = words;
      items.push_back(std::move(item));
    };
    add("(no rule fits: denied)", "denied");
    add("(not from its own addresses: refused)", "spoofed");
    session.printItems("FirewallRuleList", kFirewallColumns, std::move(items));
    if (!shown.at("on").get<bool>())
      session.note(
          fmt::format("the firewall of context '{0}' is off: 'vsctl net {0} --fw up' "
                      "switches it on",
                      *name));
    return kSuccess;
  };
}

Action fwSetVerb(Flags& flags) {
  struct Options {
    std::string name;
    std::string file;
  };
  auto options = std::make_shared<Options>();
  flags.operand("CONTEXT", options->name);
  flags.operand("FILE", options->file);
  return [options](Session& session) {
    return carryOut(session,
                    {{"change the firewall of", "changed the firewall of"},
                     options->name,
                     "Set",
                     {{"name", options->name}, {"changes", {{"rules", rulesIn(options->file)}}}},
                     {}});
  };
}

Action fwCheckVerb(Flags& flags) {
  auto file = std::make_shared<std::string>();
  flags.operand("FILE", *file);
  return [file](Session& session) {
    const Json reply =
        session.call("FirewallCheck", {{"text", join(rulesIn(*file), "\n")}, {"file", *file}});
    session.note(fmt::format("{}: {} rules, nothing is wrong with them", *file,
                             reply.at("rules").get<int>()));
    return kSuccess;
  };
}

Action fwTestVerb(Flags& flags) {
  struct Options {
    std::string name;
    std::vector<std::string> words;
  };
  auto options = std::make_shared<Options>();
  flags.operand("CONTEXT", options->name);
  flags.operands("PACKET", options->words, Flags::Need::Required);
  return [options](Session& session) {
    const Json reply = session.call(
        "FirewallTest", {{"name", options->name}, {"packet", join(options->words, " ")}});
    print(reply.at("why").get<std::string>() + "\n");
    return static_cast<int>(reply.at("allowed").get<bool>() ? kSuccess : kFailure);
  };
}

}  // namespace vs::ctl
