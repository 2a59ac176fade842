#pragma once

#include "capture/file/marker_clip.h"
#include "capture/solve/solve_subject.h"
#include "capture/subject/subject.h"

namespace understudy::solve {

/// How bones and marker offsets are fitted to a recording.
struct RefineSettings {
  std::size_t frames = 120;   ///< Taken from the recording, evenly spread.
  int rounds = 40;            ///< Poses and sizes in turn.
  double wide_radius = 0.06;  ///< In the first half of the rounds, a marker this far off the model
                              ///< has a quarter of its weight, metres; then solve.robust_radius.
  double marker_sigma = 0.006;  ///< Skin motion, metres.
  double bone_sigma = 0.020;    ///< How far a joint may lie from where it was estimated, metres.
  double offset_sigma = 0.030;  ///< The same for a marker on its segment, metres.
  double largest_stray = 0.08;  ///< Markers further off the model than this have no say, metres.
  SolveSettings solve{};
};

/// RMS distance of the markers from the model, metres.
struct RefineReport {
  double rms_before = 0, rms_after = 0;
  std::size_t frames = 0;  ///< That took part.
};

/// Fits joint places and marker offsets of a subject to a labelled recording: poses of all frames
/// and sizes are found in turn, sizes by linear least squares with the given ones as prior. The
/// subject's markers are the clip's, in the clip's order (subject::fitSubject makes such).
/// Rotations of the rest pose stay. Offline.
RefineReport refineSubject(const file::MarkerClip& clip, const RefineSettings& settings,
                           subject::Subject& subject);

}  // namespace understudy::solve
