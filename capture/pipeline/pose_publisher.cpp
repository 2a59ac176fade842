#include "capture/pipeline/pose_publisher.h"

#include <cassert>

#include "engine/anim/kinematics.h"
#include "engine/anim/palette.h"

namespace understudy::pipeline {

PosePublisher::PosePublisher(std::vector<CharacterBinding> bindings) {
  for (CharacterBinding& binding : bindings) {
    Performer performer;
    performer.binding = std::move(binding);
    const std::size_t joints = performer.binding.skeleton.size();
    performer.parent_from_joint = performer.binding.skeleton.parent_from_joint;
    performer.world_from_joint.resize(joints);
    performer.palette.resize(joints);
    performers_.push_back(std::move(performer));
  }
  published_.resize(performers_.size());
}

anim::PoseRingCapacity PosePublisher::capacity(std::size_t subject_joints) const {
  std::size_t matrices = 0;
  for (const Performer& performer : performers_) matrices += performer.palette.size();
  return {.subjects = static_cast<std::uint32_t>(performers_.size()),
          .joints = static_cast<std::uint32_t>(subject_joints),
          .matrices = static_cast<std::uint32_t>(matrices)};
}

std::span<const glm::mat4> PosePublisher::palette(std::size_t performer) const {
  const Performer& p = performers_[performer];
  return p.seen && p.binding.retargeter ? std::span<const glm::mat4>(p.palette)
                                        : std::span<const glm::mat4>();
}

bool PosePublisher::publish(const core::Stamp& stamp, std::span<const frame::SkeletonPose> poses,
                            anim::PoseRing& ring) {
  assert(poses.size() == performers_.size());
  for (std::size_t s = 0; s < performers_.size(); ++s) {
    Performer& performer = performers_[s];
    const frame::SkeletonPose& pose = poses[s];
    if (pose.tracked && performer.binding.retargeter) {
      performer.seen = true;
      performer.binding.retargeter->retarget(pose.parent_from_joint, performer.parent_from_joint);
      anim::worldFromJoints(performer.binding.skeleton, performer.parent_from_joint,
                            performer.world_from_joint);
      anim::makePalette(performer.world_from_joint, performer.binding.joint_from_bind,
                        performer.palette);
    }
    published_[s] = {.tracked = pose.tracked,
                     .presence = pose.presence,
                     .parent_from_joint = pose.parent_from_joint,
                     .angular_velocity = pose.angular_velocity,
                     .velocity = pose.velocity,
                     .world_from_bind = palette(s)};
  }
  return ring.publish(stamp, published_);
}

}  // namespace understudy::pipeline
