// Everything an operation works with on this host, handed to each as one value of references.
#pragma once

#include <map>
#include <mutex>
#include <set>
#include <string>

#include "vsd/base/paths.hpp"
#include "vsd/base/runner.hpp"
#include "vsd/context/config.hpp"
#include "vsd/kernel/isolation.hpp"
#include "vsd/kernel/launch.hpp"
#include "vsd/ops/contexts.hpp"
#include "vsd/ops/operations.hpp"
#include "vsd/storage/storages.hpp"

namespace vs {

struct Host {
  const Paths& paths;
  const Config& config;
  Runner& runner;
  storage::Storages& storages;
  Store& store;  // of storages; contexts go through `contexts`
  const GuestProgram& guestProgram;
  std::string programs;  // the directory of those that come with vsd
  Contexts& contexts;
  Operations& operations;
};

// What operations on templates hold: kTemplateObject + name, beside contexts' plain names.
inline constexpr std::string_view kTemplateObject = "template ";

// The storage of a context; of a name that is no context (yet), the one that holds such a volume.
// Throws NotFound.
std::shared_ptr<storage::Engine> storageOf(const Host& host, const std::string& context);

// The contexts and templates that operations work on at this moment: their volumes are not judged.
std::set<std::string> namesInUse(const Host& host);

// How the definition's words are said to the kernel layer.
Isolation isolationOf(const Definition& definition);

}  // namespace vs
