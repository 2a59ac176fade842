#include "capture/solve/swap_guard.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "capture/solve/solve_lanes.h"
#include "tests/support/allocations.h"
#include "tests/support/stage.h"

using namespace understudy;

namespace {

// The invented figure, tracked from markers without any error whose names the test can spoil.
struct Bench {
  source::SimulatedStage stage = test::figureStage(test::perfectSettings());
  std::vector<subject::Subject> subjects = stage.subjects();
  source::StageFrame truth = stage.makeFrame();
  solve::SwapGuardSettings settings;
  solve::SolveSettings solve_settings;
  std::vector<solve::SolveModel> models{solve::makeSolveModel(subjects[0])};
  std::vector<solve::SolveState> states{solve::makeSolveState(subjects[0], models[0])};
  std::vector<solve::SolveWorkspace> workspaces;
  solve::SwapGuardState guard = solve::makeSwapGuardState(subjects);
  solve::SwapGuardWorkspace workspace = solve::makeSwapGuardWorkspace(subjects);
  frame::PredictedMarkers predictions;
  frame::LabelledMarkers labels;
  frame::SkeletonPose pose;
  std::vector<solve::LaneSubject> lane_subjects{{&subjects[0], &models[0], &solve_settings}};
  std::vector<solve::LaneGroup> groups = solve::makeLaneGroups(lane_subjects);
  std::vector<frame::CaptureEvent> events;
  std::uint64_t allocations = 0;

  Bench() {
    workspaces.push_back(solve::makeSolveWorkspace(models[0], subjects[0]));
    labels.subjects.resize(1);
    labels.subjects[0].markers.resize(subjects[0].markers.size());
    labels.unlabelled.reserve(8);
    predictions.markers.reserve(subjects[0].markers.size());
    events.reserve(8);
    const std::size_t joints = subjects[0].skeleton.size();
    pose.parent_from_joint.resize(joints);
    pose.angular_velocity.resize(joints);
    pose.velocity.resize(joints);
    pose.predicted.resize(joints);
    pose.covariance.resize(joints);
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
    labels.unlabelled.clear();
    auto& slots = labels.subjects[0].markers;
    for (std::size_t m = 0; m < slots.size(); ++m)
      slots[m] = {truth.performers[0].markers[m].position, glm::mat3(1e-8f), 1.0f};
    if (states[0].tracked) return;
    std::vector<math::RigidTransformd> start = models[0].rest;
    const auto& world = truth.performers[0].world_from_joint;
    for (std::size_t j = 0; j < start.size(); ++j) {
      const std::int32_t parent = models[0].joint_parent[j];
      const math::RigidTransform local =
          parent < 0 ? world[j] : inverse(world[static_cast<std::size_t>(parent)]) * world[j];
      start[j] = {glm::dquat(local.rotation), glm::dvec3(local.translation)};
    }
    solve::startTracking(models[0], sequence, start, states[0]);
  }

  // Guard, solver and the next prediction.
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
    solve::SolveSubjects{.subjects = lane_subjects,
                         .kernels = solve::baselineLaneKernels(),
                         .labels = labels.subjects,
                         .stamp = labels.stamp,
                         .rate_hz = 240,
                         .groups = groups,
                         .states = states,
                         .poses = std::span(&pose, 1)}
        .run();
    predictions.markers.clear();
    solve::PredictSubject{.subject = subjects[0],
                          .subject_index = 0,
                          .model = models[0],
                          .settings = solve_settings,
                          .seconds_ahead = 1.0 / 240.0,
                          .state = states[0],
                          .workspace = workspaces[0],
                          .markers = predictions.markers}
        .run();
  }

  bool isRight(std::size_t m) const {
    return labels.subjects[0].markers[m].confidence > 0.0f &&
           labels.subjects[0].markers[m].position == truth.performers[0].markers[m].position;
  }

  // Hides two markers for ten frames; they come back in frame 50 with each other's names. Returns
  // the frame in which the guard put them right, 0 for never.
  std::uint64_t exchangeAtReturn(std::size_t one, std::size_t other) {
    std::uint64_t right_since = 0;
    for (std::uint64_t f = 0; f < 90; ++f) {
      look(f);
      auto& slots = labels.subjects[0].markers;
      if (f >= 40 && f < 50) slots[one] = slots[other] = {};
      // Names follow the tracks: once they are right they stay so.
      if (f >= 50 && right_since == 0) std::swap(slots[one], slots[other]);
      finish();
      if (f >= 50 && right_since == 0 && isRight(one) && isRight(other)) right_since = f;
    }
    return right_since;
  }
};

}  // namespace

TEST_SUITE("solve/swap_guard") {
  TEST_CASE("names that were never in doubt are left alone, and nothing happens") {
    Bench bench;
    for (std::uint64_t f = 0; f < 120; ++f) {
      bench.look(f);
      bench.finish();
      for (std::size_t m = 0; m < bench.subjects[0].markers.size(); ++m) CHECK(bench.isRight(m));
    }
    CHECK(bench.events.empty());
  }

  TEST_CASE(
      "a planted swap is put right within ten frames, on segments of two and of more markers") {
    const char* pairs[][2] = {{"LIHD", "LOHD"}, {"RIWR", "ROWR"}, {"LUPA", "LUAF"},
                              {"RFHD", "THD"},  {"LMT5", "LMT1"}, {"LFRM", "LELB"}};
    for (const auto& pair : pairs) {
      CAPTURE(pair[0]);
      Bench bench;
      const std::uint64_t right =
          bench.exchangeAtReturn(bench.marker(pair[0]), bench.marker(pair[1]));
      CHECK(right >= 50);
      CHECK(right <= 60);
    }
  }

  TEST_CASE("the event says which frames were wrong, and what it says puts them right") {
    Bench bench;
    bench.settings.decisive = 1e-9;  // No frame decides alone, so that some are given out wrong.
    const std::size_t one = bench.marker("LUPA"), other = bench.marker("LUAF");
    const std::uint64_t right = bench.exchangeAtReturn(one, other);
    REQUIRE(right > 50);
    REQUIRE(bench.events.size() == 1);
    const frame::CaptureEvent& event = bench.events[0];
    CHECK(event.kind == frame::CaptureEventKind::swap_corrected);
    CHECK(event.subject == 0);
    CHECK(event.first_sequence == 50);
    CHECK(event.last_sequence == right - 1);
    REQUIRE(event.exchange_count == 1);
    frame::LabelledMarkers past = bench.labels;
    std::swap(past.subjects[0].markers[one], past.subjects[0].markers[other]);
    for (const std::uint64_t sequence : {std::uint64_t{49}, std::uint64_t{50}, right}) {
      CAPTURE(sequence);
      frame::LabelledMarkers corrected = past;
      corrected.stamp.sequence = sequence;
      frame::applyCorrection(event, corrected);
      const bool is_right = corrected.subjects[0].markers[one].position ==
                            bench.truth.performers[0].markers[one].position;
      CHECK(is_right == (sequence == 50));
    }
  }

  TEST_CASE("a marker whose place an unnamed one has taken gets its name back") {
    Bench bench;
    const std::size_t one = bench.marker("RUPA");
    std::uint64_t right_since = 0;
    for (std::uint64_t f = 0; f < 90; ++f) {
      bench.look(f);
      frame::LabelledMarker& slot = bench.labels.subjects[0].markers[one];
      if (f >= 40 && f < 50) slot = {};
      if (f >= 50 && right_since == 0) {  // A reflection 50 mm off took the name.
        frame::Marker own;
        own.position = slot.position;
        own.rays = 4;
        bench.labels.unlabelled.push_back(own);
        slot.position += glm::vec3(0.0f, 0.05f, 0.0f);
      }
      bench.finish();
      if (f >= 50 && right_since == 0 && bench.isRight(one)) right_since = f;
    }
    CHECK(right_since >= 50);
    CHECK(right_since <= 60);
  }

  TEST_CASE("guarding allocates nothing, whatever it finds") {
    Bench bench;
    bench.exchangeAtReturn(bench.marker("LIHD"), bench.marker("LOHD"));
    CHECK(bench.allocations == 0);
  }

  TEST_CASE("a correction with a spare place takes a name away; what is not there is left alone") {
    frame::LabelledMarkers labels;
    labels.stamp.sequence = 7;
    labels.subjects.resize(1);
    labels.subjects[0].markers.resize(2);
    labels.subjects[0].markers[0] = {glm::vec3(1.0f), glm::mat3(1.0f), 1.0f};
    frame::CaptureEvent event{.kind = frame::CaptureEventKind::swap_corrected,
                              .first_sequence = 7,
                              .last_sequence = 7,
                              .exchange_count = 4};
    event.exchanges[0] = {0, 0, frame::kSparePlace, 3};
    event.exchanges[1] = {0, 1, 5, 0};
    event.exchanges[2] = {0, 9, 0, 1};
    event.exchanges[3] = {0, 1, frame::kSparePlace, 900};
    frame::applyCorrection(event, labels);
    CHECK(labels.subjects[0].markers[0].confidence == 0.0f);
    CHECK(labels.subjects[0].markers[1].confidence == 0.0f);
  }

  TEST_CASE("settings out of range are named") {
    solve::SwapGuardSettings settings;
    CHECK(solve::check(settings));
    settings.clearly_better = 1.0;
    REQUIRE_FALSE(solve::check(settings));
    CHECK(solve::check(settings).error().message.find("clearly_better") != std::string::npos);
  }
}
