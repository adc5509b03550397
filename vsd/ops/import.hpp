// import: a context from the archive that an export wrote, on this host or another. What the
// archive wishes for it is checked as a user's own wish would be, with this host's means; the
// context appears when its tree is complete and the archive's checksums are right, or not at all.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "vsd/context/manifest.hpp"
#include "vsd/ops/create.hpp"

namespace vs {

// Each may be empty: as the archive says.
struct ImportRequest {
  std::string name;
  std::string storage;
  std::string profile;
};

// What an archive comes to on this host.
struct Import {
  std::string manifest;  // as it stands in the archive
  TreeSizes sizes;
  Definition definition;
  std::optional<MachineId> identity;  // as of NewContext
  std::vector<std::string> notes;     // what is not as the archive says
};

// From the manifest of an archive. Throws Exists (name), NotFound (storage asked for),
// InvalidParameter (all problems; a profile that isolates less and was not asked for by the user),
// Unsupported, Failed (no space).
Import completeImport(const Host& host, std::string manifest, const ImportRequest& request);

std::vector<std::string> planImport(const Host& host, const Import& wanted, ThenStart thenStart);
// `archive` stands behind its head.
void importContext(const Host& host, const Import& wanted, int archive, ThenStart thenStart,
                   Operation& operation);

}  // namespace vs
