#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/recorded/solve_recording.h"
#include "tools/scoring/spread.h"

namespace understudy::recorded {

/// Which samples of a clip do not count, frames x markers, one where it does not; empty: all count.
using SampleMask = std::vector<std::uint8_t>;

/// How far a model leaves the recorded markers.
struct MarkerMisfit {
  scoring::Spread mm;  ///< Over all seen markers of all solved frames.
  std::vector<std::string> names;
  std::vector<double> rms_mm, count;  ///< Per name; rms is NaN where it was never seen.

  /// Over the markers of these names only.
  double rmsOf(const std::vector<std::string>& which) const;
};

/// Distances of the subject's markers, where the motion puts them, from the recorded ones.
MarkerMisfit measureMisfit(const subject::Subject& subject, const RecordedMotion& motion,
                           const file::MarkerClip& clip, const SampleMask& left_out = {});

/// The same of markers that the solver does not know of while it solves: the recording is solved
/// ten times, each time without every tenth marker, so that every marker is kept from the solver
/// once (scoring::chooseHeldOut). Their places on the joints are the subject's.
MarkerMisfit measureHeldOut(const subject::Subject& subject, const file::MarkerClip& clip,
                            const SolveRecordingSettings& settings,
                            const SampleMask& left_out = {});

/// Markers whose joint is measured without them: it carries two others at least.
std::vector<std::string> measuredWithout(const subject::Subject& subject);

/// Samples that are over `far` metres from where the motion puts them: names on the wrong marker.
SampleMask findStrays(const subject::Subject& subject, const RecordedMotion& motion,
                      const file::MarkerClip& clip, double far);

/// How well rigid segments that move as `motion` can carry the recorded markers at best: each
/// marker sits on the segment and in the place that suit it best in hindsight, and all segments may
/// be turned and shifted together by one constant transform, which is looked for from where they
/// are. A bound in favour of whoever made the motion, where marker places are not told.
MarkerMisfit measureBestMisfit(const RecordedMotion& motion, const file::MarkerClip& clip,
                               const SampleMask& left_out = {});

}  // namespace understudy::recorded
