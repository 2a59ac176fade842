#include "capture/solve/solve_lanes.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "capture/solve/smooth_subject.h"
#include "capture/solve/solve_steps.h"
#include "engine/math/exponential.h"
#include "tests/support/allocations.h"
#include "tests/support/lane_cast.h"

using namespace understudy;

namespace {

// A trunk with two arms of two bones, three markers on each; `size` scales the bones.
subject::Subject makeBody(float size, int arms = 2) {
  subject::Subject body;
  body.skeleton.names = {"root"};
  body.skeleton.parents = {-1};
  body.skeleton.parent_from_joint = {math::RigidTransform{}};
  body.joints = {{.motion = subject::JointMotion::free}};
  for (int arm = 0; arm < arms; ++arm) {
    for (int bone = 0; bone < 2; ++bone) {
      const int parent = bone == 0 ? 0 : static_cast<int>(body.skeleton.size()) - 1;
      math::RigidTransform rest;
      rest.translation = size * glm::vec3(arm == 0 ? 0.25f : -0.25f, bone == 0 ? 0.4f : 0.0f, 0.0f);
      body.skeleton.names.push_back("arm");
      body.skeleton.parents.push_back(parent);
      body.skeleton.parent_from_joint.push_back(rest);
      body.joints.push_back({});
    }
  }
  for (std::size_t j = 0; j < body.skeleton.size(); ++j) {
    const glm::vec3 offsets[] = {
        {0.06f, 0.1f, 0.0f}, {-0.05f, 0.05f, 0.06f}, {0.02f, -0.07f, -0.05f}};
    for (const glm::vec3& offset : offsets)
      body.markers.push_back({"marker", static_cast<int>(j), size * offset});
  }
  return body;
}

// Two of the body's markers on skin between joints: one of an upper arm that its forearm has a
// share in, one of a forearm that its upper arm has one in, and one that it shares with the trunk.
subject::Subject withSkin(subject::Subject body) {
  const auto share = [&](std::size_t marker, int other, float part) {
    subject::SubjectMarker& m = body.markers[marker];
    const glm::vec3& shift =
        body.skeleton.parent_from_joint[static_cast<std::size_t>(std::max(m.joint, other))]
            .translation;
    m.also = {other, part, other > m.joint ? m.offset_joint - shift : m.offset_joint + shift};
  };
  share(3, 2, 0.4f);
  share(6, 1, 0.3f);
  share(4, 0, 0.25f);
  return body;
}

// Performers who wave about, each in an own rhythm, seen with noise and gaps.
struct Stage : test::LaneCast {
  std::vector<std::vector<subject::SubjectMarker>> worn;  ///< What the performers do wear.
  std::vector<int> rhythm;
  double swing = 0.5;  ///< Of the joints, radians.
  double creep = 0.0;  ///< Of the hips, metres a second.
  bool gaps = true;

  explicit Stage(std::vector<subject::Subject> who, std::vector<int> own)
      : LaneCast(std::move(who)), rhythm(std::move(own)) {
    for (std::size_t s = 0; s < bodies.size(); ++s) {
      worn.push_back(bodies[s].markers);
      solve::startTracking(models[s], 0, poseAt(s, 0), states[s]);
    }
  }

  std::vector<math::RigidTransformd> poseAt(std::size_t s, std::uint64_t frame) const {
    std::vector<math::RigidTransformd> pose = models[s].rest;
    const double t = static_cast<double>(frame) / 240.0;
    for (std::size_t j = 0; j < pose.size(); ++j) {
      const double phase = 3.0 * t * (1.0 + 0.1 * rhythm[s]) + static_cast<double>(j);
      const glm::dvec3 turn =
          swing * glm::dvec3(std::sin(phase), std::cos(1.3 * phase), std::sin(0.7 * phase));
      pose[j].rotation = math::rotationFromVector(turn);
    }
    pose[0].translation = {0.6 * swing * std::sin(t) + rhythm[s], 1.0, creep * t};
    return pose;
  }

  void look(std::uint64_t frame, double noise = 0.001) {
    for (std::size_t s = 0; s < bodies.size(); ++s) {
      std::mt19937 random(
          static_cast<unsigned>(frame * 31 + static_cast<std::uint64_t>(rhythm[s])));
      std::vector<math::RigidTransformd> world(models[s].joints());
      solve::worldFromJoints(models[s], poseAt(s, frame), world);
      for (std::size_t m = 0; m < labels[s].markers.size(); ++m) {
        const auto uniform = [&] {
          return (static_cast<double>(random()) / 4294967295.0 - 0.5) * 3.46;
        };
        const glm::dvec3 off(uniform(), uniform(), uniform());
        const bool hidden = gaps && (frame / 40 + m + static_cast<std::size_t>(rhythm[s])) % 7 == 0;
        labels[s].markers[m] = {glm::vec3(solve::markerPosition(worn[s][m], world) + noise * off),
                                glm::mat3(static_cast<float>(noise * noise)), hidden ? 0.0f : 1.0f};
      }
    }
  }

  void run(std::uint64_t frames, const solve::LaneKernels& kernels = solve::baselineLaneKernels()) {
    for (std::uint64_t frame = 1; frame <= frames; ++frame) {
      look(frame);
      solve(frame, kernels);
    }
  }
};

template <class Value>
bool sameBytes(const std::vector<Value>& a, const std::vector<Value>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(Value)) == 0;
}

bool sameBytes(const Stage& a, std::size_t one, const Stage& b, std::size_t other) {
  return sameBytes(a.states[one].parent_from_joint, b.states[other].parent_from_joint) &&
         sameBytes(a.states[one].velocity, b.states[other].velocity) &&
         sameBytes(a.states[one].variance, b.states[other].variance) &&
         sameBytes(a.poses[one].covariance, b.poses[other].covariance);
}

// Hips and a leg, for the hold of its foot.
subject::Subject makeLeg() {
  subject::Subject leg = makeBody(1.0f, 0);
  const glm::vec3 bones[] = {
      {0.1f, 0.0f, 0.0f}, {0.0f, -0.4f, 0.0f}, {0.0f, -0.4f, 0.0f}, {0.0f, -0.05f, 0.12f}};
  using anim::HumanoidJoint;
  const HumanoidJoint parts[] = {HumanoidJoint::left_upper_leg, HumanoidJoint::left_lower_leg,
                                 HumanoidJoint::left_foot, HumanoidJoint::left_toes};
  leg.humanoid.joint[static_cast<std::size_t>(HumanoidJoint::hips)] = 0;
  for (int b = 0; b < 4; ++b) {
    math::RigidTransform rest;
    rest.translation = bones[b];
    leg.skeleton.names.push_back("leg");
    leg.skeleton.parents.push_back(b);
    leg.skeleton.parent_from_joint.push_back(rest);
    leg.joints.push_back({});
    leg.humanoid.joint[static_cast<std::size_t>(parts[b])] = b + 1;
    for (const glm::vec3& offset :
         {glm::vec3(0.05f, -0.05f, 0.02f), glm::vec3(-0.04f, -0.1f, 0.03f),
          glm::vec3(0.0f, -0.03f, 0.08f)})
      leg.markers.push_back({"marker", b + 1, offset});
  }
  return leg;
}

glm::dvec3 ballOfFoot(const Stage& stage, const std::vector<math::RigidTransformd>& pose) {
  std::vector<math::RigidTransformd> world(pose.size());
  solve::worldFromJoints(stage.models[0], pose, world);
  return world[4].translation;
}

}  // namespace

TEST_SUITE("solve/solve_lanes") {
  TEST_CASE(
      "a subject's bytes depend neither on who shares its lanes nor on its place among them") {
    Stage together(
        {makeBody(1.0f), makeBody(1.1f), makeBody(0.9f), makeBody(1.05f), makeBody(0.95f)},
        {0, 1, 2, 3, 4});
    together.run(200);
    for (std::size_t s = 0; s < together.bodies.size(); ++s) {
      Stage alone({together.bodies[s]}, {static_cast<int>(s)});
      alone.run(200);
      CHECK(sameBytes(together, s, alone, 0));
    }
    Stage turned({makeBody(0.95f), makeBody(0.9f), makeBody(1.0f)}, {4, 2, 0});
    turned.run(200);
    CHECK(sameBytes(together, 4, turned, 0));
    CHECK(sameBytes(together, 0, turned, 2));
  }

  TEST_CASE("both builds of the kernels give the same bytes") {
    if (!__builtin_cpu_supports("avx2")) return;
    Stage one({makeBody(1.0f), withSkin(makeBody(1.1f))}, {0, 1}),
        other({makeBody(1.0f), withSkin(makeBody(1.1f))}, {0, 1});
    one.run(200);
    other.run(200, solve::v3LaneKernels());
    CHECK(sameBytes(one, 0, other, 0));
    CHECK(sameBytes(one, 1, other, 1));
  }

  TEST_CASE("subjects of different shape are solved in groups of their own") {
    Stage mixed({makeBody(1.0f), makeBody(1.0f, 1), makeBody(1.1f)}, {0, 1, 2});
    REQUIRE(mixed.groups.size() == 2);
    CHECK(mixed.groups[0].subjects == std::vector<std::size_t>{0, 2});
    CHECK(mixed.groups[1].subjects == std::vector<std::size_t>{1});
    mixed.run(100);
    Stage alone({makeBody(1.0f, 1)}, {1});
    alone.run(100);
    CHECK(sameBytes(mixed, 1, alone, 0));
  }

  TEST_CASE("markers on skin between two joints say where both are") {
    const subject::Subject body = withSkin(makeBody(1.0f));
    const auto errorOf = [&](bool knows) {
      Stage stage({body}, {0});
      stage.gaps = false;
      if (!knows) {
        for (subject::SubjectMarker& marker : stage.bodies[0].markers) marker.also = {};
        stage.groups = solve::makeLaneGroups(stage.subjects);
      }
      double worst = 0.0;
      for (std::uint64_t frame = 1; frame <= 300; ++frame) {
        stage.look(frame, 1e-5);
        stage.solve(frame);
        const auto truth = stage.poseAt(0, frame);
        for (std::size_t j = 0; frame > 100 && j < truth.size(); ++j) {
          const glm::dquat off =
              glm::conjugate(truth[j].rotation) * stage.states[0].parent_from_joint[j].rotation;
          worst = std::max(worst, 2.0 * std::sqrt(off.x * off.x + off.y * off.y + off.z * off.z));
        }
      }
      return worst;
    };
    const double knowing = errorOf(true), rigid = errorOf(false);
    CHECK(knowing < 0.004);
    CHECK(rigid > 5.0 * knowing);
  }

  TEST_CASE("subjects whose skin hangs on other joints are solved in groups of their own") {
    const Stage mixed({makeBody(1.0f), withSkin(makeBody(1.0f)), withSkin(makeBody(1.1f))},
                      {0, 1, 2});
    REQUIRE(mixed.groups.size() == 2);
    CHECK(mixed.groups[1].subjects == std::vector<std::size_t>{1, 2});
  }

  TEST_CASE("who is not tracked is left as he is and does not disturb the others") {
    Stage stage({makeBody(1.0f), makeBody(1.1f)}, {0, 1}), alone({makeBody(1.0f)}, {0});
    stage.states[1].tracked = false;
    const auto before = stage.states[1].parent_from_joint;
    stage.run(50);
    alone.run(50);
    CHECK(sameBytes(stage.states[1].parent_from_joint, before));
    CHECK_FALSE(stage.poses[1].tracked);
    CHECK(sameBytes(stage, 0, alone, 0));
  }

  TEST_CASE("covariances of joints are as large as their errors") {
    Stage stage({makeBody(1.0f), makeBody(1.1f), makeBody(0.9f), makeBody(1.05f)}, {0, 1, 2, 3});
    double sum = 0.0, count = 0.0;
    for (std::uint64_t frame = 1; frame <= 600; ++frame) {
      stage.look(frame);
      stage.solve(frame);
      if (frame < 120) continue;
      for (std::size_t s = 0; s < stage.bodies.size(); ++s) {
        std::vector<math::RigidTransformd> truth(stage.models[s].joints()), found = truth;
        solve::worldFromJoints(stage.models[s], stage.poseAt(s, frame), truth);
        solve::worldFromJoints(stage.models[s], stage.states[s].parent_from_joint, found);
        for (std::size_t j = 0; j < truth.size(); ++j) {
          const glm::dvec3 error = found[j].translation - truth[j].translation;
          sum += glm::dot(error, glm::inverse(glm::dmat3(stage.poses[s].covariance[j])) * error);
          count += 3.0;
        }
      }
    }
    CHECK(sum / count > 0.6);
    CHECK(sum / count < 1.4);
  }

  TEST_CASE("solving allocates nothing") {
    Stage stage({makeBody(1.0f), makeBody(1.1f), makeBody(1.0f, 1)}, {0, 1, 2});
    stage.run(5);
    stage.look(6);
    const std::uint64_t before = test::allocationCount();
    stage.solve(6);
    CHECK(test::allocationCount() == before);
  }

  TEST_CASE(
      "a frame far ahead, markers at impossible places and no markers at all leave finite poses") {
    Stage stage({makeBody(1.0f)}, {0});
    stage.run(20);
    for (frame::LabelledMarker& marker : stage.labels[0].markers) marker.position = glm::vec3(1e6f);
    stage.solve(100000);
    for (frame::LabelledMarker& marker : stage.labels[0].markers) marker.confidence = 0.0f;
    for (std::uint64_t frame = 100001; frame < 100100; ++frame) stage.solve(frame);
    for (const math::RigidTransformd& joint : stage.states[0].parent_from_joint) {
      CHECK(std::isfinite(glm::dot(joint.translation, joint.translation)));
      CHECK(std::abs(joint.rotation.w) <= 1.0 + 1e-9);
    }
  }

  TEST_CASE("a foot that stands is held; one that moves is not dragged") {
    const auto spread = [](double swing, double drift, bool slides) {
      Stage stage({makeLeg()}, {0});
      stage.settings.hold_drift = drift;
      stage.swing = swing;
      stage.gaps = false;
      double sum = 0.0, worst = 0.0;
      for (std::uint64_t frame = 1; frame <= 480; ++frame) {
        stage.look(frame);
        stage.solve(frame);
        if (frame < 240) continue;
        const glm::dvec3 off = ballOfFoot(stage, stage.states[0].parent_from_joint) -
                               ballOfFoot(stage, stage.poseAt(0, frame));
        sum += glm::dot(off, off);
        worst = std::max(worst, glm::length(off));
      }
      return slides ? worst : std::sqrt(sum / 241.0);
    };
    constexpr double kNever = 1e-9;
    const double kUsual = solve::SolveSettings{}.hold_drift;
    CHECK(spread(0.0, kUsual, false) < 0.8 * spread(0.0, kNever, false));
    CHECK(spread(0.5, kUsual, true) < 1.05 * spread(0.5, kNever, true) + 1e-4);
  }

  TEST_CASE("a foot that creeps is held on its way, not where it was") {
    const auto spread = [](double drift) {
      Stage stage({makeLeg()}, {0});
      stage.settings.hold_drift = drift;
      stage.swing = 0.0;
      stage.gaps = false;
      stage.creep = 0.015;
      double sum = 0.0;
      for (std::uint64_t frame = 1; frame <= 720; ++frame) {
        stage.look(frame);
        stage.solve(frame);
        const glm::dvec3 off = ballOfFoot(stage, stage.states[0].parent_from_joint) -
                               ballOfFoot(stage, stage.poseAt(0, frame));
        sum += frame < 240 ? 0.0 : glm::dot(off, off);
      }
      return std::sqrt(sum / 481.0);
    };
    CHECK(spread(solve::SolveSettings{}.hold_drift) < 0.9 * spread(1e-9));
  }

  TEST_CASE("numbers go into lanes and come out as they were") {
    constexpr std::size_t kRows = 5, kStride = 7;
    const std::int32_t rows[] = {0, 3, 4, 8, 9};
    for (const solve::LaneKernels* kernels :
         {&solve::baselineLaneKernels(), &solve::v3LaneKernels()}) {
      for (std::size_t width = 1; width <= kStride; ++width) {
        std::vector<std::vector<double>> given, back;
        const double* from[solve::kSolveLanes];
        double* to[solve::kSolveLanes];
        for (std::size_t lane = 0; lane < solve::kSolveLanes; ++lane) {
          given.emplace_back(10 * kStride);
          back.emplace_back(10 * kStride, -1.0);
          for (std::size_t i = 0; i < given[lane].size(); ++i)
            given[lane][i] = static_cast<double>(100 * lane + i);
        }
        for (std::size_t lane = 0; lane < solve::kSolveLanes; ++lane) {
          from[lane] = given[lane].data();
          to[lane] = back[lane].data();
        }
        const solve::LaneRows of{.row = rows, .count = kRows, .width = width, .stride = kStride};
        std::vector<solve::LaneValue> lanes(kRows * width);
        kernels->interleave(from, of, lanes.data());
        kernels->separate(lanes.data(), of, to);
        for (std::size_t lane = 0; lane < solve::kSolveLanes; ++lane) {
          for (std::size_t i = 0; i < back[lane].size(); ++i) {
            const bool copied =
                std::find(rows, rows + kRows, i / kStride) != rows + kRows && i % kStride < width;
            CHECK(back[lane][i] == (copied ? given[lane][i] : -1.0));
          }
        }
      }
    }
  }

  TEST_CASE("what is hidden goes on by habit, not further than its joint can") {
    subject::Subject body = makeBody(1.0f);
    body.joints[2].flexion = {.lower = -0.6f, .upper = 0.6f};
    Stage stage({body}, {0});
    stage.gaps = false;
    for (std::uint64_t frame = 1; frame <= 960; ++frame) {
      stage.look(frame);
      // The second bone of the first arm is hidden for a quarter of a second, again and again.
      const bool hidden = frame > 480 && frame % 120 < 60;
      for (std::size_t m = 0; hidden && m < body.markers.size(); ++m) {
        if (body.markers[m].joint == 2) stage.labels[0].markers[m].confidence = 0.0f;
      }
      stage.solve(frame);
      if (!hidden) continue;
      const glm::dquat turn = stage.states[0].parent_from_joint[2].rotation;
      CHECK(std::abs(math::vectorFromRotation(turn).x) < 1.0);
      const glm::dquat off = glm::conjugate(turn) * stage.poseAt(0, frame)[2].rotation;
      CHECK(glm::length(math::vectorFromRotation(off)) < 0.9);
    }
  }

  TEST_CASE("a smoother some frames behind is nearer to the truth, bridges and starts anew") {
    Stage stage({makeBody(1.0f)}, {0});
    stage.gaps = false;
    test::CastSmoother smoother{.cast = stage, .settings = {.lag = 4}};
    std::vector<std::vector<math::RigidTransformd>> solved;
    double with = 0.0, without = 0.0;
    const auto error = [&](const std::vector<math::RigidTransformd>& pose, std::uint64_t frame) {
      double sum = 0.0;
      for (std::size_t j = 0; j < pose.size(); ++j) {
        const glm::dvec3 off = math::vectorFromRotation(glm::conjugate(pose[j].rotation) *
                                                        stage.poseAt(0, frame)[j].rotation);
        sum += glm::dot(off, off);
      }
      return sum;
    };
    for (std::uint64_t frame = 1; frame <= 480; ++frame) {
      stage.look(frame);
      stage.solve(frame);
      solved.push_back(stage.states[0].parent_from_joint);
      const bool there = smoother.run();
      CHECK(there == (frame > 4));
      if (frame < 120) continue;
      REQUIRE(smoother.sequence == frame - 4);
      with += error(smoother.smoothed, smoother.sequence);
      without += error(solved[smoother.sequence - 1], smoother.sequence);
    }
    CHECK(with < 0.9 * without);
    stage.look(500);
    stage.solve(500);
    CHECK_FALSE(smoother.run());
  }
}
