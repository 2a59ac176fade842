#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "capture/solve/smooth_subject.h"
#include "capture/solve/solve_lanes.h"

namespace understudy::test {

/// Subjects and all that the lane solver keeps of them. `labels` is for the test to fill; nobody is
/// tracked until it says so (solve::startTracking). Not to be moved: it points into itself.
struct LaneCast {
  std::vector<subject::Subject> bodies;
  std::vector<solve::SolveModel> models;
  solve::SolveSettings settings;
  std::vector<solve::LaneSubject> subjects;
  std::vector<solve::LaneGroup> groups;
  std::vector<solve::SolveState> states;
  std::vector<frame::SkeletonPose> poses;
  std::vector<frame::LabelledSubject> labels;

  explicit LaneCast(std::vector<subject::Subject> who) : bodies(std::move(who)) {
    for (const subject::Subject& body : bodies) models.push_back(solve::makeSolveModel(body));
    for (std::size_t s = 0; s < bodies.size(); ++s) {
      subjects.push_back({&bodies[s], &models[s], &settings});
      states.push_back(solve::makeSolveState(bodies[s], models[s]));
      poses.push_back(frame::makeSkeletonPose(bodies[s].skeleton.size()));
      labels.emplace_back().markers.resize(bodies[s].markers.size());
    }
    groups = solve::makeLaneGroups(subjects);
  }
  LaneCast(const LaneCast&) = delete;
  LaneCast& operator=(const LaneCast&) = delete;

  void solve(std::uint64_t frame,
             const solve::LaneKernels& kernels = solve::baselineLaneKernels()) {
    solve::SolveSubjects{.subjects = subjects,
                         .kernels = kernels,
                         .labels = labels,
                         .stamp = {.sequence = frame},
                         .rate_hz = 240.0,
                         .groups = groups,
                         .states = states,
                         .poses = poses}
        .run();
  }
};

/// A smoother behind the first subject of a cast.
struct CastSmoother {
  LaneCast& cast;
  solve::SmootherSettings settings;
  solve::SmootherState state = solve::makeSmootherState(cast.bodies[0], cast.models[0], settings);
  solve::SmootherWorkspace workspace = solve::makeSmootherWorkspace(cast.models[0]);
  std::uint64_t sequence = 0;  ///< Of the frame that is given out,
  std::vector<math::RigidTransformd> smoothed =
      std::vector<math::RigidTransformd>(cast.models[0].joints());  ///< and its pose.

  /// After every frame; false as long as nothing is given out.
  bool run() {
    return solve::SmoothSubject{.model = cast.models[0],
                                .settings = settings,
                                .solve_settings = cast.settings,
                                .rate_hz = 240.0,
                                .solved = cast.states[0],
                                .state = state,
                                .workspace = workspace}
        .run(sequence, smoothed);
  }
};

}  // namespace understudy::test
