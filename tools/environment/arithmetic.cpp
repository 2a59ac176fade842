#include "tools/environment/arithmetic.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

namespace understudy::environment {

namespace {

/// Three rounds of multiply and xor-shift, after Wellons, "Prospecting for hash functions", 2018.
double hashed(std::int32_t x, std::int32_t y, std::uint32_t seed) {
  std::uint32_t h = seed * 0x9e3779b9u + static_cast<std::uint32_t>(x) * 0x85ebca6bu +
                    static_cast<std::uint32_t>(y) * 0xc2b2ae35u;
  h = (h ^ (h >> 16)) * 0x7feb352du;
  h = (h ^ (h >> 15)) * 0x846ca68bu;
  return static_cast<double>(h ^ (h >> 16)) / 2147483648.0 - 1.0;
}

}  // namespace

double exponential(double x) {
  if (x < -700.0) return 0.0;
  x = std::min(x, 700.0);
  const double whole = std::floor(x * 1.4426950408889634 + 0.5);
  const double rest = x - whole * 0.69314718055994531;
  double term = 1.0, sum = 1.0;
  for (int i = 1; i < 14; ++i) {
    term *= rest / static_cast<double>(i);
    sum += term;
  }
  const auto exponent = static_cast<std::uint64_t>(static_cast<std::int64_t>(whole) + 1023);
  return sum * std::bit_cast<double>(exponent << 52);
}

glm::dvec3 exponential(const glm::dvec3& x) {
  return {exponential(x.x), exponential(x.y), exponential(x.z)};
}

double smoothStep(double a, double b, double x) {
  const double t = std::clamp((x - a) / (b - a), 0.0, 1.0);
  return t * t * (3.0 - 2.0 * t);
}

double valueNoise(const glm::dvec2& p, std::uint32_t seed) {
  const double fx = std::floor(p.x), fy = std::floor(p.y);
  const auto x = static_cast<std::int32_t>(fx), y = static_cast<std::int32_t>(fy);
  const auto fade = [](double t) { return t * t * t * (t * (t * 6.0 - 15.0) + 10.0); };
  const double u = fade(p.x - fx), v = fade(p.y - fy);
  const double top = hashed(x, y, seed) + u * (hashed(x + 1, y, seed) - hashed(x, y, seed));
  const double low =
      hashed(x, y + 1, seed) + u * (hashed(x + 1, y + 1, seed) - hashed(x, y + 1, seed));
  return top + v * (low - top);
}

double fractalNoise(const glm::dvec2& p, int octaves, std::uint32_t seed) {
  double sum = 0.0, height = 0.5;
  glm::dvec2 at = p;
  for (int i = 0; i < octaves; ++i) {
    sum += height * valueNoise(at, seed + static_cast<std::uint32_t>(i));
    // Turned from octave to octave, so that the lattice does not show.
    at = glm::dvec2(1.6 * at.x + 1.2 * at.y, -1.2 * at.x + 1.6 * at.y);
    height *= 0.5;
  }
  return sum;
}

}  // namespace understudy::environment
