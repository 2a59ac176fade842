#pragma once

#include <cstdint>
#include <glm/glm.hpp>
#include <string>
#include <vector>

namespace understudy::scene {

/// The one light that casts shadows: a sun or a lamp far away. It is not part of the picture around
/// the stage.
struct KeyLight {
  glm::vec3 to_light{0.0f, 1.0f, 0.0f};  ///< Unit vector, above the horizon.
  glm::vec3 irradiance{0.0f};            ///< On a surface that faces the light; linear.
  float angular_size = 0.01f;            ///< Radians across, seen from the stage.
  /// How fast a lamp's light falls off: its share at r metres from the middle of the stage is 1 /
  /// (1 + falloff r^2). 0 = a sun.
  float falloff = 0.0f;
  bool visible = false;  ///< Its disk is drawn in the sky.
};

/// What the performers stand on, an endless plane at height 0.
struct StageFloor {
  glm::vec3 color{0.15f};    ///< Albedo, linear.
  float reflection = 0.06f;  ///< Share of light that it mirrors, seen from above; more at grazing.
  float roughness = 0.5f;    ///< Of what it mirrors, 0 to 1.
  float fade_near = 5.0f;    ///< Metres from the eye where it begins to pass into the picture...
  float fade_far = 34.0f;    ///< ...and where nothing of it is left.
};

/// Everything around the stage: its picture, which also lights it, and what the picture cannot say.
///
/// The picture is equirectangular, twice as wide as high: rows from the top (+Y), the middle column
/// looks along -Z, the right half shows +X. Values are radiance in units in which a key of
/// irradiance pi makes a white wall shine with 1.
struct Environment {
  std::string name;
  std::uint32_t width_px = 0, height_px = 0;
  std::vector<glm::vec3> radiance;  ///< width_px x height_px, linear Rec. 709.
  float exposure_ev = 0.0f;         ///< Light is multiplied by two to this power for display.
  KeyLight key;
  StageFloor floor;
};

/// Direction of a place in the picture; u from left and v from top, both 0 to 1.
glm::vec3 directionAt(float u, float v);

/// The grey room with four soft boxes that a renderer has without a file: 128 x 64 px.
Environment softBoxRoom();

}  // namespace understudy::scene
