#pragma once

#include <glm/glm.hpp>

#include "engine/scene/view.h"

namespace understudy::panels {

/// Mouse input of one frame, in window points.
struct PointerInput {
  glm::vec2 delta{0.0f};  ///< Movement since the last frame, +y down.
  float wheel = 0.0f;     ///< Notches, away from the operator is positive.
  bool left = false, middle = false, right = false;  ///< Buttons held.
  bool alt = false, shift = false;
  float window_height = 720.0f;
};

/// A camera that turns about a point: left button (or Alt + left) orbits, middle button (or Shift +
/// left) moves sideways, Alt + right and the wheel come nearer.
struct OrbitCamera {
  glm::vec3 target{0.0f, 0.95f, 0.0f};  ///< Metres.
  float distance = 4.2f;                ///< Metres, 0.2 to 60.
  float yaw = 0.45f;           ///< Radians about +Y; 0 looks along -Z at the target's front.
  float pitch = 0.12f;         ///< Radians above the horizon, -0.1 to 1.5.
  float vertical_fov = 0.61f;  ///< Radians.

  void move(const PointerInput& input);
  scene::View view() const;
};

/// Reads the mouse from the open ImGui frame; still where a panel has the mouse.
PointerInput pointerInput();

}  // namespace understudy::panels
