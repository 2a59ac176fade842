#include "engine/render/overlay.h"

#include <doctest/doctest.h>

#include "tests/support/box_man.h"

using namespace understudy;

TEST_SUITE("render/overlay") {
  TEST_CASE("a frustum opens along the camera's axis") {
    render::Overlay overlay;
    render::addFrustum(overlay, {.world_from_camera = {{}, {0.0f, 2.0f, 0.0f}}, .length = 0.5f});
    REQUIRE(overlay.spheres.size() == 1);
    CHECK(overlay.spheres[0].position == glm::vec3(0.0f, 2.0f, 0.0f));
    for (const auto& line : overlay.lines) {
      CHECK(line.to.z == doctest::Approx(0.5f));
      CHECK(line.from.z >= 0.0f);
    }
  }

  TEST_CASE("a skeleton has a line per bone, drawn over the body") {
    const scene::Character man = test::boxMan();
    std::vector<math::RigidTransform> world(man.skeleton.size());
    anim::worldFromJoints(man.skeleton, man.skeleton.parent_from_joint, world);
    render::Overlay overlay;
    render::addSkeleton(overlay, man.skeleton, world);
    CHECK(overlay.lines.size() == man.skeleton.size() - 1);
    for (const auto& line : overlay.lines) CHECK(line.in_front == 1.0f);
  }

  TEST_CASE("clearing keeps the memory") {
    render::Overlay overlay;
    for (int i = 0; i < 100; ++i) render::addMarker(overlay, {});
    const auto capacity = overlay.spheres.capacity();
    overlay.clear();
    CHECK(overlay.spheres.empty());
    CHECK(overlay.spheres.capacity() == capacity);
  }
}
