// Operations as JSON: type Operation of io.vsd.varlink, also the form of journal rows.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "vsd/ops/operation.hpp"

namespace vs {

nlohmann::json toJson(const OperationPicture& picture);
OperationPicture pictureFrom(const nlohmann::json& json);

}  // namespace vs
