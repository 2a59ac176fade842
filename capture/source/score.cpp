#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "capture/source/performer.h"
#include "capture/subject/anatomy.h"
#include "engine/anim/kinematics.h"
#include "engine/anim/retarget.h"

namespace understudy::source {
namespace {

using anim::HumanoidJoint;
using Transforms = std::vector<math::RigidTransform>;

constexpr std::size_t kProbes = 500;  // Frames that statistics of a clip look at.

bool isFinite(const glm::vec3& v) {
  return std::isfinite(v.x) && std::isfinite(v.y) && std::isfinite(v.z);
}

core::Result<void> checkClip(const anim::Clip& clip) {
  const std::size_t joints = clip.skeleton.size();
  if (clip.frames == 0 || joints == 0) return core::makeError("the clip has no frames");
  if (!(clip.rate_hz > 0.0)) return core::makeError("the clip has no frame rate");
  if (clip.parent_from_joint.size() != clip.frames * joints) {
    return core::makeError("the clip's frames do not fit its joints");
  }
  for (const math::RigidTransform& t : clip.parent_from_joint) {
    if (!isFinite(t.translation) || !std::isfinite(glm::length(t.rotation))) {
      return core::makeError("the clip has numbers that are not finite");
    }
  }
  return {};
}

float angleBetween(const glm::quat& a, const glm::quat& b) {
  return 2.0f * std::acos(std::min(1.0f, std::abs(glm::dot(a, b))));
}

// How far the joint's translation leaves its mean, which is returned in `mean`.
float slideOf(const anim::Clip& clip, std::size_t joint, glm::vec3& mean) {
  const std::size_t joints = clip.skeleton.size();
  glm::dvec3 sum{0.0};
  for (std::size_t f = 0; f < clip.frames; ++f) {
    sum += glm::dvec3(clip.parent_from_joint[f * joints + joint].translation);
  }
  mean = glm::vec3(sum / static_cast<double>(clip.frames));
  float worst = 0.0f;
  for (std::size_t f = 0; f < clip.frames; ++f) {
    worst = std::max(worst,
                     glm::distance(mean, clip.parent_from_joint[f * joints + joint].translation));
  }
  return worst;
}

// The clip's own bones: translations that do not change are bone offsets; of those that do, the
// mean is taken and the clip's warnings say so. Where the hips move against a root above them, the
// root takes their place and `led` names the joints that follow it stiffly: body joints lose
// nothing, and the root is none of them.
anim::Skeleton makeBones(const anim::Clip& clip, const anim::HumanoidMap& humanoid,
                         std::vector<bool>& led, std::vector<std::string>& warnings) {
  constexpr float kSlides = 0.005f;
  anim::Skeleton skeleton = clip.skeleton;
  std::vector<bool> above_body(skeleton.size(), false);
  for (int joint = humanoid[HumanoidJoint::hips]; joint != anim::kNoParent;
       joint = skeleton.parents[static_cast<std::size_t>(joint)]) {
    above_body[static_cast<std::size_t>(joint)] = true;
  }
  led.assign(skeleton.size(), false);
  for (std::size_t joint = 0; joint < skeleton.size(); ++joint) {
    if (skeleton.parents[joint] == anim::kNoParent) continue;
    glm::vec3& offset = skeleton.parent_from_joint[joint].translation;
    const float slide = slideOf(clip, joint, offset);
    if (!(slide > kSlides)) continue;
    if (above_body[joint]) {
      led[joint] = true;
      offset = glm::vec3(0.0f);
      warnings.push_back(
          fmt::format("joint {} moves against its parent; the subject's root moves "
                      "in its place",
                      skeleton.names[joint]));
    } else {
      warnings.push_back(fmt::format("joint {} slides by up to {:.1f} mm; the subject has its mean",
                                     skeleton.names[joint], 1000.0f * slide));
    }
  }
  return skeleton;
}

// Joints that play no part and never turn are no joints of this performer.
std::vector<bool> findStiffJoints(const anim::Clip& clip, const anim::HumanoidMap& humanoid,
                                  anim::Skeleton& skeleton) {
  constexpr float kStiff = 0.001f;  // Radians.
  const std::size_t joints = skeleton.size();
  std::vector<bool> stiff(joints, false);
  for (const int joint_index : humanoid.unmapped) {
    const auto joint = static_cast<std::size_t>(joint_index);
    if (joint >= joints || skeleton.parents[joint] == anim::kNoParent) continue;
    const glm::quat first = clip.parent_from_joint[joint].rotation;
    bool still = true;
    for (std::size_t f = 1; f < clip.frames && still; ++f) {
      still = angleBetween(first, clip.parent_from_joint[f * joints + joint].rotation) < kStiff;
    }
    if (!still) continue;
    stiff[joint] = true;
    skeleton.parent_from_joint[joint].rotation = first;
  }
  return stiff;
}

float uprightness(const anim::HumanoidMap& humanoid, const Transforms& world) {
  const auto at = [&](HumanoidJoint part) {
    return world[static_cast<std::size_t>(humanoid[part])].translation;
  };
  const glm::vec3 hips =
      0.5f * (at(HumanoidJoint::left_upper_leg) + at(HumanoidJoint::right_upper_leg));
  const auto rise = [](const glm::vec3& from, const glm::vec3& to) {
    const float length = glm::distance(from, to);
    return length > 1e-4f ? (to.y - from.y) / length : -1.0f;
  };
  return std::min({rise(hips, at(HumanoidJoint::head)),
                   rise(at(HumanoidJoint::left_foot), at(HumanoidJoint::left_upper_leg)),
                   rise(at(HumanoidJoint::right_foot), at(HumanoidJoint::right_upper_leg))});
}

// A pose to measure the body in: the rest pose if it stands, else the clip's most upright one.
Transforms findStandingPose(const anim::Clip& clip, const anim::Skeleton& skeleton,
                            const anim::HumanoidMap& humanoid) {
  const std::size_t joints = skeleton.size();
  Transforms best(joints), local(joints), world(joints);
  anim::worldFromJoints(skeleton, skeleton.parent_from_joint, best);
  float best_rise = uprightness(humanoid, best);
  if (best_rise > 0.8f) return best;
  const std::size_t step = std::max<std::size_t>(1, clip.frames / kProbes);
  for (std::size_t f = 0; f < clip.frames; f += step) {
    for (std::size_t joint = 0; joint < joints; ++joint) {
      local[joint] = {clip.parent_from_joint[f * joints + joint].rotation,
                      skeleton.parent_from_joint[joint].translation};
    }
    anim::worldFromJoints(skeleton, local, world);
    const float rise = uprightness(humanoid, world);
    if (rise > best_rise + 0.05f) {
      best_rise = rise;
      best = world;
    }
  }
  return best;
}

/// The ground that a motion covers.
struct Ground {
  glm::vec2 least{1e30f}, most{-1e30f};  // x, z
  std::vector<float> lowest;             // Per frame.

  void add(const glm::vec3& point) {
    least = glm::min(least, {point.x, point.z});
    most = glm::max(most, {point.x, point.z});
  }
  // A hundredth of the frames may be lower: single bad frames do not lift the whole motion.
  float floor() {
    if (lowest.empty()) return 0.0f;
    const auto nth = lowest.begin() + static_cast<std::ptrdiff_t>(lowest.size() / 100);
    std::nth_element(lowest.begin(), nth, lowest.end());
    return *nth;
  }
  void settle(Score& score, float floor_height) {
    if (most.x < least.x) return;
    const glm::vec2 middle = 0.5f * (least + most);
    score.origin = {middle.x, floor_height, middle.y};
    score.reach = 0.5f * glm::distance(least, most);
  }
};

// The subject rests as the performer stands, whatever pose the file calls zero: limits and guesses
// start from there.
void restStanding(const anim::Clip& clip, const anim::HumanoidMap& humanoid,
                  subject::Subject& subject) {
  const anim::Skeleton standing = anim::standingSkeleton(clip, humanoid);
  for (std::size_t joint = 0; joint < subject.skeleton.size(); ++joint) {
    if (subject.joints[joint].motion != subject::JointMotion::ball) continue;
    subject.skeleton.parent_from_joint[joint].rotation = standing.parent_from_joint[joint].rotation;
  }
  subject::setAnatomicalLimits(subject);
}

core::Result<void> prepareClip(Score& score, const ClipMotion& motion) {
  const anim::Clip& clip = motion.clip;
  if (const core::Result<void> checked = checkClip(clip); !checked) return checked.error();
  std::vector<std::string> missing;
  if (!anim::isHumanoid(motion.humanoid, &missing)) {
    std::string list;
    for (const std::string& name : missing) list += (list.empty() ? "" : ", ") + name;
    return core::makeError("no human performer: joints not recognised: " + list);
  }
  score.seconds = static_cast<double>(clip.frames - 1) / clip.rate_hz;
  subject::Subject& subject = score.subject;
  std::vector<bool> led;
  subject.skeleton = makeBones(clip, motion.humanoid, led, score.warnings);
  subject.humanoid = motion.humanoid;
  const std::vector<bool> stiff = findStiffJoints(clip, motion.humanoid, subject.skeleton);
  const std::size_t joints = subject.skeleton.size();
  subject.joints.assign(joints, {});
  for (std::size_t joint = 0; joint < joints; ++joint) {
    subject.joints[joint].motion = subject.skeleton.parents[joint] == anim::kNoParent
                                       ? subject::JointMotion::free
                                   : stiff[joint] || led[joint] ? subject::JointMotion::fixed
                                                                : subject::JointMotion::ball;
  }
  score.standing = findStandingPose(clip, subject.skeleton, motion.humanoid);
  restStanding(clip, motion.humanoid, subject);
  core::Result<Body> body = makeBody(motion.humanoid, score.standing);
  if (!body) return body.error();
  score.body = *std::move(body);

  Ground ground;
  Transforms local(joints), world(joints);
  const std::size_t step = std::max<std::size_t>(1, clip.frames / kProbes);
  for (std::size_t f = 0; f < clip.frames; f += step) {
    std::copy_n(clip.parent_from_joint.begin() + static_cast<std::ptrdiff_t>(f * joints), joints,
                local.begin());
    anim::worldFromJoints(clip.skeleton, local, world);
    ground.add(world[static_cast<std::size_t>(motion.humanoid[HumanoidJoint::hips])].translation);
    float lowest = 1e30f;
    for (const math::RigidTransform& joint : world) {
      lowest = std::min(lowest, joint.translation.y);
    }
    ground.lowest.push_back(lowest);
  }
  // The lowest joint is a toe or an ankle; the sole is a little below it.
  ground.settle(score, ground.floor() - 0.012f * score.body.height);
  return {};
}

core::Result<void> prepareMarkers(Score& score, const MarkerMotion& motion) {
  const file::MarkerClip& clip = motion.clip;
  const std::size_t markers = clip.names.size();
  if (clip.frames == 0 || markers == 0) return core::makeError("the marker file has no markers");
  if (!(clip.rate_hz > 0.0)) return core::makeError("the marker file has no frame rate");
  if (clip.positions.size() != clip.frames * markers) {
    return core::makeError("the marker file's frames do not fit its markers");
  }
  score.seconds = static_cast<double>(clip.frames - 1) / clip.rate_hz;
  for (const std::string& name : clip.names) {
    score.subject.markers.push_back({.name = name, .joint = 0, .offset_joint = glm::vec3(0.0f)});
  }
  Ground ground;
  for (std::size_t f = 0; f < clip.frames; ++f) {
    glm::dvec3 sum{0.0};
    int count = 0;
    float lowest = 1e30f;
    for (std::size_t m = 0; m < markers; ++m) {
      const glm::vec3& p = clip.at(f, m);
      if (!isFinite(p)) continue;
      if (!(std::max({std::abs(p.x), std::abs(p.y), std::abs(p.z)}) < 1e4f)) continue;
      sum += glm::dvec3(p);
      lowest = std::min(lowest, p.y);
      ++count;
    }
    if (count == 0) continue;
    ground.add(glm::vec3(sum / static_cast<double>(count)));
    ground.lowest.push_back(lowest);
  }
  if (ground.lowest.empty()) return core::makeError("the marker file has no visible marker");
  const float floor = ground.floor();
  // A recording's own floor is kept where it can be one.
  ground.settle(score, floor > -0.05f && floor < 0.3f ? 0.0f : floor - 0.01f);
  score.warnings.push_back(
      "a marker file says nothing of the body: only markers hide markers on this performer");
  return {};
}

}  // namespace

double pingPong(double seconds, double length) {
  if (!(length > 0.0)) return 0.0;
  const double turn = std::fmod(std::abs(seconds), 2.0 * length);
  return turn > length ? 2.0 * length - turn : turn;
}

core::Result<Score> makeScore(PerformerMotion motion) {
  Score score{
      .motion = std::move(motion), .subject = {}, .body = {}, .standing = {}, .warnings = {}};
  score.subject.humanoid.joint.fill(-1);
  const core::Result<void> prepared =
      std::holds_alternative<ClipMotion>(score.motion)
          ? prepareClip(score, std::get<ClipMotion>(score.motion))
          : prepareMarkers(score, std::get<MarkerMotion>(score.motion));
  if (!prepared) return prepared.error();
  return score;
}

}  // namespace understudy::source
