
#include "vsctl/columns.hpp"
#include "vsctl/commands/commands.hpp"
#include "vsctl/exit_code.hpp"
#include "vsctl/session.hpp"

namespace vs::ctl {

Action infoVerb(Flags&) {
  return [](Session& session) {
    Json info = session.call("Info");
    info["client"] = VSD_VERSION;
    session.printRecords("Info", kInfoFields, kInfoFields, Json::array({info}));
    return kSuccess;
  };
}

}  // namespace vs::ctl
