#include "vsd/base/error.hpp"

#include <array>
#include <cstring>
#include <utility>

namespace vs {
namespace {

constexpr std::array<std::pair<Kind, std::string_view>, 10> kKindNames{{
    {Kind::NotFound, "NotFound"},
    {Kind::Exists, "Exists"},
    {Kind::Busy, "Busy"},
    {Kind::InvalidState, "InvalidState"},
    {Kind::InvalidParameter, "InvalidParameter"},
    {Kind::Unsupported, "Unsupported"},
    {Kind::Denied, "Denied"},
    {Kind::Cancelled, "Cancelled"},
    {Kind::TimedOut, "TimedOut"},
    {Kind::Failed, "Failed"},
}};

}  // namespace

std::string_view nameOf(Kind kind) {
  for (const auto& [value, name] : kKindNames)
    if (value == kind) return name;
  return "Failed";
}

std::optional<Kind> kindFrom(std::string_view name) {
  for (const auto& [value, text] : kKindNames)
    if (text == name) return value;
  return std::nullopt;
}

Error::Error(Kind kind, std::string text, int errnoValue)
    : kind_(kind), text_(std::move(text)), errno_(errnoValue) {}

Error& Error::withHint(std::string hint) {
  hint_ = std::move(hint);
  return *this;
}

Error& Error::withStep(std::string step) {
  step_ = std::move(step);
  return *this;
}

Error& Error::withBlockers(std::vector<std::string> blockers) {
  blockers_ = std::move(blockers);
  return *this;
}

Error systemError(int errnoValue, std::string what) {
  Error error(Kind::Failed, fmt::format("{}: {}", what, std::strerror(errnoValue)), errnoValue);
  if (errnoValue == ENOSPC || errnoValue == EDQUOT)
    error.withHint("free some space on that file system, then try again");
  return error;
}

}  // namespace vs
