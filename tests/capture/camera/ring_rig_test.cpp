#include "capture/camera/ring_rig.h"

#include <doctest/doctest.h>

#include <cmath>

using namespace understudy;

TEST_SUITE("camera/ring_rig") {
  TEST_CASE("cameras stand on the ring and see the middle in their image's middle") {
    for (const std::size_t actors : {1u, 4u, 16u}) {
      const camera::Rig rig = camera::makeRingRig(16, actors, 240.0);
      const double radius = actors == 16 ? 10.0 : 5.0;
      REQUIRE(rig.cameras.size() == 16);
      for (std::size_t i = 0; i < 16; ++i) {
        const camera::Camera& camera = rig.cameras[i];
        const glm::dvec3 centre = camera::centreWorld(camera);
        CHECK(centre.y == doctest::Approx(i % 2 == 0 ? 2.4 : 3.6));
        CHECK(std::hypot(centre.x, centre.z) == doctest::Approx(radius));
        CHECK(glm::distance(camera::project(camera, {0, 1, 0}), glm::dvec2(1024, 544)) < 1e-6);
        // Up in the world is up in the image, where y runs down.
        CHECK(camera::project(camera, {0, 1.5, 0}).y < 544.0);
        CHECK(camera::depth(camera, {0, 1, 0}) > 0.0);
      }
    }
  }

  TEST_CASE("the ring images are not mirrored") {
    const camera::Rig rig = camera::makeRingRig(4, 1, 240.0);
    // The first camera stands at +Z and looks along -Z: +X is on its right.
    CHECK(camera::project(rig.cameras[0], {1, 1, 0}).x > 1024.0);
  }

  TEST_CASE("a perturbed rig is wrong in the image by what was asked for") {
    const camera::Rig rig = camera::makeRingRig(16, 1, 240.0);
    for (const double error : {0.05, 0.1, 1.0, 5.0}) {
      const camera::Rig wrong = camera::perturbRig(rig, error, 3);
      double sum = 0;
      int count = 0;
      for (std::size_t i = 0; i < 16; ++i) {
        for (double x = -1.5; x <= 1.5; x += 0.5) {
          for (double y = 0.0; y <= 2.0; y += 0.5) {
            const glm::dvec3 p{x, y, 0.4 * x};
            const glm::dvec2 d =
                camera::project(rig.cameras[i], p) - camera::project(wrong.cameras[i], p);
            sum += glm::dot(d, d);
            ++count;
          }
        }
      }
      const double rms = std::sqrt(sum / count);
      CHECK(rms > 0.5 * error);
      CHECK(rms < 1.5 * error);
    }
    CHECK(camera::perturbRig(rig, 0.0, 3).cameras[5].camera_from_world ==
          rig.cameras[5].camera_from_world);
    CHECK(camera::perturbRig(rig, 0.1, 3).cameras[5].camera_from_world ==
          camera::perturbRig(rig, 0.1, 3).cameras[5].camera_from_world);
    CHECK_FALSE(camera::perturbRig(rig, 0.1, 3).cameras[5].camera_from_world ==
                camera::perturbRig(rig, 0.1, 4).cameras[5].camera_from_world);
  }

  TEST_CASE("a bump moves the image by what was asked for") {
    const camera::Camera camera = camera::makeRingRig(2, 1, 240.0).cameras[1];
    const glm::dvec3 middle{0, 1, 0};
    CHECK(glm::distance(camera::project(camera, middle),
                        camera::project(camera::bumpCamera(camera, 3.0), middle)) ==
          doctest::Approx(3.0).epsilon(0.01));
  }
}
