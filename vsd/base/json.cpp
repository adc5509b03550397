#include "vsd/base/json.hpp"

#include "vsd/base/error.hpp"

namespace vs {
namespace {
constexpr int kMaxDepth = 64;

// nlohmann's parser does not recurse, but a value nested a million deep costs memory to hold and
// recursion to use: count brackets outside of strings first.
bool isTooDeep(std::string_view text) {
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      if (++depth > kMaxDepth) return true;
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return false;
}
}  // namespace

Json parseJson(std::string_view text, std::string_view what) {
  if (isTooDeep(text)) throw invalid("{} is nested more than {} levels deep", what, kMaxDepth);
  try {
    return Json::parse(text);
  } catch (const Json::parse_error& error) {
    throw invalid("{} is not valid JSON at byte {}", what, error.byte);
  }
}

}  // namespace vs
