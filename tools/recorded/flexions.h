#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "engine/anim/humanoid.h"
#include "engine/anim/skeleton.h"
#include "tools/recorded/solve_recording.h"

namespace understudy::recorded {

/// The joint angles that mean the same to every skeleton: flexions, which joint centres and the
/// pelvis give, whatever the axes of the joints are called.
enum class Flexion : std::uint8_t {
  left_hip,
  right_hip,
  left_knee,
  right_knee,
  left_ankle,
  right_ankle,
  left_elbow,
  right_elbow,
  count
};
inline constexpr std::size_t kFlexionCount = static_cast<std::size_t>(Flexion::count);

/// Such as "left_hip".
std::string_view flexionName(Flexion flexion);

/// One frame's angles, degrees; NaN where the skeleton lacks a part or the frame a pose.
using FlexionAngles = std::array<double, kFlexionCount>;

/// The angles of a motion, frame by frame. Hip: of the thigh about the pelvis' axis from right to
/// left, forward positive (the first Cardan angle of Wu et al., "ISB recommendation on definitions
/// of joint coordinate system", J. Biomechanics 35 (2002)). Knee: between thigh and shank, seen
/// along the thigh's axis from right to left, bent backwards positive. Ankle: between shank and
/// foot, toes up positive, from the rest pose's. Elbow: between upper and lower arm, never
/// negative.
std::vector<FlexionAngles> measureFlexions(const anim::Skeleton& skeleton,
                                           const anim::HumanoidMap& humanoid,
                                           const RecordedMotion& motion);

}  // namespace understudy::recorded
