// What a context's archive says of itself: the content of its head (vsd/base/archive_frame.hpp), as
// JSON. It is foreign: of what it wishes for the context nothing counts before it was checked as a
// user's wish would be (security rule DR11).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "vsd/base/units.hpp"
#include "vsd/context/definition.hpp"

namespace vs {

// What its tree comes to.
struct TreeSizes {
  std::uint64_t entries = 0;
  Bytes bytes;    // of content, without holes
  Bytes disk;     // in blocks of 4 KiB
  Bytes largest;  // file, with its holes
  bool operator==(const TreeSizes&) const = default;
};

struct Manifest {
  Definition definition;      // of the context as it was; its name and template are in it
  std::string snapshot;       // the one that was exported; empty: what it held at `exported`
  std::string exported;       // RFC 3339
  std::string host;           // where
  std::optional<Bytes> size;  // of its volume, where volumes have sizes
  TreeSizes sizes;
};

std::string encodeManifest(const Manifest& manifest);
// Throws InvalidParameter naming the field when anything is missing, unknown or of the wrong kind.
Manifest decodeManifest(std::string_view text);

}  // namespace vs
