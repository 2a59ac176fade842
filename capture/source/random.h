#pragma once

#include <cmath>
#include <cstdint>
#include <random>

namespace understudy::source {

/// Random numbers of the simulation. Our own distributions over std::mt19937_64, so that the same
/// seed gives the same numbers with every C++ library.
class Random {
 public:
  /// Streams of the same seed are independent.
  Random(std::uint64_t seed, std::uint64_t stream)
      : engine_((seed + 1) * 0x9e3779b97f4a7c15ull ^ (stream + 1) * 0xbf58476d1ce4e5b9ull) {}

  /// From 0 to below 1.
  double uniform() { return static_cast<double>(engine_() >> 11) * 0x1p-53; }
  double uniform(double from, double to) { return from + (to - from) * uniform(); }

  /// Normal with mean 0 and deviation 1, by the polar method (Marsaglia and Bray, 1964).
  double normal() {
    if (has_spare_) {
      has_spare_ = false;
      return spare_;
    }
    double u, v, s;
    do {
      u = uniform(-1.0, 1.0);
      v = uniform(-1.0, 1.0);
      s = u * u + v * v;
    } while (s >= 1.0 || s == 0.0);
    const double scale = std::sqrt(-2.0 * std::log(s) / s);
    spare_ = v * scale;
    has_spare_ = true;
    return u * scale;
  }

  /// Exponential with mean 1.
  double exponential() { return -std::log(1.0 - uniform()); }

  /// A whole number with this mean: rounded up or down at random.
  std::uint64_t rounded(double mean) { return static_cast<std::uint64_t>(mean + uniform()); }

  /// From 0 to count - 1; count > 0.
  std::uint64_t below(std::uint64_t count) {
    return static_cast<std::uint64_t>(uniform() * static_cast<double>(count));
  }

 private:
  std::mt19937_64 engine_;
  double spare_ = 0;
  bool has_spare_ = false;
};

}  // namespace understudy::source
