#pragma once

#include <cstdint>
#include <span>

#include "capture/frame/frames.h"
#include "capture/solve/recognise.h"

namespace understudy::solve {

/// A tracked subject whose limbs are looked for: what RecoverLimbs and SearchLimbs work on.
struct LimbJob {
  const RecogniseSettings& settings;
  const subject::Subject& subject;
  std::uint32_t subject_index;
  const SolveModel& model;
  const SolveSettings& solve_settings;
  const TreeKernels& kernels;
  frame::LabelledMarkers& labels;  ///< Renamed where limbs were found.
  SolveState& state;               ///< The found joints are moved.
  SolveWorkspace& solve_workspace;
  RecogniseWorkspace& workspace;

  const std::vector<frame::LabelledMarker>& slots() const {
    return labels.subjects[subject_index].markers;
  }
  /// What the steps of recognition need of it.
  RecogniseSubject among(std::span<const glm::dvec3> points) const {
    return {.settings = settings,
            .subject = subject,
            .model = model,
            .solve_settings = solve_settings,
            .kernels = kernels,
            .points = points,
            .solve_workspace = solve_workspace,
            .workspace = workspace};
  }
};

}  // namespace understudy::solve
