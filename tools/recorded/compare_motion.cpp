#include "tools/recorded/compare_motion.h"

#include <algorithm>
#include <cmath>

#include "capture/subject/clip_geometry.h"
#include "engine/math/exponential.h"

namespace understudy::recorded {
namespace {

using anim::HumanoidJoint;
using enum anim::HumanoidJoint;

constexpr std::size_t kFewestFrames = 10;
constexpr HumanoidJoint kParts[] = {
    hips,       left_upper_arm, left_lower_arm, left_hand, right_upper_arm, right_lower_arm,
    right_hand, left_upper_leg, left_lower_leg, left_foot, right_upper_leg, right_lower_leg,
    right_foot};

double percentile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1) + 0.5)];
}

double mean(const std::vector<double>& values) {
  double sum = 0.0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

AngleComparison compareAngle(const std::vector<double>& ours, std::vector<double> theirs) {
  AngleComparison result{.frames = ours.size()};
  const double our_mean = mean(ours), their_mean = mean(theirs);
  double product = 0.0, our_squares = 0.0, their_squares = 0.0;
  for (std::size_t i = 0; i < ours.size(); ++i) {
    const double a = ours[i] - our_mean, b = theirs[i] - their_mean;
    product += a * b;
    our_squares += a * a;
    their_squares += b * b;
  }
  result.sign = product < 0.0 ? -1.0 : 1.0;
  const double size = std::sqrt(our_squares * their_squares);
  result.correlation = size > 0.0 ? std::abs(product) / size : 0.0;
  for (double& value : theirs) value *= result.sign;
  result.offset_deg = our_mean - result.sign * their_mean;
  result.range_deg = percentile(theirs, 0.99) - percentile(theirs, 0.01);
  std::vector<double> off;
  double squares = 0.0;
  for (std::size_t i = 0; i < ours.size(); ++i) {
    off.push_back(std::abs(ours[i] - theirs[i] - result.offset_deg));
    squares += off.back() * off.back();
  }
  result.rms_deg = std::sqrt(squares / static_cast<double>(off.size()));
  result.largest_deg = percentile(off, 0.99);
  return result;
}

// Frames in which both have a pose.
template <class Function>
void forEachCommonFrame(const MovingBody& ours, const MovingBody& theirs, const Function& call) {
  const std::size_t frames =
      std::min(ours.motion.world_from_joint.size(), theirs.motion.world_from_joint.size());
  for (std::size_t f = 0; f < frames; ++f) {
    const auto& a = ours.motion.world_from_joint[f];
    const auto& b = theirs.motion.world_from_joint[f];
    if (!a.empty() && !b.empty()) call(a, b);
  }
}

bool haveBoth(const MovingBody& ours, const MovingBody& theirs, HumanoidJoint part) {
  return ours.humanoid[part] >= 0 && theirs.humanoid[part] >= 0;
}

PartComparison comparePart(const MovingBody& ours, const MovingBody& theirs, HumanoidJoint part) {
  const auto mine = static_cast<std::size_t>(ours.humanoid[part]);
  const auto their = static_cast<std::size_t>(theirs.humanoid[part]);
  glm::dmat3 turns(0.0);
  glm::dvec3 shift(0.0);
  double count = 0.0;
  forEachCommonFrame(ours, theirs, [&](const auto& a, const auto& b) {
    turns += glm::mat3_cast(glm::conjugate(a[mine].rotation) * b[their].rotation);
    shift += math::inverse(a[mine]) * b[their].translation;
    count += 1.0;
  });
  PartComparison result{.part = part};
  if (count == 0.0) return result;
  const glm::dquat ours_from_theirs = math::rotationFromCorrelation(turns);
  shift /= count;
  double turn = 0.0, place = 0.0, steady = 0.0;
  forEachCommonFrame(ours, theirs, [&](const auto& a, const auto& b) {
    const glm::dvec3 off = math::vectorFromRotation(
        glm::conjugate(a[mine].rotation * ours_from_theirs) * b[their].rotation);
    turn += glm::dot(off, off);
    const glm::dvec3 raw = b[their].translation - a[mine].translation;
    const glm::dvec3 without = b[their].translation - a[mine] * shift;
    place += glm::dot(raw, raw);
    steady += glm::dot(without, without);
  });
  result.turn_deg = glm::degrees(std::sqrt(turn / count));
  result.place_mm = 1000.0 * std::sqrt(place / count);
  result.steady_mm = 1000.0 * std::sqrt(steady / count);
  return result;
}

}  // namespace

std::vector<AngleComparison> compareFlexions(const std::vector<FlexionAngles>& ours,
                                             const std::vector<FlexionAngles>& theirs) {
  std::vector<AngleComparison> comparisons;
  for (std::size_t k = 0; k < kFlexionCount; ++k) {
    std::vector<double> mine, other;
    for (std::size_t f = 0; f < std::min(ours.size(), theirs.size()); ++f) {
      if (!std::isfinite(ours[f][k]) || !std::isfinite(theirs[f][k])) continue;
      mine.push_back(ours[f][k]);
      other.push_back(theirs[f][k]);
    }
    if (mine.size() < kFewestFrames) continue;
    comparisons.push_back(compareAngle(mine, std::move(other)));
    comparisons.back().flexion = static_cast<Flexion>(k);
  }
  return comparisons;
}

math::RigidTransformd alignWorlds(const MovingBody& ours, const MovingBody& theirs) {
  std::vector<glm::dvec3> from, to;
  forEachCommonFrame(ours, theirs, [&](const auto& a, const auto& b) {
    for (const HumanoidJoint part : kParts) {
      if (!haveBoth(ours, theirs, part)) continue;
      from.push_back(b[static_cast<std::size_t>(theirs.humanoid[part])].translation);
      to.push_back(a[static_cast<std::size_t>(ours.humanoid[part])].translation);
    }
  });
  if (from.empty()) return {};
  return subject::fitRigid(from, to);
}

RecordedMotion moved(const math::RigidTransformd& to_from_world, const RecordedMotion& motion) {
  RecordedMotion result = motion;
  for (auto& frame : result.world_from_joint) {
    for (math::RigidTransformd& joint : frame) joint = to_from_world * joint;
  }
  return result;
}

std::vector<PartComparison> compareParts(const MovingBody& ours, const MovingBody& theirs) {
  std::vector<PartComparison> parts;
  for (const HumanoidJoint part : kParts) {
    if (haveBoth(ours, theirs, part)) parts.push_back(comparePart(ours, theirs, part));
  }
  return parts;
}

}  // namespace understudy::recorded
