#include "vsd/base/archive_frame.hpp"

#include <unistd.h>

#include <algorithm>

#include "vsd/base/error.hpp"
#include "vsd/base/fd.hpp"
#include "vsd/base/hash.hpp"

namespace vs {
namespace {

constexpr std::string_view kMagic = "\x5c\x2a\x4d\x18";
constexpr std::string_view kKind = "vsd-context ";
constexpr std::string_view kFormat = "1 ";
constexpr std::size_t kFrameSize = 8;
constexpr std::size_t kChecksumSize = 64;
constexpr std::size_t kTitleSize = kKind.size() + kFormat.size() + kChecksumSize + 1;

std::string checksumOf(std::string_view bytes) {
  Hash hash;
  hash.add(bytes.data(), bytes.size());
  return hash.digest();
}

std::string frame(std::string_view content) {
  std::string bytes(kMagic);
  for (unsigned shift = 0; shift < 32; shift += 8)
    bytes += static_cast<char>((content.size() >> shift) & 0xff);
  return bytes.append(content);
}

std::size_t lengthIn(std::string_view head) {
  std::size_t length = 0;
  for (unsigned i = 0; i < 4; ++i)
    length |= std::size_t{static_cast<unsigned char>(head[kMagic.size() + i])} << (8 * i);
  return length;
}

Error foreign() {
  return invalid("the file is no archive of a context")
      .withHint("'vsctl export' writes one; a template's is read by 'vsctl template import'");
}

Error damaged(std::string_view how) {
  return invalid("the archive {}", how).withHint("get it again, or export the context again");
}

// Exactly `count` bytes, or less at the end of the file.
std::string readUpTo(int fd, std::size_t count, Millis patience) {
  std::string bytes;
  while (bytes.size() < count) {
    if (!waitReadable(fd, patience))
      throw Error(Kind::TimedOut, "the archive's file gives nothing to read");
    std::string part(std::min<std::size_t>(count - bytes.size(), 65536), '\0');
    const ssize_t got = ::read(fd, part.data(), part.size());
    if (got < 0 && errno == EINTR) continue;
    check(got, "read the archive");
    if (got == 0) break;
    bytes.append(part, 0, static_cast<std::size_t>(got));
  }
  return bytes;
}

}  // namespace

bool isHead(std::string_view bytes) {
  return bytes.starts_with(kMagic) &&
         bytes.substr(std::min(bytes.size(), kFrameSize)).starts_with(kKind.substr(0, 4));
}

std::string encodeHead(std::string_view manifest) {
  if (manifest.size() > kMaxManifest)
    throw invalid("the manifest has {} bytes, more than the {} an archive can hold",
                  manifest.size(), kMaxManifest);
  return frame(fmt::format("{}{}{}\n{}", kKind, kFormat, checksumOf(manifest), manifest));
}

std::string encodeEnd(std::string_view manifest, std::string_view treeChecksum) {
  return frame(fmt::format("vsd-end {} {}\n", checksumOf(manifest), treeChecksum));
}

std::string readHead(int fd, Millis patience) {
  const std::string start = readUpTo(fd, kFrameSize + kTitleSize, patience);
  const std::string_view title = std::string_view(start).substr(std::min(start.size(), kFrameSize));
  if (!isHead(start) || !title.starts_with(kKind)) throw foreign();
  if (title.size() < kTitleSize) throw damaged("ends within its head");
  if (!title.substr(kKind.size()).starts_with(kFormat))
    throw Error(Kind::Unsupported, "the archive's format is not one this vsd knows")
        .withHint("a newer vsd has written it: import it there, or upgrade this host");
  const std::size_t length = lengthIn(start);
  if (length < kTitleSize || length - kTitleSize > kMaxManifest) throw damaged("was changed");
  const std::string manifest = readUpTo(fd, length - kTitleSize, patience);
  if (manifest.size() < length - kTitleSize) throw damaged("ends within its head");
  if (encodeHead(manifest) != start + manifest) throw damaged("was changed");
  return manifest;
}

}  // namespace vs
