
#include "vsctl/columns.hpp"
#include "vsctl/commands/commands.hpp"
#include "vsctl/exit_code.hpp"
#include "vsctl/session.hpp"

namespace vs::ctl {

Action storageShowVerb(Flags& flags) {
  auto names = std::make_shared<std::vector<std::string>>();
  flags.operands("STORAGE", *names, Flags::Need::Required);
  return [names](Session& session) {
    Json items = Json::array();
    for (const std::string& name : *names)
      items.push_back(session.call("StorageShow", {{"name", name}}).at("storage"));
    session.printRecords("StorageList", kStorageColumns, kStorageFields, std::move(items));
    return kSuccess;
  };
}

}  // namespace vs::ctl
