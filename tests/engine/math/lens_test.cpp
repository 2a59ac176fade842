#include "engine/math/lens.h"

#include <doctest/doctest.h>

#include <random>

using namespace understudy;

TEST_SUITE("math/lens") {
  TEST_CASE("undistort is the inverse of distort over the whole image of a stage camera") {
    const math::Lens lens{.k1 = -0.1, .k2 = 0.02, .k3 = 0.001, .p1 = 0.0004, .p2 = -0.0003};
    std::mt19937 random(1);
    std::uniform_real_distribution<double> x(-0.72, 0.72), y(-0.4, 0.4);
    for (int i = 0; i < 1000; ++i) {
      const glm::dvec2 point{x(random), y(random)};
      CHECK(glm::distance(math::undistort(lens, math::distort(lens, point)), point) < 1e-10);
    }
  }

  TEST_CASE("the derivative agrees with a difference quotient") {
    const math::Lens lens{.k1 = -0.2, .k2 = 0.05, .k3 = -0.01, .p1 = 0.002, .p2 = 0.001};
    const glm::dvec2 point{0.31, -0.22};
    const glm::dmat2 jacobian = math::distortJacobian(lens, point);
    const double h = 1e-6;
    for (int i = 0; i < 2; ++i) {
      glm::dvec2 step{0.0};
      step[i] = h;
      const glm::dvec2 quotient =
          (math::distort(lens, point + step) - math::distort(lens, point - step)) / (2.0 * h);
      CHECK(glm::distance(jacobian[i], quotient) < 1e-8);
    }
  }
}
