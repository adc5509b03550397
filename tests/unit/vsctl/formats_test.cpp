#include "vsctl/formats.hpp"

#include <gtest/gtest.h>

#include "vsctl/exit_code.hpp"
#include "vsctl/session.hpp"
#include "vsd/api/client.hpp"

namespace vs::ctl {
namespace {

const Json kItems = parseJson(R"([
  {"name": "web1", "size": 1024, "tags": ["a", "yes"], "limits": {}, "user": null,
   "steps": [{"name": "one", "state": "done"}, [1, 2]]},
  "text: with colon"
])",
                              "test");

TEST(JsonDocument, IsAnEnvelopeWithVersionKindAndItems) {
  EXPECT_EQ(jsonDocument("ContextList", parseJson(R"([{"name": "web1", "tags": []}])", "test")),
            "{\n"
            "  \"api\": 1,\n"
            "  \"kind\": \"ContextList\",\n"
            "  \"items\": [\n"
            "    {\n"
            "      \"name\": \"web1\",\n"
            "      \"tags\": []\n"
            "    }\n"
            "  ]\n"
            "}\n");
}

TEST(JsonDocument, IsReadBackAsWhatItWasMadeFrom) {
  EXPECT_EQ(parseJson(jsonDocument("X", kItems), "test"),
            Json({{"api", 1}, {"kind", "X"}, {"items", kItems}}));
}

TEST(YamlDocument, QuotesWhatWouldMeanSomethingElse) {
  EXPECT_EQ(yamlDocument("ContextList", kItems),
            "api: 1\n"
            "kind: ContextList\n"
            "items:\n"
            "  - limits: {}\n"
            "    name: web1\n"
            "    size: 1024\n"
            "    steps:\n"
            "      - name: one\n"
            "        state: done\n"
            "      - - 1\n"
            "        - 2\n"
            "    tags:\n"
            "      - a\n"
            "      - \"yes\"\n"
            "    user: null\n"
            "  - \"text: with colon\"\n");
}

TEST(YamlDocument, SaysAnEmptyListInOneLine) {
  EXPECT_EQ(yamlDocument("ContextList", Json::array()), "api: 1\nkind: ContextList\nitems: []\n");
}

TEST(YamlDocument, QuotesWordsThatYamlTakesForNumbersOrTimes) {
  const Json items = {"1e3", "0x1f", "2024-05-01", "-", "~", "No", "", "a b"};
  EXPECT_EQ(yamlDocument("X", items),
            "api: 1\nkind: X\nitems:\n"
            "  - \"1e3\"\n  - \"0x1f\"\n  - \"2024-05-01\"\n  - \"-\"\n  - \"~\"\n  - \"No\"\n"
            "  - \"\"\n  - \"a b\"\n");
}

Error someError() {
  Error error(Kind::Failed, "start context 'web1': no memory", 12);
  error.withHint("give it less").withStep("limits").withBlockers({"one", "two"});
  return error;
}

TEST(ErrorText, SaysReasonsStepAndHintBelowTheError) {
  EXPECT_EQ(errorText(someError(), "web1", "table"),
            "vsctl: error: start context 'web1': no memory\n"
            "  - one\n"
            "  - two\n"
            "  step: limits\n"
            "  hint: give it less\n");
  EXPECT_EQ(errorText(Error(Kind::NotFound, "gone"), "", "yaml"), "vsctl: error: gone\n");
}

TEST(ErrorText, IsJsonWhenTheFormatIs) {
  EXPECT_EQ(parseJson(errorText(api::CallError(someError(), "17"), "web1", "json"), "test"),
            Json({{"api", 1},
                  {"kind", "Error"},
                  {"code", "Failed"},
                  {"message", "start context 'web1': no memory"},
                  {"object", "web1"},
                  {"step", "limits"},
                  {"errno", 12},
                  {"hint", "give it less"},
                  {"blockers", {"one", "two"}},
                  {"operation", "17"}}));
  EXPECT_EQ(errorText(Error(Kind::NotFound, "gone"), "", "json"),
            "{\"api\":1,\"code\":\"NotFound\",\"kind\":\"Error\",\"message\":\"gone\"}\n");
}

TEST(ExitCode, IsThatOfTheManPageForEachKind) {
  const std::pair<Kind, int> expected[] = {{Kind::NotFound, 3},    {Kind::Exists, 4},
                                           {Kind::Busy, 5},        {Kind::InvalidState, 1},
                                           {Kind::Unsupported, 1}, {Kind::InvalidParameter, 2},
                                           {Kind::Denied, 11},     {Kind::Cancelled, 1},
                                           {Kind::TimedOut, 10},   {Kind::Failed, 1}};
  for (const auto& [kind, code] : expected) EXPECT_EQ(exitCodeFor(kind), code) << nameOf(kind);
}

}  // namespace
}  // namespace vs::ctl
