
#include "vsctl/commands/commands.hpp"
#include "vsctl/operation.hpp"
#include "vsctl/wish.hpp"

namespace vs::ctl {

Action createVerb(Flags& flags) {
  struct Options {
    std::string name;
    WishFlags wish;
    bool start = false;
  };
  auto options = std::make_shared<Options>();
  flags.operand("NAME", options->name);
  addWishFlags(flags, options->wish, For::Create);
  flags.toggle("--start", options->start, "start it when it is made");
  return [options](Session& session) {
    readKeyFiles(options->wish);
    Json wish = fieldsFrom(options->wish, session.rest());
    wish["name"] = options->name;
    Json parameters = {{"wish", wish}};
    if (options->start) parameters["start"] = true;
    return carryOut(session, {{"create", "created"}, options->name, "Create", parameters, {}});
  };
}

}  // namespace vs::ctl
