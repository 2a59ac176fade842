#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "capture/solve/solve_lanes.h"
#include "capture/solve/swap_guard.h"
#include "tests/support/allocations.h"
#include "tests/support/stage.h"

namespace understudy::test {

/// Invented figures, tracked from markers without any error whose names the test can spoil.
struct GuardBench {
  source::SimulatedStage stage;
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

  explicit GuardBench(const source::StageSettings& stage_settings)
      : stage(figureStage(stage_settings)) {
    std::size_t markers = 0;
    labels.subjects.resize(subjects.size());
    labels.unlabelled.reserve(8);
    events.reserve(8);
    for (std::size_t s = 0; s < subjects.size(); ++s) {
      models.push_back(solve::makeSolveModel(subjects[s]));
      states.push_back(solve::makeSolveState(subjects[s], models[s]));
      workspaces.push_back(solve::makeSolveWorkspace(models[s], subjects[s]));
      labels.subjects[s].markers.resize(subjects[s].markers.size());
      poses.push_back(frame::makeSkeletonPose(subjects[s].skeleton.size()));
      markers += subjects[s].markers.size();
    }
    for (std::size_t s = 0; s < subjects.size(); ++s)
      lane_subjects.push_back({&subjects[s], &models[s], &solve_settings});
    groups = solve::makeLaneGroups(lane_subjects);
    predictions.markers.reserve(markers);
  }
  GuardBench(const GuardBench&) = delete;  // The lanes point into it.
  GuardBench& operator=(const GuardBench&) = delete;

  /// By the name of the first subject's; like performers have the same.
  std::size_t marker(const std::string& name) const {
    const auto& markers = subjects[0].markers;
    const auto found =
        std::find_if(markers.begin(), markers.end(), [&](const auto& m) { return m.name == name; });
    REQUIRE(found != markers.end());
    return static_cast<std::size_t>(found - markers.begin());
  }

  /// The next frame with right names.
  void look(std::uint64_t sequence) {
    stage.simulate(truth);
    labels.stamp.sequence = sequence;
    labels.unlabelled.clear();
    for (std::size_t s = 0; s < subjects.size(); ++s) {
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

  /// Guard, solver and the next predictions.
  void finish() {
    const std::uint64_t before = allocationCount();
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
    allocations += allocationCount() - before;
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
    for (std::size_t s = 0; s < subjects.size(); ++s) {
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

  /// True if every subject's slot holds its own marker.
  bool isRight(std::size_t m) const {
    for (std::size_t s = 0; s < subjects.size(); ++s) {
      const frame::LabelledMarker& seen = labels.subjects[s].markers[m];
      if (!(seen.confidence > 0.0f) || seen.position != truth.performers[s].markers[m].position)
        return false;
    }
    return true;
  }
};

}  // namespace understudy::test
