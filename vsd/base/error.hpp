// The one exception of the project, and the two ways to throw it from a failed system call.
//
// An Error says what kind of wish could not be met (the kinds are the API's error names), names the
// object in quotes and the intent, and may carry a hint: what the user can do next. Library code
// throws; only the edges (an API request, an operation's thread, main) catch and log.
#pragma once

#include <fmt/core.h>

#include <cerrno>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vs {

// The API's error names (io.vsd.varlink). Failed is everything that is not the caller's doing.
enum class Kind {
  NotFound,
  Exists,
  Busy,
  InvalidState,
  InvalidParameter,
  Unsupported,
  Denied,
  Cancelled,
  TimedOut,
  Failed,
};

// "NotFound", "Exists", ...
std::string_view nameOf(Kind kind);
// The reverse; nullopt for a name that is no kind.
std::optional<Kind> kindFrom(std::string_view name);

class Error : public std::exception {
 public:
  Error(Kind kind, std::string text, int errnoValue = 0);

  const char* what() const noexcept override { return text_.c_str(); }
  Kind kind() const { return kind_; }
  const std::string& text() const { return text_; }
  int errnoValue() const { return errno_; }  // 0 when no system call failed
  const std::string& step() const { return step_; }
  const std::string& hint() const { return hint_; }
  const std::vector<std::string>& blockers() const { return blockers_; }

  // Each returns the error itself, to be used as `throw Error(...).withHint(...)`.
  Error& withHint(std::string hint);
  Error& withStep(std::string step);
  Error& withBlockers(std::vector<std::string> blockers);

 private:
  Kind kind_;
  std::string text_;
  int errno_;
  std::string step_;
  std::string hint_;
  std::vector<std::string> blockers_;
};

// An error whose text ends with the words for `errnoValue`: "open 'x': No such file or directory".
Error systemError(int errnoValue, std::string what);

// Returns `result` when it is not negative, else throws systemError(errno, what).
template <typename Integer, typename... Args>
Integer check(Integer result, fmt::format_string<Args...> what, Args&&... args) {
  if (result >= 0) return result;
  const int saved = errno;
  throw systemError(saved, fmt::format(what, std::forward<Args>(args)...));
}

template <typename... Args>
Error invalid(fmt::format_string<Args...> text, Args&&... args) {
  return Error(Kind::InvalidParameter, fmt::format(text, std::forward<Args>(args)...));
}

template <typename... Args>
Error failed(fmt::format_string<Args...> text, Args&&... args) {
  return Error(Kind::Failed, fmt::format(text, std::forward<Args>(args)...));
}

}  // namespace vs
