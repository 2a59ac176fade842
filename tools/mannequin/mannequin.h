#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "tools/mannequin/regions.h"
#include "tools/mannequin/skin.h"

namespace understudy::mannequin {

/// The finished figure. Vectors of vertices have one entry per vertex of `mesh`.
struct Mannequin {
  Mesh mesh;
  std::vector<Vec3> normals;
  std::vector<SkinWeights> skin;
};

/// Builds the figure: always the same one, to the last bit. Takes some seconds.
Mannequin makeMannequin();

/// The figure as a glTF 2.0 binary file.
std::string writeGlb(const Mannequin& mannequin);

}  // namespace understudy::mannequin
