#include "engine/core/latest_value.h"

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <thread>

using namespace understudy;

TEST_SUITE("core/latest_value") {
  TEST_CASE("the reader sees the initial value, and nothing new, until something is published") {
    core::LatestValue<int> value(7);
    CHECK_FALSE(value.update());
    CHECK(value.current() == 7);
  }

  TEST_CASE("only the newest of several published values is seen, and only once") {
    core::LatestValue<int> value;
    for (int i = 1; i <= 5; ++i) value.publish(i);
    CHECK(value.update());
    CHECK(value.current() == 5);
    CHECK_FALSE(value.update());
    CHECK(value.current() == 5);
  }

  TEST_CASE("what the reader holds stays untouched while the writer goes on") {
    core::LatestValue<int> value;
    value.publish(1);
    REQUIRE(value.update());
    for (int i = 2; i < 10; ++i) {
      value.publish(i);
      CHECK(value.current() == 1);
    }
  }

  TEST_CASE("between two threads no value is torn, repeated as new, or older than the one before") {
    constexpr std::uint64_t kLast = 200000;
    core::LatestValue<std::array<std::uint64_t, 16>> value;
    std::thread writer([&] {
      for (std::uint64_t i = 1; i <= kLast; ++i) {
        value.next().fill(i);
        value.publish();
      }
    });
    std::uint64_t newest = 0, torn = 0, not_newer = 0;
    while (newest < kLast) {
      if (!value.update()) continue;
      const std::uint64_t first = value.current().front();
      for (const std::uint64_t word : value.current()) torn += word != first;
      not_newer += first <= newest;
      newest = first;
    }
    writer.join();
    CHECK(torn == 0);
    CHECK(not_newer == 0);
    CHECK(newest == kLast);
  }
}
