
#include "vsctl/commands/commands.hpp"
#include "vsctl/exit_code.hpp"
#include "vsctl/operation.hpp"
#include "vsctl/text.hpp"

namespace vs::ctl {

Action storageRemoveVerb(Flags& flags) {
  auto names = std::make_shared<std::vector<std::string>>();
  flags.operands("STORAGE", *names, Flags::Need::Required);
  return [names](Session& session) {
    if (!session.confirm(fmt::format("remove storage {} and its templates?", join(*names, ", ")))) {
      session.note("nothing was removed");
      return static_cast<int>(kFailure);
    }
    std::vector<Work> works;
    for (const std::string& name : *names)
      works.push_back(
          {{"remove storage", "removed storage"}, name, "StorageRemove", {{"name", name}}, {}});
    return carryOut(session, works);
  };
}

}  // namespace vs::ctl
