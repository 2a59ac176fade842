#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "capture/file/marker_clip.h"
#include "capture/subject/landmarks.h"
#include "capture/subject/subject.h"
#include "engine/core/result.h"

namespace understudy::subject {

/// How a subject is made from recorded markers.
struct StaticFitSettings {
  std::string name = "performer";
  LandmarkNames names{};  ///< Empty: no body is recognised, every recording gives segments.
  double rigid = 0.012;   ///< Distances within a segment vary by no more than this (standard
                          ///< deviation), metres.
  double widest = 0.6;    ///< A segment is no wider than this, metres.
  double knee_width = 0.105, ankle_width = 0.072;  ///< Between the epicondyles, malleoli, metres:
  double elbow_width = 0.080;                      ///< rounded adult means, where no marker tells.
  double marker_radius = 0.007;                    ///< Centre of a marker over the skin, metres.
};

/// Says which setting is out of range, if any.
core::Result<void> check(const StaticFitSettings& settings);

enum class StaticFitKind : std::uint8_t {
  body,      ///< A humanoid skeleton; parts that the markers cannot drive are left out.
  segments,  ///< One free joint per group of markers that move as one.
};

/// A subject and how it came about.
struct StaticFit {
  Subject subject;  ///< Its markers are the clip's, in the clip's order.
  StaticFitKind kind = StaticFitKind::segments;
  std::size_t frame = 0;              ///< The frame that bones and offsets are taken from.
  std::vector<std::string> warnings;  ///< What was done and guessed, one line each.
};

/// Makes the subject that one labelled frame of a recording shows. Where the names are those of a
/// known body set with pelvis and both legs, a body: joint centres by regression from the skin
/// markers of the most upright of the most complete frames. Else segments: markers whose distances
/// hardly change over the recording are grouped, and the groups hang on each other by nearness.
/// Markers that are missing in the frame are put where others say they were. Fails on a clip
/// without any marker, with repeated names, or with more markers than one subject can have.
core::Result<StaticFit> fitSubject(const file::MarkerClip& clip, const StaticFitSettings& settings);

}  // namespace understudy::subject
