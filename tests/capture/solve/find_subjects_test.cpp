#include "capture/solve/find_subjects.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <vector>

#include "engine/math/exponential.h"
#include "tests/support/stage.h"

using namespace understudy;

namespace {

using anim::HumanoidJoint;
using Pose = std::vector<math::RigidTransformd>;

// Looks for subjects among points; everything that it needs.
struct Recogniser {
  std::vector<subject::Subject> subjects;
  solve::RecogniseSettings settings;
  solve::SolveSettings solve_settings;
  std::vector<solve::SolveModel> models;
  solve::Cast cast;
  solve::FindState state;
  solve::FindWorkspace workspace;
  std::vector<solve::Placement> placements;
  std::vector<std::uint8_t> tracked;

  explicit Recogniser(std::vector<subject::Subject> its_subjects)
      : subjects(std::move(its_subjects)), placements(subjects.size()), tracked(subjects.size()) {
    for (const subject::Subject& subject : subjects) {
      models.push_back(solve::makeSolveModel(subject));
    }
    for (std::size_t s = 0; s < subjects.size(); ++s) solve::reserve(placements[s], subjects[s]);
    cast = solve::makeCast(subjects, models);
    state = solve::makeFindState(cast);
    workspace = solve::makeFindWorkspace(cast, 1024);
  }

  // Whoever was not tracked is looked for, whatever was found before.
  const std::vector<solve::Placement>& run(const std::vector<glm::dvec3>& points) {
    state = solve::makeFindState(cast);
    return resume(points, 0);
  }

  // Goes on from the frame before.
  const std::vector<solve::Placement>& resume(const std::vector<glm::dvec3>& points,
                                              std::uint64_t sequence) {
    solve::FindSubjects{.settings = settings,
                        .solve_settings = solve_settings,
                        .kernels = solve::baselineTreeKernels(),
                        .cast = cast,
                        .tracked = tracked,
                        .points = points,
                        .sequence = sequence,
                        .retry = 12,
                        .state = state,
                        .workspace = workspace,
                        .placements = placements}
        .run();
    return placements;
  }
};

struct Dice {
  std::mt19937_64 random{11};
  double between(double from, double to) {
    return std::uniform_real_distribution<double>(from, to)(random);
  }
  double normal() { return std::normal_distribution<double>()(random); }
};

// How far a person's joints turn, in the figure's frames: elbows and knees bend one way.
glm::dvec3 humanTurn(HumanoidJoint part, Dice& dice) {
  const auto all = [&](double range) {
    return glm::dvec3(dice.between(-range, range), dice.between(-range, range),
                      dice.between(-range, range));
  };
  switch (part) {
    case HumanoidJoint::left_upper_arm:
    case HumanoidJoint::right_upper_arm:
      return all(0.9);
    case HumanoidJoint::left_lower_arm:
      return {dice.between(-0.5, 0.5), -dice.between(0.0, 2.0), 0.0};
    case HumanoidJoint::right_lower_arm:
      return {dice.between(-0.5, 0.5), dice.between(0.0, 2.0), 0.0};
    case HumanoidJoint::left_upper_leg:
    case HumanoidJoint::right_upper_leg:
      return {-dice.between(-0.3, 1.4), dice.between(-0.3, 0.3), dice.between(-0.3, 0.3)};
    case HumanoidJoint::left_lower_leg:
    case HumanoidJoint::right_lower_leg:
      return {dice.between(0.0, 1.8), 0.0, 0.0};
    case HumanoidJoint::left_shoulder:
    case HumanoidJoint::right_shoulder:
      return all(0.1);
    case HumanoidJoint::left_hand:
    case HumanoidJoint::right_hand:
    case HumanoidJoint::neck:
    case HumanoidJoint::head:
      return all(0.35);
    default:
      return all(0.2);
  }
}

Pose randomPose(const Recogniser& recogniser, std::size_t who, Dice& dice) {
  const subject::Subject& subject = recogniser.subjects[who];
  Pose pose = recogniser.models[who].rest;
  for (int part = 0; part < anim::kHumanoidJointCount; ++part) {
    const int joint = subject.humanoid.joint[std::size_t(part)];
    if (joint <= 0) continue;
    glm::dvec3 turn = humanTurn(HumanoidJoint(part), dice);
    const double limit = 0.9 * double(subject.joints[std::size_t(joint)].limit);
    turn *= std::min(1.0, limit / std::max(1e-9, glm::length(turn)));
    if (subject.joints[std::size_t(joint)].motion == subject::JointMotion::fixed) continue;
    pose[std::size_t(joint)].rotation =
        pose[std::size_t(joint)].rotation * math::rotationFromVector(turn);
  }
  pose[0].rotation = math::rotationFromVector({0.0, dice.between(-3.1, 3.1), 0.0}) *
                     math::rotationFromVector({dice.between(-0.5, 0.5), 0.0, 0.0}) *
                     pose[0].rotation;
  pose[0].translation += glm::dvec3(dice.between(-2, 2), 0.0, dice.between(-2, 2));
  return pose;
}

std::vector<glm::dvec3> markersOf(const Recogniser& recogniser, std::size_t who, const Pose& pose) {
  Pose world(pose.size());
  for (std::size_t j = 0; j < pose.size(); ++j) {
    const std::int32_t parent = recogniser.models[who].joint_parent[j];
    world[j] = parent < 0 ? pose[j] : world[std::size_t(parent)] * pose[j];
  }
  std::vector<glm::dvec3> points;
  for (const subject::SubjectMarker& marker : recogniser.subjects[who].markers) {
    points.push_back(solve::markerPosition(marker, world));
  }
  return points;
}

// Points in random order, and which marker each one is (-1: none).
struct Scene {
  std::vector<glm::dvec3> points;
  std::vector<int> marker;
};

Scene sceneOf(const std::vector<glm::dvec3>& markers, double noise, double missing, int extra,
              Dice& dice) {
  std::vector<std::pair<glm::dvec3, int>> all;
  glm::dvec3 middle(0.0);
  for (std::size_t m = 0; m < markers.size(); ++m) {
    middle += markers[m] / double(markers.size());
    if (dice.between(0, 1) < missing) continue;
    all.emplace_back(markers[m] + noise * glm::dvec3(dice.normal(), dice.normal(), dice.normal()),
                     int(m));
  }
  for (int e = 0; e < extra; ++e) {
    all.emplace_back(
        middle + glm::dvec3(dice.between(-1, 1), dice.between(-1, 1), dice.between(-1, 1)), -1);
  }
  std::shuffle(all.begin(), all.end(), dice.random);
  Scene scene;
  for (const auto& [point, marker] : all) {
    scene.points.push_back(point);
    scene.marker.push_back(marker);
  }
  return scene;
}

// Of the markers that are there, how many were named rightly, and how many names were wrong.
struct Verdict {
  int found = 0, poses = 0, there = 0, right = 0, wrong = 0;
};

void judge(const solve::Placement& placement, const Scene& scene, Verdict& verdict) {
  ++verdict.poses;
  for (const int marker : scene.marker) verdict.there += marker >= 0;
  if (!placement.found) return;
  ++verdict.found;
  for (std::size_t m = 0; m < placement.point_of_marker.size(); ++m) {
    const std::int32_t point = placement.point_of_marker[m];
    if (point < 0) continue;
    const bool is_right = scene.marker[std::size_t(point)] == int(m);
    verdict.right += is_right;
    verdict.wrong += !is_right;
  }
}

Verdict recogniseRandomPoses(double noise, double missing, int extra, int poses) {
  Recogniser recogniser(test::figureStage({}).subjects());
  Dice dice;
  Verdict verdict;
  for (int p = 0; p < poses; ++p) {
    const Scene scene = sceneOf(markersOf(recogniser, 0, randomPose(recogniser, 0, dice)), noise,
                                missing, extra, dice);
    judge(recogniser.run(scene.points)[0], scene, verdict);
  }
  MESSAGE("found " << verdict.found << " of " << verdict.poses << ", right " << verdict.right
                   << " of " << verdict.there << ", wrong " << verdict.wrong);
  return verdict;
}

}  // namespace

TEST_SUITE("solve/find_subjects") {
  TEST_CASE("a known subject is recognised in random poses from exact points") {
    const Verdict verdict = recogniseRandomPoses(0.0, 0.0, 0, 20);
    CHECK(verdict.found == 20);
    CHECK(verdict.right == verdict.there);
    CHECK(verdict.wrong == 0);
  }

  TEST_CASE("skin that has moved 3 mm is recognised likewise") {
    const Verdict verdict = recogniseRandomPoses(0.003, 0.0, 0, 20);
    CHECK(verdict.found == 20);
    CHECK(verdict.right >= 0.99 * verdict.there);
  }

  TEST_CASE("a third of the markers may be missing, and ten points more be there") {
    const Verdict verdict = recogniseRandomPoses(0.002, 0.3, 10, 20);
    CHECK(verdict.found >= 18);
    CHECK(verdict.right >= 0.85 * verdict.there);
  }

  TEST_CASE("where nobody is, nobody is found") {
    Recogniser recogniser(test::figureStage({}).subjects());
    Dice dice;
    for (int trial = 0; trial < 10; ++trial) {
      std::vector<glm::dvec3> points;
      for (int p = 0; p < 60; ++p) {
        points.emplace_back(dice.between(-1, 1), dice.between(0, 2), dice.between(-1, 1));
      }
      CHECK_FALSE(recogniser.run(points)[0].found);
    }
    CHECK_FALSE(recogniser.run({})[0].found);
    CHECK_FALSE(recogniser.run({glm::dvec3(0.0)})[0].found);
    CHECK_FALSE(recogniser.run(std::vector<glm::dvec3>(60, glm::dvec3(0.0, 1.0, 0.0)))[0].found);
  }

  TEST_CASE("two subjects with the same bones are told apart by where their markers sit") {
    const std::vector<subject::Subject> subjects = test::figureStage({.actors = 2}).subjects();
    REQUIRE(subjects[0].skeleton.parents == subjects[1].skeleton.parents);
    Recogniser recogniser(subjects);
    Dice dice;
    for (int p = 0; p < 20; ++p) {
      const std::size_t present = std::size_t(p % 2);
      const Scene scene =
          sceneOf(markersOf(recogniser, present, randomPose(recogniser, present, dice)), 0.002,
                  0.05, 0, dice);
      recogniser.run(scene.points);
      CHECK(recogniser.placements[present].found);
      CHECK_FALSE(recogniser.placements[1 - present].found);
    }
  }

  TEST_CASE("the same points give the same placement, in any order") {
    Recogniser recogniser(test::figureStage({}).subjects());
    Dice dice;
    Scene scene =
        sceneOf(markersOf(recogniser, 0, randomPose(recogniser, 0, dice)), 0.002, 0.2, 5, dice);
    const solve::Placement once = recogniser.run(scene.points)[0];
    recogniser.run(std::vector<glm::dvec3>(40, glm::dvec3(1.0)));  // Leaves its traces in scratch.
    const solve::Placement& again = recogniser.run(scene.points)[0];
    CHECK(once.found == again.found);
    CHECK(once.rms == again.rms);
    CHECK(once.parent_from_joint == again.parent_from_joint);
    CHECK(once.point_of_marker == again.point_of_marker);
    std::reverse(scene.points.begin(), scene.points.end());
    const solve::Placement& reversed = recogniser.run(scene.points)[0];
    CHECK(once.parent_from_joint == reversed.parent_from_joint);
  }
}
