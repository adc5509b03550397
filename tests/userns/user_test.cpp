#include "vsd/guest/user.hpp"

#include <fmt/core.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>

#include "tests/userns/inside.hpp"
#include "vsd/base/file.hpp"

namespace vs::guest {
namespace {

// A root file system with these two files; findUser is asked inside it.
class UserFiles : public testing::Test {
 protected:
  void SetUp() override {
    ::mkdir((root.path() + "/etc").c_str(), 0755);
    write("passwd",
          "root:x:0:0:root:/root:/bin/bash\n"
          "# a comment\n"
          "ann:x:1000:100:Ann,,,:/home/ann:/bin/zsh\n"
          "halfway:x:7\n"
          "wide:x:4294967296:0::/:/bin/sh\n"
          "negative:x:-1:0::/:/bin/sh\n"
          "1234:x:5:5:numeric name:/:/bin/sh\n"
          "last:x:8:8::relative/home:");
    write("group",
          "root:x:0:\nusers:x:100:\nstaff:x:50:bob,ann\nanna:x:51:anna,xann\nadm:x:4:ann\n");
  }
  void write(const char* name, const std::string& content) const {
    std::ofstream(root.path() + "/etc/" + name) << content;
  }
  // "uid:gid groups name home shell", or the errno as a number.
  std::string ask(const std::string& wanted) const {
    return test::inRoot(root.path(), [&]() -> std::string {
      const auto user = findUser(wanted.c_str());
      if (!user) return std::to_string(errno);
      std::string groups;
      for (std::size_t i = 0; i < user->groupCount; ++i)
        groups += (i > 0 ? "," : "") + std::to_string(user->groups[i]);
      return fmt::format("{}:{} {} {} {} {}", user->uid, user->gid, groups, user->name.data(),
                         user->home.data(), user->shell.data());
    });
  }

  TempDir root;
};

TEST_F(UserFiles, AreReadForNamesNumbersAndGroups) {
  EXPECT_EQ(ask(""), "0:0 0 root /root /bin/bash");
  EXPECT_EQ(ask("root"), "0:0 0 root /root /bin/bash");
  EXPECT_EQ(ask("ann"), "1000:100 100,50,4 ann /home/ann /bin/zsh");
  EXPECT_EQ(ask("1000"), "1000:100 100,50,4 ann /home/ann /bin/zsh");
  EXPECT_EQ(ask("ann:staff"), "1000:50 50 ann /home/ann /bin/zsh");
  EXPECT_EQ(ask("77:88"), "77:88 88  / /bin/sh");
  EXPECT_EQ(ask("last"), "8:8 8 last / /bin/sh");
}

TEST_F(UserFiles, DoNotTurnANumberIntoAName) { EXPECT_EQ(ask("1234"), "1234:0 0  / /bin/sh"); }

TEST_F(UserFiles, GiveNobodyForWhatIsNoUser) {
  for (const char* wanted : {"-1", "+1", "halfway", "wide", "negative", "nobody", "ann:nogroup"})
    EXPECT_EQ(ask(wanted), std::to_string(ENOENT)) << wanted;
  for (const char* wanted :
       {"4294967295", "4294967296", "99999999999999999999", "0x0", "1:", ":1", ":", "1:2:3", "1 "})
    EXPECT_EQ(ask(wanted), std::to_string(EINVAL)) << wanted;
  EXPECT_EQ(ask(std::string(300, 'a')), std::to_string(EINVAL));
}

TEST_F(UserFiles, MayBeMissing) {
  ::unlink((root.path() + "/etc/passwd").c_str());
  ::unlink((root.path() + "/etc/group").c_str());
  EXPECT_EQ(ask(""), "0:0 0  / /bin/sh");
  EXPECT_EQ(ask("ann"), std::to_string(ENOENT));
}

TEST_F(UserFiles, MayBeHostile) {
  write("passwd", std::string(100'000, 'x') + "\nann:x:1000:100::/home/ann:/bin/zsh\n" +
                      std::string(9'000, ':') + "\n" + std::string("a\0b:x:1:1::/:/\n", 14));
  EXPECT_EQ(ask("ann"), "1000:100 100,50,4 ann /home/ann /bin/zsh");
  EXPECT_EQ(ask("x"), std::to_string(ENOENT));
}

TEST_F(UserFiles, AreNotWaitedForWhenTheyAreNoFiles) {
  ::unlink((root.path() + "/etc/passwd").c_str());
  ASSERT_EQ(::mkfifo((root.path() + "/etc/passwd").c_str(), 0666), 0);
  EXPECT_EQ(ask("ann"), std::to_string(ENOENT));
}

TEST_F(UserFiles, BoundTheGroupsOfAUser) {
  std::string groups;
  for (int i = 0; i < 1000; ++i) groups += fmt::format("g{}:x:{}:ann\n", i, 2000 + i);
  write("group", groups);
  const std::string answer = ask("ann");
  EXPECT_EQ(std::count(answer.begin(), answer.end(), ','), 63);
}

TEST(ParseId, TakesDigitsOnlyAndNoMoreThanIds) {
  EXPECT_EQ(parseId("0"), 0U);
  EXPECT_EQ(parseId("4294967294"), 4294967294U);
  for (const char* text : {"", "-1", "+1", " 1", "1 ", "1x", "0x1", "4294967295", "4294967296",
                           "18446744073709551616", "99999999999999999999999999"})
    EXPECT_EQ(parseId(text), std::nullopt) << text;
}

}  // namespace
}  // namespace vs::guest
