#include "tools/mannequin/mannequin.h"

#include "tools/mannequin/polygonise.h"
#include "tools/mannequin/remesh.h"

namespace understudy::mannequin {
namespace {

constexpr double kGridCell = 0.0024;  // Finer than the gap between two fingers.
constexpr double kCellStep = 0.00001;
constexpr int kCellTries = 20;
const Vec3 kInside(0.0, 1.2, 0.0);

// A grid whose planes touch a flat piece of skin can give edges with four triangles; another grid
// does not.
Mesh polygoniseCleanly(const Field& field) {
  Mesh mesh;
  for (int attempt = 0; attempt < kCellTries; ++attempt) {
    mesh = polygonise(field, kInside, kGridCell - kCellStep * attempt);
    if (isManifold(mesh)) break;
  }
  return mesh;
}

}  // namespace

Mannequin makeMannequin() {
  const Field field(bodyParts(), seamRecess);
  Mesh half = polygoniseCleanly(field);
  cutAlongBorders(field, half);
  remesh(field, RemeshSettings{}, half);
  Mannequin mannequin;
  std::vector<int> twin;
  mannequin.mesh = mirrorMesh(half, &twin);
  for (std::size_t i = 0; i < half.positions.size(); ++i) {
    Vec3 normal = field.gradient(half.positions[i]);
    if (half.positions[i].x == 0.0) normal.x = 0.0;
    mannequin.normals.push_back(glm::normalize(normal));
  }
  for (std::size_t i = half.positions.size(); i < twin.size(); ++i)
    mannequin.normals.push_back(mannequin.normals[static_cast<std::size_t>(twin[i])] *
                                Vec3(-1, 1, 1));
  mannequin.skin = makeSkin(mannequin.mesh, twin);
  return mannequin;
}

}  // namespace understudy::mannequin
