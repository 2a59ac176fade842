#include "tools/environment/atmosphere.h"

#include <algorithm>
#include <cmath>

#include "engine/math/elementary.h"
#include "tools/environment/arithmetic.h"

namespace understudy::environment {

namespace {

constexpr double kPi = 3.14159265358979323846;
constexpr double kGround = 6360.0, kTop = 6460.0;
const glm::dvec3 kRayleigh(5.802e-3, 13.558e-3, 33.1e-3);
constexpr double kMieScattering = 3.996e-3, kMieExtinction = 4.44e-3, kMieAsymmetry = 0.8;
const glm::dvec3 kOzone(0.650e-3, 1.881e-3, 0.085e-3);
const glm::dvec3 kGroundAlbedo(0.25);
constexpr int kHeights = 32, kCosines = 128;
constexpr int kMultipleHeights = 12, kMultipleCosines = 32;

struct Medium {
  glm::dvec3 rayleigh, extinction;
  double mie = 0.0;
};

Medium mediumAt(double height) {
  const double rayleigh = exponential(-height / 8.0), mie = exponential(-height / 1.2);
  const double ozone = std::max(0.0, 1.0 - std::abs(height - 25.0) / 15.0);
  const glm::dvec3 scattered = kRayleigh * rayleigh;
  return {scattered, scattered + glm::dvec3(kMieExtinction * mie) + kOzone * ozone,
          kMieScattering * mie};
}

/// Way from radius r along a direction of cosine mu to a sphere; negative if it is not met.
double wayTo(double sphere, double r, double mu, bool far) {
  const double root = sphere * sphere - r * r * (1.0 - mu * mu);
  if (root < 0.0) return -1.0;
  return far ? -r * mu + std::sqrt(root) : -r * mu - std::sqrt(root);
}

double rayleighPhase(double cosine) { return 3.0 / (16.0 * kPi) * (1.0 + cosine * cosine); }

/// Cornette and Shanks, "Physically reasonable analytic expression for the single-scattering phase
/// function", 1992.
double miePhase(double cosine) {
  const double g = kMieAsymmetry, base = 1.0 + g * g - 2.0 * g * cosine;
  return 3.0 / (8.0 * kPi) * (1.0 - g * g) * (1.0 + cosine * cosine) /
         ((2.0 + g * g) * base * std::sqrt(base));
}

glm::dvec3 lookUp(const std::vector<glm::dvec3>& table, int rows, int columns, double row,
                  double column) {
  const double y = std::clamp(row, 0.0, 1.0) * (rows - 1);
  const double x = std::clamp(column, 0.0, 1.0) * (columns - 1);
  const int y0 = std::min(static_cast<int>(y), rows - 2);
  const int x0 = std::min(static_cast<int>(x), columns - 2);
  const auto at = [&](int i, int k) { return table[static_cast<std::size_t>(i * columns + k)]; };
  return glm::mix(glm::mix(at(y0, x0), at(y0, x0 + 1), x - x0),
                  glm::mix(at(y0 + 1, x0), at(y0 + 1, x0 + 1), x - x0), y - y0);
}

// Dense near the ground and about the horizon, where the air changes fast.
double heightOf(double row) { return row * row * (kTop - kGround); }
double rowOf(double height) { return std::sqrt(std::max(height, 0.0) / (kTop - kGround)); }
double cosineOf(double column) {
  const double x = 2.0 * column - 1.0;
  return x * std::abs(x);
}
double columnOf(double mu) { return 0.5 + 0.5 * (mu < 0.0 ? -std::sqrt(-mu) : std::sqrt(mu)); }

}  // namespace

Atmosphere::Atmosphere(const glm::dvec3& to_sun, const glm::dvec3& sun)
    : to_sun_(to_sun), sun_(sun) {
  fillTransmittance();
  fillMultiple();
}

void Atmosphere::fillTransmittance() {
  for (int i = 0; i < kHeights; ++i) {
    const double r = kGround + heightOf(static_cast<double>(i) / (kHeights - 1));
    for (int k = 0; k < kCosines; ++k) {
      const double mu = cosineOf(static_cast<double>(k) / (kCosines - 1));
      constexpr int kSteps = 48;
      const double step = wayTo(kTop, r, mu, true) / kSteps;
      glm::dvec3 depth(0.0);
      for (int s = 0; s < kSteps; ++s) {
        const double t = (s + 0.5) * step;
        depth += mediumAt(std::sqrt(r * r + t * t + 2.0 * r * t * mu) - kGround).extinction * step;
      }
      transmittance_.push_back(exponential(-depth));
    }
  }
}

glm::dvec3 Atmosphere::transmittance(double height, double mu) const {
  // Soft at the horizon, as the sun is no point.
  const double r = kGround + height;
  const double horizon = -std::sqrt(std::max(0.0, 1.0 - kGround * kGround / (r * r)));
  const double open = smoothStep(horizon - 0.005, horizon + 0.005, mu);
  return open * lookUp(transmittance_, kHeights, kCosines, rowOf(height), columnOf(mu));
}

// What light scattered twice brings from everywhere, and the share of it that is scattered again:
// all further orders are a geometric series.
void Atmosphere::fillMultiple() {
  constexpr int kDirections = 8, kSteps = 16;
  for (int i = 0; i < kMultipleHeights; ++i) {
    const double r =
        kGround + std::max(heightOf(static_cast<double>(i) / (kMultipleHeights - 1)), 0.01);
    for (int k = 0; k < kMultipleCosines; ++k) {
      const double mu_sun = cosineOf(static_cast<double>(k) / (kMultipleCosines - 1));
      glm::dvec3 second(0.0), share(0.0);
      for (int a = 0; a < kDirections; ++a) {
        for (int b = 0; b < kDirections; ++b) {
          const double mu = 1.0 - 2.0 * (a + 0.5) / kDirections;
          const double turn = math::sineCosine(kPi * (b + 0.5) / kDirections).cosine;
          const double sun_cosine =
              mu * mu_sun + std::sqrt((1.0 - mu * mu) * (1.0 - mu_sun * mu_sun)) * turn;
          const double ground = mu < 0.0 ? wayTo(kGround, r, mu, false) : -1.0;
          const double step = (ground > 0.0 ? ground : wayTo(kTop, r, mu, true)) / kSteps;
          glm::dvec3 through(1.0);
          for (int s = 0; s < kSteps; ++s) {
            const double t = (s + 0.5) * step;
            const double here = std::sqrt(r * r + t * t + 2.0 * r * t * mu);
            const double sun_here = std::clamp((r * mu_sun + t * sun_cosine) / here, -1.0, 1.0);
            const Medium medium = mediumAt(here - kGround);
            const glm::dvec3 scattered = medium.rayleigh + medium.mie;
            const glm::dvec3 kept = exponential(-medium.extinction * step);
            const glm::dvec3 met = through * (1.0 - kept) / medium.extinction;
            second += met * scattered * transmittance(here - kGround, sun_here) / (4.0 * kPi);
            share += met * scattered;
            through *= kept;
          }
          if (ground > 0.0) {
            const double sun_here =
                std::clamp((r * mu_sun + ground * sun_cosine) / kGround, -1.0, 1.0);
            second += through * transmittance(0.0, sun_here) * kGroundAlbedo *
                      std::max(sun_here, 0.0) / kPi;
          }
        }
      }
      constexpr double kMean = 1.0 / (kDirections * kDirections);
      multiple_.push_back(second * kMean / (1.0 - share * kMean));
    }
  }
}

glm::dvec3 Atmosphere::multiple(double height, double mu_sun) const {
  return lookUp(multiple_, kMultipleHeights, kMultipleCosines, rowOf(height), columnOf(mu_sun));
}

glm::dvec3 Atmosphere::sunAt(double height) const {
  return sun_ * transmittance(height, to_sun_.y);
}

glm::dvec3 Atmosphere::sky(const glm::dvec3& direction) const {
  constexpr int kSteps = 40;
  const double r = kGround + 0.05, mu = std::max(direction.y, 0.0);
  const double way = wayTo(kTop, r, mu, true);
  const double cosine = glm::dot(direction, to_sun_);
  const double rayleigh = rayleighPhase(cosine), mie = miePhase(cosine);
  glm::dvec3 light(0.0), through(1.0);
  double before = 0.0;
  for (int s = 0; s < kSteps; ++s) {
    // Steps grow with the distance: the air is dense near the eye.
    const double share = (s + 1.0) / kSteps;
    const double end = way * share * share, step = end - before, t = before + 0.5 * step;
    before = end;
    const double here = std::sqrt(r * r + t * t + 2.0 * r * t * mu);
    const double mu_sun = std::clamp((r * to_sun_.y + t * cosine) / here, -1.0, 1.0);
    const Medium medium = mediumAt(here - kGround);
    const glm::dvec3 once =
        (medium.rayleigh * rayleigh + medium.mie * mie) * transmittance(here - kGround, mu_sun);
    const glm::dvec3 more = (medium.rayleigh + medium.mie) * multiple(here - kGround, mu_sun);
    const glm::dvec3 kept = exponential(-medium.extinction * step);
    light += through * (once + more) * (1.0 - kept) / medium.extinction;
    through *= kept;
  }
  return sun_ * light;
}

}  // namespace understudy::environment
