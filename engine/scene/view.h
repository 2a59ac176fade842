#pragma once

#include <glm/glm.hpp>

namespace understudy::scene {

/// The view camera: an eye that looks at a target. The aspect comes from the image.
struct View {
  glm::vec3 eye{0.0f, 1.4f, 4.0f};      ///< World, metres.
  glm::vec3 target{0.0f, 0.95f, 0.0f};  ///< World, metres; must differ from the eye.
  float vertical_fov = 0.61f;           ///< Radians between top and bottom of the image.
  glm::vec3 up{0.0f, 1.0f, 0.0f};
};

/// Returns view-from-world: the eye at the origin, looking along -Z, +Y up.
glm::mat4 viewFromWorld(const View& view);

/// Returns clip-from-view of Vulkan with reversed Z and no far plane: depth is 1 at `near` metres
/// and goes to 0 at infinity; y points down in clip space.
glm::mat4 clipFromView(const View& view, float aspect, float near = 0.05f);

}  // namespace understudy::scene
