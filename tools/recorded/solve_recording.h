#pragma once

#include <cstddef>
#include <vector>

#include "capture/file/marker_clip.h"
#include "capture/solve/solve_subject.h"
#include "capture/subject/subject.h"
#include "engine/math/rigid_transform.h"

namespace understudy::recorded {

/// Poses of a recording, one per frame; a frame without enough markers has none.
struct RecordedMotion {
  std::size_t joints = 0;
  std::vector<std::vector<math::RigidTransformd>> world_from_joint;  ///< Frames, then joints.
  std::size_t restarts = 0;  ///< Times that tracking began anew after the first.
  double us_per_frame = 0;   ///< Median thread CPU time of the live solver's step.
};

/// How the markers of a recording are believed.
struct SolveRecordingSettings {
  solve::SolveSettings solve{};
  double marker_noise = 0.0005;  ///< Standard deviation of a marker's place per axis, metres.
};

/// Solves a recording of named markers with the live solver, frame after frame and without looking
/// ahead, as the stage would. The subject's markers are found in the clip by name; those that it
/// does not have count as hidden.
RecordedMotion solveRecording(const subject::Subject& subject, const file::MarkerClip& clip,
                              const SolveRecordingSettings& settings);

/// Poses each frame for itself from the pose before, by least squares without any model of motion:
/// what the markers of one frame say alone.
RecordedMotion fitRecording(const subject::Subject& subject, const file::MarkerClip& clip,
                            const SolveRecordingSettings& settings);

/// Which column of the clip each marker of the subject is, -1 for none.
std::vector<int> findColumns(const subject::Subject& subject, const file::MarkerClip& clip);

/// The subject without the markers that the clip never shows.
subject::Subject withShownMarkers(const subject::Subject& subject, const file::MarkerClip& clip);

}  // namespace understudy::recorded
