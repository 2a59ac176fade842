#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "capture/solve/solve_lanes.h"
#include "capture/solve/swap_guard.h"
#include "tests/support/allocations.h"
#include "tests/support/stage.h"

using namespace understudy;

namespace {

source::StageSettings twoPerformers() {
  source::StageSettings settings = test::perfectSettings();
  settings.actors = 2;
  settings.spacing = 0.5;
  return settings;
}

// Two figures side by side, tracked from markers without any error whose names the test can spoil.
struct PairBench {
  source::SimulatedStage stage = test::figureStage(twoPerformers());
  std::vector<subject::Subject> subjects = stage.subjects();
  source::StageFrame truth = stage.makeFrame();
  solve::SwapGuardSettings settings;
  solve::SolveSettings solve_settings;
  std::vector<solve::SolveModel> models;
  std::vector<solve::SolveState> states;
  std::vector<solve::SolveWorkspace> workspaces;
  solve::SwapGuardState guard = solve::makeSwapGuardState(subjects);
  solve::SwapGuardWorkspace workspace = solve::makeSwapGuardWorkspace(subjects);
  frame::PredictedMarkers predictions;
  frame::LabelledMarkers labels;
  std::vector<frame::SkeletonPose> poses;
  std::vector<solve::LaneSubject> lane_subjects;
  std::vector<solve::LaneGroup> groups;
  std::vector<frame::CaptureEvent> events;
  std::uint64_t allocations = 0;

  PairBench() {
    REQUIRE(subjects.size() == 2);
    labels.subjects.resize(2);
    poses.resize(2);
    events.reserve(8);
    for (std::size_t s = 0; s < 2; ++s) {
      models.push_back(solve::makeSolveModel(subjects[s]));
      states.push_back(solve::makeSolveState(subjects[s], models[s]));
      workspaces.push_back(solve::makeSolveWorkspace(models[s], subjects[s]));
      labels.subjects[s].markers.resize(subjects[s].markers.size());
      const std::size_t joints = subjects[s].skeleton.size();
      poses[s].parent_from_joint.resize(joints);
      poses[s].angular_velocity.resize(joints);
      poses[s].velocity.resize(joints);
      poses[s].predicted.resize(joints);
      poses[s].covariance.resize(joints);
    }
    for (std::size_t s = 0; s < 2; ++s)
      lane_subjects.push_back({&subjects[s], &models[s], &solve_settings});
    groups = solve::makeLaneGroups(lane_subjects);
    predictions.markers.reserve(subjects[0].markers.size() + subjects[1].markers.size());
  }

  std::size_t marker(const std::string& name) const {
    const auto& markers = subjects[0].markers;
    const auto found =
        std::find_if(markers.begin(), markers.end(), [&](const auto& m) { return m.name == name; });
    REQUIRE(found != markers.end());
    return static_cast<std::size_t>(found - markers.begin());
  }

  // The next frame with right names.
  void look(std::uint64_t sequence) {
    stage.simulate(truth);
    labels.stamp.sequence = sequence;
    for (std::size_t s = 0; s < 2; ++s) {
      auto& slots = labels.subjects[s].markers;
      for (std::size_t m = 0; m < slots.size(); ++m)
        slots[m] = {truth.performers[s].markers[m].position, glm::mat3(1e-8f), 1.0f};
      if (states[s].tracked) continue;
      std::vector<math::RigidTransformd> start = models[s].rest;
      const auto& world = truth.performers[s].world_from_joint;
      for (std::size_t j = 0; j < start.size(); ++j) {
        const std::int32_t parent = models[s].joint_parent[j];
        const math::RigidTransform local =
            parent < 0 ? world[j] : inverse(world[static_cast<std::size_t>(parent)]) * world[j];
        start[j] = {glm::dquat(local.rotation), glm::dvec3(local.translation)};
      }
      solve::startTracking(models[s], sequence, start, states[s]);
    }
  }

  // Guard, solver and the next predictions.
  void finish() {
    const std::uint64_t before = test::allocationCount();
    solve::SwapGuard{.settings = settings,
                     .subjects = subjects,
                     .models = models,
                     .solve_settings = solve_settings,
                     .kernels = solve::baselineTreeKernels(),
                     .predictions = predictions,
                     .labels = labels,
                     .states = states,
                     .solve_workspaces = workspaces,
                     .state = guard,
                     .workspace = workspace,
                     .events = events}
        .run();
    allocations += test::allocationCount() - before;
    predictions.markers.clear();
    solve::SolveSubjects{.subjects = lane_subjects,
                         .kernels = solve::baselineLaneKernels(),
                         .labels = labels.subjects,
                         .stamp = labels.stamp,
                         .rate_hz = 240,
                         .groups = groups,
                         .states = states,
                         .poses = poses}
        .run();
    for (std::size_t s = 0; s < 2; ++s) {
      solve::PredictSubject{.subject = subjects[s],
                            .subject_index = static_cast<std::uint32_t>(s),
                            .model = models[s],
                            .settings = solve_settings,
                            .seconds_ahead = 1.0 / 240.0,
                            .state = states[s],
                            .workspace = workspaces[s],
                            .markers = predictions.markers}
          .run();
    }
  }

  bool isRight(std::size_t m) const {
    for (std::size_t s = 0; s < 2; ++s) {
      const frame::LabelledMarker& seen = labels.subjects[s].markers[m];
      if (!(seen.confidence > 0.0f) || seen.position != truth.performers[s].markers[m].position)
        return false;
    }
    return true;
  }

  // Hides both performers' markers for ten frames; they come back in frame 50 as each other's.
  // Returns the frame in which the guard put them right, 0 for never.
  std::uint64_t exchangeAtReturn(const std::vector<std::size_t>& markers) {
    std::uint64_t right_since = 0;
    const auto allRight = [&] {
      return std::all_of(markers.begin(), markers.end(), [&](std::size_t m) { return isRight(m); });
    };
    for (std::uint64_t f = 0; f < 90; ++f) {
      look(f);
      for (const std::size_t m : markers) {
        frame::LabelledMarker &one = labels.subjects[0].markers[m],
                              &other = labels.subjects[1].markers[m];
        if (f >= 40 && f < 50) one = other = {};
        // Names follow the tracks: once they are right they stay so.
        if (f >= 50 && right_since == 0) std::swap(one, other);
      }
      finish();
      if (f >= 50 && right_since == 0 && allRight()) right_since = f;
    }
    return right_since;
  }
};

}  // namespace

TEST_SUITE("solve/guard_rivals") {
  TEST_CASE(
      "two performers whose hand markers were exchanged are put right, and the correction event "
      "says since when") {
    PairBench bench;
    bench.settings.decisive = 1e-9;  // No frame decides alone, so that some are given out wrong.
    const std::vector<std::size_t> hand{bench.marker("LIHD"), bench.marker("LOHD")};
    const std::uint64_t right = bench.exchangeAtReturn(hand);
    REQUIRE(right > 50);
    CHECK(right <= 62);
    REQUIRE(bench.events.size() == 1);
    const frame::CaptureEvent& event = bench.events[0];
    CHECK(event.kind == frame::CaptureEventKind::swap_corrected);
    CHECK(event.first_sequence == 50);
    CHECK(event.last_sequence == right - 1);
    REQUIRE(event.exchange_count >= hand.size());
    frame::LabelledMarkers past = bench.labels;
    past.stamp.sequence = 50;
    for (const std::size_t m : hand)
      std::swap(past.subjects[0].markers[m], past.subjects[1].markers[m]);
    frame::applyCorrection(event, past);
    for (const std::size_t m : hand) {
      for (std::size_t s = 0; s < 2; ++s) {
        CHECK(past.subjects[s].markers[m].position ==
              bench.truth.performers[s].markers[m].position);
      }
    }
  }

  TEST_CASE("two performers side by side with right names are left alone") {
    PairBench bench;
    for (std::uint64_t f = 0; f < 120; ++f) {
      bench.look(f);
      bench.finish();
    }
    CHECK(bench.events.empty());
    CHECK(bench.isRight(bench.marker("LIHD")));
  }

  TEST_CASE("testing two subjects together allocates nothing") {
    PairBench bench;
    bench.exchangeAtReturn({bench.marker("LIHD"), bench.marker("LOHD")});
    CHECK(bench.allocations == 0);
  }
}
