#pragma once

#include <glm/glm.hpp>

namespace understudy::math {

/// Lens distortion of Brown (1971) and Conrady (1919) in OpenCV's order of terms, acting on
/// normalised image coordinates (x/z, y/z).
struct Lens {
  double k1 = 0, k2 = 0, k3 = 0;  ///< Radial terms of r^2, r^4, r^6.
  double p1 = 0, p2 = 0;          ///< Tangential terms.

  bool operator==(const Lens&) const = default;
};

/// Returns where the lens puts the undistorted normalised point.
glm::dvec2 distort(const Lens& lens, const glm::dvec2& undistorted);

/// Derivatives of `distort`: column i is the derivative by coordinate i.
glm::dmat2 distortJacobian(const Lens& lens, const glm::dvec2& undistorted);

/// Returns the undistorted normalised point that the lens puts at `distorted`: Newton's method, a
/// fixed number of steps, so that the same input gives the same bytes. Outside the lens's
/// one-to-one zone the nearest attempt is returned; check with `distort` where that matters.
glm::dvec2 undistort(const Lens& lens, const glm::dvec2& distorted);

}  // namespace understudy::math
