#include "engine/core/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace understudy::core {

// Below 2^(kSubBits + 1) a bucket holds one value. Above, the leading kSubBits + 1 bits of the
// value choose the bucket, and rows of 2^kSubBits buckets follow each other, one per leading-bit
// position.
std::size_t Histogram::bucketOf(std::uint64_t value) {
  const std::uint64_t largest = (std::uint64_t{2} << kTopBit) - 1;
  value = std::min(value, largest);
  const int top_bit = static_cast<int>(std::bit_width(value | 1)) - 1;
  const int shift = std::max(0, top_bit - kSubBits);
  return static_cast<std::size_t>((static_cast<std::uint64_t>(shift) << kSubBits) +
                                  (value >> shift));
}

std::uint64_t Histogram::lastValueOf(std::size_t bucket) {
  const std::size_t row = bucket >> kSubBits;
  const std::uint64_t shift = row == 0 ? 0 : row - 1;
  const std::uint64_t leading = bucket - (shift << kSubBits);
  return ((leading + 1) << shift) - 1;
}

void Histogram::record(std::int64_t nanoseconds) {
  const std::int64_t value = std::max<std::int64_t>(nanoseconds, 0);
  ++buckets_[bucketOf(static_cast<std::uint64_t>(value))];
  ++count_;
  sum_ += value;
  max_ = std::max(max_, value);
}

double Histogram::meanNs() const {
  return count_ == 0 ? 0.0 : static_cast<double>(sum_) / static_cast<double>(count_);
}

std::int64_t Histogram::percentileNs(double percent) const {
  if (count_ == 0) return 0;
  // The last factor keeps rounding from lifting a product such as 0.999 * 1000 over its rank.
  const double wanted = std::ceil(std::clamp(percent, 0.0, 100.0) / 100.0 *
                                  static_cast<double>(count_) * (1.0 - 1e-15));
  const std::uint64_t rank =
      std::clamp<std::uint64_t>(static_cast<std::uint64_t>(wanted), 1, count_);
  if (rank == count_) return max_;
  std::uint64_t seen = 0;
  for (std::size_t bucket = 0; bucket < kBuckets; ++bucket) {
    seen += buckets_[bucket];
    if (seen >= rank) return std::min(static_cast<std::int64_t>(lastValueOf(bucket)), max_);
  }
  return max_;
}

void Histogram::merge(const Histogram& other) {
  for (std::size_t bucket = 0; bucket < kBuckets; ++bucket) {
    buckets_[bucket] += other.buckets_[bucket];
  }
  count_ += other.count_;
  sum_ += other.sum_;
  max_ = std::max(max_, other.max_);
}

HistogramSummary Histogram::summary() const {
  const auto percentile_us = [this](double percent) {
    return static_cast<double>(percentileNs(percent)) * 1e-3;
  };
  return {.count = count_,
          .mean_us = meanNs() * 1e-3,
          .p50_us = percentile_us(50.0),
          .p90_us = percentile_us(90.0),
          .p99_us = percentile_us(99.0),
          .p99_9_us = percentile_us(99.9),
          .max_us = static_cast<double>(max_) * 1e-3};
}

}  // namespace understudy::core
