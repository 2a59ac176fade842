#pragma once

#include <cstdint>
#include <vector>

#include "capture/file/marker_clip.h"
#include "capture/solve/solve_subject.h"
#include "capture/subject/subject.h"

namespace understudy::solve {

/// When a name of a recording is held to be another marker's.
struct NameCheckSettings {
  std::size_t frames = 1500;  ///< Looked at, evenly spread.
  int rounds = 4;             ///< Poses and names in turn, at most.
  double jump = 0.03;         ///< A marker's path ends where it leaves its line by more than this
                              ///< between two frames, metres.
  double stray = 0.03;        ///< A path is in doubt this far from its marker's place (RMS) ...
  double home = 0.02;         ///< ... and another's if it is this near to that one's place, metres.
  double clear_share = 0.4;   ///< And so many times nearer.
  std::size_t fewest = 3;     ///< Looked-at frames that a path must have.
  SolveSettings solve{};
};

/// A stretch of a recording in which a marker goes under another's name.
struct NameChange {
  std::size_t first_frame = 0, last_frame = 0;
  std::size_t marker = 0;  ///< The name it carries.
  std::size_t really = 0;  ///< The marker it is.
};

/// What the names of a recording are worth.
struct RecordedNames {
  std::vector<NameChange> changes;    ///< By first frame.
  std::vector<std::uint16_t> really;  ///< Frames x markers: the marker that goes under this name.
};

/// Finds where a recording's own names change hands: paths of markers (between gaps and jumps) that
/// keep to another marker's place on the body while poses are fitted to all others. The subject's
/// markers are the clip's, in the clip's order. Offline.
RecordedNames checkRecordedNames(const file::MarkerClip& clip, const NameCheckSettings& settings,
                                 const subject::Subject& subject);

/// The recording with every marker under the name that it really has. Where two would share one,
/// the one with its own name keeps it.
file::MarkerClip renameMarkers(const file::MarkerClip& clip, const RecordedNames& names);

}  // namespace understudy::solve
