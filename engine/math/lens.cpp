#include "engine/math/lens.h"

#include <cmath>

namespace understudy::math {

glm::dvec2 distort(const Lens& lens, const glm::dvec2& p) {
  const double x = p.x, y = p.y, r2 = x * x + y * y;
  const double radial = 1.0 + r2 * (lens.k1 + r2 * (lens.k2 + r2 * lens.k3));
  return {x * radial + 2.0 * lens.p1 * x * y + lens.p2 * (r2 + 2.0 * x * x),
          y * radial + lens.p1 * (r2 + 2.0 * y * y) + 2.0 * lens.p2 * x * y};
}

glm::dmat2 distortJacobian(const Lens& lens, const glm::dvec2& p) {
  const double x = p.x, y = p.y, r2 = x * x + y * y;
  const double radial = 1.0 + r2 * (lens.k1 + r2 * (lens.k2 + r2 * lens.k3));
  const double slope = lens.k1 + r2 * (2.0 * lens.k2 + r2 * 3.0 * lens.k3);  // d radial / d r2
  const double cross = 2.0 * x * y * slope + 2.0 * lens.p1 * x + 2.0 * lens.p2 * y;
  return {{radial + 2.0 * x * x * slope + 2.0 * lens.p1 * y + 6.0 * lens.p2 * x, cross},
          {cross, radial + 2.0 * y * y * slope + 6.0 * lens.p1 * y + 2.0 * lens.p2 * x}};
}

glm::dvec2 undistort(const Lens& lens, const glm::dvec2& distorted) {
  constexpr int kSteps = 5;  // Quadratic convergence; k1 = -0.1 at the image corner needs four.
  glm::dvec2 p = distorted;
  for (int i = 0; i < kSteps; ++i) {
    const glm::dmat2 jacobian = distortJacobian(lens, p);
    const double determinant = jacobian[0][0] * jacobian[1][1] - jacobian[1][0] * jacobian[0][1];
    if (std::abs(determinant) < 1e-9) break;
    const glm::dvec2 residual = distorted - distort(lens, p);
    p += glm::dvec2{(jacobian[1][1] * residual.x - jacobian[1][0] * residual.y) / determinant,
                    (jacobian[0][0] * residual.y - jacobian[0][1] * residual.x) / determinant};
  }
  return p;
}

}  // namespace understudy::math
