#include "engine/math/elementary.h"

#include <doctest/doctest.h>

#include <cmath>
#include <random>

using namespace understudy;

TEST_SUITE("math/elementary") {
  TEST_CASE("sine and cosine agree with the C library to the last digits") {
    std::mt19937 random(1);
    std::uniform_real_distribution<double> angles(-1000.0, 1000.0);
    for (int i = 0; i < 10000; ++i) {
      const double angle = i < 2000 ? i * 0.01 - 10.0 : angles(random);
      const math::SineCosine result = math::sineCosine(angle);
      CHECK(std::abs(result.sine - std::sin(angle)) < 1e-13);
      CHECK(std::abs(result.cosine - std::cos(angle)) < 1e-13);
    }
  }

  TEST_CASE("the arc tangent knows all four quadrants and the axes") {
    std::mt19937 random(2);
    std::uniform_real_distribution<double> values(-5.0, 5.0);
    for (int i = 0; i < 10000; ++i) {
      const double y = values(random), x = values(random);
      CHECK(std::abs(math::arcTangent2(y, x) - std::atan2(y, x)) < 1e-13);
    }
    CHECK(math::arcTangent2(0.0, 0.0) == 0.0);
    CHECK(math::arcTangent2(1.0, 0.0) == doctest::Approx(std::atan2(1.0, 0.0)));
    CHECK(math::arcTangent2(0.0, -1.0) == doctest::Approx(std::atan2(0.0, -1.0)));
  }
}
