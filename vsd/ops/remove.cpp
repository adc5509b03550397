#include "vsd/ops/remove.hpp"

#include "vsd/base/file.hpp"
#include "vsd/base/process.hpp"
#include "vsd/ops/checkpoints.hpp"
#include "vsd/ops/memory_image.hpp"
#include "vsd/ops/running.hpp"

namespace vs {

void checkRemove(const Host& host, const std::string& name, IfRunning ifRunning) {
  const ContextPicture context = host.contexts.find(name);
  if (!isDown(context.state) && !context.removing && ifRunning == IfRunning::Refuse)
    throw Error(Kind::InvalidState,
                fmt::format("cannot remove context '{}': it is {}", name, nameOf(context.state)))
        .withHint(fmt::format(
            "stop it first with 'vsctl stop {}', or kill it with 'vsctl remove --kill {}'", name,
            name));
}

std::vector<std::string> planRemove(const Host& host, const std::string& name,
                                    IfRunning ifRunning) {
  checkRemove(host, name, ifRunning);
  std::vector<std::string> plan;
  if (!isDown(host.contexts.find(name).state)) plan.push_back("kill it");
  const auto owner = storageOf(host, name)->ownerOf(name);
  if (owner && owner->host != hostName())
    plan.push_back(
        fmt::format("leave the volume '{}' to host '{}', whose it is", name, owner->host));
  else
    plan.push_back(fmt::format("remove the volume '{}' and all data on it", name));
  plan.push_back(fmt::format("remove the log {} and the record of context '{}'",
                             host.paths.logOf(name), name));
  return plan;
}

void remove(const Host& host, const std::string& name, Operation& operation) {
  operation.step("mark it");
  operation.passPointOfNoReturn();
  host.contexts.markRemoving(name);  // from here the remove is finished, whatever happens to us

  operation.step("kill what runs of it");
  if (!isDown(host.contexts.find(name).state)) host.contexts.setState(name, State::Stopping);
  cleanUpRun(host, name);
  memoryOf(host, name).useUp();
  memoryOf(host, name).removeRemains();
  forgetCheckpoints(host, name);
  host.contexts.setEnded(name, State::Stopped, "removed");

  operation.step("remove its volume");
  storageOf(host, name)->destroy(name);

  operation.step("forget it");
  removeFile(host.paths.logOf(name));
  removeFile(host.paths.logOf(name) + ".1");
  host.contexts.erase(name);
}

}  // namespace vs
