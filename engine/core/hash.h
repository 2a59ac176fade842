#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

namespace understudy::core {

/// Computes the xxh64 hash (Yann Collet's xxHash, seed 0) of bytes that come in pieces. How they
/// are cut into pieces does not matter. Never allocates.
class Hasher {
 public:
  Hasher();

  void update(std::span<const std::byte> bytes);

  /// Takes the bytes of a number.
  template <class Number>
  requires std::is_arithmetic_v<Number>
  void update(Number number) { update(std::as_bytes(std::span(&number, 1))); }

  /// The hash of everything so far; more may follow.
  std::uint64_t digest() const;

 private:
  alignas(8) std::byte state_[88];  // XXH64_state_t, whose header stays out of ours.
};

/// The xxh64 hash of the bytes.
std::uint64_t hashBytes(std::span<const std::byte> bytes);

}  // namespace understudy::core
