#include "capture/solve/find_fingers.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "tests/support/finger_stage.h"

using namespace understudy;
using test::FingerStage;

namespace {

// The left hand of a figure, its markers without names.
struct NamelessHand {
  FingerStage stage{test::fingerBody(10)};
  const solve::HandModel& hand = stage.model.hands[0];
  std::vector<glm::dvec3> shapes = solve::placeHandShapes(hand);
  solve::FindFingersWorkspace workspace = solve::makeFindFingersWorkspace(stage.model.joints());
  std::vector<math::RigidTransform> world =
      std::vector<math::RigidTransform>(stage.body.skeleton.size());
  math::RigidTransformd world_from_hand;
  std::vector<frame::LabelledMarker> slots, body;
  std::vector<solve::PalmMarker> palm;
  std::vector<frame::Marker> unlabelled;

  void show(std::uint64_t frame) {
    stage.pose(frame);
    anim::worldFromJoints(stage.body.skeleton, stage.local, world);
    const math::RigidTransform& at = world[static_cast<std::size_t>(hand.joint)];
    world_from_hand = {glm::dquat(at.rotation), glm::dvec3(at.translation)};
    unlabelled.clear();
    for (std::size_t m = hand.markers.size(); m-- > 0;)
      unlabelled.push_back(nameless(static_cast<std::size_t>(hand.markers[m])));
    slots.assign(hand.markers.size(), {});
    body.assign(stage.model.body_markers, {});
    palm.clear();
    for (std::size_t m = 0; m < body.size(); ++m) {
      const subject::SubjectMarker& marker = stage.body.markers[m];
      if (marker.joint != hand.joint) continue;
      palm.push_back(
          {.place_hand = glm::dvec3(marker.offset_joint), .marker = static_cast<std::int32_t>(m)});
      body[m] = {placeOf(m), glm::mat3(2.5e-7f), 1.0f};
    }
  }

  glm::vec3 placeOf(std::size_t marker) const {
    const subject::SubjectMarker& of = stage.body.markers[marker];
    return world[static_cast<std::size_t>(of.joint)] * of.offset_joint;
  }
  frame::Marker nameless(std::size_t marker) const {
    return {.position = placeOf(marker), .covariance = glm::mat3(2.5e-7f), .rays = 3};
  }

  bool find() {
    return solve::FindFingers{.settings = {},
                              .model = stage.model,
                              .hand = hand,
                              .shapes = shapes,
                              .world_from_hand = world_from_hand,
                              .slots = slots,
                              .body = body,
                              .palm = palm,
                              .unlabelled = unlabelled,
                              .state = stage.states[0],
                              .hand_index = 0,
                              .workspace = workspace}
        .run();
  }

  int right() const {
    int count = 0;
    for (std::size_t m = 0; m < slots.size(); ++m)
      count += slots[m].confidence > 0.0f &&
               slots[m].position == placeOf(static_cast<std::size_t>(hand.markers[m]));
    return count;
  }
};

}  // namespace

TEST_SUITE("solve/find_fingers") {
  TEST_CASE("markers without names about a hand are named, whatever shape the hand has") {
    NamelessHand at;
    int right = 0, wanted = 0;
    for (std::uint64_t frame = 0; frame < 40; ++frame) {
      at.show(97 * frame);
      wanted += static_cast<int>(at.slots.size());
      if (at.find()) right += at.right();
    }
    CHECK(right > wanted * 9 / 10);
  }

  TEST_CASE("a finger's marker that was taken for one of the hand is given back") {
    int right = 0, hands = 0;
    for (std::uint64_t frame = 0; frame < 20; ++frame) {
      NamelessHand at;
      at.show(97 * frame);
      REQUIRE(at.palm.size() >= 2);
      // Marker of hand and finger with each other's names, and the hand turned by it.
      const auto of_hand = static_cast<std::size_t>(at.palm[0].marker);
      const auto of_finger = static_cast<std::size_t>(at.hand.markers[frame % 10]);
      for (frame::Marker& marker : at.unlabelled) {
        if (marker.position == at.placeOf(of_finger)) marker = at.nameless(of_hand);
      }
      at.body[of_hand].position = at.placeOf(of_finger);
      const glm::dquat truth = at.world_from_hand.rotation;
      const glm::dquat turn = glm::angleAxis(1.5, glm::normalize(glm::dvec3(0.4, 1.0, 0.2)));
      at.world_from_hand.rotation = truth * turn;
      glm::dquat& local =
          at.stage.states[0].parent_from_joint[static_cast<std::size_t>(at.hand.joint)].rotation;
      const glm::dquat before = local;
      local = before * turn;
      if (!at.find()) continue;
      ++hands;
      right += at.right() >= 9 && at.body[of_hand].position == at.placeOf(of_hand);
      const glm::dquat off = glm::conjugate(before) * local;
      CHECK(2.0 * std::acos(std::min(1.0, std::abs(off.w))) < 0.25);
    }
    CHECK(hands >= 18);
    CHECK(right >= 18);
  }
}
