#include "vsd/api/idl.hpp"

#include <gtest/gtest.h>

#include "vsd/base/error.hpp"
#include "vsd/base/json.hpp"

namespace vs::api {
namespace {

constexpr const char* kText = R"(
# A small one.
interface io.test
type Colour (red, green)
type Box (name: string, size: ?int, colours: []Colour, more: [string]bool, inner: ?(a: float))
method Put(box: Box) -> ()
error Full (limit: int)
)";

std::vector<std::string> misfitsOfPut(const Json& parameters) {
  const Interface interface = parseInterface(kText);
  return misfits(interface, *interface.methods.at("Put").in, parameters);
}

TEST(Interface, IsParsedWithTypesMethodsAndErrors) {
  const Interface interface = parseInterface(kText);
  EXPECT_EQ(interface.name, "io.test");
  EXPECT_EQ(interface.types.size(), 2U);
  EXPECT_EQ(interface.types.at("Colour")->values, (std::vector<std::string>{"red", "green"}));
  EXPECT_EQ(interface.methods.at("Put").out->fields.size(), 0U);
  EXPECT_EQ(interface.errors.at("Full")->fields[0].name, "limit");
}

TEST(Interface, ErrorsTellLineAndColumn) {
  try {
    parseInterface("interface a.b\nmethod X( -> ()\n");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.text(), "interface definition: line 2, column 11: a field name was expected");
  }
}

TEST(Misfits, AreNoneForAFittingValue) {
  EXPECT_EQ(misfitsOfPut({{"box",
                           {{"name", "a"},
                            {"size", nullptr},
                            {"colours", {"red"}},
                            {"more", {{"x", true}}},
                            {"inner", {{"a", 1.5}}}}}}),
            std::vector<std::string>{});
}

TEST(Misfits, AreToldWithTheirPath) {
  EXPECT_EQ(misfitsOfPut({{"box",
                           {{"name", 1},
                            {"size", "x"},
                            {"colours", {"red", "blue"}},
                            {"more", {{"x", 1}}},
                            {"extra", 1}}},
                          {"y", 1}}),
            (std::vector<std::string>{"box.name: a text was expected",
                                      "box.size: a whole number was expected",
                                      "box.colours[1]: one of red, green was expected",
                                      "box.more.x: true or false was expected",
                                      "box.extra: is no field of this", "y: is no field of this"}));
  EXPECT_EQ(misfitsOfPut(Json::object()), std::vector<std::string>{"box: is missing"});
  EXPECT_EQ(misfitsOfPut(Json::array()),
            std::vector<std::string>{"parameters: an object was expected"});
}

}  // namespace
}  // namespace vs::api
