#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "capture/solve/foresee.h"
#include "tests/support/finger_stage.h"

using namespace understudy;
using test::FingerStage;

namespace {

// A stage whose poses are foreseen, and what has been foreseen of it.
struct ForeseenStage {
  static constexpr std::uint64_t kAhead = 5;  // Frames.
  FingerStage stage{test::fingerBody(10)};
  solve::ForesightSettings settings{.seconds = static_cast<double>(kAhead) / 240.0};
  solve::ForesightState state = solve::makeForesightState(stage.model);
  std::vector<std::vector<math::RigidTransform>> ahead;
  std::vector<std::vector<float>> sigma;

  void step(std::uint64_t frame) {
    stage.step(frame, test::never);
    solve::ForeseeSubject{.settings = settings,
                          .model = stage.model,
                          .rate_hz = 240.0,
                          .solved = stage.states[0],
                          .state = state,
                          .pose = stage.poses[0]}
        .run();
    ahead.resize(frame + 1);
    sigma.resize(frame + 1);
    std::vector<math::RigidTransform> local(stage.local.size());
    sigma[frame].resize(stage.local.size());
    // Of what is ahead alone: not what the newest pose is off itself.
    std::vector<float> sigma_now(local.size());
    solve::predictPose(stage.poses[0], 0.0, settings.seconds, local, sigma_now);
    solve::predictPose(stage.poses[0], settings.seconds, settings.seconds, local, sigma[frame]);
    for (std::size_t j = 0; j < local.size(); ++j)
      sigma[frame][j] = std::sqrt(sigma[frame][j] * sigma[frame][j] - sigma_now[j] * sigma_now[j]);
    ahead[frame].resize(local.size());
    anim::worldFromJoints(stage.body.skeleton, local, ahead[frame]);
  }
};

}  // namespace

TEST_SUITE("solve/foresee_fingers") {
  TEST_CASE("the error that is stated of a finger is the finger's own, not its hand's") {
    ForeseenStage s;
    using enum anim::HumanoidJoint;
    const auto& body = s.stage.body;
    const auto tip = static_cast<std::size_t>(body.humanoid[left_middle_distal]);
    const auto hand = static_cast<std::size_t>(body.humanoid[left_hand]);
    double squares = 0.0, stated = 0.0, stated_hand = 0.0;
    for (std::uint64_t frame = 1; frame <= 960; ++frame) {
      s.step(frame);
      if (frame < 360) continue;
      std::vector<math::RigidTransform> world(s.stage.local.size());
      anim::worldFromJoints(body.skeleton, s.stage.local, world);
      const std::uint64_t then = frame - ForeseenStage::kAhead;
      const glm::dvec3 off(s.ahead[then][tip].translation - world[tip].translation);
      squares += glm::dot(off, off) / 3.0;
      const auto square = [](float sigma) { return static_cast<double>(sigma * sigma); };
      stated += square(s.sigma[then][tip]);
      stated_hand += square(s.sigma[then][hand]);
    }
    CAPTURE(squares);
    CAPTURE(stated);
    CAPTURE(stated_hand);
    CHECK(squares < 2.0 * stated);
    CHECK(squares > 0.3 * stated);
    CHECK(stated > 1.5 * stated_hand);
  }
}
