#include "engine/render/joint_shapes.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace understudy::render {

namespace {

std::array<std::uint32_t, 4> jointsOf(const shaders::BindVertex& vertex) {
  return {vertex.joints01 & 0xffffu, vertex.joints01 >> 16, vertex.joints23 & 0xffffu,
          vertex.joints23 >> 16};
}

/// Direction in which the points are spread most: power iteration on their covariance.
glm::vec3 mainAxis(std::span<const glm::vec3> points, const glm::vec3& mean) {
  glm::mat3 covariance(0.0f);
  for (const glm::vec3& point : points) {
    covariance += glm::outerProduct(point - mean, point - mean);
  }
  glm::vec3 axis(0.57f, 0.6f, 0.56f);
  for (int i = 0; i < 24; ++i) {
    const glm::vec3 next = covariance * axis;
    const float size = glm::length(next);
    if (size < 1e-12f) break;
    axis = next / size;
  }
  return axis;
}

void fitStick(std::span<const glm::vec3> points, shaders::JointFlesh& shape) {
  if (points.size() < 8) return;
  glm::vec3 mean(0.0f);
  for (const glm::vec3& point : points) mean += point;
  mean /= static_cast<float>(points.size());
  const glm::vec3 axis = mainAxis(points, mean);
  float low = 0.0f, high = 0.0f, across = 0.0f;
  for (const glm::vec3& point : points) {
    const float along = glm::dot(point - mean, axis);
    low = std::min(low, along);
    high = std::max(high, along);
    across += glm::length(point - mean - along * axis);
  }
  shape.radius = across / static_cast<float>(points.size());
  const float inset = std::min(shape.radius, 0.5f * (high - low));
  shape.from = mean + axis * (low + inset);
  shape.to = mean + axis * (high - inset);
}

}  // namespace

std::vector<shaders::JointFlesh> jointShapes(std::span<const shaders::BindVertex> vertices,
                                             std::size_t joint_count) {
  std::vector<shaders::JointFlesh> shapes(joint_count, {.reach = -1.0f});
  std::vector<glm::vec3> low(joint_count, glm::vec3(1e30f)), high(joint_count, glm::vec3(-1e30f));
  std::vector<std::vector<glm::vec3>> owned(joint_count);
  for (const shaders::BindVertex& vertex : vertices) {
    const auto joints = jointsOf(vertex);
    int heaviest = 0;
    for (int i = 0; i < 4; ++i) {
      if (vertex.weights[i] > vertex.weights[heaviest]) heaviest = i;
      if (vertex.weights[i] <= 0.0f) continue;
      const std::size_t joint = joints[static_cast<std::size_t>(i)];
      low[joint] = glm::min(low[joint], vertex.position);
      high[joint] = glm::max(high[joint], vertex.position);
    }
    owned[joints[static_cast<std::size_t>(heaviest)]].push_back(vertex.position);
  }
  for (std::size_t joint = 0; joint < joint_count; ++joint) {
    if (low[joint].x > high[joint].x) continue;
    shapes[joint].centre = 0.5f * (low[joint] + high[joint]);
    shapes[joint].reach = 0.5f * glm::length(high[joint] - low[joint]);
    fitStick(owned[joint], shapes[joint]);
  }
  return shapes;
}

}  // namespace understudy::render
