#pragma once

#include "engine/scene/character.h"

namespace understudy::asset {

/// What optimise() does.
struct OptimiseSettings {
  int levels = 3;                ///< Levels of detail to make, each with half the triangles of the
                                 ///< one before; 0 to 8.
  float largest_error = 0.004f;  ///< Of the first level, as a share of the character's largest
                                 ///< extent; doubles with every further level.
  std::size_t fewest_triangles = 64;  ///< Meshes below this get no levels.
};

/// Orders each mesh for the GPU (vertex cache, then overdraw, then the order of vertices in memory;
/// vertices that no triangle uses go) and fills Mesh::levels.
///
/// The shape, the materials, skin weights and morph targets stay as they are: levels are triangles
/// over the same vertices, so each keeps its own influences, and the borders of a mesh keep all
/// their vertices, so that meshes that meet still do. A level that would move the surface too far,
/// or saves less than a tenth, is not made. Errors are those of the bind pose. The same input gives
/// the same output. Uses meshoptimizer.
void optimise(scene::Character& character, const OptimiseSettings& settings = {});

}  // namespace understudy::asset
