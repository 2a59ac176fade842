#include "engine/anim/pose_ring.h"

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <cstring>
#include <thread>

using namespace understudy;
using anim::PoseRing;

namespace {

constexpr anim::PoseRingCapacity kCapacity{.subjects = 2, .joints = 5, .matrices = 7};

struct Ring {
  std::vector<std::byte> memory = std::vector<std::byte>(PoseRing::memoryBytes(kCapacity));
  PoseRing ring{memory, kCapacity};
};

core::Stamp stampOf(std::uint64_t sequence) {
  core::Stamp stamp;
  stamp.sequence = sequence;
  stamp.exposed = core::Time(core::Duration(static_cast<std::int64_t>(sequence) * 1000 - 7));
  return stamp;
}

}  // namespace

TEST_SUITE("anim/pose_ring") {
  TEST_CASE("an empty ring has nothing to read") {
    Ring r;
    anim::PoseRecord record = r.ring.makeRecord();
    CHECK(r.ring.newest() == 0);
    CHECK_FALSE(r.ring.read(0, record));
    CHECK_FALSE(r.ring.read(1, record));
  }

  TEST_CASE("stamp, joints, velocities and palettes of two subjects come back as they went in") {
    Ring r;
    core::Stamp stamp;
    stamp.sequence = 0x123456789abcdef0u;
    stamp.exposed = core::Time(core::Duration(-12345678901234));
    stamp.domain = core::ClockDomain::simulated;
    stamp.timecode = {23, 59, 58, 29, 30, true};
    std::array<math::RigidTransform, 2> first;
    first[1] = {glm::angleAxis(1.0f, glm::vec3(0, 1, 0)), {1, 2, 3}};
    const std::array<glm::vec3, 2> turning{glm::vec3(1, 2, 3), glm::vec3(4, 5, 6)};
    const std::array<glm::vec3, 2> moving{glm::vec3(7, 8, 9), glm::vec3(10, 11, 12)};
    const std::array<glm::mat4, 3> palette{glm::mat4(1), glm::mat4(2), glm::mat4(3)};
    const std::array<math::RigidTransform, 1> second{math::RigidTransform{.translation{4, 5, 6}}};
    const std::array<anim::PublishedSubject, 2> subjects{
        anim::PublishedSubject{.parent_from_joint = first,
                               .angular_velocity = turning,
                               .velocity = moving,
                               .world_from_bind = palette},
        anim::PublishedSubject{.tracked = false, .parent_from_joint = second}};
    REQUIRE(r.ring.publish(stamp, subjects));

    anim::PoseRecord record = r.ring.makeRecord();
    REQUIRE(r.ring.newest() == 1);
    REQUIRE(r.ring.read(1, record));
    CHECK(record.stamp == stamp);
    REQUIRE(record.subjects.size() == 2);
    CHECK(record.subjects[0].tracked == 1);
    CHECK(record.subjects[1].tracked == 0);
    CHECK(record.subjects[1].first_joint == 2);
    CHECK(record.subjects[1].joint_count == 1);
    CHECK(record.subjects[0].matrix_count == 3);
    REQUIRE(record.joints.size() == 3);
    CHECK(record.joints[1].rotation.y == first[1].rotation.y);
    CHECK(record.joints[1].rotation.w == first[1].rotation.w);
    CHECK(record.joints[1].angular_velocity == glm::vec4(4, 5, 6, 0));
    CHECK(record.joints[0].velocity == glm::vec4(7, 8, 9, 0));
    CHECK(record.joints[2].translation == glm::vec4(4, 5, 6, 0));
    CHECK(record.joints[2].velocity == glm::vec4(0));
    REQUIRE(record.world_from_bind.size() == 3);
    CHECK(record.world_from_bind[2] == glm::mat4(3));
  }

  TEST_CASE("a shader finds the newest palette by the offsets in the header") {
    Ring r;
    const std::array<math::RigidTransform, 1> joint{};
    for (int i = 1; i <= 70; ++i) {
      const std::array<glm::mat4, 1> palette{glm::mat4(static_cast<float>(i))};
      const std::array<anim::PublishedSubject, 1> subject{
          anim::PublishedSubject{.parent_from_joint = joint, .world_from_bind = palette}};
      REQUIRE(r.ring.publish(stampOf(static_cast<std::uint64_t>(i)), subject));
    }
    shaders::PoseRingHeader header;
    std::memcpy(&header, r.memory.data(), sizeof header);
    CHECK(header.newest == 70);
    const std::size_t slot =
        header.slots_offset + (header.newest - 1) % header.slot_count * header.slot_bytes;
    glm::mat4 matrix;
    std::memcpy(&matrix[0][0], r.memory.data() + slot + header.matrices_offset, sizeof matrix);
    CHECK(matrix == glm::mat4(70));
    CHECK(header.matrices_offset % 16 == 0);
    CHECK(header.slot_bytes % 16 == 0);
  }

  TEST_CASE("the last 64 publications can be read, older ones are refused") {
    Ring r;
    for (std::uint64_t i = 1; i <= 100; ++i) REQUIRE(r.ring.publish(stampOf(i), {}));
    anim::PoseRecord record = r.ring.makeRecord();
    for (std::uint32_t i = 1; i <= 101; ++i) {
      CHECK(r.ring.read(i, record) == (i >= 37 && i <= 100));
      if (i >= 37 && i <= 100) CHECK(record.stamp.sequence == i);
    }
  }

  TEST_CASE("what does not fit is refused and changes nothing") {
    Ring r;
    const std::array<math::RigidTransform, 6> joints{};
    const std::array<anim::PublishedSubject, 1> big{
        anim::PublishedSubject{.parent_from_joint = joints}};
    CHECK_FALSE(r.ring.publish(stampOf(1), big));
    CHECK_FALSE(r.ring.publish(stampOf(1), std::array<anim::PublishedSubject, 3>{}));
    CHECK(r.ring.newest() == 0);
  }

  TEST_CASE("a reader that copies while the writer laps it never gets a mixed pose") {
    constexpr std::uint64_t kLast = 60000;
    Ring r;
    std::thread writer([&] {
      for (std::uint64_t i = 1; i <= kLast; ++i) {
        const float value = static_cast<float>(i);
        std::array<math::RigidTransform, 5> joints;
        for (math::RigidTransform& joint : joints) joint.translation = glm::vec3(value);
        std::array<glm::mat4, 7> palette;
        palette.fill(glm::mat4(value));
        const std::array<anim::PublishedSubject, 1> subject{
            anim::PublishedSubject{.parent_from_joint = joints, .world_from_bind = palette}};
        r.ring.publish(stampOf(i), subject);
      }
    });
    anim::PoseRecord record = r.ring.makeRecord();
    std::uint64_t mixed = 0, whole = 0, newest = 0;
    while (newest < kLast) {
      newest = r.ring.newest();
      // The oldest slots are the ones being overwritten: read just there.
      for (const std::uint64_t back : {0u, 62u, 63u}) {
        if (newest <= back || !r.ring.read(static_cast<std::uint32_t>(newest - back), record)) {
          continue;
        }
        ++whole;
        const float value = static_cast<float>(newest - back);
        bool right = record.stamp == stampOf(newest - back) && record.joints.size() == 5;
        for (const shaders::PoseJoint& joint : record.joints) right &= joint.translation.y == value;
        for (const glm::mat4& matrix : record.world_from_bind) right &= matrix[3][3] == value;
        mixed += !right;
      }
    }
    writer.join();
    CHECK(whole > 0);
    CHECK(mixed == 0);
  }
}
