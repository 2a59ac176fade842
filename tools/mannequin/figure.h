#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "tools/mannequin/body.h"
#include "tools/mannequin/regions.h"

namespace understudy::mannequin {

/// How one part of the body differs from the mannequin's: factors along the axes of the T-pose
/// (arms: x is their length; trunk, neck, head and legs: y), for the flesh that follows this joint
/// and the way to its children.
struct BodyScale {
  anim::HumanoidJoint joint;  ///< Middle or left; the right is the mirror image.
  Vec3 scale{1.0};
};

/// One of the figures that the tool can build.
struct Figure {
  std::string_view name;
  std::span<const Look> looks;        ///< In the order of Region.
  std::span<const BodyScale> scales;  ///< Joints that are not named go with their parent.
};

/// "mannequin" first.
std::span<const Figure> figures();

/// The figure of that name, nullptr if there is none.
const Figure* findFigure(std::string_view name);

/// Per joint the factors of its flesh.
std::array<Vec3, anim::kHumanoidJointCount> scalesOf(const Figure& figure);

/// The skeleton of the figure with its soles at y = `floor` below the scaled joints.
std::array<JointRest, anim::kHumanoidJointCount> scaledJoints(const Figure& figure, double floor);

}  // namespace understudy::mannequin
