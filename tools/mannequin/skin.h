#pragma once

#include <array>
#include <vector>

#include "tools/mannequin/body.h"
#include "tools/mannequin/mesh.h"

namespace understudy::mannequin {

/// The joints that move one vertex, heaviest first, unused ones 0 with weight 0. Weights sum to 1.
struct SkinWeights {
  std::array<std::uint8_t, 4> joints{};
  std::array<float, 4> weights{};
};

/// Weights for every vertex of the whole mesh; `twin` as filled by mirrorMesh. Mirrored vertices
/// receive mirrored weights exactly.
std::vector<SkinWeights> makeSkin(const Mesh& whole, const std::vector<int>& twin);

}  // namespace understudy::mannequin
