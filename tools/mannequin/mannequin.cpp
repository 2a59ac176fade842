#include "tools/mannequin/mannequin.h"

#include <algorithm>

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

Mesh reshaped(const Mannequin& mannequin,
              const std::array<JointRest, anim::kHumanoidJointCount>& to) {
  const auto from = bodyJoints();
  const auto scales = scalesOf(*mannequin.figure);
  Mesh mesh = mannequin.mesh;
  for (std::size_t i = 0; i < mesh.positions.size(); ++i) {
    const SkinWeights& skin = mannequin.skin[i];
    Vec3 sum(0.0);
    double weights = 0.0;
    for (std::size_t k = 0; k < skin.joints.size(); ++k) {
      const std::size_t joint = skin.joints[k];
      const double weight = static_cast<double>(skin.weights[k]);
      sum += weight * (to[joint].position +
                       scales[joint] * (mannequin.mesh.positions[i] - from[joint].position));
      weights += weight;
    }
    mesh.positions[i] = sum / weights;
  }
  return mesh;
}

// Means of the triangles around each vertex, weighted by their area.
std::vector<Vec3> normalsOf(const Mesh& mesh) {
  std::vector<Vec3> normals(mesh.positions.size(), Vec3(0.0));
  for (const Triangle& triangle : mesh.triangles) {
    const Vec3 a = mesh.positions[static_cast<std::size_t>(triangle[0])];
    const Vec3 area = glm::cross(mesh.positions[static_cast<std::size_t>(triangle[1])] - a,
                                 mesh.positions[static_cast<std::size_t>(triangle[2])] - a);
    for (const int corner : triangle) normals[static_cast<std::size_t>(corner)] += area;
  }
  for (Vec3& normal : normals) normal = glm::normalize(normal);
  return normals;
}

// The second half is the first one's mirror image to the last bit; the first has x > 0.
void makeSymmetric(const std::vector<int>& twin, Mannequin& mannequin) {
  for (std::size_t i = 0; i < twin.size(); ++i) {
    const auto other = static_cast<std::size_t>(twin[i]);
    if (other == i) {
      mannequin.mesh.positions[i].x = 0.0;
      mannequin.normals[i].x = 0.0;
      mannequin.normals[i] = glm::normalize(mannequin.normals[i]);
    } else if (other < i) {
      mannequin.mesh.positions[i] = mannequin.mesh.positions[other] * Vec3(-1, 1, 1);
      mannequin.normals[i] = mannequin.normals[other] * Vec3(-1, 1, 1);
    }
  }
}

void reshape(const std::vector<int>& twin, Mannequin& mannequin) {
  const Figure& figure = *mannequin.figure;
  double floor = 1e9;
  for (const Vec3& p : reshaped(mannequin, scaledJoints(figure, 0.0)).positions) {
    floor = std::min(floor, p.y);
  }
  mannequin.joints = scaledJoints(figure, floor);
  mannequin.mesh = reshaped(mannequin, mannequin.joints);
  mannequin.normals = normalsOf(mannequin.mesh);
  makeSymmetric(twin, mannequin);
}

}  // namespace

Mannequin makeMannequin(const Figure& figure) {
  const Field field(bodyParts(), seamRecess);
  Mesh half = polygoniseCleanly(field);
  cutAlongBorders(field, half);
  remesh(field, RemeshSettings{}, half);
  Mannequin mannequin;
  mannequin.figure = &figure;
  mannequin.joints = bodyJoints();
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
  if (!figure.scales.empty()) reshape(twin, mannequin);
  return mannequin;
}

}  // namespace understudy::mannequin
