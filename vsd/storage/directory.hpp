// What a directory tier does to its directories besides reading and writing files: locks that end
// with their holder, renames that survive a power cut, and what the file system below can do.
#pragma once

#include <string>

#include "vsd/base/error.hpp"
#include "vsd/base/fd.hpp"
#include "vsd/base/units.hpp"

namespace vs::storage {

// Creates `path` and its parents; whatever was there, its mode is 0700 afterwards.
void makePrivateDirectory(const std::string& path);

// What a user other than root may still write there.
Bytes freeSpace(const std::string& path);

// Clones a block between two files of this directory (FICLONE, ioctl_ficlone(2)): nothing else
// tells whether the file system can.
bool canReflink(const std::string& directory);

// Opens `path` and locks it (flock(2); LOCK_SH or LOCK_EX) without waiting; the lock ends with the
// descriptor. Throws Busy, or `absent` when the directory is not, or no longer, there.
Fd lockDirectory(const std::string& path, int operation, const Error& absent);

// All that was written to the file system of `path` is on the disk when this returns.
void syncFileSystem(const std::string& path);

// Renames within the directory `parent`, durably. Throws Exists when `to` is there already.
void renameIn(const std::string& parent, const std::string& from, const std::string& to);

}  // namespace vs::storage
