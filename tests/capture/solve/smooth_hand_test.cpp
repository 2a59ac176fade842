#include <doctest/doctest.h>

#include <vector>

#include "tests/support/allocations.h"
#include "tests/support/finger_stage.h"

using namespace understudy;
using test::FingerStage;

namespace {

// A stage whose poses are smoothed as they are solved; truth and solved poses of the last frames.
struct SmoothedStage {
  FingerStage stage{test::fingerBody(10)};
  test::CastSmoother smoother{.cast = stage, .settings = {}};
  std::vector<std::vector<math::RigidTransform>> truth, solved;

  template <class Hidden>
  bool step(std::uint64_t frame, const Hidden& hidden) {
    stage.step(frame, hidden);
    truth.resize(frame + 1);
    solved.resize(frame + 1);
    truth[frame] = stage.local;
    solved[frame] = stage.poses[0].parent_from_joint;
    return smoother.run();
  }

  // Of the frame that the smoother gives out.
  template <class Transform>
  double error(const std::vector<Transform>& pose) const {
    return test::fingerError(stage.body, truth[smoother.sequence], pose);
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
      CHECK(s.smoother.sequence + s.smoother.settings.lag == frame);
      smoothed += s.error(s.smoother.smoothed);
      solved += s.error(s.solved[s.smoother.sequence]);
    }
    CAPTURE(solved / 361.0);
    CAPTURE(smoothed / 361.0);
    CHECK(smoothed < 0.95 * solved);
  }

  TEST_CASE("a gap of the fingers that is shorter than the lag is bridged") {
    SmoothedStage s;
    s.smoother.settings.lag = 8;
    s.smoother.state = solve::makeSmootherState(s.stage.body, s.stage.model, s.smoother.settings);
    const std::size_t first = subject::bodyMarkerCount(s.stage.body);
    double smoothed = 0.0, solved = 0.0;
    for (std::uint64_t frame = 1; frame <= 720; ++frame) {
      const bool gone = frame % 48 < 6;
      const bool there = s.step(frame, [&](std::size_t m) { return gone && m >= first; });
      if (frame < 120 || !there || s.smoother.sequence % 48 >= 6) continue;
      smoothed += s.error(s.smoother.smoothed);
      solved += s.error(s.solved[s.smoother.sequence]);
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
    s.smoother.run();
    CHECK(test::allocationCount() == before);
  }
}
