#include "engine/render/sky_exposure.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

namespace understudy::render {

namespace {

constexpr int kDirections = 48;
constexpr int kSide = 384;
constexpr float kReach = 0.35f;  // Metres: farther blockers move away with the pose.

/// Depth, seen along a direction, of the nearest surface of the whole character.
struct DepthMap {
  glm::vec3 right, up, forward;
  glm::vec2 low;
  float texel = 1.0f;
  std::vector<float> depth;  ///< kSide x kSide; distance along `forward`.

  /// x and y in texels, z along the direction.
  glm::vec3 map(const glm::vec3& p) const {
    return {(glm::dot(p, right) - low.x) / texel, (glm::dot(p, up) - low.y) / texel,
            glm::dot(p, forward)};
  }
};

glm::vec3 evenDirection(int i, int n) {
  const float y = 1.0f - 2.0f * (static_cast<float>(i) + 0.5f) / static_cast<float>(n);
  const float angle = static_cast<float>(i) * 2.39996323f;
  const float across = std::sqrt(std::max(0.0f, 1.0f - y * y));
  return {across * std::cos(angle), y, across * std::sin(angle)};
}

void aim(DepthMap& map, const glm::vec3& forward, const glm::vec3& centre, float radius) {
  map.forward = forward;
  const glm::vec3 beside = std::abs(forward.y) < 0.9f ? glm::vec3(0, 1, 0) : glm::vec3(1, 0, 0);
  map.right = glm::normalize(glm::cross(beside, forward));
  map.up = glm::cross(forward, map.right);
  map.texel = 2.0f * radius / static_cast<float>(kSide - 2);
  map.low = glm::vec2(glm::dot(centre, map.right), glm::dot(centre, map.up)) -
            glm::vec2(radius + map.texel);
  std::fill(map.depth.begin(), map.depth.end(), 1e30f);
}

void drawTriangle(DepthMap& map, const glm::vec3& a, const glm::vec3& b, const glm::vec3& c) {
  const float area = (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
  if (std::abs(area) < 1e-12f) return;
  const auto bound = [](float value) { return std::clamp(static_cast<int>(value), 0, kSide - 1); };
  const int x0 = bound(std::min({a.x, b.x, c.x}) - 0.5f), x1 = bound(std::max({a.x, b.x, c.x}));
  const int y0 = bound(std::min({a.y, b.y, c.y}) - 0.5f), y1 = bound(std::max({a.y, b.y, c.y}));
  for (int y = y0; y <= y1; ++y) {
    for (int x = x0; x <= x1; ++x) {
      const float px = static_cast<float>(x) + 0.5f, py = static_cast<float>(y) + 0.5f;
      const float v = ((px - a.x) * (c.y - a.y) - (py - a.y) * (c.x - a.x)) / area;
      const float w = ((b.x - a.x) * (py - a.y) - (b.y - a.y) * (px - a.x)) / area;
      if (v < 0.0f || w < 0.0f || v + w > 1.0f) continue;
      float& depth = map.depth[static_cast<std::size_t>(y * kSide + x)];
      depth = std::min(depth, a.z + v * (b.z - a.z) + w * (c.z - a.z));
    }
  }
}

/// How much of the light from where the map looks from reaches the point, 0 to 1.
float openness(const DepthMap& map, const glm::vec3& point, float slack) {
  const glm::vec3 at = map.map(point);
  const int x0 = static_cast<int>(at.x - 0.5f), y0 = static_cast<int>(at.y - 0.5f);
  float open = 0.0f;
  for (int i = 0; i < 4; ++i) {
    const int x = std::clamp(x0 + (i & 1), 0, kSide - 1);
    const int y = std::clamp(y0 + (i >> 1), 0, kSide - 1);
    const float gap = at.z - map.depth[static_cast<std::size_t>(y * kSide + x)] - slack;
    open += gap <= 0.0f ? 1.0f : std::clamp(gap / kReach, 0.0f, 1.0f);
  }
  return 0.25f * open;
}

}  // namespace

void fillSkyExposure(std::span<const shaders::BindVertex> bind,
                     std::span<const std::uint32_t> indices,
                     std::span<shaders::FixedVertex> fixed) {
  if (bind.empty()) return;
  glm::vec3 low = bind[0].position, high = low;
  for (const shaders::BindVertex& vertex : bind) {
    low = glm::min(low, vertex.position);
    high = glm::max(high, vertex.position);
  }
  const glm::vec3 centre = 0.5f * (low + high);
  const float radius = std::max(0.5f * glm::length(high - low), 1e-3f);
  DepthMap map;
  map.depth.resize(std::size_t{kSide} * kSide);
  std::vector<float> open(bind.size(), 0.0f), weight(bind.size(), 0.0f);
  std::vector<glm::vec3> mapped(bind.size());
  for (int i = 0; i < kDirections; ++i) {
    aim(map, -evenDirection(i, kDirections), centre, radius);
    for (std::size_t v = 0; v < bind.size(); ++v) mapped[v] = map.map(bind[v].position);
    for (std::size_t t = 0; t + 2 < indices.size(); t += 3) {
      drawTriangle(map, mapped[indices[t]], mapped[indices[t + 1]], mapped[indices[t + 2]]);
    }
    for (std::size_t v = 0; v < bind.size(); ++v) {
      const float cosine = -glm::dot(bind[v].normal, map.forward);
      if (cosine <= 0.0f) continue;
      const glm::vec3 lifted = bind[v].position + bind[v].normal * (1.2f * map.texel);
      open[v] += cosine * openness(map, lifted, 1.5f * map.texel / std::max(cosine, 0.25f));
      weight[v] += cosine;
    }
  }
  for (std::size_t v = 0; v < bind.size(); ++v) {
    fixed[v].exposure = weight[v] > 0.0f ? open[v] / weight[v] : 1.0f;
  }
}

}  // namespace understudy::render
