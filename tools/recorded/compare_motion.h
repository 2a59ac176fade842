#pragma once

#include <string>
#include <vector>

#include "tools/recorded/flexions.h"

namespace understudy::recorded {

/// One angle of two solvers over the frames that both have. A constant difference is a convention
/// (where zero is, how the pelvis stands on its axes), and so is the direction that counts up: both
/// are taken out, and said.
struct AngleComparison {
  Flexion flexion = Flexion::left_hip;
  std::size_t frames = 0;
  double sign = 1.0;         ///< What the reference was multiplied by.
  double offset_deg = 0.0;   ///< Mean of ours less theirs: taken out.
  double rms_deg = 0.0;      ///< Of the difference without it.
  double largest_deg = 0.0;  ///< The same, the 99th percentile of its size.
  double range_deg = 0.0;    ///< Of the reference: 1st to 99th percentile.
  double correlation = 0.0;
};

/// Only angles that both have in 10 frames at least.
std::vector<AngleComparison> compareFlexions(const std::vector<FlexionAngles>& ours,
                                             const std::vector<FlexionAngles>& theirs);

/// One body part of two skeletons over the frames that both have.
struct PartComparison {
  anim::HumanoidJoint part = anim::HumanoidJoint::hips;
  double turn_deg = 0.0;   ///< RMS of the angle between its turns, a constant one taken out.
  double place_mm = 0.0;   ///< RMS distance of its joint,
  double steady_mm = 0.0;  ///< and without the constant part of it in the joint's own frame.
};

/// A skeleton, which parts its joints play, and its poses.
struct MovingBody {
  const anim::Skeleton& skeleton;
  const anim::HumanoidMap& humanoid;
  const RecordedMotion& motion;
};

/// The constant transform that lays the limbs' joints of `theirs` on ours over all frames, in the
/// sense of least squares: two files of one recording may call their axes differently.
math::RigidTransformd alignWorlds(const MovingBody& ours, const MovingBody& theirs);

/// Moves a motion's world.
RecordedMotion moved(const math::RigidTransformd& to_from_world, const RecordedMotion& motion);

/// The limbs' parts, worlds aligned beforehand. What two models call the turn of a bone about
/// itself differs by a constant only if both measure it: of joints without such a measure it is
/// part of the difference.
std::vector<PartComparison> compareParts(const MovingBody& ours, const MovingBody& theirs);

}  // namespace understudy::recorded
