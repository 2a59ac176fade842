#include "capture/calibrate/observability.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "capture/subject/anatomy.h"

namespace understudy::calibrate {
namespace {

using anim::HumanoidJoint;

SymmetricMatrix covariance(const SymmetricMatrix& factored, double scale) {
  SymmetricMatrix inverse = inverseFactored(factored);
  for (double& value : inverse.values) value *= scale;
  return inverse;
}

glm::dmat3 blockOf(const SymmetricMatrix& matrix, std::int32_t first) {
  glm::dmat3 block(0.0);
  for (int r = 0; r < 3; ++r) {
    for (int c = 0; c < 3; ++c) {
      block[c][r] =
          matrix.at(static_cast<std::size_t>(first + r), static_cast<std::size_t>(first + c));
    }
  }
  return block;
}

// Largest eigenvalue of a symmetric 3x3 matrix, by powers.
double largest(const glm::dmat3& matrix) {
  const double trace = matrix[0][0] + matrix[1][1] + matrix[2][2];
  if (!(trace > 0.0)) return 0.0;
  glm::dmat3 power = matrix / trace;
  for (int i = 0; i < 8; ++i) {
    power = power * power;
    power /= power[0][0] + power[1][1] + power[2][2];
  }
  const glm::dmat3 shared = power * matrix;
  return shared[0][0] + shared[1][1] + shared[2][2];
}

double alongBone(const glm::dmat3& block, const glm::dvec3& bone) {
  const double squared = glm::dot(bone, bone);
  if (!(squared > 1e-6)) return largest(block);
  return glm::dot(bone, block * bone) / squared;
}

// What to do, per part and turn: flexion, twist, abduction.
struct PartHint {
  HumanoidJoint part;
  std::array<const char*, 3> motion;
};
constexpr PartHint kHints[] = {
    {HumanoidJoint::hips, {"lean forward", "turn about", "lean to the side"}},
    {HumanoidJoint::spine,
     {"bend the trunk forward and back", "twist the trunk with the hips still",
      "bend the trunk from side to side"}},
    {HumanoidJoint::chest,
     {"round and arch the back", "twist the chest against the hips",
      "bend the chest from side to side"}},
    {HumanoidJoint::upper_chest,
     {"round and arch the upper back", "twist the chest against the hips",
      "bend the chest from side to side"}},
    {HumanoidJoint::neck, {"nod", "look over both shoulders", "tilt the head to both sides"}},
    {HumanoidJoint::head, {"nod", "look over both shoulders", "tilt the head to both sides"}},
    {HumanoidJoint::left_shoulder,
     {"shrug", "roll the shoulder", "pull the shoulder forward and back"}},
    {HumanoidJoint::left_upper_arm,
     {"swing the arm forward and back", "bend the elbow and turn the upper arm",
      "raise the arm sideways"}},
    {HumanoidJoint::left_lower_arm,
     {"bend and stretch the elbow", "bend the elbow and turn the palm up and down",
      "bend the elbow with the upper arm turned in and out"}},
    {HumanoidJoint::left_hand,
     {"bend the wrist up and down", "bend the elbow and turn the hand",
      "bend the wrist from side to side"}},
    {HumanoidJoint::left_upper_leg,
     {"raise the knee and swing the leg back", "turn the straight leg in and out",
      "swing the leg to the side"}},
    {HumanoidJoint::left_lower_leg,
     {"bend and stretch the knee", "bend the knee and turn the foot in and out",
      "bend the knee deeply"}},
    {HumanoidJoint::left_foot,
     {"lift and point the foot", "tip the sole in and out", "turn the foot in and out"}},
    {HumanoidJoint::left_toes,
     {"rise on tiptoe and curl the toes", "tip the toes from side to side",
      "rise on tiptoe and turn the heel"}},
};

HumanoidJoint leftOf(HumanoidJoint part) {
  const int index = static_cast<int>(part);
  if (part >= HumanoidJoint::right_shoulder && part <= HumanoidJoint::right_hand) {
    return static_cast<HumanoidJoint>(index - (static_cast<int>(HumanoidJoint::right_shoulder) -
                                               static_cast<int>(HumanoidJoint::left_shoulder)));
  }
  if (part >= HumanoidJoint::right_upper_leg && part <= HumanoidJoint::right_toes) {
    return static_cast<HumanoidJoint>(index - (static_cast<int>(HumanoidJoint::right_upper_leg) -
                                               static_cast<int>(HumanoidJoint::left_upper_leg)));
  }
  return part;
}

// Spread of a joint's turns about its anatomical axes: flexion, twist, abduction, radians.
std::array<double, 3> spreadOf(const CalibrationProblem& problem, std::size_t joint,
                               const std::vector<PosedFrame>& frames) {
  glm::dvec3 sum(0.0), squares(0.0);
  for (const PosedFrame& frame : frames) {
    const glm::dvec3 angles = subject::anatomicalAngles(
        problem.subject.joints[joint], glm::conjugate(problem.model.rest[joint].rotation) *
                                           frame.parent_from_joint[joint].rotation);
    sum += angles;
    squares += angles * angles;
  }
  const double count = static_cast<double>(std::max<std::size_t>(frames.size(), 1));
  std::array<double, 3> spread{};
  for (int k = 0; k < 3; ++k) {
    const double mean = sum[k] / count;
    spread[static_cast<std::size_t>(k)] =
        std::sqrt(std::max(0.0, squares[k] / count - mean * mean));
  }
  return spread;
}

// Where a joint sits on the next one above it that can turn.
glm::dvec3 throughStiffJoints(const CalibrationProblem& problem, const BodySizes& sizes,
                              std::size_t joint) {
  glm::dvec3 place = sizes.joint_place[joint];
  for (std::int32_t above = problem.model.joint_parent[joint]; above >= 0;) {
    const auto j = static_cast<std::size_t>(above);
    if (problem.model.joint_freedoms[j] > 0 || problem.model.joint_parent[j] < 0) break;
    place = sizes.joint_place[j] + problem.model.rest[j].rotation * place;
    above = problem.model.joint_parent[j];
  }
  return place;
}

}  // namespace

SymmetricMatrix factorHeld(SymmetricMatrix matrix, const std::vector<GaugeDirection>& gauge) {
  constexpr double kHeld = 1e10;  // A hundredth of a millimetre.
  for (const GaugeDirection& direction : gauge) {
    for (std::size_t a = 0; a < direction.index.size(); ++a) {
      for (std::size_t b = 0; b <= a; ++b) {
        matrix.add(static_cast<std::size_t>(direction.index[a]),
                   static_cast<std::size_t>(direction.index[b]),
                   kHeld * direction.value[a] * direction.value[b]);
      }
    }
  }
  factor(matrix);
  return matrix;
}

std::string motionHint(const CalibrationProblem& problem, std::size_t joint,
                       const std::vector<PosedFrame>& frames) {
  // A joint that plays no part is spoken of as the next one above that does.
  auto part = HumanoidJoint::count;
  std::size_t player = joint;
  for (auto j = static_cast<std::int32_t>(joint); j >= 0 && part == HumanoidJoint::count;
       j = problem.model.joint_parent[static_cast<std::size_t>(j)]) {
    for (int p = 0; p < anim::kHumanoidJointCount; ++p) {
      if (problem.subject.humanoid.joint[static_cast<std::size_t>(p)] != j) continue;
      part = static_cast<HumanoidJoint>(p);
      player = static_cast<std::size_t>(j);
    }
  }
  const HumanoidJoint left = leftOf(part);
  const std::array<double, 3> spread = spreadOf(problem, player, frames);
  // A hinge needs its one turn most; of what is there in plenty, more tells nothing.
  constexpr double kPlenty = 0.35;
  const std::size_t least =
      spread[0] < kPlenty ? 0
                          : static_cast<std::size_t>(
                                std::min_element(spread.begin(), spread.end()) - spread.begin());
  for (const PartHint& hint : kHints) {
    if (hint.part != left) continue;
    const char* side = left == part && part < HumanoidJoint::left_shoulder ? ""
                       : left == part                                      ? " (left)"
                                                                           : " (right)";
    return fmt::format("{}{}", hint.motion[least], side);
  }
  return "turn this part every way";
}

std::vector<CalibratedSize> judgeSizes(const CalibrationProblem& problem, const SizePrior& prior,
                                       const BodySizes& sizes, const SymmetricMatrix& factored,
                                       double scale, const std::vector<PosedFrame>& frames) {
  const SizeLayout& layout = problem.layout;
  const CalibrateSettings& settings = prior.settings;
  const std::vector<GaugeDirection> gauge =
      gaugeDirections(problem.subject, problem.model, layout, sizes);
  SymmetricMatrix before(layout.count);
  for (std::size_t i = 0; i < layout.count; ++i) {
    before.at(i, i) = scale / (prior.sigma[i] * prior.sigma[i]);
  }
  const SymmetricMatrix left = covariance(factored, scale);
  const SymmetricMatrix doubt = covariance(factorHeld(std::move(before), gauge), scale);
  std::vector<CalibratedSize> judged;
  const auto judge = [&](CalibratedSize size, double variance, double prior_variance,
                         std::size_t joint) {
    size.sigma = std::sqrt(std::max(variance, 0.0));
    size.prior_sigma = std::sqrt(std::max(prior_variance, 0.0));
    size.observed = size.sigma <= settings.observed_share * size.prior_sigma &&
                    size.sigma <= settings.observed_sigma;
    if (!size.observed) size.hint = motionHint(problem, joint, frames);
    judged.push_back(std::move(size));
  };
  for (std::size_t j = 0; j < layout.joint_first.size(); ++j) {
    if (layout.joint_first[j] < 0) continue;
    const glm::dvec3& bone = sizes.joint_place[j];
    const glm::dvec3 whole = throughStiffJoints(problem, sizes, j);
    judge({.kind = SizeKind::bone,
           .index = j,
           .name = problem.subject.skeleton.names[j],
           .value = std::sqrt(glm::dot(whole, whole))},
          alongBone(blockOf(left, layout.joint_first[j]), bone),
          alongBone(blockOf(doubt, layout.joint_first[j]), bone), j);
  }
  for (std::size_t m = 0; m < layout.marker_first.size(); ++m) {
    const glm::dvec3& offset = sizes.marker_offset[m];
    judge({.kind = SizeKind::marker,
           .index = m,
           .name = problem.subject.markers[m].name,
           .value = std::sqrt(glm::dot(offset, offset))},
          largest(blockOf(left, layout.marker_first[m])),
          largest(blockOf(doubt, layout.marker_first[m])),
          static_cast<std::size_t>(problem.subject.markers[m].joint));
  }
  return judged;
}

}  // namespace understudy::calibrate
