#include "capture/pipeline/pose_publisher.h"

#include <cassert>

#include "engine/anim/kinematics.h"
#include "engine/anim/palette.h"

namespace understudy::pipeline {

PosePublisher::PosePublisher(std::vector<CharacterBinding> bindings, core::Duration ahead)
    : ahead_(ahead) {
  for (CharacterBinding& binding : bindings) {
    Performer performer;
    performer.binding = std::move(binding);
    const std::size_t joints = performer.binding.skeleton.size();
    performer.parent_from_joint = performer.binding.skeleton.parent_from_joint;
    performer.world_from_joint.resize(joints);
    performer.palette.resize(joints);
    if (ahead_ > core::Duration{}) performer.palette_ahead.resize(joints);
    performers_.push_back(std::move(performer));
  }
  published_.resize(performers_.size());
}

anim::PoseRingCapacity PosePublisher::capacity(std::size_t subject_joints) const {
  std::size_t matrices = 0;
  for (const Performer& performer : performers_)
    matrices += performer.palette.size() + performer.palette_ahead.size();
  return {.subjects = static_cast<std::uint32_t>(performers_.size()),
          .joints = static_cast<std::uint32_t>(subject_joints),
          .matrices = static_cast<std::uint32_t>(matrices)};
}

std::span<const glm::mat4> PosePublisher::palette(std::size_t performer) const {
  const Performer& p = performers_[performer];
  return p.seen && p.binding.retargeter ? std::span<const glm::mat4>(p.palette)
                                        : std::span<const glm::mat4>();
}

void PosePublisher::put(Performer& performer, std::span<const math::RigidTransform> subject,
                        std::vector<glm::mat4>& palette) const {
  performer.binding.retargeter->retarget(subject, performer.parent_from_joint);
  anim::worldFromJoints(performer.binding.skeleton, performer.parent_from_joint,
                        performer.world_from_joint);
  anim::makePalette(performer.world_from_joint, performer.binding.joint_from_bind, palette);
}

void PosePublisher::putAhead(Performer& performer, const frame::SkeletonPose& pose) const {
  const auto seconds = static_cast<float>(core::toSeconds(ahead_));
  performer.moved_on.resize(pose.parent_from_joint.size());
  for (std::size_t j = 0; j < performer.moved_on.size(); ++j) {
    performer.moved_on[j] = anim::movedOn(pose.parent_from_joint[j], pose.angular_velocity[j],
                                          pose.velocity[j], seconds);
  }
  put(performer, performer.moved_on, performer.palette_ahead);
}

bool PosePublisher::publish(const core::Stamp& stamp, std::span<const frame::SkeletonPose> poses,
                            anim::PoseRing& ring) {
  assert(poses.size() == performers_.size());
  for (std::size_t s = 0; s < performers_.size(); ++s) {
    Performer& performer = performers_[s];
    const frame::SkeletonPose& pose = poses[s];
    if (pose.tracked && performer.binding.retargeter) {
      performer.seen = true;
      if (ahead_ > core::Duration{}) putAhead(performer, pose);
      put(performer, pose.parent_from_joint, performer.palette);
    }
    published_[s] = {.tracked = pose.tracked,
                     .presence = pose.presence,
                     .parent_from_joint = pose.parent_from_joint,
                     .angular_velocity = pose.angular_velocity,
                     .velocity = pose.velocity,
                     .world_from_bind = palette(s)};
    // Who is held stays.
    if (pose.tracked && !published_[s].world_from_bind.empty())
      published_[s].world_from_bind_ahead = performer.palette_ahead;
  }
  return ring.publish(stamp, published_, ahead_);
}

}  // namespace understudy::pipeline
