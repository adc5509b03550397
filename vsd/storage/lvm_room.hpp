// How storages on LVM keep writers and the room there is for them together (lvm_room.cpp): pools
// grow before they are full; file systems promise no more than their pool can still take, so that
// who writes gets ENOSPC at once instead of losing what the page cache had accepted; what they have
// freed goes back to the pool. The parts of it that are arithmetic are here.
#pragma once

#include "vsd/base/units.hpp"
#include "vsd/storage/engine.hpp"
#include "vsd/storage/lvm.hpp"

namespace vs::storage {

// What one of `users` may take of a room they have in common before they are counted again: all of
// it as long as there is plenty, then its share.
Bytes shareOf(Bytes room, std::size_t users);

// What pools may still grow by: what the group has free beyond its reserve.
Bytes growthIn(const VolumeGroup& group, const Growth& how);

// What a pool grows by at once: `wanted`, or what is left of `growth`; when it is nearly full and
// nothing else is left, a little of the reserve. Nothing when that is too little to make a
// difference.
struct Step {
  Bytes size;
  bool fromReserve = false;
};
Step stepOf(Bytes wanted, Bytes growth, Bytes free, bool nearlyFull);

}  // namespace vs::storage
