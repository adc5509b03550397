// SHA-256 (nettle, which libarchive brings along anyway) of bytes as they pass.
#pragma once

#include <nettle/sha2.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace vs {

// Two small letters or digits a byte.
inline std::string hexOf(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<std::uint8_t>(c);
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

class Hash {
 public:
  Hash() { ::sha256_init(&state_); }

  void add(const void* bytes, std::size_t count) {
    ::sha256_update(&state_, count, static_cast<const std::uint8_t*>(bytes));
    count_ += count;
  }
  std::uint64_t count() const { return count_; }
  // 64 hex digits; to be asked once, at the end.
  std::string digest() {
    std::uint8_t bytes[SHA256_DIGEST_SIZE];
    ::sha256_digest(&state_, sizeof bytes, bytes);
    return hexOf({reinterpret_cast<const char*>(bytes), sizeof bytes});
  }

 private:
  sha256_ctx state_;
  std::uint64_t count_ = 0;
};

}  // namespace vs
