#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "tools/mannequin/figure.h"
#include "tools/mannequin/skin.h"

namespace understudy::mannequin {

/// The finished figure. Vectors of vertices have one entry per vertex of `mesh`.
struct Mannequin {
  const Figure* figure = nullptr;
  std::array<JointRest, anim::kHumanoidJointCount> joints;
  Mesh mesh;
  std::vector<Vec3> normals;
  std::vector<SkinWeights> skin;
};

/// Builds the figure: always the same one, to the last bit. Takes some seconds.
///
/// Other figures than the first are the first one reshaped: each vertex goes where the scaled
/// joints that it follows take it, by the skin's weights, so that parts melt into each other over
/// about a limb's thickness as they do when joints bend.
Mannequin makeMannequin(const Figure& figure = figures().front());

/// The figure as a glTF 2.0 binary file.
std::string writeGlb(const Mannequin& mannequin);

}  // namespace understudy::mannequin
