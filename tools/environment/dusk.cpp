#include <cmath>

#include "tools/environment/arithmetic.h"
#include "tools/environment/atmosphere.h"
#include "tools/environment/made_environments.h"
#include "tools/environment/picture.h"

namespace understudy::environment {

namespace {

constexpr double kSunAzimuth = -118.0, kSunElevation = 13.0;
const glm::dvec3 kSunAboveAir(20.0, 19.4, 18.8);
const glm::dvec3 kConcrete(0.285, 0.285, 0.262);
// The camera's white: between the sun's light and the sky's, so that the one looks warm and the
// other cool.
const glm::dvec3 kWhiteBalance(0.90, 1.0, 1.22);

/// The clear sky as a table by azimuth from the sun and elevation, dense at the horizon: it is
/// symmetric and smooth, and costs much.
class SkyTable {
 public:
  explicit SkyTable(const Atmosphere& air) {
    for (int y = 0; y < kRows; ++y) {
      const double row = static_cast<double>(y) / (kRows - 1);
      for (int x = 0; x < kColumns; ++x) {
        const double away_deg = 180.0 * x / (kColumns - 1);
        table_.push_back(air.sky(directionOf(kSunAzimuth + away_deg, 90.0 * row * row)));
      }
    }
  }
  glm::dvec3 at(const glm::dvec3& d) const {
    const double elevation = math::arcTangent2(d.y, std::sqrt(d.x * d.x + d.z * d.z)) / (0.5 * kPi);
    const glm::dvec3 sun = directionOf(kSunAzimuth, 0.0);
    const double away =
        math::arcTangent2(std::abs(d.x * sun.z - d.z * sun.x), d.x * sun.x + d.z * sun.z);
    const double y = std::sqrt(std::clamp(elevation, 0.0, 1.0)) * (kRows - 1);
    const double x = std::clamp(away / kPi, 0.0, 1.0) * (kColumns - 1);
    const int y0 = std::min(static_cast<int>(y), kRows - 2);
    const int x0 = std::min(static_cast<int>(x), kColumns - 2);
    const auto entry = [&](int i, int k) {
      return table_[static_cast<std::size_t>(i * kColumns + k)];
    };
    return glm::mix(glm::mix(entry(y0, x0), entry(y0, x0 + 1), x - x0),
                    glm::mix(entry(y0 + 1, x0), entry(y0 + 1, x0 + 1), x - x0), y - y0);
  }

 private:
  static constexpr int kRows = 64, kColumns = 64;
  std::vector<glm::dvec3> table_;
};

/// Light of the scene, for what stands on the ground.
struct Daylight {
  const SkyTable& sky;
  glm::dvec3 to_sun, sun, sun_at_clouds, from_sky;
};

/// Thin clouds on a shell 4.5 km up, streaked by the wind.
glm::dvec3 withClouds(const Daylight& light, const glm::dvec3& d, const glm::dvec3& clear) {
  constexpr double kHeight = 4.5, kEarth = 6360.0;
  const double up = kEarth * d.y;
  const double way = std::sqrt(up * up + 2.0 * kEarth * kHeight + kHeight * kHeight) - up;
  const glm::dvec2 place(d.x * way, d.z * way);
  const glm::dvec2 wind(0.80 * place.x + 0.60 * place.y, -0.60 * place.x + 0.80 * place.y);
  const glm::dvec2 bent =
      wind + 3.0 * glm::dvec2(valueNoise(wind / 9.0, 71), valueNoise(wind / 9.0, 72));
  const double wisps = fractalNoise(glm::dvec2(bent.x / 22.0, bent.y / 6.5), 5, 31);
  const double fields = fractalNoise(wind / 55.0, 2, 47);
  const double thick = smoothStep(-0.02, 0.50, wisps + 0.55 * fields + 0.04);
  const double cosine = glm::dot(d, light.to_sun);
  const double forward =
      0.30 + 0.9 * exponential(6.0 * (cosine - 1.0)) + 2.2 * exponential(40.0 * (cosine - 1.0));
  const glm::dvec3 lit = light.sun_at_clouds * (forward * 0.062) + light.from_sky * 0.20;
  const double haze = exponential(-way / 105.0);
  return glm::mix(clear, lit, 0.80 * thick * haze);
}

/// A row of hills: everything under its ridge, greyed by the air before it.
struct Hills {
  double distance, base_deg, height_deg, spacing;
  std::uint32_t seed;
  glm::dvec3 color;
};

glm::dvec3 withHills(const Daylight& light, const Hills& hills, const glm::dvec3& d,
                     const glm::dvec3& behind, double pixel_deg) {
  const double flat = std::sqrt(d.x * d.x + d.z * d.z);
  const glm::dvec2 around(d.x / flat, d.z / flat);
  const double elevation = math::arcTangent2(d.y, flat) * 180.0 / kPi;
  const double ridge =
      hills.base_deg + hills.height_deg * fractalNoise(around * hills.spacing, 6, hills.seed);
  const double inside = smoothStep(0.7 * pixel_deg, -0.7 * pixel_deg, elevation - ridge);
  if (inside <= 0.0) return behind;
  // Slopes that face the sun are lighter; trees make them uneven.
  const double slope = 0.5 + 0.5 * glm::dot(around, glm::dvec2(-light.to_sun.x, -light.to_sun.z)) +
                       0.35 * fractalNoise(glm::dvec2(around.x * 60.0, around.y * 60.0 + elevation),
                                           2, hills.seed + 9);
  const glm::dvec3 own =
      hills.color / kPi * (light.sun * (0.30 * std::max(slope, 0.0)) + light.from_sky);
  const glm::dvec3 air = light.sky.at(glm::normalize(glm::dvec3(d.x, 0.02, d.z)));
  const glm::dvec3 seen = glm::mix(air, own, exponential(-hills.distance / 11.0));
  return glm::mix(behind, seen, inside);
}

glm::dvec3 groundLight(const Daylight& light, const glm::dvec3& d) {
  const double way = 1.5 / std::max(-d.y, 1e-4);
  const glm::dvec3 meadow(0.215, 0.200, 0.110);
  const glm::dvec3 color = glm::mix(kConcrete, meadow, smoothStep(14.0, 45.0, way));
  const glm::dvec3 own = color / kPi * (light.sun * std::max(light.to_sun.y, 0.0) + light.from_sky);
  const glm::dvec3 air = light.sky.at(glm::normalize(glm::dvec3(d.x, 0.01, d.z)));
  return glm::mix(air, own, exponential(-way / 2600.0));
}

/// Irradiance of the clear sky on level ground.
glm::dvec3 skyIrradiance(const SkyTable& sky) {
  glm::dvec3 sum(0.0);
  constexpr int kSteps = 32;
  for (int y = 0; y < kSteps; ++y) {
    const double sine_square = (y + 0.5) / kSteps;  // Even in the cosine-weighted measure.
    const double up = std::sqrt(sine_square), flat = std::sqrt(1.0 - sine_square);
    for (int x = 0; x < kSteps; ++x) {
      const glm::dvec3 d = directionOf(360.0 * (x + 0.5) / kSteps, 0.0);
      sum += sky.at({flat * d.x, up, flat * d.z});
    }
  }
  return sum * (kPi / (kSteps * kSteps));
}

}  // namespace

scene::Environment makeDusk(std::uint32_t height_px) {
  const glm::dvec3 to_sun = directionOf(kSunAzimuth, kSunElevation);
  const Atmosphere air(to_sun, kSunAboveAir);
  const SkyTable sky(air);
  const Daylight light{sky, to_sun, air.sunAt(0.05), air.sunAt(4.5), skyIrradiance(sky)};
  const Hills rows[] = {{26.0, 3.4, 3.6, 1.3, 301, {0.060, 0.075, 0.050}},
                        {11.0, 2.0, 2.8, 2.3, 401, {0.055, 0.070, 0.038}},
                        {4.0, 0.9, 1.7, 4.1, 501, {0.045, 0.055, 0.026}},
                        {0.9, 0.45, 0.9, 21.0, 601, {0.030, 0.038, 0.018}}};
  scene::Environment dusk{.name = "dusk", .exposure_ev = -1.05f};
  dusk.key = {.to_light = glm::vec3(to_sun),
              .irradiance = glm::vec3(light.sun * kWhiteBalance),
              .angular_size = 0.0093f,
              .visible = true};
  dusk.floor = {.color = glm::vec3(kConcrete),
                .reflection = 0.02f,
                .roughness = 0.75f,
                .fade_near = 9.0f,
                .fade_far = 60.0f};
  const double pixel_deg = 180.0 / height_px;
  fillPicture(dusk, height_px, [&](const glm::dvec3& d) {
    if (d.y < 0.0) return groundLight(light, d) * kWhiteBalance;
    glm::dvec3 radiance = withClouds(light, d, sky.at(d));
    for (const Hills& hills : rows) radiance = withHills(light, hills, d, radiance, pixel_deg);
    return radiance * kWhiteBalance;
  });
  return dusk;
}

}  // namespace understudy::environment
