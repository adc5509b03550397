#include "vsd/guest/user.hpp"

#include <cerrno>
#include <cstring>

#include "vsd/guest/line_reader.hpp"

namespace vs::guest {
namespace {

template <std::size_t Size>
void copyText(std::array<char, Size>& to, const char* from) noexcept {
  std::strncpy(to.data(), from, Size - 1);
  to[Size - 1] = '\0';
}

enum class Match { ByName, ById };

// Fills in `user` from the entry of /etc/passwd for a name, or for user.uid. A numeric name matches
// only by id, as with every other program: "0:" in a passwd file cannot pose as root.
bool readPasswd(Match match, const char* name, User& user) noexcept {
  LineReader passwd("/etc/passwd");
  while (char* line = passwd.next()) {
    const auto [login, password, uid, gid, gecos, home, shell] = fieldsOf<7>(line);
    const std::optional<std::uint32_t> id = parseId(uid);
    const std::optional<std::uint32_t> group = parseId(gid);
    if (!id || !group || *login == '\0') continue;
    if (match == Match::ByName ? std::strcmp(login, name) != 0 : *id != user.uid) continue;
    user.uid = *id;
    user.gid = *group;
    copyText(user.name, login);
    copyText(user.home, *home == '/' ? home : "/");
    copyText(user.shell, *shell == '/' ? shell : "/bin/sh");
    return true;
  }
  return false;
}

std::optional<std::uint32_t> findGroup(const char* name) noexcept {
  LineReader groups("/etc/group");
  while (char* line = groups.next()) {
    const auto [group, password, gid] = fieldsOf<3>(line);
    if (std::strcmp(group, name) == 0) return parseId(gid);
  }
  errno = ENOENT;
  return std::nullopt;
}

// True when `name` stands in the comma-separated `members`.
bool isMember(const char* members, const char* name) noexcept {
  const std::size_t length = std::strlen(name);
  while (*members != '\0') {
    const std::size_t size = std::strcspn(members, ",");
    if (size == length && std::strncmp(members, name, size) == 0) return true;
    members += size + (members[size] == ',');
  }
  return false;
}

void readSupplementaryGroups(User& user) noexcept {
  user.groups[user.groupCount++] = user.gid;
  if (user.name[0] == '\0') return;
  LineReader groups("/etc/group");
  while (char* line = groups.next()) {
    const auto [group, password, gid, members] = fieldsOf<4>(line);
    const std::optional<std::uint32_t> id = parseId(gid);
    if (!id || *id == user.gid || !isMember(members, user.name.data())) continue;
    if (user.groupCount == User::kMaxGroups) return;
    user.groups[user.groupCount++] = *id;
  }
}

bool isDigit(char c) noexcept { return c >= '0' && c <= '9'; }

// The part before the colon.
bool resolveUser(const char* wanted, User& user) noexcept {
  if (!isDigit(*wanted)) {
    if (readPasswd(Match::ByName, wanted, user)) return true;
    errno = ENOENT;
    return false;
  }
  const std::optional<std::uint32_t> id = parseId(wanted);
  if (!id) return false;
  user.uid = *id;
  readPasswd(Match::ById, nullptr, user);  // an id needs no entry
  return true;
}

std::optional<std::uint32_t> resolveGroup(const char* wanted) noexcept {
  return isDigit(*wanted) ? parseId(wanted) : findGroup(wanted);
}

}  // namespace

std::optional<std::uint32_t> parseId(const char* text) noexcept {
  errno = EINVAL;
  std::uint64_t value = 0;
  const char* digit = text;
  for (; isDigit(*digit) && value <= 0xffffffff; ++digit)
    value = value * 10 + static_cast<unsigned>(*digit - '0');
  if (digit == text || *digit != '\0' || value >= 0xffffffff) return std::nullopt;
  return static_cast<std::uint32_t>(value);
}

std::optional<User> findUser(const char* wanted) noexcept {
  User user;
  copyText(user.home, "/");
  copyText(user.shell, "/bin/sh");
  std::array<char, 256> text;
  if (std::strlen(wanted) >= text.size()) {
    errno = EINVAL;
    return std::nullopt;
  }
  copyText(text, *wanted == '\0' ? "0" : wanted);
  char* const colon = std::strchr(text.data(), ':');
  if (colon != nullptr) *colon = '\0';
  const char* const group = colon == nullptr ? nullptr : colon + 1;
  if (text[0] == '\0' || (group != nullptr && *group == '\0')) {
    errno = EINVAL;
    return std::nullopt;
  }
  if (!resolveUser(text.data(), user)) return std::nullopt;
  if (group == nullptr) {
    readSupplementaryGroups(user);
    return user;
  }
  const std::optional<std::uint32_t> gid = resolveGroup(group);
  if (!gid) return std::nullopt;
  user.gid = *gid;
  user.groups[user.groupCount++] = user.gid;
  return user;
}

}  // namespace vs::guest
