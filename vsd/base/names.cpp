#include "vsd/base/names.hpp"

#include "vsd/base/error.hpp"
#include "vsd/base/file.hpp"

namespace vs {
namespace {
constexpr std::size_t kMaxName = 41;
bool isPlain(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
}  // namespace

bool isValidName(std::string_view name) {
  if (name.empty() || name.size() > kMaxName || !isPlain(name[0])) return false;
  for (const char c : name)
    if (!isPlain(c) && c != '-') return false;
  return true;
}

const std::string& checkName(const std::string& name, std::string_view what) {
  if (!isValidName(name))
    throw invalid("{} '{}' is not usable", what, printable(name))
        .withHint("use 1 to 41 of a-z, 0-9 and '-', beginning with a letter or digit");
  return name;
}

std::string makeUuid() {
  std::string uuid = readFile("/proc/sys/kernel/random/uuid");
  uuid.resize(36);
  return uuid;
}

std::string printable(std::string_view text, std::size_t limit) {
  std::string out;
  for (const char c : text.substr(0, limit)) out += c >= 0x20 && c < 0x7f ? c : '?';
  if (text.size() > limit) out += "...";
  return out;
}

}  // namespace vs
