#include "netfw/address.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "vsd/base/hash.hpp"

namespace vs::netfw {
namespace {

std::optional<int> parseLength(std::string_view text, int bits) {
  int length = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
  if (error != std::errc() || end != text.data() + text.size() || text[0] == '-')
    return std::nullopt;
  if (length > bits) return std::nullopt;
  return length;
}

}  // namespace

std::string_view nameOf(Family family) { return family == Family::IPv4 ? "IPv4" : "IPv6"; }
int bitsOf(Family family) { return family == Family::IPv4 ? 32 : 128; }

std::optional<Address> Address::parse(std::string_view text) {
  const std::string terminated(text);
  if (terminated.find('\0') != std::string::npos) return std::nullopt;
  Address address;
  address.family_ = text.find(':') == std::string_view::npos ? Family::IPv4 : Family::IPv6;
  const int family = address.family_ == Family::IPv4 ? AF_INET : AF_INET6;
  if (::inet_pton(family, terminated.c_str(), address.bytes_.data()) != 1) return std::nullopt;
  return address;
}

Address Address::fromBytes(Family family, const std::uint8_t* bytes) {
  Address address;
  address.family_ = family;
  std::copy_n(bytes, bitsOf(family) / 8, address.bytes_.begin());
  return address;
}

std::string Address::text() const {
  char buffer[INET6_ADDRSTRLEN];
  ::inet_ntop(family_ == Family::IPv4 ? AF_INET : AF_INET6, bytes_.data(), buffer, sizeof buffer);
  return buffer;
}

std::string Address::hex() const {
  return hexOf(
      {reinterpret_cast<const char*>(bytes_.data()), static_cast<std::size_t>(bits() / 8)});
}

bool Address::isMulticast() const {
  return family_ == Family::IPv4 ? (bytes_[0] & 0xf0) == 0xe0 : bytes_[0] == 0xff;
}
bool Address::isLoopback() const {
  if (family_ == Family::IPv4) return bytes_[0] == 127;
  return *this == *Address::parse("::1");
}
bool Address::isLinkLocal() const {
  if (family_ == Family::IPv4) return bytes_[0] == 169 && bytes_[1] == 254;
  return bytes_[0] == 0xfe && (bytes_[1] & 0xc0) == 0x80;
}
bool Address::isUnspecified() const {
  return std::all_of(bytes_.begin(), bytes_.end(), [](std::uint8_t byte) { return byte == 0; });
}

Address Address::withoutHostBits(int length) const {
  Address changed = *this;
  for (int bit = length; bit < bits(); ++bit) {
    std::uint8_t& byte = changed.bytes_[static_cast<std::size_t>(bit / 8)];
    byte = static_cast<std::uint8_t>(byte & ~(0x80 >> bit % 8));
  }
  return changed;
}

Address Address::withHostBits(int length) const {
  Address changed = *this;
  for (int bit = length; bit < bits(); ++bit) {
    std::uint8_t& byte = changed.bytes_[static_cast<std::size_t>(bit / 8)];
    byte = static_cast<std::uint8_t>(byte | (0x80 >> bit % 8));
  }
  return changed;
}

Prefix::Prefix(const Address& address, int length)
    : address_(address.withoutHostBits(length)), length_(length) {}

std::optional<Prefix> Prefix::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  std::string before(text.substr(0, slash));
  const bool isShort = before.find(':') == std::string::npos && slash != std::string_view::npos;
  if (isShort)
    for (auto dots = std::count(before.begin(), before.end(), '.'); dots < 3; ++dots)
      before += ".0";
  const auto address = Address::parse(before);
  if (!address) return std::nullopt;
  if (slash == std::string_view::npos) return Prefix(*address, address->bits());
  const auto length = parseLength(text.substr(slash + 1), address->bits());
  if (!length || address->withoutHostBits(*length) != *address) return std::nullopt;
  return Prefix(*address, *length);
}

std::string Prefix::text() const { return fmt::format("{}/{}", address_.text(), length_); }

bool Prefix::contains(const Address& address) const {
  return address.family() == family() && address.withoutHostBits(length_) == address_;
}

bool Prefix::overlaps(const Prefix& other) const {
  return contains(other.address()) || other.contains(address_);
}

bool Prefix::isReserved(const Address& address) const {
  if (!contains(address) || length_ >= address_.bits() - 1) return false;
  return address == address_ || (family() == Family::IPv4 && address == last());
}

std::string AddressWithLength::text() const { return fmt::format("{}/{}", address.text(), length); }

}  // namespace vs::netfw
