#include "engine/core/latency_log.h"

#include <doctest/doctest.h>

#include <chrono>
#include <random>
#include <thread>
#include <vector>

using namespace understudy;
using core::Instant;

namespace {

core::Time at(std::int64_t microseconds) {
  return core::Time(std::chrono::microseconds(microseconds));
}

}  // namespace

TEST_SUITE("core/latency_log") {
  TEST_CASE("an instant is read back, others of the frame are not there") {
    core::LatencyLog log(8);
    log.mark(5, Instant::solved, at(100));
    CHECK(log.at(5, Instant::solved) == at(100));
    CHECK_FALSE(log.at(5, Instant::labelled).has_value());
    CHECK_FALSE(log.at(4, Instant::solved).has_value());
    CHECK(log.newest(Instant::solved) == 5);
    CHECK_FALSE(log.newest(Instant::labelled).has_value());
  }

  TEST_CASE("the first mark stands, except that the last received packet is the last one") {
    core::LatencyLog log(8);
    for (const int time : {10, 20, 30}) {
      log.mark(0, Instant::received_last, at(time));
      log.mark(0, Instant::gpu_finished, at(time));
    }
    CHECK(log.at(0, Instant::received_last) == at(30));
    CHECK(log.at(0, Instant::gpu_finished) == at(10));
  }

  TEST_CASE("a newer frame replaces the one a capacity before it, never the reverse") {
    core::LatencyLog log(8);
    log.mark(3, Instant::solved, at(1));
    log.mark(11, Instant::solved, at(2));
    CHECK_FALSE(log.at(3, Instant::solved).has_value());
    log.mark(3, Instant::solved, at(3));
    CHECK(log.at(11, Instant::solved) == at(2));
  }

  TEST_CASE("span B counts a frame that was not shown until the image of a newer one") {
    core::LatencyLog log(16);
    // Frames 0, 1, 2 arrive at 0, 4, 8 ms; only 0 and 2 are drawn, finished at 1 and 11 ms.
    for (int i = 0; i < 3; ++i) {
      log.mark(static_cast<std::uint64_t>(i), Instant::received_last, at(i * 4000));
    }
    log.mark(0, Instant::gpu_finished, at(1000));
    log.mark(2, Instant::gpu_finished, at(11000));
    const core::SpanB spans = core::makeSpanB(log, 0, 2);
    CHECK(spans.all.count() == 3);
    CHECK(spans.all.maxNs() == 7'000'000);  // Frame 1: 4 -> 11 ms.
    CHECK(spans.all.meanNs() == doctest::Approx((1e6 + 7e6 + 3e6) / 3.0));
    CHECK(spans.shown.count() == 2);
    CHECK(spans.shown.maxNs() == 3'000'000);
    CHECK(spans.unfinished == 0);
  }

  TEST_CASE("frames after the last image are counted as unfinished, not as fast") {
    core::LatencyLog log(16);
    for (int i = 0; i < 4; ++i) {
      log.mark(static_cast<std::uint64_t>(i), Instant::received_last, at(i * 4000));
    }
    log.mark(1, Instant::gpu_finished, at(5000));
    const core::SpanB spans = core::makeSpanB(log, 0, 3);
    CHECK(spans.all.count() == 2);
    CHECK(spans.unfinished == 2);
  }

  TEST_CASE("an image of a frame after the asked range finishes the frames before it") {
    core::LatencyLog log(16);
    log.mark(2, Instant::received_last, at(100));
    log.mark(7, Instant::gpu_finished, at(900));
    const core::SpanB spans = core::makeSpanB(log, 0, 2);
    CHECK(spans.all.maxNs() == 800'000);
    CHECK(spans.shown.count() == 0);
  }

  TEST_CASE("span B is what a search through all images finds, over random frames") {
    std::mt19937 random(6);
    core::LatencyLog log(256);
    std::vector<std::int64_t> received(200), finished(200, -1);
    for (std::uint64_t i = 0; i < 200; ++i) {
      received[i] = static_cast<std::int64_t>(i * 4000 + random() % 500);
      log.mark(i, Instant::received_last, at(received[i]));
      if (random() % 3 == 0) {
        finished[i] = received[i] + 1000 + static_cast<std::int64_t>(random() % 9000);
        log.mark(i, Instant::gpu_finished, at(finished[i]));
      }
    }
    core::Histogram expected;
    std::uint64_t unfinished = 0;
    for (std::size_t i = 0; i < 200; ++i) {
      std::int64_t first = -1;
      for (std::size_t j = i; j < 200; ++j) {
        if (finished[j] >= 0 && (first < 0 || finished[j] < first)) first = finished[j];
      }
      if (first < 0) {
        ++unfinished;
      } else {
        expected.record((first - received[i]) * 1000);
      }
    }
    const core::SpanB spans = core::makeSpanB(log, 0, 199);
    CHECK(spans.unfinished == unfinished);
    CHECK(spans.all.count() == expected.count());
    CHECK(spans.all.meanNs() == expected.meanNs());
    CHECK(spans.all.percentileNs(90) == expected.percentileNs(90));
  }

  TEST_CASE("two threads that mark and one that reads never see a time of another frame") {
    constexpr std::uint64_t kFrames = 100000;
    core::LatencyLog log(64);
    const auto write = [&](Instant instant) {
      for (std::uint64_t i = 0; i < kFrames; ++i) {
        log.mark(i, instant, core::Time(core::Duration(static_cast<std::int64_t>(i * 10))));
      }
    };
    std::thread capture(write, Instant::solved), main(write, Instant::latched);
    std::uint64_t wrong = 0;
    for (std::uint64_t i = 0; i < kFrames; ++i) {
      const std::uint64_t sequence = log.newest(Instant::solved).value_or(0);
      for (const Instant instant : {Instant::solved, Instant::latched}) {
        const std::optional<core::Time> time = log.at(sequence, instant);
        if (time && time->time_since_epoch().count() != static_cast<std::int64_t>(sequence * 10)) {
          ++wrong;
        }
      }
    }
    capture.join();
    main.join();
    CHECK(wrong == 0);
  }
}
