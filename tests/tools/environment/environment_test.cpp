#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <iterator>
#include <string>

#include "engine/asset/environment_file.h"
#include "tools/environment/arithmetic.h"
#include "tools/environment/atmosphere.h"
#include "tools/environment/made_environments.h"
#include "tools/environment/radiance_file.h"

using namespace understudy;

namespace {

std::string fileBytes(const std::string& name) {
  std::ifstream file(UNDERSTUDY_SOURCE_DIR "/assets/environments/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_SUITE("environment/made_environments") {
  TEST_CASE("the generator writes the committed environments byte for byte") {
    for (const auto make : {environment::makeStudio, environment::makeDusk}) {
      const scene::Environment made = make(512);
      CAPTURE(made.name);
      CHECK(environment::radianceFile(made.radiance, made.width_px, made.height_px) ==
            fileBytes(made.name + ".hdr"));
      CHECK(asset::formatEnvironment(made) == fileBytes(made.name + ".toml"));
    }
  }
}

TEST_SUITE("environment/arithmetic") {
  TEST_CASE("the exponential agrees with the library's") {
    for (double x = -699.0; x < 700.0; x += 0.37) {
      CHECK(std::abs(environment::exponential(x) / std::exp(x) - 1.0) < 1e-12);
    }
    CHECK(environment::exponential(-800.0) == 0.0);
    CHECK(environment::exponential(0.0) == 1.0);
  }

  TEST_CASE("noise is smooth and stays between its bounds") {
    double before = environment::fractalNoise({0.0, 0.3}, 4, 7);
    for (double x = 0.0; x < 40.0; x += 0.01) {
      const double here = environment::fractalNoise({x, 0.3}, 4, 7);
      CHECK(std::abs(here) < 1.0);
      CHECK(std::abs(here - before) < 0.12);
      before = here;
    }
  }
}

TEST_SUITE("environment/atmosphere") {
  // Beer's law along a straight way through layers, integrated here in another way: by height, with
  // the trapezoidal rule, straight up.
  TEST_CASE("light from straight above loses what Beer's law says") {
    const environment::Atmosphere air({0.0, 1.0, 0.0}, glm::dvec3(1.0));
    glm::dvec3 depth(0.0);
    const auto extinction = [](double h) {
      const double ozone = std::max(0.0, 1.0 - std::abs(h - 25.0) / 15.0);
      return glm::dvec3(5.802e-3, 13.558e-3, 33.1e-3) * std::exp(-h / 8.0) +
             4.44e-3 * std::exp(-h / 1.2) + glm::dvec3(0.650e-3, 1.881e-3, 0.085e-3) * ozone;
    };
    for (int i = 0; i < 10000; ++i) {
      const double h = 0.01 * i;
      depth += 0.005 * (extinction(h) + extinction(h + 0.01));
    }
    const glm::dvec3 through = air.transmittance(0.0, 1.0);
    for (int c = 0; c < 3; ++c)
      CHECK(through[c] == doctest::Approx(std::exp(-depth[c])).epsilon(0.01));
    CHECK(air.transmittance(0.0, -0.2) == glm::dvec3(0.0));
  }

  TEST_CASE("the sky is blue overhead, paler at the horizon and brightest about the sun") {
    const glm::dvec3 to_sun = glm::normalize(glm::dvec3(0.3, 0.5, -0.8));
    const environment::Atmosphere air(to_sun, glm::dvec3(20.0));
    const glm::dvec3 above = air.sky({0.0, 1.0, 0.0});
    const glm::dvec3 low = air.sky(glm::normalize(glm::dvec3(-0.3, 0.02, 0.8)));
    const glm::dvec3 near_sun = air.sky(glm::normalize(to_sun + glm::dvec3(0.05, 0.0, 0.0)));
    CHECK(above.z > 1.5 * above.x);
    CHECK(low.z / low.x < above.z / above.x);
    CHECK(near_sun.y > above.y);
    CHECK(near_sun.y > 2.0 * air.sky({-to_sun.x, to_sun.y, -to_sun.z}).y);
    // Of the sun's light on level ground at such a height, the clear sky brings some 10 to 25 %.
    const double sky = 3.14159 * 0.5 * (above.y + low.y);
    const double sun = air.sunAt(0.0).y * to_sun.y;
    CHECK(sky / (sky + sun) > 0.05);
    CHECK(sky / (sky + sun) < 0.35);
  }
}
