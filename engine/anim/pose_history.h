#pragma once

#include <chrono>
#include <cstdint>

#include "engine/anim/pose_ring.h"
#include "engine/core/time.h"

namespace understudy::anim {

/// How a pose for a moment came about.
enum class PoseKind : std::uint8_t {
  none,          ///< There is no pose for that moment: nothing was published, or it is forgotten.
  exact,         ///< A measured pose of that very moment.
  interpolated,  ///< Between two measured poses.
  predicted,     ///< After the newest measured pose, by its velocities.
};

/// Answers for any time from the poses in a PoseRing. Reads only; one thread per history.
class PoseHistory {
 public:
  /// The ring must outlive the history. A time further past the newest pose than
  /// `longest_prediction` gets the pose predicted for that limit.
  explicit PoseHistory(const PoseRing& ring,
                       core::Duration longest_prediction = std::chrono::milliseconds(50));

  /// Fills the stamp, subjects and joints of `pose` (not its palette) for a time on the clock of
  /// the published Stamp::exposed, and returns which kind of answer it is. The stamp is that of the
  /// newest pose that took part. Subjects that are held stay still. With `none` the record's
  /// content means nothing. Allocates nothing if the record was made by PoseRing::makeRecord.
  PoseKind at(core::Time time, PoseRecord& pose);

 private:
  const PoseRing& ring_;
  core::Duration longest_prediction_;
  PoseRecord later_;
};

}  // namespace understudy::anim
