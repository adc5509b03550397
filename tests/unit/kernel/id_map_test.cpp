#include "vsd/kernel/id_map.hpp"

#include <gtest/gtest.h>

#include "vsd/base/error.hpp"

namespace vs {
namespace {

TEST(IdMap, IsALineForTheKernel) { EXPECT_EQ(idMapLine({524288, 65536}), "0 524288 65536\n"); }

TEST(IdMap, NeverHoldsHostRootNorLeavesTheIds) {
  for (const IdRange& range :
       {IdRange{0, 65536}, IdRange{524288, 0}, IdRange{0xffffffff, 1}, IdRange{0xfffffff0, 65536}})
    EXPECT_THROW(idMapLine(range), Error) << range.first << "+" << range.count;
  EXPECT_NO_THROW(idMapLine({0xfffffffe, 1}));
}

}  // namespace
}  // namespace vs
