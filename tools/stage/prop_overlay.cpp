#include "tools/stage/prop_overlay.h"

#include <array>

namespace understudy::stage {
namespace {

constexpr float kAxis = 0.12f;  // Length, metres.

}  // namespace

void addProp(render::Overlay& overlay, const subject::Subject& prop,
             const math::RigidTransform& world_from_prop) {
  const render::LineStyle edge{
      .color = render::overlay_color::kSkeleton, .width_px = 1.6f, .in_front = true};
  const std::size_t count = prop.markers.size();
  for (std::size_t a = 0; a < count; ++a) {
    const glm::vec3 from = prop.markers[a].offset_joint;
    std::array<std::size_t, 2> nearest{count, count};
    for (std::size_t b = 0; b < count; ++b) {
      if (b == a) continue;
      const auto nearer = [&](std::size_t than) {
        return than == count || glm::distance(from, prop.markers[b].offset_joint) <
                                    glm::distance(from, prop.markers[than].offset_joint);
      };
      if (nearer(nearest[0])) {
        nearest = {b, nearest[0]};
      } else if (nearer(nearest[1])) {
        nearest[1] = b;
      }
    }
    for (const std::size_t b : nearest) {
      if (b == count) continue;
      render::addLine(overlay, world_from_prop * from,
                      world_from_prop * prop.markers[b].offset_joint, edge);
    }
  }
  for (glm::length_t axis = 0; axis < 3; ++axis) {
    glm::vec3 tip(0.0f);
    glm::vec4 color(0.15f, 0.15f, 0.15f, 1.0f);
    tip[axis] = kAxis;
    color[axis] = 0.9f;
    render::addLine(overlay, world_from_prop.translation, world_from_prop * tip,
                    {.color = color, .width_px = 3.0f, .in_front = true});
  }
}

}  // namespace understudy::stage
