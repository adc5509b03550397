#include "vsd/unpack/entry_path.hpp"

#include "vsd/base/names.hpp"

namespace vs::unpack {

Error refusal(std::string_view entry, std::string_view reason) {
  return invalid("entry '{}' is refused: {}", printable(entry), reason);
}

std::string entryPath(std::string_view raw, unsigned depth) {
  if (raw.empty()) throw refusal(raw, "it has no name");
  if (raw.front() == '/') throw refusal(raw, "its path is absolute");
  if (raw.size() > 4095) throw refusal(raw, "its path is longer than 4095 bytes");
  std::string path;
  unsigned components = 0;
  for (std::size_t start = 0; start < raw.size();) {
    const std::size_t end = std::min(raw.find('/', start), raw.size());
    const std::string_view component = raw.substr(start, end - start);
    start = end + 1;
    if (component.empty() || component == ".") continue;
    if (component == "..") throw refusal(raw, "its path contains '..'");
    if (component.size() > 255) throw refusal(raw, "a name in its path is longer than 255 bytes");
    if (++components > depth)
      throw refusal(raw, fmt::format("its path is deeper than {} names", depth));
    if (!path.empty()) path += '/';
    path += component;
  }
  return path;
}

SplitPath split(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return {"", path};
  return {path.substr(0, slash), path.substr(slash + 1)};
}

}  // namespace vs::unpack
