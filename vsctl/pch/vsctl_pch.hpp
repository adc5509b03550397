// Headers that nearly every file of vsctl needs and that are slow to read.

#include <fmt/core.h>

#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <ranges>
#include <string>
#include <string_view>
#include <vector>
