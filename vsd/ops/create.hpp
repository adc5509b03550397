// create: a new context from a template.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "vsd/ops/host.hpp"
#include "vsd/ops/personalise.hpp"

namespace vs {

enum class ThenStart { No, Yes };

// The full definition that a wish (type Wish of io.vsd.varlink) means on this host: defaults of
// vsd.toml and of the template filled in, validated. Its ids are given by create. Throws Exists,
// NotFound (template), InvalidParameter (all problems), Unsupported.
Definition completeWish(const Host& host, const nlohmann::json& wish);
// A volume without a record is somebody's data; undoing a create would remove it. Throws Exists.
void mustBeNoVolume(const storage::Engine& storage, const std::string& name);
// Throws Exists when a context has the name.
void checkNewName(const Host& host, const std::string& name);
// Everything that a wish may not ask for, here or anywhere: throws InvalidParameter (all problems),
// Unsupported. Whatever way a definition comes in, it passes here (security rule DR11).
void checkWish(const Host& host, const Definition& definition);

std::vector<std::string> planCreate(const Host& host, const Definition& definition,
                                    ThenStart thenStart);
void create(const Host& host, Definition definition, ThenStart thenStart, Operation& operation);

// What every way to a new context has in common: ids, volume, identity, record, start.
using MakeVolume =
    std::function<void(storage::Engine& engine, const storage::CreateRequest& request,
                       const storage::Progress& progress)>;
struct NewContext {
  Definition definition;
  MakeVolume makeVolume;  // makes the volume that the definition asks for, detached
  // What is written of who it is; nullopt: nothing, its tree says so already.
  std::optional<MachineId> identity = MachineId::Reset;
  ThenStart thenStart = ThenStart::No;
};
void createWith(const Host& host, NewContext wanted, Operation& operation);
// What it does once the volume is made, as a plan.
std::vector<std::string> planRecord(const Definition& definition,
                                    const std::optional<MachineId>& identity, ThenStart thenStart);

// A range of ids that neither a context nor a user of this host has.
Contexts::IdReservation reserveIdsOnThisHost(const Host& host);

}  // namespace vs
