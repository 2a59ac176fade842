#pragma once

#include "capture/solve/limb_job.h"

namespace understudy::solve {

/// Finds limbs of a tracked subject again that are not where the solver expects them. A joint is
/// doubted, with all that hangs on it, when one of its markers is not where the model has it while
/// an unnamed marker is near: doubted joints are turned, outwards from the sound ones, to where the
/// distances of their markers fit unnamed points and the points that they hold themselves. Kept
/// only if at least two more markers fit than before.
struct RecoverLimbs {
  const LimbJob& job;

  /// True if a limb was found.
  bool run() const;
};

}  // namespace understudy::solve
