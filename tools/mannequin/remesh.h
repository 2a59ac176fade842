#pragma once

#include "tools/mannequin/mesh.h"

namespace understudy::mannequin {

struct RemeshSettings {
  double chord_error =
      0.0005;                ///< Distance between triangle and skin that sets the edge length, m.
  double min_edge = 0.0029;  ///< m.
  double max_edge = 0.0150;  ///< m.
  double gradation = 0.40;   ///< Growth of the edge length per distance.
  int iterations = 14;
};

/// Replaces the mesh's triangles by evenly shaped ones, small where the skin is curved. Vertices
/// stay on the field's surface, edges between regions and open edges stay on their borders.
void remesh(const Field& field, const RemeshSettings& settings, Mesh& mesh);

}  // namespace understudy::mannequin
