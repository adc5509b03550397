// Everything an operation works with on this host, handed to each as one value of references.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "vsd/base/paths.hpp"
#include "vsd/base/runner.hpp"
#include "vsd/context/config.hpp"
#include "vsd/kernel/isolation.hpp"
#include "vsd/kernel/launch.hpp"
#include "vsd/ops/contexts.hpp"
#include "vsd/ops/operations.hpp"
#include "vsd/storage/engine.hpp"

namespace vs {

struct Host {
  const Paths& paths;
  const Config& config;
  Runner& runner;
  storage::Engine& storage;
  const GuestProgram& guestProgram;
  std::string unpackProgram;
  Contexts& contexts;
  Operations& operations;
};

// What operations on templates hold: kTemplateObject + name, beside contexts' plain names.
inline constexpr std::string_view kTemplateObject = "template ";

// How the definition's words are said to the kernel layer.
Isolation isolationOf(const Definition& definition);

}  // namespace vs
