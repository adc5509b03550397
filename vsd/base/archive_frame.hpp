// A context's archive seen from outside: what surrounds the tree in it, so that one file says what
// it holds, and that it is whole and nobody has edited it.
//
//   head   magic, length · "vsd-context 1 " checksum "\n" · manifest
//   tree   a tar, compressed by zstd
//   end    magic, length · "vsd-end " checksum of the manifest " " checksum of the tree "\n"
//
// Head and end are skippable frames of zstd (RFC 8878, 3.1.2), of 32 bits magic and 32 bits length,
// little endian: programs that know zstd pass over them, and `tar --zstd -t` lists the tree. The
// length of the end never changes, so the tree can be written and read as a stream. Checksums are
// SHA-256 in hex: they tell of damage; who may import what is not theirs to say.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "vsd/base/units.hpp"

namespace vs {

inline constexpr std::size_t kMaxManifest = 4U << 20;
inline constexpr std::size_t kEndSize = 146;

// Whether a file that begins with `bytes` is a context's archive.
bool isHead(std::string_view bytes);

// Throws InvalidParameter when the manifest is longer than kMaxManifest.
std::string encodeHead(std::string_view manifest);
std::string encodeEnd(std::string_view manifest, std::string_view treeChecksum);

// The manifest at the beginning of `fd`, which stands at the tree afterwards. Throws
// InvalidParameter when the file is no archive of a context, ends within the head or was changed;
// Unsupported when its format is a newer one; TimedOut when the file (a pipe) gives nothing for
// so long.
std::string readHead(int fd, Millis patience);

}  // namespace vs
