// API objects as whole JSON and YAML documents: the envelope that programs read.
#pragma once

#include <string>
#include <string_view>

#include "vsd/base/error.hpp"
#include "vsd/base/json.hpp"

namespace vs::ctl {

inline constexpr int kEnvelopeVersion = 1;

// {"api": 1, "kind": KIND, "items": [...]}, indented, with a final newline.
std::string jsonDocument(std::string_view kind, const Json& items);
// The same as YAML 1.2 in block style.
std::string yamlDocument(std::string_view kind, const Json& items);

// {"api": 1, "kind": "Error", "code": ..., "message": ...} on one line: code is the kind's name;
// object, step, errno, hint, blockers and operation only when there is something to say.
std::string jsonError(const Error& error, std::string_view object);

}  // namespace vs::ctl
