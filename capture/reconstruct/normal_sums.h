#pragma once

#include <cmath>
#include <glm/glm.hpp>

namespace understudy::reconstruct {

/// One ray's view of a point: derivative of the ideal image by the point, rows u and v.
struct RayDerivative {
  glm::dvec3 u, v;
};

/// Normal equations in double, of one marker.
struct NormalEquations {
  double information[6] = {};  ///< xx, xy, xz, yy, yz, zz in px^2/m^2.
  double gradient[3] = {};     ///< px^2/m.
  double squared_px = 0;
};

/// Solves information * step = gradient and inverts the information; false where it is singular.
inline bool solveNormalEquations(const NormalEquations& n, glm::dvec3& step, glm::dmat3& inverse) {
  const double a = n.information[0], b = n.information[1], c = n.information[2];
  const double d = n.information[3], e = n.information[4], f = n.information[5];
  const double m0 = d * f - e * e, m1 = c * e - b * f, m2 = b * e - c * d;
  const double determinant = a * m0 + b * m1 + c * m2;
  const double size = a + d + f;
  if (!(determinant > 1e-12 * size * size * size)) return false;
  const double i = 1.0 / determinant;
  const double m3 = a * f - c * c, m4 = b * c - a * e, m5 = a * d - b * b;
  inverse = glm::dmat3(m0 * i, m1 * i, m2 * i, m1 * i, m3 * i, m4 * i, m2 * i, m4 * i, m5 * i);
  step = inverse * glm::dvec3(n.gradient[0], n.gradient[1], n.gradient[2]);
  return true;
}

}  // namespace understudy::reconstruct
