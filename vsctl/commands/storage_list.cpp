
#include "vsctl/columns.hpp"
#include "vsctl/commands/commands.hpp"
#include "vsctl/exit_code.hpp"
#include "vsctl/session.hpp"

namespace vs::ctl {

Action storageListVerb(Flags&) {
  return [](Session& session) {
    session.printItems("StorageList", kStorageColumns, session.call("StorageList").at("storages"));
    return kSuccess;
  };
}

}  // namespace vs::ctl
