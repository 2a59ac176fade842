#pragma once

#include <vector>

#include "capture/solve/solve_subject.h"

namespace understudy::solve {

/// A least-squares fit can end with a limb folded the wrong way: where the markers of an upper arm
/// are all near its axis, the shoulder mirrored in that axis explains them as well, and the collar
/// bone leads there through angles that nobody has. Such a fit is not left by small steps. So each
/// joint that is bent far beyond its limits is put back to rest, what hangs on it keeping its
/// directions, and the body is fitted from there; what explains markers and limits better stays.
struct UnfoldPose {
  const subject::Subject& subject;
  const SolveModel& model;
  const SolveSettings& settings;
  const TreeKernels& kernels;
  const frame::LabelledSubject& labelled;
  SolveWorkspace& workspace;

  /// True if a limb was unfolded. May allocate: for the start of a track, not for each frame.
  bool run(std::vector<math::RigidTransformd>& parent_from_joint) const;
};

}  // namespace understudy::solve
