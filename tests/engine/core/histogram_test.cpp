#include "engine/core/histogram.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <random>
#include <vector>

using namespace understudy;

namespace {

// Nearest rank in the sorted values themselves.
std::int64_t exactPercentile(std::vector<std::int64_t> values, double per_mille) {
  std::sort(values.begin(), values.end());
  const std::size_t rank = static_cast<std::size_t>(
      std::ceil(static_cast<long double>(values.size()) * per_mille / 1000.0L - 1e-9L));
  return values[std::max<std::size_t>(rank, 1) - 1];
}

}  // namespace

TEST_SUITE("core/histogram") {
  TEST_CASE("an empty histogram says zero everywhere") {
    const core::Histogram histogram;
    CHECK(histogram.count() == 0);
    CHECK(histogram.meanNs() == 0.0);
    CHECK(histogram.percentileNs(50) == 0);
    CHECK(histogram.summary().max_us == 0.0);
  }

  TEST_CASE("one value is every percentile, exactly") {
    core::Histogram histogram;
    histogram.record(1234567);
    for (const double percent : {0.0, 50.0, 99.9, 100.0}) {
      CHECK(histogram.percentileNs(percent) == 1234567);
    }
    CHECK(histogram.summary().mean_us == doctest::Approx(1234.567));
  }

  TEST_CASE("the percentiles of 1 to 1000 are what counting says") {
    core::Histogram histogram;
    for (int i = 1; i <= 1000; ++i) histogram.record(i * 1000);
    CHECK(histogram.summary().p50_us == doctest::Approx(500.0).epsilon(0.008));
    CHECK(histogram.summary().p99_9_us == doctest::Approx(999.0).epsilon(0.008));
    CHECK(histogram.summary().p99_9_us < 1000.0 + 1e-9);
    CHECK(histogram.summary().max_us == 1000.0);
    CHECK(histogram.summary().mean_us == doctest::Approx(500.5));
  }

  TEST_CASE("a percentile is never below the truth and at most 0.8 % above it") {
    std::mt19937_64 random(3);
    std::lognormal_distribution<double> times(12.0, 3.0);
    for (int round = 0; round < 20; ++round) {
      core::Histogram histogram;
      std::vector<std::int64_t> values;
      const int count = 1 + round * 377;
      for (int i = 0; i < count; ++i) {
        values.push_back(static_cast<std::int64_t>(std::min(times(random), 4e12)));
        histogram.record(values.back());
      }
      for (const double per_mille : {1.0, 500.0, 900.0, 990.0, 999.0, 1000.0}) {
        const std::int64_t truth = exactPercentile(values, per_mille);
        const std::int64_t found = histogram.percentileNs(per_mille / 10.0);
        CHECK(found >= truth);
        CHECK(static_cast<double>(found) <= static_cast<double>(truth) * 1.008);
      }
    }
  }

  TEST_CASE("negative times count as zero and absurd ones in the last bucket") {
    core::Histogram histogram;
    histogram.record(-5);
    histogram.record(std::int64_t{1} << 60);
    CHECK(histogram.count() == 2);
    CHECK(histogram.percentileNs(50) == 0);
    CHECK(histogram.maxNs() == std::int64_t{1} << 60);
  }

  TEST_CASE("merging is the same as recording everything in one") {
    std::mt19937_64 random(4);
    core::Histogram first, second, both;
    for (int i = 0; i < 5000; ++i) {
      const std::int64_t value = static_cast<std::int64_t>(random() % 10'000'000);
      (i % 3 == 0 ? first : second).record(value);
      both.record(value);
    }
    first.merge(second);
    CHECK(first.count() == both.count());
    CHECK(first.meanNs() == both.meanNs());
    for (double percent = 0; percent <= 100; percent += 0.5) {
      CHECK(first.percentileNs(percent) == both.percentileNs(percent));
    }
  }
}
