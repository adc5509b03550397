#include "vsd/context/manifest.hpp"

#include <gtest/gtest.h>

#include "vsd/base/error.hpp"
#include "vsd/base/json.hpp"

namespace vs {
namespace {

Manifest manifest() {
  Manifest made;
  made.definition.name = "web1";
  made.definition.templateName = "debian13";
  made.definition.tags = {"front"};
  made.snapshot = "before";
  made.exported = "2026-11-21T21:00:00.000Z";
  made.host = "h1";
  made.size = 9_GiB;
  made.sizes = {10, 2_MiB, 3_MiB, 1_GiB};
  return made;
}

// "Kind: text" of the refusal of the manifest with `field` changed; null takes it away.
std::string refusalOf(const Json::json_pointer& field, const Json& value) {
  Json json = Json::parse(encodeManifest(manifest()));
  if (value.is_null())
    json.at(field.parent_pointer()).erase(field.back());
  else
    json[field] = value;
  try {
    decodeManifest(json.dump());
    return "accepted";
  } catch (const Error& error) {
    return fmt::format("{}: {}", nameOf(error.kind()), error.text());
  }
}

TEST(Manifest, IsReadAsItWasWritten) {
  const Manifest read = decodeManifest(encodeManifest(manifest()));
  EXPECT_EQ(toJson(read.definition), toJson(manifest().definition));
  EXPECT_EQ(read.snapshot, "before");
  EXPECT_EQ(read.exported, "2026-11-21T21:00:00.000Z");
  EXPECT_EQ(read.host, "h1");
  EXPECT_EQ(read.size, 9_GiB);
  EXPECT_EQ(read.sizes, manifest().sizes);
  Manifest unsized = manifest();
  unsized.size.reset();
  EXPECT_EQ(decodeManifest(encodeManifest(unsized)).size, std::nullopt);
}

TEST(Manifest, WhatIsMissingOrOfTheWrongKindIsNamed) {
  const std::string front = "InvalidParameter: the archive's manifest has no ";
  EXPECT_EQ(refusalOf("/host"_json_pointer, nullptr), front + "text 'host'");
  EXPECT_EQ(refusalOf("/exported"_json_pointer, 5), front + "text 'exported'");
  EXPECT_EQ(refusalOf("/size"_json_pointer, -1), front + "number 'size'");
  EXPECT_EQ(refusalOf("/sizes/entries"_json_pointer, "10"), front + "number 'entries'");
  EXPECT_EQ(refusalOf("/sizes/largest"_json_pointer, nullptr), front + "number 'largest'");
  EXPECT_EQ(refusalOf("/definition"_json_pointer, nullptr),
            "InvalidParameter: a definition is not an object");
  EXPECT_EQ(refusalOf("/sizes"_json_pointer, Json::array()),
            "InvalidParameter: 'sizes' of the archive's manifest is no object");
}

TEST(Manifest, WhatIsUnknownIsRefused) {
  EXPECT_EQ(refusalOf("/hook"_json_pointer, "/bin/sh"),
            "InvalidParameter: the archive's manifest has the unknown field 'hook'");
  EXPECT_EQ(refusalOf("/sizes/inodes"_json_pointer, 1),
            "InvalidParameter: 'sizes' of the archive's manifest has the unknown field 'inodes'");
  EXPECT_EQ(refusalOf("/definition/privileged"_json_pointer, true),
            "InvalidParameter: the field 'privileged' is unknown");
}

TEST(Manifest, SizesThatCannotBeAreRefused) {
  EXPECT_EQ(refusalOf("/sizes/disk"_json_pointer, 1024),
            "InvalidParameter: the sizes in the archive's manifest contradict each other");
}

TEST(Manifest, OtherJsonIsRefused) {
  for (const char* text : {"", "null", "[]", "5", "{", "{}"})
    EXPECT_THROW(decodeManifest(text), Error) << text;
}

}  // namespace
}  // namespace vs
