#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

#include "engine/core/histogram.h"

namespace understudy::scoring {

/// A share or a mean; NaN where nothing was counted, so that a report says null.
inline double ratio(double sum, double count) {
  return count > 0.0 ? sum / count : std::numeric_limits<double>::quiet_NaN();
}

/// Mean and percentiles of a length, an angle or a time; NaN where nothing was counted.
struct Spread {
  std::uint64_t count = 0;
  double mean = 0, rms = 0, p50 = 0, p90 = 0, p99 = 0, max = 0;
};

/// Counts lengths or angles in constant memory: mean, root mean square and
/// largest value are exact, percentiles at
/// most 0.8 % above the truth.
class SpreadMeter {
 public:
  /// Values from 0 to about a million; must be finite.
  void add(double value) {
    sum_ += value;
    squares_ += value * value;
    max_ = std::fmax(max_, value);
    // The histogram's unit is a millionth.
    histogram_.record(static_cast<std::int64_t>(std::llround(std::fmin(value, 1e6) * 1e6)));
  }

  /// Adds everything that the other one has counted.
  void merge(const SpreadMeter& other) {
    histogram_.merge(other.histogram_);
    sum_ += other.sum_;
    squares_ += other.squares_;
    max_ = std::fmax(max_, other.max_);
  }

  Spread spread() const {
    const auto count = static_cast<double>(histogram_.count());
    const auto percentile = [&](double percent) {
      return ratio(static_cast<double>(histogram_.percentileNs(percent)) * 1e-6, count > 0 ? 1 : 0);
    };
    return {.count = histogram_.count(),
            .mean = ratio(sum_, count),
            .rms = std::sqrt(ratio(squares_, count)),
            .p50 = percentile(50),
            .p90 = percentile(90),
            .p99 = percentile(99),
            .max = ratio(count > 0 ? max_ : 0.0, count > 0 ? 1 : 0)};
  }

 private:
  core::Histogram histogram_;
  double sum_ = 0, squares_ = 0, max_ = 0;
};

}  // namespace understudy::scoring
