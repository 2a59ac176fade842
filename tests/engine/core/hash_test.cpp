#include "engine/core/hash.h"

#include <doctest/doctest.h>

#include <random>
#include <string_view>
#include <vector>

using namespace understudy;

namespace {

std::span<const std::byte> bytesOf(std::string_view text) { return std::as_bytes(std::span(text)); }

}  // namespace

TEST_SUITE("core/hash") {
  TEST_CASE("the hashes are those of xxHash's specification") {
    CHECK(core::hashBytes({}) == 0xEF46DB3751D8E999u);
    CHECK(core::hashBytes(bytesOf("a")) == 0xD24EC4F1A98C6E5Bu);
    CHECK(core::hashBytes(bytesOf("abc")) == 0x44BC2CF5AD770999u);
    CHECK(core::Hasher().digest() == 0xEF46DB3751D8E999u);
  }

  TEST_CASE("how the bytes are cut into pieces does not matter") {
    std::mt19937 random(1);
    std::vector<std::byte> bytes(1000);
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
    const std::uint64_t whole = core::hashBytes(bytes);
    for (int round = 0; round < 50; ++round) {
      core::Hasher hasher;
      for (std::size_t from = 0; from < bytes.size();) {
        const std::size_t piece = std::min<std::size_t>(random() % 90, bytes.size() - from);
        hasher.update(std::span(bytes).subspan(from, piece));
        from += piece;
      }
      CHECK(hasher.digest() == whole);
    }
  }

  TEST_CASE("a copy of a hasher goes its own way") {
    core::Hasher first;
    first.update(std::uint32_t{1});
    core::Hasher second = first;
    CHECK(first.digest() == second.digest());
    second.update(0.5f);
    CHECK(first.digest() != second.digest());
  }
}
