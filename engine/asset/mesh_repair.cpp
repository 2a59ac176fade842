#include "engine/asset/mesh_repair.h"

#include <cmath>

namespace understudy::asset {
namespace {

glm::vec3 anyAcross(const glm::vec3& normal) {
  const glm::vec3 other = std::abs(normal.x) < 0.7f ? glm::vec3(1, 0, 0) : glm::vec3(0, 0, 1);
  return glm::normalize(other - normal * glm::dot(normal, other));
}

}  // namespace

void computeNormals(scene::Mesh& mesh) {
  std::vector<glm::dvec3> sums(mesh.vertices.size(), glm::dvec3(0.0));
  for (std::size_t i = 0; i + 2 < mesh.indices.size(); i += 3) {
    const glm::dvec3 a = mesh.vertices[mesh.indices[i]].position;
    const glm::dvec3 b = mesh.vertices[mesh.indices[i + 1]].position;
    const glm::dvec3 c = mesh.vertices[mesh.indices[i + 2]].position;
    const glm::dvec3 area = glm::cross(b - a, c - a);
    for (std::size_t corner = 0; corner < 3; ++corner) sums[mesh.indices[i + corner]] += area;
  }
  for (std::size_t i = 0; i < sums.size(); ++i) {
    const double length = glm::length(sums[i]);
    mesh.vertices[i].normal =
        length > 0.0 ? glm::vec3(sums[i] / length) : glm::vec3(0.0f, 1.0f, 0.0f);
  }
}

void computeTangents(scene::Mesh& mesh) {
  std::vector<glm::dvec3> along_u(mesh.vertices.size(), glm::dvec3(0.0));
  std::vector<glm::dvec3> along_v(mesh.vertices.size(), glm::dvec3(0.0));
  for (std::size_t i = 0; i + 2 < mesh.indices.size(); i += 3) {
    const scene::Vertex& a = mesh.vertices[mesh.indices[i]];
    const scene::Vertex& b = mesh.vertices[mesh.indices[i + 1]];
    const scene::Vertex& c = mesh.vertices[mesh.indices[i + 2]];
    const glm::dvec3 edge1 = b.position - a.position, edge2 = c.position - a.position;
    const glm::dvec2 uv1 = b.uv - a.uv, uv2 = c.uv - a.uv;
    const double area = uv1.x * uv2.y - uv2.x * uv1.y;
    if (area == 0.0) continue;
    // Only directions count: the sign of the area turns them, its size would favour tiny patches.
    const double sign = area < 0.0 ? -1.0 : 1.0;
    const glm::dvec3 u = (edge1 * uv2.y - edge2 * uv1.y) * sign;
    const glm::dvec3 v = (edge2 * uv1.x - edge1 * uv2.x) * sign;
    for (std::size_t corner = 0; corner < 3; ++corner) {
      along_u[mesh.indices[i + corner]] += u;
      along_v[mesh.indices[i + corner]] += v;
    }
  }
  for (std::size_t i = 0; i < mesh.vertices.size(); ++i) {
    scene::Vertex& vertex = mesh.vertices[i];
    const glm::dvec3 normal = vertex.normal;
    const glm::dvec3 across = along_u[i] - normal * glm::dot(normal, along_u[i]);
    const double length = glm::length(across);
    const glm::vec3 tangent =
        length > 1e-20 ? glm::vec3(across / length) : anyAcross(vertex.normal);
    // The bitangent, cross(normal, tangent) * w, points up in the texture; v runs down in glTF.
    const double down = glm::dot(glm::cross(normal, glm::dvec3(tangent)), along_v[i]);
    vertex.tangent = glm::vec4(tangent, down > 0.0 ? -1.0f : 1.0f);
  }
}

}  // namespace understudy::asset
