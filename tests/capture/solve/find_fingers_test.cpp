#include "capture/solve/find_fingers.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "capture/solve/fit_hand.h"
#include "tests/support/allocations.h"
#include "tests/support/finger_stage.h"

using namespace understudy;
using test::FingerStage;

namespace {

// The left hand of a figure, its markers without names.
struct NamelessHand {
  solve::FindFingersSettings settings;
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

  solve::FindFingers search() {
    return {.settings = settings,
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
            .workspace = workspace};
  }
  bool find() { return search().run(); }

  // The fingers bend as the names have it.
  void follow() {
    std::vector<glm::dvec3> points;
    std::vector<std::uint8_t> seen(slots.size(), 1);
    for (const frame::LabelledMarker& slot : slots) points.emplace_back(slot.position);
    math::RigidTransformd fitted = world_from_hand;
    solve::FitHand{.model = hand,
                   .world_from_hand = fitted,
                   .points = points,
                   .seen = seen,
                   .sigma = settings.sigma}
        .run(12, stage.states[0].hands[0].coordinate);
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

  TEST_CASE("markers of a hand that carry each other's names are exchanged, right ones are not") {
    int mended = 0, kept = 0, hands = 0;
    for (std::uint64_t frame = 0; frame < 20; ++frame) {
      NamelessHand at;
      at.show(97 * frame);
      if (!at.find() || at.right() != 10) continue;
      ++hands;
      solve::FingerExchange suspicion;
      for (int look = 0; look < 100; ++look) at.search().exchange(suspicion);
      kept += at.right() == 10;
      // A finger with its neighbour: two nails, or the markers before the middle joints.
      const std::size_t one = 2 + frame % 5;
      std::swap(at.slots[one], at.slots[one + 2]);
      at.follow();
      for (int look = 0; look < 100 && at.right() != 10; ++look) at.search().exchange(suspicion);
      mended += at.right() == 10;
    }
    CAPTURE(hands);
    CHECK(hands >= 15);
    CHECK(kept == hands);
    CHECK(mended >= hands * 3 / 4);
  }

  TEST_CASE("looking for exchanged markers allocates nothing") {
    NamelessHand at;
    at.show(97);
    REQUIRE(at.find());
    solve::FingerExchange suspicion;
    std::swap(at.slots[4], at.slots[6]);
    const std::uint64_t before = test::allocationCount();
    for (int look = 0; look < 60; ++look) at.search().exchange(suspicion);
    CHECK(test::allocationCount() == before);
  }
}
