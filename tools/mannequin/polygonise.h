#pragma once

#include "tools/mannequin/mesh.h"

namespace understudy::mannequin {

/// The half of the field's surface with x >= 0, open along x = 0, made of even small triangles.
/// `seed` is a point near the surface; only the piece connected to it is found. `cell` is the size
/// of the grid. Vertices on the plane x = 0 have exactly that coordinate.
Mesh polygonise(const Field& field, const Vec3& seed, double cell);

}  // namespace understudy::mannequin
