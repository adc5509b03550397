// create: a new context from a template.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "vsd/ops/host.hpp"

namespace vs {

enum class ThenStart { No, Yes };

// The full definition that a wish (type Wish of io.vsd.varlink) means on this host: defaults of
// vsd.toml and of the template filled in, validated. Its ids are given by create. Throws Exists,
// NotFound (template), InvalidParameter (all problems), Unsupported.
Definition completeWish(const Host& host, const nlohmann::json& wish);

std::vector<std::string> planCreate(const Host& host, const Definition& definition,
                                    ThenStart thenStart);
void create(const Host& host, Definition definition, ThenStart thenStart, Operation& operation);

// What every way to a new context has in common: ids, volume, identity, record, start. `makeVolume`
// makes the volume that the definition asks for.
using MakeVolume =
    std::function<void(storage::Engine& engine, const storage::CreateRequest& request,
                       const storage::Progress& progress)>;
void createWith(const Host& host, Definition definition, const MakeVolume& makeVolume,
                ThenStart thenStart, Operation& operation);

// A range of ids that neither a context nor a user of this host has.
Contexts::IdReservation reserveIdsOnThisHost(const Host& host);

}  // namespace vs
