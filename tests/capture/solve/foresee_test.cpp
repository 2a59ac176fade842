#include "capture/solve/foresee.h"

#include <doctest/doctest.h>

#include <cmath>
#include <random>

#include "capture/solve/solve_steps.h"
#include "tests/support/allocations.h"

using namespace understudy;

namespace {

// A trunk that sways and an arm that swings on it, 240 poses a second.
struct Swinger {
  subject::Subject body;
  solve::SolveModel model;
  solve::SolveState solved;
  solve::ForesightSettings settings;
  solve::ForesightState state;
  frame::SkeletonPose pose;
  std::vector<math::RigidTransformd> posed = std::vector<math::RigidTransformd>(3);
  double noise = 0.0;
  std::mt19937 random{7};

  Swinger() {
    body.skeleton.names = {"trunk", "arm", "hand"};
    body.skeleton.parents = {-1, 0, 1};
    math::RigidTransform bone;
    bone.translation = glm::vec3(0.3f, 0.0f, 0.0f);
    body.skeleton.parent_from_joint = {math::RigidTransform{}, bone, bone};
    body.joints = {{.motion = subject::JointMotion::free}, {}, {}};
    for (int j = 0; j < 3; ++j) body.markers.push_back({"m", j, glm::vec3(0.1f, 0.05f, 0.0f)});
    model = solve::makeSolveModel(body);
    solved = solve::makeSolveState(body, model);
    solved.tracked = true;
    state = solve::makeForesightState(model);
    pose = frame::makeSkeletonPose(3);
    pose.covariance.assign(3, glm::mat3(1e-8f));
  }

  std::vector<math::RigidTransformd> poseAt(double t) const {
    std::vector<math::RigidTransformd> pose_then = model.rest;
    pose_then[0].translation = {0.3 * std::sin(6.0 * t), 1.0, 0.0};
    pose_then[1].rotation = glm::angleAxis(0.9 * std::sin(11.0 * t), glm::dvec3(0, 0, 1));
    pose_then[2].rotation = glm::angleAxis(0.5 * std::cos(8.0 * t), glm::dvec3(0, 1, 0));
    return pose_then;
  }

  std::vector<glm::dvec3> placesAt(double t) const {
    std::vector<math::RigidTransformd> world(3);
    solve::worldFromJoints(model, poseAt(t), world);
    return {world[0].translation, world[1].translation, world[2].translation};
  }

  void foresee() {
    solve::worldFromJoints(model, solved.parent_from_joint, posed);
    for (std::size_t j = 0; j < 3; ++j)
      solved.place[j] = posed[j].translation - posed[0].translation;
    solve::ForeseeSubject{.settings = settings,
                          .model = model,
                          .rate_hz = 240.0,
                          .solved = solved,
                          .state = state,
                          .pose = pose}
        .run();
  }

  void see(std::uint64_t frame) {
    const double t = static_cast<double>(frame) / 240.0;
    const std::vector<math::RigidTransformd> next = poseAt(t), before = poseAt(t - 1.0 / 240.0);
    const auto jitter = [&] {
      return noise * (static_cast<double>(random()) / 4294967295.0 - 0.5) * 3.46;
    };
    solve::forEachMovingJoint(model, [&](std::size_t j, std::size_t first) {
      double step[6] = {}, off[6] = {};
      solve::stepBetween(model, j, before[j], next[j], step);
      for (double& value : off) value = jitter();
      solved.parent_from_joint[j] = next[j];
      solve::moveJoint(model, j, off, solved.parent_from_joint[j]);
      for (std::size_t k = 0; k < static_cast<std::size_t>(model.joint_freedoms[j]); ++k) {
        solved.velocity[first + k] = 240.0 * step[k];
      }
    });
    solved.sequence = frame;
    for (std::size_t j = 0; j < 3; ++j) {
      pose.parent_from_joint[j] = {glm::quat(solved.parent_from_joint[j].rotation),
                                   glm::vec3(solved.parent_from_joint[j].translation)};
      pose.angular_velocity[j] = pose.velocity[j] = glm::vec3(0.0f);
    }
    pose.tracked = solved.tracked;
    foresee();
  }

  std::vector<glm::dvec3> foreseen(double seconds, std::vector<float>& sigma) const {
    std::vector<math::RigidTransform> local(3);
    sigma.resize(3);
    solve::predictPose(pose, seconds, settings.seconds, local, sigma);
    std::vector<math::RigidTransformd> ahead(3), world(3);
    for (std::size_t j = 0; j < 3; ++j) {
      ahead[j] = {glm::normalize(glm::dquat(local[j].rotation)), glm::dvec3(local[j].translation)};
    }
    solve::worldFromJoints(model, ahead, world);
    return {world[0].translation, world[1].translation, world[2].translation};
  }
};

// Mean square of errors over stated ones, from one frame to another.
double ratioOfErrors(std::uint64_t first, std::uint64_t last) {
  Swinger s;
  s.noise = 0.002;
  double squares = 0.0, count = 0.0;
  std::vector<float> sigma;
  for (std::uint64_t frame = 1; frame < last; ++frame) {
    s.see(frame);
    if (frame < first) continue;
    const auto truth = s.placesAt(static_cast<double>(frame) / 240.0 + 0.02);
    const auto ahead = s.foreseen(0.02, sigma);
    for (std::size_t j = 1; j < 3; ++j) {
      const double error = glm::distance(ahead[j], truth[j]);
      squares +=
          error * error / (3.0 * static_cast<double>(sigma[j]) * static_cast<double>(sigma[j]));
      count += 1.0;
    }
  }
  return squares / count;
}

}  // namespace

TEST_SUITE("solve/foresee") {
  TEST_CASE("what repeats is foreseen much better than by going on at the same velocity") {
    Swinger s;
    double off = 0.0, steady = 0.0;
    std::vector<float> sigma;
    for (std::uint64_t frame = 1; frame < 720; ++frame) {
      s.see(frame);
      if (frame < 240) continue;
      const double t = static_cast<double>(frame) / 240.0;
      const auto truth = s.placesAt(t + 0.02), now = s.placesAt(t),
                 before = s.placesAt(t - 1.0 / 240.0);
      off += glm::distance(s.foreseen(0.02, sigma)[2], truth[2]);
      steady += glm::distance(now[2] + 4.8 * (now[2] - before[2]), truth[2]);
    }
    CHECK(off < 0.2 * steady);
  }

  TEST_CASE("the stated error is as large as the error") {
    const double ratio = ratioOfErrors(480, 1200);
    CHECK(ratio > 0.6);
    CHECK(ratio < 1.5);
  }

  TEST_CASE("the stated error is as large as the error half a second after one was found") {
    const double ratio = ratioOfErrors(120, 240);
    CHECK(ratio > 0.4);
    CHECK(ratio < 1.5);
  }

  TEST_CASE("who was just found goes on at the filter's velocity, and is not sure of it") {
    Swinger s;
    s.see(1);
    std::vector<float> sigma;
    s.foreseen(0.02, sigma);
    CHECK(sigma[2] > 0.005f);
    CHECK(s.pose.velocity[0] == glm::vec3(0.0f));  // As it was: the solver's own.
  }

  TEST_CASE("frames that are missing, and losing the performer, start anew and stay finite") {
    Swinger s;
    for (std::uint64_t frame = 1; frame < 200; ++frame) s.see(frame);
    s.see(900);
    CHECK(s.state.frames == 1);
    s.solved.tracked = false;
    s.see(901);
    CHECK(s.state.frames == 0);
    s.solved.tracked = true;
    for (std::uint64_t frame = 902; frame < 1100; ++frame) s.see(frame);
    std::vector<float> sigma;
    for (const glm::dvec3& place : s.foreseen(0.5, sigma)) CHECK(std::isfinite(glm::length(place)));
  }

  TEST_CASE("one who stands still is foreseen where he stands") {
    Swinger s;
    for (std::uint64_t frame = 1; frame < 300; ++frame) {
      s.solved.sequence = frame;
      s.foresee();
    }
    for (const glm::vec3& velocity : s.pose.angular_velocity) CHECK(glm::length(velocity) < 1e-6f);
  }

  TEST_CASE("foreseeing allocates nothing") {
    Swinger s;
    for (std::uint64_t frame = 1; frame < 100; ++frame) s.see(frame);
    s.solved.sequence = 100;
    const std::uint64_t before = test::allocationCount();
    s.foresee();
    CHECK(test::allocationCount() == before);
  }

  TEST_CASE("settings out of range are named") {
    CHECK(solve::check(solve::ForesightSettings{}));
    CHECK_FALSE(solve::check(solve::ForesightSettings{.seconds = 0.0}));
    CHECK_FALSE(solve::check(solve::ForesightSettings{.seconds = 1.0}));
    CHECK_FALSE(solve::check(solve::ForesightSettings{.memory = -1.0}));
  }
}
