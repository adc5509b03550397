// IP addresses and prefixes as small values: read, written, compared, contained. Both families in
// one type, so that whoever handles one handles both.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace vs::netfw {

enum class Family { IPv4, IPv6 };
std::string_view nameOf(Family family);  // "IPv4", "IPv6"
// Of an address: 32 or 128.
int bitsOf(Family family);

class Address {
 public:
  // 0.0.0.0
  Address() = default;
  // Only the usual text forms (inet_pton(3)): no names, no zones, no ports, no short forms.
  static std::optional<Address> parse(std::string_view text);
  // 4 or 16 bytes in the order of the network.
  static Address fromBytes(Family family, const std::uint8_t* bytes);

  Family family() const { return family_; }
  int bits() const { return bitsOf(family_); }
  // bits() / 8 bytes in the order of the network.
  const std::uint8_t* bytes() const { return bytes_.data(); }
  std::string text() const;
  std::string hex() const;  // "0a000311"

  bool isMulticast() const;
  bool isLoopback() const;
  bool isLinkLocal() const;
  bool isUnspecified() const;

  // With all bits behind the first `length` cleared or set.
  Address withoutHostBits(int length) const;
  Address withHostBits(int length) const;

  std::strong_ordering operator<=>(const Address&) const = default;

 private:
  Family family_ = Family::IPv4;
  std::array<std::uint8_t, 16> bytes_{};
};

class Prefix {
 public:
  // 0.0.0.0/0
  Prefix() = default;
  // What lies behind the length in `address` is dropped.
  Prefix(const Address& address, int length);
  // "10.0.3.0/24", "2001:db8::/64"; IPv4 also with trailing zeros left away, "10.7/16", "0/0". An
  // address alone is itself. Nullopt also when bits behind the length are set: "10.0.3.7/24".
  static std::optional<Prefix> parse(std::string_view text);

  const Address& address() const { return address_; }
  Family family() const { return address_.family(); }
  int length() const { return length_; }
  std::string text() const;  // "10.0.3.0/24"; always with its length

  bool contains(const Address& address) const;
  bool overlaps(const Prefix& other) const;
  // The last address: of an IPv4 network, its broadcast address.
  Address last() const { return address_.withHostBits(length_); }
  // True for the addresses that no host may have: the first of a network, and the last in IPv4. A
  // network of one or two addresses has none (RFC 3021, RFC 6164).
  bool isReserved(const Address& address) const;

  std::strong_ordering operator<=>(const Prefix&) const = default;

 private:
  Address address_;
  int length_ = 0;
};

// What an interface is given: "10.0.3.17/24" says its own address and what lies on the link.
struct AddressWithLength {
  Address address;
  int length = 0;
  std::string text() const;
  bool operator==(const AddressWithLength&) const = default;
};

}  // namespace vs::netfw
