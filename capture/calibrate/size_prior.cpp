#include "capture/calibrate/size_prior.h"

#include <algorithm>
#include <cmath>

namespace understudy::calibrate {
namespace {

using anim::HumanoidJoint;

// Lengths of bones as shares of the stature; Winter (2009), figure 4.1, after Drillis and Contini
// (1966). The bone ends at `lower`, whose parent must play `upper`.
struct Proportion {
  HumanoidJoint upper, lower;
  double share;
};
constexpr Proportion kProportions[] = {
    {HumanoidJoint::left_upper_arm, HumanoidJoint::left_lower_arm, 0.186},
    {HumanoidJoint::right_upper_arm, HumanoidJoint::right_lower_arm, 0.186},
    {HumanoidJoint::left_lower_arm, HumanoidJoint::left_hand, 0.146},
    {HumanoidJoint::right_lower_arm, HumanoidJoint::right_hand, 0.146},
    {HumanoidJoint::left_upper_leg, HumanoidJoint::left_lower_leg, 0.245},
    {HumanoidJoint::right_upper_leg, HumanoidJoint::right_lower_leg, 0.245},
    {HumanoidJoint::left_lower_leg, HumanoidJoint::left_foot, 0.246},
    {HumanoidJoint::right_lower_leg, HumanoidJoint::right_foot, 0.246},
};

HumanoidJoint rightOf(int left_part) {
  const int arm = static_cast<int>(HumanoidJoint::right_shoulder) -
                  static_cast<int>(HumanoidJoint::left_shoulder);
  const int leg = static_cast<int>(HumanoidJoint::right_upper_leg) -
                  static_cast<int>(HumanoidJoint::left_upper_leg);
  const auto part = static_cast<HumanoidJoint>(left_part);
  if (part >= HumanoidJoint::left_shoulder && part <= HumanoidJoint::left_hand) {
    return static_cast<HumanoidJoint>(left_part + arm);
  }
  if (part >= HumanoidJoint::left_upper_leg && part <= HumanoidJoint::left_toes) {
    return static_cast<HumanoidJoint>(left_part + leg);
  }
  return HumanoidJoint::count;
}

double length(const glm::dvec3& v) { return std::sqrt(glm::dot(v, v)); }

}  // namespace

SizePrior::SizePrior(const subject::Subject& body, const solve::SolveModel& solve_model,
                     const SizeLayout& size_layout, const CalibrateSettings& calibrate_settings)
    : subject(body),
      model(solve_model),
      layout(size_layout),
      settings(calibrate_settings),
      mean(sizesOf(body)),
      sigma(size_layout.count, 1.0) {
  const auto set = [&](std::int32_t first, double value) {
    for (int k = 0; first >= 0 && k < 3; ++k) sigma[static_cast<std::size_t>(first + k)] = value;
  };
  std::vector<int> bone_of(model.joints(), -1);
  for (std::size_t j = 0; j < model.joints(); ++j) {
    set(layout.joint_first[j],
        settings.bone_sigma + settings.bone_share * length(mean.joint_place[j]));
    if (layout.joint_first[j] < 0) continue;
    bone_of[j] = static_cast<int>(bones_.size());
    bones_.push_back({.joint = j});
  }
  for (const std::int32_t first : layout.marker_first) {
    set(first, settings.offset_sigma);
    set(first + 3, settings.slide_sigma);
  }
  for (const Proportion& p : kProportions) {
    const int lower = subject.humanoid[p.lower];
    if (lower < 0 || bone_of[static_cast<std::size_t>(lower)] < 0) continue;
    if (subject.humanoid[p.upper] != model.joint_parent[static_cast<std::size_t>(lower)]) continue;
    bones_[static_cast<std::size_t>(bone_of[static_cast<std::size_t>(lower)])].share = p.share;
  }
  for (int part = 0; part < anim::kHumanoidJointCount; ++part) {
    const HumanoidJoint other = rightOf(part);
    if (other == HumanoidJoint::count) continue;
    const int left = subject.humanoid.joint[static_cast<std::size_t>(part)];
    const int right = subject.humanoid[other];
    if (left < 0 || right < 0 || left == right) continue;
    const int bone = bone_of[static_cast<std::size_t>(left)];
    const int mirror = bone_of[static_cast<std::size_t>(right)];
    if (bone >= 0 && mirror >= 0) bones_[static_cast<std::size_t>(bone)].mirror = mirror;
  }
}

void SizePrior::add(const BodySizes& sizes, double scale, SymmetricMatrix& matrix,
                    std::vector<double>& right) const {
  const auto addMean = [&](std::int32_t first, const glm::dvec3& off) {
    for (int k = 0; first >= 0 && k < 3; ++k) {
      const auto at = static_cast<std::size_t>(first + k);
      const double information = scale / (sigma[at] * sigma[at]);
      matrix.at(at, at) += information;
      right[at] += information * off[k];
    }
  };
  for (std::size_t j = 0; j < layout.joint_first.size(); ++j) {
    addMean(layout.joint_first[j], mean.joint_place[j] - sizes.joint_place[j]);
  }
  for (std::size_t m = 0; m < layout.marker_first.size(); ++m) {
    addMean(layout.marker_first[m], mean.marker_offset[m] - sizes.marker_offset[m]);
    addMean(layout.marker_first[m] + 3, -sizes.marker_slide[m]);
  }
  // Rows about lengths: sum of sign * length = target.
  struct Term {
    const Bone* bone;
    double sign;
  };
  const auto addRow = [&](std::initializer_list<Term> terms, double off, double row_sigma) {
    const double information = scale / (row_sigma * row_sigma);
    std::vector<std::pair<std::size_t, double>> row;
    for (const Term& term : terms) {
      const glm::dvec3& place = sizes.joint_place[term.bone->joint];
      const double l = length(place);
      if (!(l > 1e-3)) return;
      for (int k = 0; k < 3; ++k) {
        row.emplace_back(static_cast<std::size_t>(layout.joint_first[term.bone->joint] + k),
                         term.sign * place[k] / l);
      }
    }
    for (std::size_t a = 0; a < row.size(); ++a) {
      right[row[a].first] += information * row[a].second * off;
      for (std::size_t b = 0; b <= a; ++b) {
        matrix.add(row[a].first, row[b].first, information * row[a].second * row[b].second);
      }
    }
  };
  std::vector<double> statures;
  for (const Bone& bone : bones_) {
    if (bone.share > 0.0) statures.push_back(length(sizes.joint_place[bone.joint]) / bone.share);
  }
  double stature = 0.0;
  if (statures.size() >= 4) {
    const auto middle = statures.begin() + static_cast<std::ptrdiff_t>(statures.size() / 2);
    std::nth_element(statures.begin(), middle, statures.end());
    stature = *middle;
  }
  for (const Bone& bone : bones_) {
    const double own = length(sizes.joint_place[bone.joint]);
    if (bone.mirror >= 0) {
      const Bone& mirror = bones_[static_cast<std::size_t>(bone.mirror)];
      addRow({{&bone, 1.0}, {&mirror, -1.0}}, length(sizes.joint_place[mirror.joint]) - own,
             settings.symmetry_sigma);
    }
    if (bone.share > 0.0 && stature > 0.0) {
      const double usual = bone.share * stature;
      addRow({{&bone, 1.0}}, usual - own, settings.proportion_share * usual);
    }
  }
}

}  // namespace understudy::calibrate
