// Whether a storage may promise more than it has: contexts' volumes take room only as they are
// written, so their sizes may add up to several times what there is, but not to any sum.
#pragma once

#include "vsd/ops/host.hpp"

namespace vs {

// Throws Failed (ENOSPC) when `storage` may not promise `more` beyond what its volumes have.
void checkPromise(const Host& host, const storage::Engine& storage, Bytes more);

}  // namespace vs
