#include "vsd/ops/rename.hpp"

#include "vsd/base/file.hpp"
#include "vsd/base/json.hpp"
#include "vsd/base/names.hpp"
#include "vsd/base/rollback.hpp"
#include "vsd/ops/checkpoints.hpp"
#include "vsd/ops/personalise.hpp"

namespace vs {
namespace {

// The hostname follows the name unless it was given another one.
Definition renamed(const Definition& before, const std::string& to) {
  Definition after = before;
  after.name = to;
  if (before.hostname == before.name) after.hostname = to;
  return after;
}

}  // namespace

void checkRename(const Host& host, const std::string& from, const std::string& to) {
  const ContextPicture context = host.contexts.find(from);
  checkName(to, "context name");
  if (host.contexts.findIfAny(to))
    throw Error(Kind::Exists, fmt::format("context '{}' exists already", to));
  if (!isDown(context.state))
    throw Error(Kind::InvalidState,
                fmt::format("cannot rename context '{}': it is {}", from, nameOf(context.state)))
        .withHint(fmt::format("stop it first with 'vsctl stop {}'", from));
}

std::vector<std::string> planRename(const Host& host, const std::string& from,
                                    const std::string& to) {
  checkRename(host, from, to);
  const Definition after = renamed(host.contexts.find(from).definition, to);
  std::vector<std::string> plan{fmt::format("rename the volume '{}' to '{}'", from, to),
                                fmt::format("record context '{}' as '{}'", from, to)};
  if (after.hostname == to) plan.push_back("write /etc/hostname and /etc/hosts in it");
  return plan;
}

void rename(const Host& host, const std::string& from, const std::string& to,
            Operation& operation) {
  checkRename(host, from, to);
  Rollback undo;
  const Definition before = host.contexts.find(from).definition;
  const Definition after = renamed(before, to);
  const auto storage = storageOf(host, from);

  operation.step("rename its volume");
  undo.add("give its volume the old name back", [storage, from, to] { storage->rename(to, from); });
  storage->rename(from, to);

  operation.step("record it");
  operation.passPointOfNoReturn();
  host.contexts.rename(from, after);
  undo.commit();  // from here it has the new name

  followName(host, from, to, operation);
}

void followName(const Host& host, const std::string& from, const std::string& to,
                Operation& operation) {
  operation.step("write what follows its name");
  operation.passPointOfNoReturn();
  const Definition definition = host.contexts.find(to).definition;
  const auto storage = storageOf(host, to);
  storage->saveDefinition(to, toJson(definition).dump());
  for (std::string& note : personalise(storage->attach(to), definition, MachineId::Keep))
    operation.note(std::move(note));
  storage->detach(to);
  renameCheckpoints(host, from, to);
  if (exists(host.paths.logOf(from)) && !exists(host.paths.logOf(to)))
    check(::rename(host.paths.logOf(from).c_str(), host.paths.logOf(to).c_str()),
          "rename the log of '{}'", from);
}

}  // namespace vs
