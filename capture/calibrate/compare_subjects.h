#pragma once

#include <vector>

#include "capture/subject/subject.h"

namespace understudy::calibrate {

/// Gives the joints of `subject` the frames that those of `convention` have: everything that hangs
/// on a joint is turned about it (on a free root, shifted too) so that it lies on its like as
/// nearly as it can. Neither lengths nor shapes change, and poses make up for it: only what a
/// joint's own axes are called does. Both have the same joints and markers.
void takeFramesOf(const subject::Subject& convention, subject::Subject& subject);

/// How far a calibrated subject is from the true one. takeFramesOf first. Joints that cannot turn
/// are part of the next one above that can.
struct SubjectErrors {
  std::vector<double> bone;    ///< Per joint: error of the bone's length from its parent, metres.
  std::vector<double> place;   ///< Per joint: distance from its true place on its parent, metres.
  std::vector<double> marker;  ///< Per marker: distance from its true place on its joint, metres.
};

SubjectErrors compareSubjects(const subject::Subject& truth, const subject::Subject& subject);

}  // namespace understudy::calibrate
