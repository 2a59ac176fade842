#include "capture/source/gap_model.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

using namespace understudy;
using source::GapModel;
using source::Random;

TEST_SUITE("source/gap_model") {
  TEST_CASE("gap lengths have the quantiles of real production") {
    CHECK(source::gapSeconds(0.5) == doctest::Approx(6.0 / 120.0));
    CHECK(source::gapSeconds(0.9) == doctest::Approx(104.0 / 120.0));
    CHECK(source::gapSeconds(0.99) == doctest::Approx(999.0 / 120.0));
    for (double q = 0.0; q < 1.0; q += 0.01) {
      CHECK(source::gapSeconds(q) <= source::gapSeconds(q + 0.01));
    }
  }

  TEST_CASE("over hours the missing share is 0.78 % on average and 6.4 % for the worst marker") {
    GapModel gaps(53, 1.0, Random(3, 0));
    std::vector<double> missing(53, 0.0);
    constexpr int kSteps = 400000;
    for (int step = 0; step < kSteps; ++step) {
      gaps.advance(step * 0.1);
      for (std::size_t m = 0; m < 53; ++m) missing[m] += gaps.dropped(m) ? 1.0 / kSteps : 0.0;
    }
    double mean = 0, worst = 0, expected_worst = 0;
    for (std::size_t m = 0; m < 53; ++m) {
      mean += missing[m] / 53.0;
      worst = std::max(worst, missing[m]);
      expected_worst = std::max(expected_worst, gaps.missingShare(m));
    }
    CHECK(mean == doctest::Approx(0.0078).epsilon(0.1));
    CHECK(expected_worst == doctest::Approx(0.06).epsilon(0.1));
    CHECK(worst == doctest::Approx(expected_worst).epsilon(0.25));
    std::vector<float> lengths = gaps.lengths();
    std::sort(lengths.begin(), lengths.end());
    CHECK(lengths[lengths.size() / 2] == doctest::Approx(0.05).epsilon(0.15));
    CHECK(lengths[lengths.size() * 9 / 10] == doctest::Approx(0.867).epsilon(0.15));
  }

  TEST_CASE("the first seconds are as hard as any others") {
    // Many performers at a few moments; without the long gaps that began before the first frame,
    // 0.33 % would be missing after one second.
    for (const double seconds : {0.0, 0.5, 2.0, 8.0, 60.0}) {
      double missing = 0;
      constexpr int kPerformers = 4000;
      for (std::uint64_t p = 0; p < kPerformers; ++p) {
        GapModel gaps(53, 1.0, Random(5, p));
        gaps.advance(seconds);
        for (std::size_t m = 0; m < 53; ++m) missing += gaps.dropped(m) ? 1.0 : 0.0;
      }
      CHECK(missing / (53.0 * kPerformers) == doctest::Approx(0.0078).epsilon(0.08));
    }
  }

  TEST_CASE("five times as often is five times as many gaps, and zero is none") {
    const auto count = [](double frequency) {
      GapModel gaps(53, frequency, Random(9, 1));
      for (int second = 0; second < 4000; ++second) gaps.advance(second);
      return static_cast<double>(gaps.gaps());
    };
    CHECK(count(0.0) == 0.0);
    CHECK(count(5.0) / count(1.0) == doctest::Approx(5.0).epsilon(0.15));
  }
}
