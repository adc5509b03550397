// The JSON type of the project and its strict parsing. Kept out of other headers where a forward
// declaration (json_fwd) will do.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

namespace vs {

using Json = nlohmann::json;

// Parses one JSON text. Throws InvalidParameter naming `what` and the byte where it stopped;
// nesting beyond 64 levels is refused.
Json parseJson(std::string_view text, std::string_view what);

}  // namespace vs
