#pragma once

#include <cstddef>

#include "capture/solve/find_segments.h"
#include "capture/solve/improve_limbs.h"
#include "capture/solve/recognise.h"

namespace understudy::solve {

/// Grows a whole body from one placed segment: joints are visited outwards, each turned to where
/// the distances of its markers to its hinge and to each other fit points that are still free.
/// Leaves pose and points in the workspace; returns how many markers have a point.
std::size_t growBody(const RecogniseSubject& job, const SegmentPlacement& segment);

/// Fits the pose in the workspace to the points that its markers have; returns their RMS distance,
/// metres.
double fitToPoints(const RecogniseSubject& job, int steps);

/// Fits the pose in the workspace to the points that its markers have, then lets every marker look
/// for its nearest point, from 10 cm down, and fits again. Fills the placement, and says by `found`
/// whether share and fit are good enough. `steps` of the solver come first.
void settleBody(const RecogniseSubject& job, int steps, Placement& placement);

/// The second half of settleBody: begins where the pose in the workspace is nearly right.
void settleNearest(const RecogniseSubject& job, Placement& placement);

/// Takes the points from joints that they hardly hold: one point suits any joint that may turn, and
/// two hold one only on a parent that is held; a limb needs half its markers. They may belong to
/// somebody near.
void dropWeakNames(const RecogniseSubject& job, std::vector<std::int32_t>& point_of_marker);

/// Searches limbs of a settled body anew where points are left over, and settles it again.
void settleLimbs(const RecogniseSubject& job, LimbWorkspace& limbs, Placement& placement);

/// Exchanges markers of one segment where that fits better, gives a marker that is alone on its
/// segment the name that fits best, and measures the placement again.
void settleTwins(const RecogniseSubject& job, Placement& placement);

}  // namespace understudy::solve
