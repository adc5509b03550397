#include "vsd/unpack/archive_input.hpp"

#include <unistd.h>

#include <utility>

#include "vsd/base/archive_frame.hpp"
#include "vsd/base/names.hpp"

namespace vs::unpack {
namespace {

// A tar ends with blocks of zeros; without one it was cut off.
constexpr la_int64_t kEndMarker = 512;
// Read before anything is said of the archive.
constexpr std::size_t kBeginning = 16;

}  // namespace

ArchiveInput::ArchiveInput(int fd, std::size_t following)
    : fd_(fd), following_(following), archive_(::archive_read_new(), &::archive_read_free) {
  if (!archive_) throw failed("cannot make an archive reader");
  ::archive_read_support_filter_gzip(archive_.get());
  ::archive_read_support_filter_bzip2(archive_.get());
  ::archive_read_support_filter_xz(archive_.get());
  ::archive_read_support_filter_zstd(archive_.get());
  ::archive_read_support_format_tar(archive_.get());
  if (::archive_read_open(archive_.get(), this, nullptr, &ArchiveInput::read, nullptr) <
      ARCHIVE_WARN)
    throw damaged();
}

archive_entry* ArchiveInput::next() {
  if (entries_ > 0 && ::archive_read_data_skip(archive_.get()) < ARCHIVE_WARN) throw damaged();
  const la_int64_t before = ::archive_filter_bytes(archive_.get(), 0);
  archive_entry* entry = nullptr;
  const int result = ::archive_read_next_header(archive_.get(), &entry);
  if (result == ARCHIVE_EOF) {
    if (::archive_filter_bytes(archive_.get(), 0) - before < kEndMarker)
      throw invalid("the archive ends too early, after {} entries", entries_);
    return nullptr;
  }
  if (result < ARCHIVE_WARN) throw damaged();
  ++entries_;
  return entry;
}

std::optional<Block> ArchiveInput::nextBlock() {
  const void* bytes = nullptr;
  std::size_t count = 0;
  la_int64_t offset = 0;
  const int result = ::archive_read_data_block(archive_.get(), &bytes, &count, &offset);
  if (result == ARCHIVE_EOF) return std::nullopt;
  if (result < ARCHIVE_WARN || offset < 0) throw damaged();
  return Block{{static_cast<const char*>(bytes), count}, static_cast<std::uint64_t>(offset)};
}

void ArchiveInput::drain() {
  la_ssize_t got;
  while ((got = readSome()) > 0) {
  }
  if (got < 0) throw systemError(readError_, "read the archive");
}

la_ssize_t ArchiveInput::read(archive*, void* self, const void** buffer) {
  auto* input = static_cast<ArchiveInput*>(self);
  const la_ssize_t count = input->readSome();
  *buffer = input->ready_.data();
  return count;
}

la_ssize_t ArchiveInput::readSome() {
  do {
    const ssize_t got = fill(isBegun_ ? 1 : kBeginning);
    if (got <= 0) return got;
  } while (held_.size() <= following_);
  ready_.assign(held_, 0, held_.size() - following_);
  held_.erase(0, ready_.size());
  hash_.add(ready_.data(), ready_.size());
  return static_cast<la_ssize_t>(ready_.size());
}

// At least so many bytes more, unless the file ends before.
la_ssize_t ArchiveInput::fill(std::size_t least) {
  std::size_t count = 0;
  ssize_t got;
  do {
    got = ::read(fd_, buffer_.data() + count, buffer_.size() - count);
    if (got > 0) count += static_cast<std::size_t>(got);
  } while ((got < 0 && errno == EINTR) || (got > 0 && count < least));
  if (got < 0) {
    readError_ = errno;
    return got;
  }
  held_.append(buffer_.data(), count);
  if (!std::exchange(isBegun_, true) && isHead(held_)) {
    isContext_ = true;
    return -1;
  }
  return static_cast<la_ssize_t>(count);
}

Error ArchiveInput::damaged() const {
  if (readError_ != 0) return systemError(readError_, "read the archive");
  if (isContext_)
    return invalid("the archive is one of a context, not of a template")
        .withHint("'vsctl import' makes the context again");
  const char* why = ::archive_error_string(archive_.get());
  return invalid("the archive is damaged or of no known kind, after {} entries: {}", entries_,
                 printable(why == nullptr ? "no reason is known" : why))
      .withHint("accepted is a tar archive, plain or compressed by gzip, bzip2, xz or zstd");
}

}  // namespace vs::unpack
