#include "vsd/unpack/archive_input.hpp"

#include <unistd.h>

#include "vsd/base/names.hpp"

namespace vs::unpack {
namespace {

// A tar ends with blocks of zeros; without one it was cut off.
constexpr la_int64_t kEndMarker = 512;

}  // namespace

ArchiveInput::ArchiveInput(int fd) : fd_(fd), archive_(::archive_read_new(), &::archive_read_free) {
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
  *buffer = input->buffer_.data();
  return input->readSome();
}

la_ssize_t ArchiveInput::readSome() {
  ssize_t got;
  do got = ::read(fd_, buffer_.data(), buffer_.size());
  while (got < 0 && errno == EINTR);
  if (got < 0) readError_ = errno;
  if (got > 0) hash_.add(buffer_.data(), static_cast<std::size_t>(got));
  return got;
}

Error ArchiveInput::damaged() const {
  if (readError_ != 0) return systemError(readError_, "read the archive");
  const char* why = ::archive_error_string(archive_.get());
  return invalid("the archive is damaged or of no known kind, after {} entries: {}", entries_,
                 printable(why == nullptr ? "no reason is known" : why))
      .withHint("accepted is a tar archive, plain or compressed by gzip, bzip2, xz or zstd");
}

}  // namespace vs::unpack
