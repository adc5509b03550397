#include "vsd/context/template_build.hpp"

#include <gtest/gtest.h>

#include "tests/support/fake_runner.hpp"
#include "vsd/base/error.hpp"
#include "vsd/base/file.hpp"

namespace vs {
namespace {

using Texts = std::vector<std::string>;

TemplateDefinition debian() {
  TemplateDefinition definition;
  definition.name = "debian13";
  definition.release = "trixie";
  definition.mirror = "http://deb.debian.org/debian";
  definition.security = "http://deb.debian.org/debian-security";
  definition.keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";
  definition.components = {"main", "contrib"};
  definition.packages = {"systemd-sysv", "dbus"};
  return definition;
}

TEST(TemplateBuild, TellsMmdebstrapEverythingInPlainWords) {
  EXPECT_EQ(
      buildArguments(debian(), {}, "/usr/bin/mmdebstrap", "/scratch/template.tar"),
      (Texts{"/usr/bin/mmdebstrap", "--mode=root", "--format=tar", "--skip=output/dev",
             "--variant=minbase", "--include=systemd-sysv,dbus", "trixie", "/scratch/template.tar",
             "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] "
             "http://deb.debian.org/debian trixie main contrib",
             "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] "
             "http://deb.debian.org/debian trixie-updates main contrib",
             "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] "
             "http://deb.debian.org/debian-security trixie-security main contrib"}));
}

TEST(TemplateBuild, AMirrorOfTheUsersStandsAlone) {
  BuildOptions options;
  options.mirror = "http://mirror.lab/debian";
  options.keyring = "/etc/vsd/lab.gpg";
  options.packages = {"nginx"};
  EXPECT_EQ(
      buildArguments(debian(), options, "mmdebstrap", "T"),
      (Texts{"mmdebstrap", "--mode=root", "--format=tar", "--skip=output/dev", "--variant=minbase",
             "--include=systemd-sysv,dbus,nginx", "trixie", "T",
             "deb [signed-by=/etc/vsd/lab.gpg] http://mirror.lab/debian trixie main contrib"}));
}

TEST(TemplateBuild, RunsCustomizeInThePhaseThatItsVariantHas) {
  TemplateDefinition definition = debian();
  definition.packages = {};
  definition.security = "";
  definition.customize = "/usr/share/vsd/templates/x/customize";
  const auto hookOf = [&](const std::string& variant) {
    definition.variant = variant;
    return buildArguments(definition, {}, "mmdebstrap", "T").at(5);
  };
  EXPECT_EQ(hookOf("extract"), "--extract-hook=/usr/share/vsd/templates/x/customize");
  EXPECT_EQ(hookOf("minbase"), "--customize-hook=/usr/share/vsd/templates/x/customize");
}

TEST(TemplateBuild, NamesEveryReasonNotToBuild) {
  TemplateDefinition definition = debian();
  definition.customize = "/etc/vsd/templates/x; id/customize";
  BuildOptions options;
  options.mirror = "http://h/ trixie main\ndeb [trusted=yes] http://evil/";
  options.keyring = "/tmp/a] b";
  options.packages = {"nginx", "--allow-unauthenticated", "x.deb -o Dir=/"};
  EXPECT_EQ(
      problemsOf(definition, options),
      (Texts{"the mirror 'http://h/ trixie main?deb [trusted=yes] http://evil/' is no http:// "
             "or https:// address",
             "the keyring '/tmp/a] b' is no plain absolute path",
             "the program '/etc/vsd/templates/x; id/customize' has no plain path",
             "'--allow-unauthenticated' is no package name",
             "'x.deb -o Dir=/' is no package name"}));
}

TEST(TemplateBuild, NothingRunsWhenThereIsAProblem) {
  FakeRunner runner;
  BuildOptions options;
  options.packages = {"a b"};
  EXPECT_THROW(buildArchive(runner, debian(), options, {}), Error);
  EXPECT_TRUE(runner.ran.empty());
}

TEST(TemplateBuild, WithoutItsKeyringNothingIsBuilt) {
  FakeRunner runner;
  TemplateDefinition definition = debian();
  definition.keyring = "/nonexistent/keyring.gpg";
  try {
    buildArchive(runner, definition, {}, {});
    FAIL() << "built without a keyring";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Kind::Unsupported);
    EXPECT_EQ(error.text(),
              "the keyring '/nonexistent/keyring.gpg', which the packages' signatures are checked "
              "with, is not there");
  }
  EXPECT_TRUE(runner.ran.empty());
}

TEST(TemplateBuild, SaysWhatItChanged) {
  TemplateDefinition definition = debian();
  definition.security = "";
  definition.components = {"main"};
  definition.customize = "/x/customize";
  EXPECT_EQ(
      changesOf(definition, {}),
      (Texts{"mmdebstrap variant minbase, recommended packages left out",
             "removed package lists, the package cache, logs of the installation and what was "
             "in /tmp and /run",
             "package source: deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] "
             "http://deb.debian.org/debian trixie main",
             "ran /x/customize"}));
}

}  // namespace
}  // namespace vs
