#pragma once

#include <cstddef>

#include "capture/frame/frames.h"

namespace understudy::test {

/// A pose with room for so many joints.
inline frame::SkeletonPose poseOf(std::size_t joints) {
  frame::SkeletonPose pose;
  pose.parent_from_joint.resize(joints);
  pose.angular_velocity.resize(joints);
  pose.velocity.resize(joints);
  pose.foreseen_sigma.resize(joints);
  pose.predicted.resize(joints);
  pose.covariance.resize(joints);
  return pose;
}

}  // namespace understudy::test
