#pragma once

#include <glm/gtc/quaternion.hpp>
#include <optional>
#include <span>
#include <vector>

#include "engine/anim/humanoid.h"
#include "engine/anim/skeleton.h"
#include "engine/core/result.h"

namespace understudy::anim {

/// What the rest poses alone cannot tell.
struct RetargetSettings {
  /// Heights of the ankles over y = 0 when standing, metres. Without a value it is estimated: from
  /// the rest pose if that stands on y = 0, else from the size of leg and foot, which can be wrong
  /// by 5 cm. standingAnkleHeight measures it in a recording.
  std::optional<float> source_ankle_height{};
  std::optional<float> target_ankle_height{};
};

/// How high the lower ankle stays over y = 0 while the performer of a clip stands: the lowest tenth
/// of its heights lies below. Negative where the clip's floor is. Nothing if the map has no feet or
/// the clip no frames.
std::optional<float> standingAnkleHeight(const Clip& clip, const HumanoidMap& map);

/// True if the rest pose is that of somebody who stands: T-pose, A-pose, arms at the side, facing
/// and up in any direction. Some files have a rest pose that no body can take, with all bones along
/// one axis. The map must be complete (isHumanoid).
bool isStanding(const Skeleton& skeleton, const HumanoidMap& map);

/// The clip's skeleton with a rest pose that Retargeter can use: its own if that is standing, else
/// the frame in which the performer stands most upright. The map must be complete.
Skeleton standingSkeleton(const Clip& clip, const HumanoidMap& map);

/// Puts the poses of one humanoid on another. Each skeleton's rest pose, which must be standing, is
/// first brought to the same T-pose (arms along +-X, legs along -Y, looking +Z); facing and up are
/// recovered from the joints. Then every joint of the target turns in the world as the source's
/// joint turned away from its T-pose. The pelvis moves as the source's, scaled by leg length, so
/// that feet that stand on the floor y = 0 stand there again. Poses of the source are in the world
/// of engine/README.md: +Y up, metres.
///
/// Joints that the source has no counterpart for keep their rest pose (straight fingers are curled
/// a little); spines and necks of different joint counts share the turn. The same skeleton on both
/// sides gives the same pose.
class Retargeter {
 public:
  /// Fails where one of the maps misses a part that isHumanoid asks for; the error names it.
  static core::Result<Retargeter> make(const Skeleton& source, const HumanoidMap& source_map,
                                       const Skeleton& target, const HumanoidMap& target_map,
                                       const RetargetSettings& settings = {});

  /// Fills the target's pose from the source's; both local, one entry per joint of their skeletons.
  /// Allocates nothing. One thread at a time, because of the scratch inside.
  void retarget(std::span<const math::RigidTransform> source_parent_from_joint,
                std::span<math::RigidTransform> target_parent_from_joint) const;

  /// Length of the target's legs over that of the source's.
  float scale() const { return scale_; }

 private:
  // A target joint turns as one source joint, or as something between two.
  struct Turn {
    int first = -1;  // Source joint; -1 = keep the rest pose against the parent.
    int second = -1;
    float blend = 0.0f;
  };

  Retargeter() = default;
  void placePelvis(std::span<math::RigidTransform> target_parent_from_joint) const;

  Skeleton source_, target_;
  HumanoidMap source_map_{}, target_map_{};
  std::vector<glm::quat>
      joint_from_source_t_;  // Inverse rotation of each source joint in its T-pose.
  std::vector<glm::quat> target_t_from_joint_;  // Rotation of each target joint in its T-pose.
  std::vector<Turn> turns_;                     // One per target joint.
  float scale_ = 1.0f;
  float source_ankle_height_ = 0.0f, target_ankle_height_ = 0.0f;

  mutable std::vector<math::RigidTransform> world_from_source_;
  mutable std::vector<math::RigidTransform> world_from_target_;
};

/// A skeleton's rest pose turned into the T-pose that all humanoids share: standing upright,
/// looking +Z, arms along +-X, legs along -Y; translation of the hips as it was. For tests and
/// display.
struct TPose {
  std::vector<glm::quat> rotations;  ///< World rotation of each joint.
  std::vector<glm::vec3>
      positions;              ///< World position of each joint, the first root's at its rest.
  float leg_length = 0.0f;    ///< Hip joint to ankle, mean of both legs.
  float ankle_height = 0.0f;  ///< Estimate, see RetargetSettings.
};
TPose makeTPose(const Skeleton& skeleton, const HumanoidMap& map);

}  // namespace understudy::anim
