#include "engine/render/overlay.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace understudy::render {

void addMarker(Overlay& overlay, const glm::vec3& position, const glm::vec4& color, float radius) {
  overlay.spheres.push_back({.position = position, .radius = radius, .color = color});
}

void addLine(Overlay& overlay, const glm::vec3& from, const glm::vec3& to, const LineStyle& style) {
  overlay.lines.push_back({.from = from,
                           .width_px = style.width_px,
                           .to = to,
                           .in_front = style.in_front ? 1.0f : 0.0f,
                           .color = style.color});
}

void addRing(Overlay& overlay, const glm::vec3& centre, float radius, const LineStyle& style) {
  constexpr int kSides = 48;
  glm::vec3 from = centre + glm::vec3(radius, 0.0f, 0.0f);
  for (int side = 1; side <= kSides; ++side) {
    const float angle = 6.2831853f * static_cast<float>(side) / kSides;
    const glm::vec3 to = centre + radius * glm::vec3(std::cos(angle), 0.0f, std::sin(angle));
    addLine(overlay, from, to, style);
    from = to;
  }
}

void addRay(Overlay& overlay, const glm::vec3& camera_centre, const glm::vec3& marker) {
  addLine(overlay, camera_centre, marker, {.color = overlay_color::kRay, .width_px = 1.0f});
}

void addFrustum(Overlay& overlay, const FrustumOverlay& frustum) {
  const auto world = [&](float x, float y, float z) {
    return frustum.world_from_camera *
           glm::vec3(x * frustum.half_extent.x * z, y * frustum.half_extent.y * z, z);
  };
  const LineStyle style{.color = frustum.color, .width_px = 1.4f};
  const float z = frustum.length;
  const glm::vec3 centre = frustum.world_from_camera.translation;
  const glm::vec3 corners[4] = {world(-1, -1, z), world(1, -1, z), world(1, 1, z), world(-1, 1, z)};
  for (int i = 0; i < 4; ++i) {
    addLine(overlay, centre, corners[i], style);
    addLine(overlay, corners[i], corners[(i + 1) % 4], style);
  }
  const glm::vec3 tip = world(0.0f, -1.45f, z);
  addLine(overlay, world(-0.35f, -1.0f, z), tip, style);
  addLine(overlay, world(0.35f, -1.0f, z), tip, style);
  addMarker(overlay, centre, frustum.color, 0.03f);
}

void addSkeleton(Overlay& overlay, const anim::Skeleton& skeleton,
                 std::span<const math::RigidTransform> world_from_joint, const glm::vec4& color) {
  assert(world_from_joint.size() == skeleton.size());
  const LineStyle style{.color = color, .width_px = 2.2f, .in_front = true};
  for (std::size_t joint = 0; joint < skeleton.size(); ++joint) {
    const glm::vec3 at = world_from_joint[joint].translation;
    if (skeleton.parents[joint] == anim::kNoParent) continue;
    const glm::vec3 from =
        world_from_joint[static_cast<std::size_t>(skeleton.parents[joint])].translation;
    addLine(overlay, from, at, style);
    // Fingers would be all balls.
    if (glm::distance(from, at) > 0.07f) addMarker(overlay, at, color, 0.011f);
  }
}

}  // namespace understudy::render
