#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "capture/frame/frames.h"
#include "engine/anim/pose_ring.h"
#include "engine/anim/retarget.h"

namespace understudy::pipeline {

/// One performer and the character that the performer moves. A performer without a character is
/// published without a palette.
struct CharacterBinding {
  std::optional<anim::Retargeter> retargeter;  ///< From the subject's skeleton to the character's.
  anim::Skeleton skeleton;                     ///< The character's.
  std::vector<glm::mat4> joint_from_bind;      ///< One per joint of `skeleton`.
};

/// Puts solved poses on their characters and publishes them in the PoseRing. Allocates nothing
/// after construction.
class PosePublisher {
 public:
  /// One binding per subject. With `ahead` each palette is published a second time as it is
  /// expected then, by the poses' velocities (which are foreseen for 20 ms).
  explicit PosePublisher(std::vector<CharacterBinding> bindings, core::Duration ahead = {});

  /// What a ring must hold for these bindings and subjects of that many joints together.
  anim::PoseRingCapacity capacity(std::size_t subject_joints) const;

  /// Retargets and publishes the poses of one frame, one per binding. False if the ring is too
  /// small for them.
  bool publish(const core::Stamp& stamp, std::span<const frame::SkeletonPose> poses,
               anim::PoseRing& ring);

  /// The palette of one performer as it was published last; empty without a character or before it
  /// was tracked.
  std::span<const glm::mat4> palette(std::size_t performer) const;

 private:
  struct Performer {
    CharacterBinding binding;
    bool seen = false;                           ///< Was tracked once: has a palette to hold.
    std::vector<math::RigidTransform> moved_on;  ///< The subject's joints ahead.
    std::vector<math::RigidTransform> parent_from_joint, world_from_joint;
    std::vector<glm::mat4> palette, palette_ahead;
  };
  void put(Performer& performer, std::span<const math::RigidTransform> subject,
           std::vector<glm::mat4>& palette) const;
  void putAhead(Performer& performer, const frame::SkeletonPose& pose) const;

  core::Duration ahead_;
  std::vector<Performer> performers_;
  std::vector<anim::PublishedSubject> published_;
};

}  // namespace understudy::pipeline
