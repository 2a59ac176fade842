#include "engine/core/hash.h"

#define XXH_STATIC_LINKING_ONLY  // For the size of the state.
#include <xxhash.h>

#include <new>

namespace understudy::core {
namespace {

XXH64_state_t* stateOf(std::byte* bytes) {
  return std::launder(reinterpret_cast<XXH64_state_t*>(bytes));
}

const XXH64_state_t* stateOf(const std::byte* bytes) {
  return std::launder(reinterpret_cast<const XXH64_state_t*>(bytes));
}

}  // namespace

Hasher::Hasher() {
  static_assert(sizeof(XXH64_state_t) == sizeof(state_) && alignof(XXH64_state_t) <= 8);
  XXH64_reset(new (state_) XXH64_state_t, 0);
}

void Hasher::update(std::span<const std::byte> bytes) {
  if (!bytes.empty()) XXH64_update(stateOf(state_), bytes.data(), bytes.size());
}

std::uint64_t Hasher::digest() const { return XXH64_digest(stateOf(state_)); }

std::uint64_t hashBytes(std::span<const std::byte> bytes) {
  return XXH64(bytes.data(), bytes.size(), 0);
}

}  // namespace understudy::core
