// Archives for tests, entry by entry, with any name and any lie in them.
#pragma once

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>

#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>

#include "vsd/base/fd.hpp"

namespace vs {

class ArchiveBuilder {
 public:
  using Filter = int (*)(archive*);

  explicit ArchiveBuilder(Filter filter = &::archive_write_add_filter_none)
      : archive_(::archive_write_new()) {
    ::archive_write_set_format_pax(archive_);
    filter(archive_);
    ::archive_write_set_bytes_in_last_block(archive_, 1);
    ::archive_write_open(archive_, this, nullptr, &ArchiveBuilder::write, nullptr);
  }
  ~ArchiveBuilder() { ::archive_write_free(archive_); }
  ArchiveBuilder(const ArchiveBuilder&) = delete;
  ArchiveBuilder& operator=(const ArchiveBuilder&) = delete;

  // Changes an entry's header before it is written.
  using Change = std::function<void(archive_entry*)>;

  ArchiveBuilder& file(const std::string& path, const std::string& content = "x",
                       const Change& change = {}) {
    header(path, S_IFREG | 0644, static_cast<la_int64_t>(content.size()), change);
    ::archive_write_data(archive_, content.data(), content.size());
    return *this;
  }
  ArchiveBuilder& directory(const std::string& path, const Change& change = {}) {
    return header(path, S_IFDIR | 0755, 0, change);
  }
  ArchiveBuilder& link(const std::string& path, const std::string& target) {
    return header(path, S_IFLNK | 0777, 0, [&](archive_entry* entry) {
      ::archive_entry_set_symlink(entry, target.c_str());
    });
  }
  ArchiveBuilder& hardLink(const std::string& path, const std::string& target) {
    return header(path, S_IFREG | 0644, 0, [&](archive_entry* entry) {
      ::archive_entry_set_hardlink(entry, target.c_str());
    });
  }
  ArchiveBuilder& node(const std::string& path, mode_t type, unsigned major = 0,
                       unsigned minor = 0) {
    return header(path, type | 0666, 0, [&](archive_entry* entry) {
      ::archive_entry_set_rdevmajor(entry, major);
      ::archive_entry_set_rdevminor(entry, minor);
    });
  }
  ArchiveBuilder& zeros(const std::string& path, std::uint64_t mebibytes) {
    header(path, S_IFREG | 0644, static_cast<la_int64_t>(mebibytes << 20), {});
    const std::string zeros(1U << 20, '\0');
    for (std::uint64_t i = 0; i < mebibytes; ++i)
      ::archive_write_data(archive_, zeros.data(), zeros.size());
    return *this;
  }
  ArchiveBuilder& header(const std::string& path, mode_t mode, la_int64_t size,
                         const Change& change) {
    archive_entry* entry = ::archive_entry_new();
    ::archive_entry_set_pathname(entry, path.c_str());
    ::archive_entry_set_mode(entry, mode);
    ::archive_entry_set_size(entry, size);
    ::archive_entry_set_mtime(entry, 915148800, 0);
    if (change) change(entry);
    const int result = ::archive_write_header(archive_, entry);
    ::archive_entry_free(entry);
    if (result < ARCHIVE_WARN) throw std::runtime_error(::archive_error_string(archive_));
    return *this;
  }

  std::string bytes() {
    ::archive_write_close(archive_);
    return bytes_;
  }

 private:
  static la_ssize_t write(archive*, void* self, const void* bytes, std::size_t count) {
    static_cast<ArchiveBuilder*>(self)->bytes_.append(static_cast<const char*>(bytes), count);
    return static_cast<la_ssize_t>(count);
  }

  archive* archive_;
  std::string bytes_;
};

}  // namespace vs
