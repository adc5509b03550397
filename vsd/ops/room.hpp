// Whether there is room on a storage for what is to come there: trees that are known, and sizes
// that are promised. A storage may promise more than it has: contexts' volumes take room only as
// they are written, so their sizes may add up to several times what there is, but not to any sum.
#pragma once

#include <string>

#include "vsd/base/error.hpp"
#include "vsd/ops/host.hpp"

namespace vs {

// Throws Failed (ENOSPC) when `storage` may not promise `more` beyond what its volumes have.
void checkPromise(const Host& host, const storage::Engine& storage, Bytes more);

// What holds a tree of so many bytes in blocks, with an eighth to spare.
Bytes sizeForTree(Bytes disk);
// Throws Failed (ENOSPC) when the tree does not fit; `intent` is "import context 'web'".
void needSpace(const storage::Engine& storage, const std::string& intent, Bytes disk);

// Whether it tells of a full disk, and how that is said of a storage.
bool isFull(const Error& error);
Error storageFull(const std::string& intent, const std::string& storage, const Error& error);

}  // namespace vs
