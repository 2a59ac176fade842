#pragma once

#include <cstdint>

#include "capture/solve/improve_limbs.h"
#include "capture/solve/limb_job.h"

namespace understudy::solve {

/// Searches limbs of a tracked subject anew, as recognition does (see improveLimbs): those that
/// lack a marker while an unnamed one is near, and those with a marker that is not where the model
/// has it. The markers of the limb and the unnamed ones are all open, so that a limb whose names
/// moved up by one, turned about or went to another limb comes right, which exchanging two names at
/// a time does not reach. Kept only if the body explains clearly more than before. Slower than
/// RecoverLimbs by much: for when that finds nothing, and not in every frame.
struct SearchLimbs {
  const LimbJob& job;
  LimbWorkspace& limbs;
  /// What the search before this one found; 0 for nothing. A finding counts when it comes twice.
  std::uint64_t& finding;

  /// True if names were changed.
  bool run() const;
};

/// True if a marker of the subject is off, or lacking while an unnamed one is near: worth a search.
bool hasDoubtfulLimb(const LimbJob& job);

}  // namespace understudy::solve
