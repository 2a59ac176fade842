#include "tools/mannequin/figure.h"

#include <algorithm>

namespace understudy::mannequin {
namespace {

using J = anim::HumanoidJoint;

// A child of about four heads' height: large head, short neck and legs, thick limbs, small hands.
const BodyScale kJuniorScales[] = {
    {J::hips, {0.86, 0.74, 0.98}},           {J::spine, {0.88, 0.74, 1.00}},
    {J::chest, {0.86, 0.72, 0.98}},          {J::upper_chest, {0.80, 0.70, 0.92}},
    {J::neck, {0.80, 0.60, 0.80}},           {J::head, {1.30, 1.24, 1.26}},
    {J::left_shoulder, {0.80, 0.70, 0.90}},  {J::left_upper_arm, {0.62, 0.86, 0.88}},
    {J::left_lower_arm, {0.60, 0.88, 0.90}}, {J::left_hand, {0.72, 0.84, 0.80}},
    {J::left_upper_leg, {0.92, 0.54, 0.94}}, {J::left_lower_leg, {0.98, 0.56, 1.00}},
    {J::left_foot, {0.92, 0.80, 0.82}},      {J::left_toes, {0.92, 0.80, 0.82}},
};

const Look kJuniorLooks[] = {
    {"shell", {0.030f, 0.190f, 0.215f}, 0.0f, 0.38f},
    {"joint", {0.030f, 0.031f, 0.035f}, 0.0f, 0.66f},
    {"limb", {0.640f, 0.560f, 0.440f}, 0.0f, 0.50f},
    {"face", {0.830f, 0.770f, 0.660f}, 0.0f, 0.18f},
    {"sole", {0.680f, 0.640f, 0.570f}, 0.0f, 0.80f},
    {"signal", {0.830f, 0.420f, 0.030f}, 0.0f, 0.34f},
};

J mirrored(J joint) {
  std::string name(anim::humanoidName(joint));
  return name.starts_with("right_") ? anim::humanoidJoint("left_" + name.substr(6)) : joint;
}

}  // namespace

std::span<const Figure> figures() {
  static const Figure kFigures[] = {{"mannequin", regionLooks(), {}},
                                    {"junior", kJuniorLooks, kJuniorScales}};
  return kFigures;
}

const Figure* findFigure(std::string_view name) {
  const auto all = figures();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const Figure& f) { return f.name == name; });
  return found == all.end() ? nullptr : &*found;
}

std::array<Vec3, anim::kHumanoidJointCount> scalesOf(const Figure& figure) {
  const auto joints = bodyJoints();
  std::array<Vec3, anim::kHumanoidJointCount> scales{};
  for (std::size_t i = 0; i < joints.size(); ++i) {
    const J joint = mirrored(joints[i].joint);
    const auto named = std::find_if(figure.scales.begin(), figure.scales.end(),
                                    [&](const BodyScale& s) { return s.joint == joint; });
    scales[i] = named != figure.scales.end()   ? named->scale
                : joints[i].parent == J::count ? Vec3(1.0)
                                               : scales[static_cast<std::size_t>(joints[i].parent)];
  }
  return scales;
}

std::array<JointRest, anim::kHumanoidJointCount> scaledJoints(const Figure& figure, double floor) {
  auto joints = bodyJoints();
  if (figure.scales.empty()) return joints;
  const auto rest = joints;
  const auto scales = scalesOf(figure);
  for (std::size_t i = 0; i < joints.size(); ++i) {
    if (joints[i].parent == J::count) {
      joints[i].position.y -= floor;
      continue;
    }
    const auto parent = static_cast<std::size_t>(joints[i].parent);
    joints[i].position =
        joints[parent].position + scales[parent] * (rest[i].position - rest[parent].position);
  }
  return joints;
}

}  // namespace understudy::mannequin
