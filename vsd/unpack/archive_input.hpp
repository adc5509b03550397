// A foreign archive as a sequence of entries: the only place that knows libarchive's reading side.
#pragma once

#include <archive.h>
#include <archive_entry.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "vsd/base/error.hpp"
#include "vsd/base/hash.hpp"

namespace vs::unpack {

// A part of a file's content; what lies between parts is a hole.
struct Block {
  std::string_view bytes;
  std::uint64_t offset = 0;
};

class ArchiveInput {
 public:
  // Starts to read the archive that `fd` gives; its last `following` bytes are none of it. Throws
  // InvalidParameter when it is no archive, or one of a context from its head on.
  ArchiveInput(int fd, std::size_t following);
  ArchiveInput(const ArchiveInput&) = delete;
  ArchiveInput& operator=(const ArchiveInput&) = delete;

  // The next entry, valid until the next call; nullptr at the end of the archive. Throws
  // InvalidParameter when the archive is damaged or ends too early.
  archive_entry* next();
  // The next part of the current entry's content; nullopt at its end.
  std::optional<Block> nextBlock();
  // Reads what follows the archive in the file, so that the hash covers all of it.
  void drain();

  std::uint64_t bytesRead() const { return hash_.count(); }
  // Both are known after drain().
  std::string digest() { return hash_.digest(); }
  const std::string& following() const { return held_; }

 private:
  static la_ssize_t read(archive*, void* self, const void** buffer);
  la_ssize_t readSome();
  la_ssize_t fill(std::size_t least);
  Error damaged() const;

  int fd_;
  std::size_t following_;
  int readError_ = 0;
  bool isBegun_ = false;
  bool isContext_ = false;
  std::string held_;   // read and not given out: at the end of the file, what follows the archive
  std::string ready_;  // given out
  Hash hash_;          // of all that was given out
  std::uint64_t entries_ = 0;
  std::array<char, 65536> buffer_;
  std::unique_ptr<archive, decltype(&::archive_read_free)> archive_;
};

}  // namespace vs::unpack
