#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "engine/core/time.h"

namespace understudy::core {

/// The usual figures of a distribution of times.
struct HistogramSummary {
  std::uint64_t count = 0;
  double mean_us = 0, p50_us = 0, p90_us = 0, p99_us = 0, p99_9_us = 0, max_us = 0;
};

/// Counts times in log-linear buckets, the idea of Gil Tene's HdrHistogram: every power of two is
/// cut into 128 equal buckets, so a percentile is never below the truth and at most 0.8 % above it.
/// Covers 0 to 73 minutes; longer times count in the last bucket, negative ones as 0. Fixed size
/// (about 36 KiB), no allocation. One thread at a time.
class Histogram {
 public:
  void record(std::int64_t nanoseconds);
  void record(Duration duration) { record(std::int64_t{duration.count()}); }

  std::uint64_t count() const { return count_; }
  /// Exact mean, 0 when empty.
  double meanNs() const;
  /// Smallest recorded time t such that `percent` of all times are <= t, rounded up to its bucket's
  /// end but never over the maximum; 0 when empty. `percent` is 0 to 100.
  std::int64_t percentileNs(double percent) const;
  /// Exact largest time, 0 when empty.
  std::int64_t maxNs() const { return max_; }

  /// Adds everything that the other one has recorded.
  void merge(const Histogram& other);

  HistogramSummary summary() const;

 private:
  static constexpr int kSubBits = 7;  // 128 buckets for each power of two.
  static constexpr int kTopBit = 41;  // Of the largest value: 2^42 ns.
  static constexpr std::size_t kBuckets = std::size_t{kTopBit - kSubBits + 2} << kSubBits;

  static std::size_t bucketOf(std::uint64_t value);
  static std::uint64_t lastValueOf(std::size_t bucket);

  std::array<std::uint64_t, kBuckets> buckets_{};
  std::uint64_t count_ = 0;
  std::int64_t sum_ = 0;
  std::int64_t max_ = 0;
};

}  // namespace understudy::core
