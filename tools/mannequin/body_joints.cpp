#include "tools/mannequin/body.h"

namespace understudy::mannequin {
namespace {

using J = anim::HumanoidJoint;

// Middle and left. Heights follow the segment lengths of Drillis and Contini (1966), "Body segment
// parameters", for a stature of 1.78 m; the hand those of Buchholz, Armstrong and Goldstein (1992),
// "Anthropometric data for describing the kinematics of the human hand".
constexpr double kHand = -0.020;  // z of the arm.

const JointRest kRest[] = {
    {J::hips, J::count, {0.0, 0.960, -0.010}},
    {J::spine, J::hips, {0.0, 1.045, -0.025}},
    {J::chest, J::spine, {0.0, 1.160, -0.030}},
    {J::upper_chest, J::chest, {0.0, 1.290, -0.035}},
    {J::neck, J::upper_chest, {0.0, 1.475, -0.032}},
    {J::head, J::neck, {0.0, 1.575, -0.010}},
    {J::left_shoulder, J::upper_chest, {0.030, 1.425, -0.010}},
    {J::left_upper_arm, J::left_shoulder, {0.178, 1.420, kHand}},
    {J::left_lower_arm, J::left_upper_arm, {0.467, 1.420, kHand}},
    {J::left_hand, J::left_lower_arm, {0.715, 1.420, kHand}},
    {J::left_upper_leg, J::hips, {0.093, 0.925, -0.005}},
    {J::left_lower_leg, J::left_upper_leg, {0.098, 0.505, -0.004}},
    {J::left_foot, J::left_lower_leg, {0.104, 0.085, -0.016}},
    {J::left_toes, J::left_foot, {0.108, 0.020, 0.118}},
    {J::left_thumb_metacarpal, J::left_hand, {0.737, 1.413, kHand + 0.021}},
    {J::left_thumb_proximal, J::left_thumb_metacarpal, {0.770, 1.4045, kHand + 0.0515}},
    {J::left_thumb_distal, J::left_thumb_proximal, {0.7965, 1.4005, kHand + 0.0695}},
    {J::left_index_proximal, J::left_hand, {0.8060, 1.4210, kHand + 0.0305}},
    {J::left_index_intermediate, J::left_index_proximal, {0.8475, 1.4195, kHand + 0.0345}},
    {J::left_index_distal, J::left_index_intermediate, {0.8715, 1.4180, kHand + 0.0365}},
    {J::left_middle_proximal, J::left_hand, {0.8090, 1.4220, kHand + 0.0095}},
    {J::left_middle_intermediate, J::left_middle_proximal, {0.8545, 1.4205, kHand + 0.0105}},
    {J::left_middle_distal, J::left_middle_intermediate, {0.8815, 1.4190, kHand + 0.0110}},
    {J::left_ring_proximal, J::left_hand, {0.8030, 1.4210, kHand - 0.0112}},
    {J::left_ring_intermediate, J::left_ring_proximal, {0.8450, 1.4195, kHand - 0.0147}},
    {J::left_ring_distal, J::left_ring_intermediate, {0.8710, 1.4180, kHand - 0.0165}},
    {J::left_little_proximal, J::left_hand, {0.7930, 1.4195, kHand - 0.0305}},
    {J::left_little_intermediate, J::left_little_proximal, {0.8260, 1.4180, kHand - 0.0370}},
    {J::left_little_distal, J::left_little_intermediate, {0.8445, 1.4165, kHand - 0.0404}},
};

J rightOf(J joint) {
  std::string name(anim::humanoidName(joint));
  if (!name.starts_with("left_")) return joint;
  return anim::humanoidJoint("right_" + name.substr(5));
}

}  // namespace

std::array<JointRest, anim::kHumanoidJointCount> bodyJoints() {
  std::array<JointRest, anim::kHumanoidJointCount> joints{};
  for (const JointRest& rest : kRest) {
    const J right = rightOf(rest.joint);
    joints[static_cast<std::size_t>(right)] = {
        right,
        rest.parent == J::count ? J::count : rightOf(rest.parent),
        {-rest.position.x, rest.position.y, rest.position.z}};
    joints[static_cast<std::size_t>(rest.joint)] = rest;
  }
  return joints;
}

}  // namespace understudy::mannequin
