#pragma once

#include <cstddef>
#include <glm/glm.hpp>
#include <span>
#include <vector>

#include "engine/anim/skeleton.h"
#include "engine/math/rigid_transform.h"
#include "shaders/shared/overlay.h"

namespace understudy::render {

/// Colours that read well on the stage; linear, alpha = opacity.
namespace overlay_color {
inline constexpr glm::vec4 kMarker{0.92f, 0.93f, 0.95f, 1.0f};    ///< A labelled marker.
inline constexpr glm::vec4 kPredicted{1.0f, 0.42f, 0.05f, 1.0f};  ///< A marker that was filled in.
inline constexpr glm::vec4 kUnlabelled{0.9f, 0.06f, 0.05f, 1.0f};
inline constexpr glm::vec4 kRay{0.25f, 0.7f, 1.0f, 0.16f};
inline constexpr glm::vec4 kFrustum{0.10f, 0.32f, 0.55f, 0.9f};
inline constexpr glm::vec4 kSkeleton{1.0f, 0.55f, 0.08f, 0.95f};
inline constexpr glm::vec4 kHeld{1.0f, 0.42f, 0.05f, 1.0f};  ///< A pose that is not measured.
}  // namespace overlay_color

/// What is drawn over the scene in one frame. Keep one and refill it: it allocates only until its
/// vectors have grown to their size.
struct Overlay {
  std::vector<shaders::OverlaySphere> spheres;
  std::vector<shaders::OverlayLine> lines;

  void clear() {
    spheres.clear();
    lines.clear();
  }
};

/// How an overlay line looks.
struct LineStyle {
  glm::vec4 color{1.0f};
  float width_px = 1.5f;
  bool in_front = false;  ///< Drawn over bodies.
};

/// Adds a marker; radius in metres.
void addMarker(Overlay& overlay, const glm::vec3& position,
               const glm::vec4& color = overlay_color::kMarker, float radius = 0.008f);

/// Adds one line.
void addLine(Overlay& overlay, const glm::vec3& from, const glm::vec3& to, const LineStyle& style);

/// Adds a level ring; radius in metres.
void addRing(Overlay& overlay, const glm::vec3& centre, float radius, const LineStyle& style);

/// Adds the ray from a camera's centre to a marker.
void addRay(Overlay& overlay, const glm::vec3& camera_centre, const glm::vec3& marker);

/// A camera of the stage as the overlay draws it. Camera axes: +X right, +Y down, +Z out of the
/// lens.
struct FrustumOverlay {
  math::RigidTransform world_from_camera;
  glm::vec2 half_extent{0.68f, 0.36f};  ///< Tangents of half the field of view, x and y.
  float length = 0.28f;                 ///< From the centre to the drawn image plane, metres.
  glm::vec4 color = overlay_color::kFrustum;
};

/// Adds a camera: its body point, four edges, the image plane and a tick at the upper edge.
void addFrustum(Overlay& overlay, const FrustumOverlay& frustum);

/// Adds a line per bone and a small ball per joint. Both spans have skeleton.size() entries.
void addSkeleton(Overlay& overlay, const anim::Skeleton& skeleton,
                 std::span<const math::RigidTransform> world_from_joint,
                 const glm::vec4& color = overlay_color::kSkeleton);

}  // namespace understudy::render
