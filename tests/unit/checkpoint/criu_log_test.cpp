#include "checkpoint/criu_log.hpp"

#include <gtest/gtest.h>

namespace vs::checkpoint {
namespace {

TEST(CriuLog, TheFirstErrorIsTheReason) {
  EXPECT_EQ(firstError("(00.001000) Version: 4.1.1\n"
                       "(00.002000)      1: Error (criu/mount.c:2232): mnt: Unable to mount sysfs\n"
                       "(00.003000) Error (criu/cr-restore.c:2320): Restoring FAILED.\n"),
            "criu: mnt: Unable to mount sysfs");
}

TEST(CriuLog, WhatCriuTriesAndGoesOnWithoutIsNone) {
  EXPECT_EQ(firstError("(01.36) Error (criu/tun.c:85): tun: Unable to create tun: No such file\n"
                       "(02.04) Error (criu/cr-dump.c:2111): Dumping FAILED.\n"),
            "criu: Dumping FAILED.");
}

TEST(CriuLog, KnownReasonsAreSaidInPlainWords) {
  EXPECT_EQ(firstError("(00.1) Error (criu/bfd.c:9): write: No space left on device\n"),
            "there is no room for its memory image (criu: write: No space left on device)");
  EXPECT_EQ(firstError("(00.1) Error (criu/files-reg.c:1790): Can't lookup mount=137 for fd=3\n"),
            "a process has a file open on a mount that is not in the context, a POSIX message "
            "queue for example (criu: Can't lookup mount=137 for fd=3)");
}

TEST(CriuLog, WithoutAnErrorThereIsNoReason) {
  EXPECT_EQ(firstError(""), "");
  EXPECT_EQ(firstError("(00.1) Dumping finished successfully"), "");
  EXPECT_EQ(firstError("Error (cut off"), "criu: Error (cut off");
}

}  // namespace
}  // namespace vs::checkpoint
