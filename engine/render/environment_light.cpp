#include "engine/render/environment_light.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <glm/gtc/packing.hpp>
#include <numbers>
#include <thread>

#include "engine/render/low_discrepancy.h"
#include "shaders/shared/environment.h"

namespace understudy::render {

namespace {

constexpr float kPi = std::numbers::pi_v<float>;
constexpr std::uint32_t kLeastSide = 128, kMostSide = 1024, kMostSharpSide = 256, kLastSide = 16;

/// Calls `work(row)` for all rows, in several threads; rows must not depend on each other.
template <class Work>
void forRows(std::uint32_t rows, const Work& work) {
  const std::uint32_t count = std::clamp(std::thread::hardware_concurrency(), 1u, 16u);
  std::vector<std::jthread> threads;
  for (std::uint32_t t = 1; t < count; ++t) {
    threads.emplace_back([&, t] {
      for (std::uint32_t y = t; y < rows; y += count) work(y);
    });
  }
  for (std::uint32_t y = 0; y < rows; y += count) work(y);
}

/// The picture and its halvings, looked up with a smooth level.
class Pyramid {
 public:
  explicit Pyramid(const scene::Environment& environment) {
    levels_.push_back({environment.width_px, environment.height_px, environment.radiance});
    while (levels_.back().height >= 4) levels_.push_back(halved(levels_.back()));
  }

  /// Texels per radian of level 0 at the horizon.
  float density() const { return static_cast<float>(levels_[0].width) / (2.0f * kPi); }

  glm::vec3 at(const glm::vec3& d, float level) const {
    const glm::vec2 place(0.5f + std::atan2(d.x, -d.z) / (2.0f * kPi),
                          std::acos(std::clamp(d.y, -1.0f, 1.0f)) / kPi);
    const float most = static_cast<float>(levels_.size() - 1);
    level = std::clamp(level, 0.0f, most);
    const auto low = static_cast<std::size_t>(level);
    const float share = level - static_cast<float>(low);
    const glm::vec3 fine = bilinear(levels_[low], place);
    return share > 0.0f ? glm::mix(fine, bilinear(levels_[low + 1], place), share) : fine;
  }

 private:
  struct Level {
    std::uint32_t width, height;
    std::vector<glm::vec3> texels;
  };

  static Level halved(const Level& from) {
    Level to{from.width / 2, from.height / 2, {}};
    to.texels.reserve(std::size_t{to.width} * to.height);
    for (std::uint32_t y = 0; y < to.height; ++y) {
      for (std::uint32_t x = 0; x < to.width; ++x) {
        const glm::vec3* top = &from.texels[std::size_t{2 * y} * from.width + 2 * x];
        const glm::vec3* low = top + from.width;
        to.texels.push_back(0.25f * (top[0] + top[1] + low[0] + low[1]));
      }
    }
    return to;
  }

  static glm::vec3 bilinear(const Level& level, const glm::vec2& place) {
    const auto width = static_cast<int>(level.width), height = static_cast<int>(level.height);
    const float x = place.x * static_cast<float>(width) - 0.5f;
    const float y = std::clamp(place.y * static_cast<float>(height) - 0.5f, 0.0f,
                               static_cast<float>(height - 1));
    const float left = std::floor(x);
    const int x0 = (static_cast<int>(left) + width) % width, x1 = (x0 + 1) % width;
    const int y0 = static_cast<int>(y), y1 = std::min(y0 + 1, height - 1);
    const auto texel = [&](int column, int row) {
      return level.texels[static_cast<std::size_t>(row * width + column)];
    };
    const float u = x - left, v = y - static_cast<float>(y0);
    return glm::mix(glm::mix(texel(x0, y0), texel(x1, y0), u),
                    glm::mix(texel(x0, y1), texel(x1, y1), u), v);
  }

  std::vector<Level> levels_;
};

using Harmonics = std::array<glm::dvec3, 9>;

/// Projects the picture (Ramamoorthi and Hanrahan, "An Efficient Representation for Irradiance
/// Environment Maps", 2001) and folds their constants c1 to c5, over pi, into the result.
std::array<glm::vec3, 9> projectIrradiance(const scene::Environment& environment) {
  const std::uint32_t width = environment.width_px, height = environment.height_px;
  std::vector<Harmonics> rows(height);
  forRows(height, [&](std::uint32_t y) {
    const double top = std::numbers::pi * y / height, low = std::numbers::pi * (y + 1) / height;
    const double solid_angle = 2.0 * std::numbers::pi / width * (std::cos(top) - std::cos(low));
    Harmonics sum{};
    for (std::uint32_t x = 0; x < width; ++x) {
      const glm::dvec3 d(
          scene::directionAt((static_cast<float>(x) + 0.5f) / static_cast<float>(width),
                             (static_cast<float>(y) + 0.5f) / static_cast<float>(height)));
      const glm::dvec3 light =
          solid_angle * glm::dvec3(environment.radiance[std::size_t{y} * width + x]);
      const double basis[9] = {1.0,
                               d.y,
                               d.z,
                               d.x,
                               d.x * d.y,
                               d.y * d.z,
                               3.0 * d.z * d.z - 1.0,
                               d.x * d.z,
                               d.x * d.x - d.y * d.y};
      for (std::size_t i = 0; i < 9; ++i) sum[i] += basis[i] * light;
    }
    rows[y] = sum;
  });
  // The squared norms of the basis, by the cosine lobe's share of each band over pi: 1, 2/3, 1/4.
  constexpr double kBand0 = 1.0 / (4.0 * std::numbers::pi), kBand1 = 2.0 / (4.0 * std::numbers::pi);
  constexpr double kBand2 = 15.0 / (16.0 * std::numbers::pi);
  constexpr double kScale[9] = {kBand0, kBand1,        kBand1, kBand1,      kBand2,
                                kBand2, kBand2 / 12.0, kBand2, kBand2 / 4.0};
  std::array<glm::vec3, 9> result;
  for (std::size_t i = 0; i < 9; ++i) {
    glm::dvec3 sum(0.0);
    for (const Harmonics& row : rows) sum += row[i];
    result[i] = glm::vec3(kScale[i] * sum);
  }
  return result;
}

/// One direction of a GGX lobe about +Z, and how much of the picture stands for it.
struct LobeSample {
  glm::vec3 direction;
  float weight, level;
};

/// Directions that a surface of this roughness mirrors when it is looked at head on, weighted by
/// the cosine (Karis, "Real Shading in Unreal Engine 4", 2013). Each reads the picture blurred to
/// the distance of its neighbours (Krivanek and Colbert, "Real-time Shading with Filtered
/// Importance Sampling", 2008).
std::vector<LobeSample> lobeSamples(float roughness, std::uint32_t count, float density) {
  const float alpha = roughness * roughness, square = alpha * alpha;
  std::vector<LobeSample> samples;
  float sum = 0.0f;
  for (std::uint32_t i = 0; i < count; ++i) {
    const float u = (static_cast<float>(i) + 0.5f) / static_cast<float>(count);
    const float angle = 2.0f * kPi * radicalInverse(i);
    const float cosine = std::sqrt((1.0f - u) / (1.0f + (square - 1.0f) * u));
    const float sine = std::sqrt(std::max(0.0f, 1.0f - cosine * cosine));
    const glm::vec3 half_way(sine * std::cos(angle), sine * std::sin(angle), cosine);
    const glm::vec3 direction = 2.0f * cosine * half_way - glm::vec3(0.0f, 0.0f, 1.0f);
    if (direction.z <= 0.0f) continue;
    const float d = (cosine * square - cosine) * cosine + 1.0f;
    const float solid_angle =
        4.0f / (static_cast<float>(count) * square / (kPi * d * d));  // 1 / (n pdf), pdf = D / 4.
    const float level = 0.5f * std::log2(solid_angle * density * density);
    samples.push_back({direction, direction.z, level});
    sum += direction.z;
  }
  for (LobeSample& sample : samples) sample.weight /= sum;
  return samples;
}

glm::vec3 filtered(const Pyramid& pyramid, const std::vector<LobeSample>& samples,
                   const glm::vec3& axis) {
  const glm::vec3 beside = std::abs(axis.y) < 0.9f ? glm::vec3(0, 1, 0) : glm::vec3(1, 0, 0);
  const glm::vec3 right = glm::normalize(glm::cross(beside, axis)), up = glm::cross(axis, right);
  glm::vec3 light(0.0f);
  for (const LobeSample& sample : samples) {
    const glm::vec3& d = sample.direction;
    light += sample.weight * pyramid.at(d.x * right + d.y * up + d.z * axis, sample.level);
  }
  return light;
}

}  // namespace

core::Result<void> check(const scene::Environment& environment) {
  const std::size_t pixels = std::size_t{environment.width_px} * environment.height_px;
  if (environment.height_px < 4 || environment.height_px > 8192 ||
      environment.width_px != 2 * environment.height_px || environment.radiance.size() != pixels) {
    return core::makeError(
        fmt::format("environment \"{}\": a picture of {} x {} px with {} values; it must be twice "
                    "as wide as its 4 to 8192 rows",
                    environment.name, environment.width_px, environment.height_px,
                    environment.radiance.size()));
  }
  const bool fine =
      std::all_of(environment.radiance.begin(), environment.radiance.end(), [](const glm::vec3& c) {
        return c.x >= 0.0f && c.y >= 0.0f && c.z >= 0.0f && c.x + c.y + c.z < 1e6f;
      });
  const float up = environment.key.to_light.y;
  if (fine && up > 0.0f && std::abs(glm::length(environment.key.to_light) - 1.0f) < 1e-3f)
    return {};
  return core::makeError(fmt::format("environment \"{}\": {}", environment.name,
                                     fine ? "its key light is no unit vector above the horizon"
                                          : "a value of its picture is below 0 or no number"));
}

glm::vec2 environmentPlace(const glm::vec3& direction) {
  const glm::vec3 d =
      direction / (std::abs(direction.x) + std::abs(direction.y) + std::abs(direction.z));
  glm::vec2 at(d.x, d.y);
  if (d.z < 0.0f) {
    at = (1.0f - glm::abs(glm::vec2(d.y, d.x))) *
         glm::vec2(d.x >= 0.0f ? 1.0f : -1.0f, d.y >= 0.0f ? 1.0f : -1.0f);
  }
  return 0.5f + 0.5f * shaders::kOctahedronShare * at;
}

glm::vec3 environmentDirection(const glm::vec2& place) {
  glm::vec2 at = (place - 0.5f) * (2.0f / shaders::kOctahedronShare);
  // Beyond an edge lies the same edge turned round.
  if (std::abs(at.x) > 1.0f) at = {(at.x > 0.0f ? 2.0f : -2.0f) - at.x, -at.y};
  if (std::abs(at.y) > 1.0f) at = {-at.x, (at.y > 0.0f ? 2.0f : -2.0f) - at.y};
  glm::vec3 d(at, 1.0f - std::abs(at.x) - std::abs(at.y));
  const float fold = std::max(-d.z, 0.0f);
  d.x += d.x >= 0.0f ? -fold : fold;
  d.y += d.y >= 0.0f ? -fold : fold;
  return glm::normalize(d);
}

glm::vec3 irradianceOverPi(const std::array<glm::vec3, 9>& c, const glm::vec3& n) {
  const glm::vec3 light = c[0] + c[1] * n.y + c[2] * n.z + c[3] * n.x + c[4] * (n.x * n.y) +
                          c[5] * (n.y * n.z) + c[6] * (3.0f * n.z * n.z - 1.0f) +
                          c[7] * (n.x * n.z) + c[8] * (n.x * n.x - n.y * n.y);
  return glm::max(light, glm::vec3(0.0f));
}

std::uint64_t packLight(const glm::vec3& light) {
  const glm::vec3 c = glm::clamp(light, glm::vec3(0.0f), glm::vec3(kMostLight));
  return glm::packHalf4x16(glm::vec4(c, 1.0f));
}

glm::vec3 unpackLight(std::uint64_t texel) { return glm::vec3(glm::unpackHalf4x16(texel)); }

EnvironmentLight makeEnvironmentLight(const scene::Environment& environment) {
  EnvironmentLight light{.irradiance = projectIrradiance(environment)};
  const Pyramid pyramid(environment);
  light.side_px = std::clamp(std::bit_ceil(2 * environment.height_px), kLeastSide, kMostSide);
  const auto count = static_cast<std::uint32_t>(std::bit_width(light.side_px / kLastSide));
  light.sharp_level =
      static_cast<std::uint32_t>(std::bit_width(std::max(light.side_px / kMostSharpSide, 1u)) - 1);
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t side = light.side_px >> i;
    std::vector<LobeSample> samples;
    if (i <= light.sharp_level) {
      // The octahedron's texels per radian, on average.
      const float own =
          shaders::kOctahedronShare * static_cast<float>(side) / (2.0f * std::sqrt(kPi));
      samples.push_back(
          {{0.0f, 0.0f, 1.0f}, 1.0f, std::max(0.0f, std::log2(pyramid.density() / own))});
    } else {
      const float roughness = static_cast<float>(i - light.sharp_level) /
                              static_cast<float>(count - 1 - light.sharp_level);
      // The wider the lobe, the fewer the texels and the more each has to gather.
      const std::uint32_t wanted = roughness < 0.3f ? 64 : roughness < 0.6f ? 128 : 512;
      samples = lobeSamples(roughness, wanted, pyramid.density());
    }
    std::vector<std::uint64_t> texels(std::size_t{side} * side);
    forRows(side, [&](std::uint32_t y) {
      for (std::uint32_t x = 0; x < side; ++x) {
        const glm::vec2 place(static_cast<float>(x) + 0.5f, static_cast<float>(y) + 0.5f);
        texels[std::size_t{y} * side + x] = packLight(
            filtered(pyramid, samples, environmentDirection(place / static_cast<float>(side))));
      }
    });
    light.levels.push_back(std::move(texels));
  }
  return light;
}

}  // namespace understudy::render
