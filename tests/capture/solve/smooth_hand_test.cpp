#include <doctest/doctest.h>

#include <vector>

#include "capture/solve/smooth_subject.h"
#include "tests/support/allocations.h"
#include "tests/support/finger_stage.h"

using namespace understudy;
using test::FingerStage;

namespace {

// A stage whose poses are smoothed as they are solved; truth and solved poses of the last frames.
struct SmoothedStage {
  FingerStage stage{test::fingerBody(10)};
  solve::SmootherSettings settings;
  solve::SmootherState state = solve::makeSmootherState(stage.body, stage.model, settings);
  solve::SmootherWorkspace workspace = solve::makeSmootherWorkspace(stage.model);
  std::vector<std::vector<math::RigidTransform>> truth, solved;
  std::vector<math::RigidTransformd> smoothed =
      std::vector<math::RigidTransformd>(stage.model.joints());
  std::uint64_t sequence = 0;

  bool smooth() {
    return solve::SmoothSubject{.model = stage.model,
                                .settings = settings,
                                .solve_settings = stage.settings,
                                .rate_hz = 240.0,
                                .solved = stage.states[0],
                                .state = state,
                                .workspace = workspace}
        .run(sequence, smoothed);
  }

  template <class Hidden>
  bool step(std::uint64_t frame, const Hidden& hidden) {
    stage.step(frame, hidden);
    truth.resize(frame + 1);
    solved.resize(frame + 1);
    truth[frame] = stage.local;
    solved[frame] = stage.poses[0].parent_from_joint;
    return smooth();
  }

  // Mean angle of the finger joints off the true ones, degrees.
  template <class Transform>
  double error(const std::vector<Transform>& pose) const {
    double sum = 0.0, count = 0.0;
    for (std::size_t j = 0; j < stage.body.joints.size(); ++j) {
      if (!subject::isFingerJoint(stage.body, static_cast<int>(j))) continue;
      const glm::dquat off =
          glm::conjugate(glm::dquat(truth[sequence][j].rotation)) * glm::dquat(pose[j].rotation);
      sum += glm::degrees(
          2.0 * std::atan2(glm::length(glm::dvec3(off.x, off.y, off.z)), std::abs(off.w)));
      count += 1.0;
    }
    return sum / count;
  }
};

}  // namespace

TEST_SUITE("solve/smooth_hand") {
  TEST_CASE("smoothed fingers are those of their own frame, and nearer to the truth") {
    SmoothedStage s;
    double smoothed = 0.0, solved = 0.0;
    for (std::uint64_t frame = 1; frame <= 480; ++frame) {
      const bool there = s.step(frame, test::never);
      if (frame < 120) continue;
      REQUIRE(there);
      CHECK(s.sequence + s.settings.lag == frame);
      smoothed += s.error(s.smoothed);
      solved += s.error(s.solved[s.sequence]);
    }
    CAPTURE(solved / 361.0);
    CAPTURE(smoothed / 361.0);
    CHECK(smoothed < 0.95 * solved);
  }

  TEST_CASE("a gap of the fingers that is shorter than the lag is bridged") {
    SmoothedStage s;
    s.settings.lag = 8;
    s.state = solve::makeSmootherState(s.stage.body, s.stage.model, s.settings);
    const std::size_t first = subject::bodyMarkerCount(s.stage.body);
    double smoothed = 0.0, solved = 0.0;
    for (std::uint64_t frame = 1; frame <= 720; ++frame) {
      const bool gone = frame % 48 < 6;
      const bool there = s.step(frame, [&](std::size_t m) { return gone && m >= first; });
      if (frame < 120 || !there || s.sequence % 48 >= 6) continue;
      smoothed += s.error(s.smoothed);
      solved += s.error(s.solved[s.sequence]);
    }
    CAPTURE(solved);
    CAPTURE(smoothed);
    CHECK(smoothed < 0.8 * solved);
  }

  TEST_CASE("smoothing fingers allocates nothing") {
    SmoothedStage s;
    for (std::uint64_t frame = 1; frame <= 20; ++frame) s.step(frame, test::never);
    s.stage.step(21, test::never);
    const std::uint64_t before = test::allocationCount();
    s.smooth();
    CHECK(test::allocationCount() == before);
  }
}
