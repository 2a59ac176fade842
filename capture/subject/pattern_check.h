#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "capture/subject/subject.h"

namespace understudy::subject {

/// When two patterns of markers count as alike.
struct PatternCheckSettings {
  double tolerance = 0.0035;  ///< RMS distance of the markers that coincide, metres.
};

/// A marker to be glued elsewhere.
struct MarkerMove {
  std::size_t marker = 0;  ///< Of the subject `first` of the confusion.
  double distance = 0;     ///< Metres.
};

/// Two rigid groups of markers that a turn and a shift bring to coincide, in whole or in part: four
/// markers or more, or all but one.
struct PatternConfusion {
  std::size_t first = 0,
              second = 0;   ///< Subjects; the first one is a prop. Equal: it turns on itself.
  int second_joint = 0;     ///< Of a performer: the segment.
  std::size_t matched = 0;  ///< Markers that coincide,
  std::size_t of = 0;       ///< of so many in the smaller group.
  double rms = 0;           ///< Their distance, metres.
  std::vector<MarkerMove> remedy;  ///< Ends this confusion; empty where none was found.
};

/// All pairs of props that can be confused, props that look the same when turned, and props that
/// look like a segment of a performer (a joint that carries four markers or more; its first twelve
/// count). Mirror images are different, unless they are flat. Prop against prop takes a few million
/// comparisons at most; for set-up.
std::vector<PatternConfusion> findConfusions(std::span<const Subject> subjects,
                                             const PatternCheckSettings& settings);

/// True if the prop `which` is in any confusion with the others or itself.
bool canBeConfused(std::span<const Subject> subjects, std::size_t which,
                   const PatternCheckSettings& settings);

/// One line for the operator: who, how much alike, what to do.
std::string describe(std::span<const Subject> subjects, const PatternConfusion& confusion);

/// `warning: ` and that line for every confusion among the subjects, with default settings.
std::vector<std::string> confusionWarnings(std::span<const Subject> subjects);

}  // namespace understudy::subject
