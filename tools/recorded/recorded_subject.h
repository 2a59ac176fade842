#pragma once

#include <string>
#include <vector>

#include "capture/calibrate/calibrate_subject.h"
#include "capture/file/marker_clip.h"
#include "capture/subject/subject.h"
#include "engine/core/result.h"

namespace understudy::recorded {

/// Which recordings a subject is made from, and what the user knows better than they do.
struct SubjectOptions {
  std::string file{};                 ///< .c3d or .trc.
  std::vector<std::string> others{};  ///< The same performer and markers, such as a standing trial.
  std::string marker_set{};           ///< A file; empty: the names of all sets that we know.
  std::string unit{}, up{};           ///< As --unit and --up; empty: the file's, or recognised.
  double seconds = 0;                 ///< Of the file; 0 = all.
  std::size_t threads = 2;
};

/// A body that was read out of recorded markers, ready to be calibrated.
struct RecordedSubject {
  file::MarkerClip clip;         ///< The file's markers.
  file::MarkerClip calibration;  ///< The same with the other recordings' frames after it.
  subject::Subject initial;
  calibrate::CalibrateSettings settings;
  std::vector<std::string> warnings;
};

/// Reads the files and makes the body that their names and one of their frames show. Fails with one
/// line that names the file where names or markers make no body.
core::Result<RecordedSubject> readRecordedSubject(const SubjectOptions& options);

/// One clip with the frames of both, the markers of either; those of `more` come last.
file::MarkerClip joinClips(const file::MarkerClip& clip, const file::MarkerClip& more);

}  // namespace understudy::recorded
