#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "tools/mannequin/implicit.h"

namespace understudy::mannequin {

using Triangle = std::array<int, 3>;

/// Triangles while they are being shaped. All vertex vectors have one entry per vertex, all
/// triangle vectors one per triangle.
struct Mesh {
  std::vector<Vec3> positions;
  std::vector<std::uint32_t> borders;  ///< Bit k: the vertex lies on border k, see regions.h.
  std::vector<Triangle> triangles;     ///< Counter-clockwise seen from outside.
  std::vector<int> regions;            ///< Material of each triangle.
};

/// True if no edge has more than two triangles, nor two that run along it in the same direction.
bool isManifold(const Mesh& mesh);

/// The mesh together with its mirror image at -x, welded where x is 0. Vertex i of the input keeps
/// its index; `twin`, if given, receives the index of each vertex's mirror image.
Mesh mirrorMesh(const Mesh& half, std::vector<int>* twin = nullptr);

}  // namespace understudy::mannequin
