#pragma once

#include <glm/glm.hpp>
#include <vector>

namespace understudy::environment {

/// Clear air over a ball-shaped earth, seen from near the ground. Rayleigh and Mie scattering and
/// ozone of Bruneton and Neyret, "Precomputed Atmospheric Scattering", 2008; light scattered more
/// than once after Hillaire, "A Scalable and Production Ready Sky and Atmosphere Rendering
/// Technique", 2020, section 5.5. Lengths in kilometres.
class Atmosphere {
 public:
  /// `to_sun` is a unit vector; `sun` the irradiance above the air.
  Atmosphere(const glm::dvec3& to_sun, const glm::dvec3& sun);

  /// Share of light that comes through the air to `height` kilometres from the direction whose
  /// cosine to the zenith is `mu`; none where the earth is in the way.
  glm::dvec3 transmittance(double height, double mu) const;

  /// Radiance of the clear sky in a direction above the horizon, without the sun's disk.
  glm::dvec3 sky(const glm::dvec3& direction) const;

  /// The sun's irradiance on a surface that faces it, at a height.
  glm::dvec3 sunAt(double height) const;

 private:
  void fillTransmittance();
  void fillMultiple();
  glm::dvec3 multiple(double height, double mu_sun) const;

  glm::dvec3 to_sun_, sun_;
  std::vector<glm::dvec3> transmittance_;  // By height and cosine.
  std::vector<glm::dvec3> multiple_;  // By height and cosine of the sun: radiance per sun of 1.
};

}  // namespace understudy::environment
