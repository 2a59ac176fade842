#include "engine/anim/palette.h"

#include <doctest/doctest.h>

#include <array>

using namespace understudy;

TEST_SUITE("anim/palette") {
  TEST_CASE("a joint in its bind pose leaves vertices alone, a moved one carries them along") {
    const math::RigidTransform bind{glm::angleAxis(0.7f, glm::vec3(0, 0, 1)), {1, 2, 3}};
    const math::RigidTransform moved{glm::angleAxis(0.7f, glm::vec3(0, 0, 1)), {1, 2, 4}};
    const std::array<math::RigidTransform, 2> world_from_joint{bind, moved};
    const std::array<glm::mat4, 2> joint_from_bind{math::toMatrix(math::inverse(bind)),
                                                   math::toMatrix(math::inverse(bind))};
    std::array<glm::mat4, 2> world_from_bind;
    anim::makePalette(world_from_joint, joint_from_bind, world_from_bind);
    const glm::vec4 vertex{0.3f, -0.4f, 0.5f, 1.0f};
    CHECK(glm::distance(world_from_bind[0] * vertex, vertex) < 1e-6f);
    CHECK(glm::distance(world_from_bind[1] * vertex, vertex + glm::vec4(0, 0, 1, 0)) < 1e-6f);
  }

  TEST_CASE("scale in the bind matrix reaches the vertex, as characters modelled in cm need") {
    const std::array<math::RigidTransform, 1> world_from_joint{
        math::RigidTransform{.translation = {0, 1, 0}}};
    std::array<glm::mat4, 1> joint_from_bind{glm::mat4(0.01f)};
    joint_from_bind[0][3][3] = 1.0f;
    std::array<glm::mat4, 1> world_from_bind;
    anim::makePalette(world_from_joint, joint_from_bind, world_from_bind);
    CHECK(glm::distance(world_from_bind[0] * glm::vec4(100, 0, 0, 1), glm::vec4(1, 1, 0, 1)) <
          1e-6f);
  }
}
