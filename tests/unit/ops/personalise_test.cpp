#include "vsd/ops/personalise.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include "vsd/base/error.hpp"
#include "vsd/base/file.hpp"

namespace vs {
namespace {

Definition definition() {
  Definition d;
  d.name = "web1";
  d.hostname = "www";
  d.domain = "foo.bar";
  d.dns = {"10.0.3.5", "10.0.3.6"};
  d.hosts = {"10.0.3.9 db"};
  d.authorizedKeys = {"ssh-ed25519 AAAA me"};
  return d;
}

TEST(FilesFor, AreExactlyWhatWasAskedFor) {
  EXPECT_EQ(
      filesFor(definition(), MachineId::Reset),
      (std::vector<FileToWrite>{
          {"/etc/hostname", "www\n", 0644},
          {"/etc/hosts",
           "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n127.0.1.1 www.foo.bar "
           "www\n10.0.3.9 db\n",
           0644},
          {"/etc/resolv.conf", "search foo.bar\nnameserver 10.0.3.5\nnameserver 10.0.3.6\n", 0644},
          {"/root/.ssh/authorized_keys", "ssh-ed25519 AAAA me\n", 0600},
          {"/etc/machine-id", "", 0444}}));
}

TEST(FilesFor, LeaveResolverKeysAndMachineIdAloneWhenNotAsked) {
  Definition d;
  d.hostname = "plain";
  std::vector<std::string> paths;
  for (const FileToWrite& file : filesFor(d, MachineId::Keep)) paths.push_back(file.path);
  EXPECT_EQ(paths, (std::vector<std::string>{"/etc/hostname", "/etc/hosts"}));
}

TEST(Personalise, WritesThroughNoLinkOfAHostileTree) {
  const TempDir scratch;
  const std::string tree = scratch.path() + "/root";
  makeDirectories(tree + "/etc");
  makeDirectories(scratch.path() + "/victim");
  ASSERT_EQ(::symlink("../../victim/hosts", (tree + "/etc/hosts").c_str()), 0);
  ASSERT_EQ(::symlink("../victim", (tree + "/root").c_str()), 0);
  EXPECT_THROW(personalise(tree, definition(), MachineId::Reset), Error);
  EXPECT_EQ(listDirectory(scratch.path() + "/victim"), std::vector<std::string>{});
}

TEST(Personalise, SaysWhatItWroteAndWhatItCouldNot) {
  const TempDir scratch;
  makeDirectories(scratch.path() + "/root/bin");
  Definition d;
  d.hostname = "plain";
  EXPECT_EQ(
      personalise(scratch.path() + "/root", d, MachineId::Keep),
      (std::vector<std::string>{"did not write /etc/hostname: the template has no directory /etc",
                                "did not write /etc/hosts: the template has no directory /etc"}));
}

}  // namespace
}  // namespace vs
