#include "vsd/context/template_definition.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "vsd/base/error.hpp"
#include "vsd/base/file.hpp"

namespace vs {
namespace {

constexpr std::string_view kGood = R"(description  = "Debian 13"
distribution = "debian"
release      = "trixie"
mirror       = "http://deb.debian.org/debian"
security     = "http://deb.debian.org/debian-security"
keyring      = "/usr/share/keyrings/debian-archive-keyring.gpg"
components   = ["main", "contrib"]
packages     = ["systemd-sysv", "g++", "libstdc++6"]
init         = "systemd"
clean        = ["/etc/hostname"]
)";

using Texts = std::vector<std::string>;

std::string without(std::string_view line) {
  std::string text(kGood);
  const std::size_t at = text.find(line);
  return text.erase(at, text.find('\n', at) + 1 - at);
}

Texts problemsIn(const std::string& text) { return parseTemplate(text, "t", "t.toml").problems; }

TEST(TemplateDefinition, ReadsEverySetting) {
  const auto [definition, problems] = parseTemplate(kGood, "debian13", "t.toml");
  EXPECT_EQ(problems, Texts{});
  EXPECT_EQ(definition.name, "debian13");
  EXPECT_EQ(definition.origin, "t.toml");
  EXPECT_EQ(definition.description, "Debian 13");
  EXPECT_EQ(definition.distribution, "debian");
  EXPECT_EQ(definition.release, "trixie");
  EXPECT_EQ(definition.mirror, "http://deb.debian.org/debian");
  EXPECT_EQ(definition.security, "http://deb.debian.org/debian-security");
  EXPECT_EQ(definition.keyring, "/usr/share/keyrings/debian-archive-keyring.gpg");
  EXPECT_EQ(definition.components, (Texts{"main", "contrib"}));
  EXPECT_EQ(definition.variant, "minbase");
  EXPECT_EQ(definition.packages, (Texts{"systemd-sysv", "g++", "libstdc++6"}));
  EXPECT_EQ(definition.init, Init::Systemd);
  EXPECT_EQ(definition.command, Texts{});
  EXPECT_EQ(definition.clean, Texts{"/etc/hostname"});
}

TEST(TemplateDefinition, ReportsEveryProblemWhereItStands) {
  EXPECT_EQ(problemsIn(R"(description = 13
release = "trixie; rm -rf /"
mirror = "http://user:secret@example.org/debian"
keyring = "keys.gpg"
packages = ["systemd", "../evil.deb",
            "apt-"]
init = "upstart"
colour = "blue"
)"),
            (Texts{
                "t.toml:1:1: 'distribution' is missing",
                "t.toml:1:15: 'description' must be a text in quotes",
                "t.toml:2:11: 'release' must be of a-z, 0-9, '.' and '-', not 'trixie; rm -rf /'",
                "t.toml:3:10: 'mirror' must be an http:// or https:// address without user, not "
                "'http://user:secret@example.org/debian'",
                "t.toml:4:11: 'keyring' must be an absolute path, not 'keys.gpg'",
                "t.toml:5:24: 'packages' must be names of packages, not '../evil.deb'",
                "t.toml:6:13: 'packages' must be names of packages, not 'apt-'",
                "t.toml:7:8: 'init' must be systemd, sysv or command, not 'upstart'",
                "t.toml:8:10: there is no setting 'colour'",
            }));
}

TEST(TemplateDefinition, NamesWhatIsMissing) {
  EXPECT_EQ(problemsIn(without("release")), Texts{"t.toml:1:1: 'release' is missing"});
  EXPECT_EQ(problemsIn(without("keyring")), Texts{"t.toml:1:1: 'keyring' is missing"});
}

TEST(TemplateDefinition, WantsACommandForInitCommandAndForNoOther) {
  EXPECT_EQ(
      problemsIn(without("init") + "init = \"command\"\n"),
      Texts{"t.toml:1:1: 'command' is missing: init = \"command\" needs to know what to run"});
  EXPECT_EQ(problemsIn(std::string(kGood) + "command = [\"/bin/sh\"]\n"),
            Texts{"t.toml:11:11: 'command' is of use with init = \"command\" only"});
}

TEST(TemplateDefinition, ReportsBrokenTomlWithItsPlace) {
  const Texts problems = problemsIn("description = \"x\nrelease = 1\n");
  ASSERT_FALSE(problems.empty());
  EXPECT_NE(problems[0].find("t.toml:1:"), std::string::npos) << problems[0];
}

TEST(TemplateDefinition, KnowsPackageNamesFromWhatAptWouldTakeForSomethingElse) {
  for (const char* good : {"systemd", "g++", "libc6", "0ad", "python3.11-minimal"})
    EXPECT_TRUE(isPackageName(good)) << good;
  for (const char* bad : {"", "x", "apt-", "-o", "a b", "a,b", "./x.deb", "/x.deb", "a/unstable",
                          "a=1.0", "?essential", "~n", "UPPER", "a;id", "a\nb"})
    EXPECT_FALSE(isPackageName(bad)) << bad;
}

TEST(TemplateDefinition, KnowsMirrors) {
  for (const char* good : {"http://deb.debian.org/debian", "https://mirror.example:8443/~x/debian"})
    EXPECT_TRUE(isMirror(good)) << good;
  for (const char* bad : {"", "http://", "http:///debian", "ftp://x/y", "file:///etc", "http://a b",
                          "http://u:p@h/", "http://h/$(id)", "http://h/x main\ndeb [trusted=yes]",
                          "copy:/etc", "http://h/[trusted=yes]"})
    EXPECT_FALSE(isMirror(bad)) << bad;
}

class TemplateFolders : public testing::Test {
 protected:
  void add(const std::string& folder, const std::string& text) {
    makeDirectories(scratch_.path() + "/" + folder);
    writeAtomic(scratch_.path() + "/" + folder + "/template.toml", text, 0644);
  }
  Texts directories() const { return {scratch_.path() + "/etc", scratch_.path() + "/share"}; }
  TempDir scratch_;
};

TEST_F(TemplateFolders, AHostsOwnDefinitionComesBeforeTheShippedOne) {
  add("share/debian13", without("description") + "description = \"shipped\"\n");
  add("share/busybox", without("description") + "description = \"small\"\n");
  add("etc/debian13", without("description") + "description = \"own\"\n");
  writeAtomic(scratch_.path() + "/share/busybox/customize", "#!/bin/sh\n", 0755);
  writeAtomic(scratch_.path() + "/share/debian13/customize", "#!/bin/sh\n", 0755);

  const auto [definitions, problems] = findTemplateDefinitions(directories());

  EXPECT_EQ(problems, Texts{});
  ASSERT_EQ(definitions.size(), 2U);
  EXPECT_EQ(definitions[0].name, "busybox");
  EXPECT_EQ(definitions[0].customize, scratch_.path() + "/share/busybox/customize");
  EXPECT_EQ(definitions[1].description, "own");
  EXPECT_EQ(definitions[1].customize, "");
}

TEST_F(TemplateFolders, ABrokenDefinitionIsReportedAndTheRestIsThere) {
  add("etc/broken", "colour = 1\n");
  add("share/debian13", std::string(kGood));
  const auto [definitions, problems] = findTemplateDefinitions(directories());
  ASSERT_EQ(definitions.size(), 1U);
  EXPECT_EQ(definitions[0].name, "debian13");
  EXPECT_EQ(problems.size(), 7U);
  try {
    findTemplateDefinition(directories(), "broken");
    FAIL() << "a broken definition was returned";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Kind::InvalidParameter);
    EXPECT_EQ(error.blockers(), problems);
  }
}

TEST_F(TemplateFolders, AnUnknownNameIsAnsweredWithTheKnownOnes) {
  add("share/debian13", std::string(kGood));
  try {
    findTemplateDefinition(directories(), "debian99");
    FAIL() << "an unknown definition was returned";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Kind::NotFound);
    EXPECT_EQ(error.hint(), "there are: debian13");
  }
  EXPECT_THROW(findTemplateDefinition(directories(), "../debian13"), Error);
}

}  // namespace
}  // namespace vs
