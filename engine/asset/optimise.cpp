#include "engine/asset/optimise.h"

#include <meshoptimizer.h>

#include <algorithm>
#include <utility>

namespace understudy::asset {
namespace {

/// Overdraw may cost this much of the vertex cache's gain, as meshoptimizer's author advises.
constexpr float kOverdrawThreshold = 1.05f;

float largestExtent(const scene::Character& character) {
  glm::vec3 low(1e30f), high(-1e30f);
  for (const scene::Mesh& mesh : character.meshes) {
    for (const scene::Vertex& vertex : mesh.vertices) {
      low = glm::min(low, vertex.position);
      high = glm::max(high, vertex.position);
    }
  }
  return std::max({high.x - low.x, high.y - low.y, high.z - low.z, 0.0f});
}

void orderForCache(const scene::Mesh& mesh, std::vector<std::uint32_t>& indices) {
  meshopt_optimizeVertexCache(indices.data(), indices.data(), indices.size(), mesh.vertices.size());
}

void orderTriangles(scene::Mesh& mesh) {
  orderForCache(mesh, mesh.indices);
  std::vector<std::uint32_t> ordered(mesh.indices.size());
  meshopt_optimizeOverdraw(ordered.data(), mesh.indices.data(), mesh.indices.size(),
                           &mesh.vertices[0].position.x, mesh.vertices.size(),
                           sizeof(scene::Vertex), kOverdrawThreshold);
  mesh.indices = std::move(ordered);
}

void orderVertices(scene::Mesh& mesh) {
  std::vector<std::uint32_t> now(mesh.vertices.size());
  const std::size_t used = meshopt_optimizeVertexFetchRemap(
      now.data(), mesh.indices.data(), mesh.indices.size(), mesh.vertices.size());
  std::vector<scene::Vertex> vertices(used);
  for (std::size_t i = 0; i < now.size(); ++i) {
    if (now[i] != ~0u) vertices[now[i]] = mesh.vertices[i];
  }
  mesh.vertices = std::move(vertices);
  for (std::uint32_t& index : mesh.indices) index = now[index];
  for (scene::MorphTarget& target : mesh.morphs) {
    for (scene::MorphDelta& delta : target.deltas) delta.vertex = now[delta.vertex];
    std::erase_if(target.deltas, [](const auto& delta) { return delta.vertex == ~0u; });
    std::sort(target.deltas.begin(), target.deltas.end(),
              [](const auto& a, const auto& b) { return a.vertex < b.vertex; });
  }
}

void makeLevels(scene::Mesh& mesh, const OptimiseSettings& settings, float extent) {
  mesh.levels.clear();
  const float scale = meshopt_simplifyScale(&mesh.vertices[0].position.x, mesh.vertices.size(),
                                            sizeof(scene::Vertex));
  if (mesh.indices.size() / 3 < settings.fewest_triangles || !(scale > 0.0f)) return;
  std::size_t before = mesh.indices.size();
  float allowed = settings.largest_error * extent;
  for (int level = 0; level < std::clamp(settings.levels, 0, 8); ++level, allowed *= 2.0f) {
    const std::size_t target = mesh.indices.size() / 3 / (std::size_t{2} << level) * 3;
    scene::DetailLevel made;
    made.indices.resize(mesh.indices.size());
    float error = 0.0f;
    made.indices.resize(meshopt_simplify(made.indices.data(), mesh.indices.data(),
                                         mesh.indices.size(), &mesh.vertices[0].position.x,
                                         mesh.vertices.size(), sizeof(scene::Vertex), target,
                                         allowed / scale, meshopt_SimplifyLockBorder, &error));
    if (made.indices.empty() || made.indices.size() * 10 > before * 9) return;
    before = made.indices.size();
    made.error = error * scale;
    orderForCache(mesh, made.indices);
    made.indices.shrink_to_fit();
    mesh.levels.push_back(std::move(made));
  }
}

}  // namespace

void optimise(scene::Character& character, const OptimiseSettings& settings) {
  const float extent = largestExtent(character);
  for (scene::Mesh& mesh : character.meshes) {
    if (mesh.indices.empty() || mesh.vertices.empty()) continue;
    orderTriangles(mesh);
    orderVertices(mesh);
    makeLevels(mesh, settings, extent);
  }
}

}  // namespace understudy::asset
