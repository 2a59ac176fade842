#include "engine/core/crew.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <limits>
#include <numeric>
#include <thread>
#include <vector>

#include "tests/support/allocations.h"

using namespace understudy;

namespace {

std::unique_ptr<core::Crew> makeCrew(std::size_t threads) {
  auto crew = core::Crew::create({.threads = threads});
  REQUIRE_MESSAGE(crew, (crew ? "" : crew.error().message));
  return *std::move(crew);
}

// Two tasks that each wait for the other to begin, at most so long.
bool twoAtATime(core::Crew& crew) {
  std::atomic<int> begun{0}, met{0};
  auto work = [&](std::uint32_t, std::size_t) {
    begun.fetch_add(1);
    const core::Time end = core::Clock::now() + std::chrono::seconds(20);
    while (begun.load() < 2 && core::Clock::now() < end) std::this_thread::yield();
    met.fetch_add(begun.load() >= 2);
  };
  crew.forAll(core::Crew::workOf(work), 2);
  return met.load() == 2;
}

void sleepFor(int milliseconds) {
  std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
}

}  // namespace

TEST_SUITE("core/crew") {
  TEST_CASE(
      "every task is done once, and finished when finish returns, with any number of threads") {
    for (const std::size_t threads : {1u, 2u, 3u, 8u, 40u}) {
      CAPTURE(threads);
      const auto crew = makeCrew(threads);
      CHECK(crew->threads() == threads);
      std::vector<int> done(5000, 0);  // Plain: finish() is what makes them visible.
      std::vector<std::size_t> by(done.size(), 0);
      auto work = [&](std::uint32_t index, std::size_t thread) {
        ++done[index];
        by[index] = thread;
      };
      int wanted = 0;
      for (const std::uint32_t count : {0u, 1u, 5000u, 37u}) {
        for (std::uint32_t i = 0; i < count; ++i) crew->post(core::Crew::workOf(work), i);
        crew->finish();
        crew->forAll(core::Crew::workOf(work), count);
        wanted += 2 * static_cast<int>(count);
        CHECK(std::accumulate(done.begin(), done.end(), 0) == wanted);
      }
      CHECK(done.front() == 6);
      CHECK(done.back() == 2);
      CHECK(*std::max_element(by.begin(), by.end()) < threads);
    }
  }

  TEST_CASE("two threads work at the same time, also after the helper has slept, and while held") {
    const auto crew = makeCrew(2);
    CHECK(twoAtATime(*crew));
    sleepFor(20);
    CHECK(twoAtATime(*crew));
    crew->hold(true);
    CHECK(twoAtATime(*crew));
    sleepFor(5);
    CHECK(twoAtATime(*crew));
    crew->hold(false);
  }

  TEST_CASE("many small rounds lose no task and end, with more threads than processors too") {
    for (const std::size_t threads : {2u, 7u, 33u}) {
      CAPTURE(threads);
      const auto crew = makeCrew(threads);
      std::atomic<std::uint64_t> sum{0};
      auto work = [&](std::uint32_t index, std::size_t) {
        sum.fetch_add(index, std::memory_order_relaxed);
      };
      std::uint64_t wanted = 0;
      for (std::uint32_t round = 0; round < 2000; ++round) {
        for (std::uint32_t k = 0; k < round % 7; ++k) {
          crew->post(core::Crew::workOf(work), round + k);
          wanted += round + k;
        }
        crew->finish();
        if (round % 500 == 499) sleepFor(2);
      }
      CHECK(sum.load() == wanted);
    }
  }

  TEST_CASE(
      "crews end whatever they are at: asleep, looking, or with tasks that nobody has begun") {
    for (int round = 0; round < 60; ++round) {
      std::atomic<int> done{0};
      auto work = [&](std::uint32_t, std::size_t) { done.fetch_add(1); };
      const auto crew = makeCrew(1 + static_cast<std::size_t>(round % 5));
      if (round % 3 == 1) sleepFor(1);
      for (int k = 0; k < round % 4; ++k) crew->post(core::Crew::workOf(work), 0);
      if (round % 2 == 0) crew->finish();
      if (round % 2 == 0) CHECK(done.load() == round % 4);
    }
  }

  TEST_CASE("helpers treat denormal numbers as the owner does") {
    const auto crew = makeCrew(2);
    const volatile float tiny = std::numeric_limits<float>::denorm_min(), one = 1.0f;
    const bool before = core::denormalsAreFlushed();
    for (const bool flush : {true, false, true}) {
      core::flushDenormalsToZero(flush);
      if (core::denormalsAreFlushed() != flush) return;  // This processor has no such mode.
      std::atomic<int> begun{0}, zero{0};
      auto work = [&](std::uint32_t, std::size_t) {
        begun.fetch_add(1);
        const core::Time end = core::Clock::now() + std::chrono::seconds(20);
        while (begun.load() < 2 && core::Clock::now() < end) std::this_thread::yield();
        zero.fetch_add(tiny * one == 0.0f);
      };
      crew->forAll(core::Crew::workOf(work), 2);  // One each.
      CHECK(zero.load() == (flush ? 2 : 0));
    }
    core::flushDenormalsToZero(before);
  }

  TEST_CASE("nothing is allocated by tasks, and the time that helpers worked is what they used") {
    const auto crew = makeCrew(3);
    auto work = [&](std::uint32_t, std::size_t) {
      const core::Time end = core::Clock::now() + std::chrono::microseconds(200);
      while (core::Clock::now() < end) {
      }
    };
    crew->forAll(core::Crew::workOf(work), 30);
    crew->takeProcessorTime();
    const core::Duration worked_before = crew->worked();
    const std::uint64_t before = test::allocationCount();
    for (int round = 0; round < 20; ++round) {
      for (std::uint32_t k = 0; k < 12; ++k) crew->post(core::Crew::workOf(work), k);
      crew->finish();
    }
    CHECK(test::allocationCount() == before);
    const core::Duration worked = crew->worked() - worked_before;
    CHECK(worked > std::chrono::milliseconds(1));
    CHECK(worked < std::chrono::milliseconds(500) * 60);
    CHECK(crew->takeProcessorTime() > core::Duration{});
    CHECK(crew->takeProcessorTime() == core::Duration{});  // Nobody worked since.
  }
}

TEST_SUITE("core/sleepers") {
  TEST_CASE("nobody is woken where nobody sleeps, and news in time is no reason to sleep") {
    core::Sleepers sleepers;
    CHECK_FALSE(sleepers.wakeOne());
    CHECK_FALSE(sleepers.sleepUnless([] { return true; }));
    CHECK_FALSE(sleepers.wakeOne());
  }

  TEST_CASE("each sleeper is woken once, and no waking is lost") {
    constexpr int kRounds = 3000;
    core::Sleepers sleepers;
    std::atomic<int> tickets{0}, taken{0};
    std::vector<std::jthread> threads;
    for (int t = 0; t < 3; ++t) {
      threads.emplace_back([&] {
        for (int got = 0; got < kRounds;) {
          int left = tickets.load(std::memory_order_seq_cst);
          if (left > 0 && tickets.compare_exchange_strong(left, left - 1)) {
            ++got;
            taken.fetch_add(1);
          } else {
            sleepers.sleepUnless([&] { return tickets.load(std::memory_order_seq_cst) > 0; });
          }
        }
      });
    }
    for (int k = 0; k < 3 * kRounds; ++k) {
      tickets.fetch_add(1, std::memory_order_seq_cst);
      sleepers.wakeOne();
    }
    // Whoever has its share leaves; others may still sleep while tickets are there.
    while (taken.load() < 3 * kRounds) {
      sleepers.wakeOne();
      std::this_thread::yield();
    }
    threads.clear();
    CHECK(tickets.load() == 0);
  }
}
