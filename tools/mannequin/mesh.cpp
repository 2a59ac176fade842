#include "tools/mannequin/mesh.h"

#include <algorithm>

namespace understudy::mannequin {

bool isManifold(const Mesh& mesh) {
  std::vector<std::pair<int, int>> edges;
  for (const Triangle& t : mesh.triangles)
    for (std::size_t c = 0; c < 3; ++c) edges.emplace_back(t[c], t[(c + 1) % 3]);
  std::sort(edges.begin(), edges.end());
  return std::adjacent_find(edges.begin(), edges.end()) == edges.end();
}

Mesh mirrorMesh(const Mesh& half, std::vector<int>* twin) {
  Mesh whole = half;
  std::vector<int> twins(half.positions.size());
  for (std::size_t i = 0; i < half.positions.size(); ++i) {
    const Vec3 p = half.positions[i];
    twins[i] = static_cast<int>(i);
    if (p.x == 0.0) continue;
    twins[i] = static_cast<int>(whole.positions.size());
    whole.positions.emplace_back(-p.x, p.y, p.z);
    whole.borders.push_back(half.borders[i]);
  }
  for (std::size_t t = 0; t < half.triangles.size(); ++t) {
    const auto [a, b, c] = half.triangles[t];
    const auto of = [&twins](int vertex) { return twins[static_cast<std::size_t>(vertex)]; };
    whole.triangles.push_back({of(a), of(c), of(b)});
    whole.regions.push_back(half.regions[t]);
  }
  if (twin != nullptr) {
    twin->assign(whole.positions.size(), 0);
    for (std::size_t i = 0; i < twins.size(); ++i) {
      (*twin)[i] = twins[i];
      (*twin)[static_cast<std::size_t>(twins[i])] = static_cast<int>(i);
    }
  }
  return whole;
}

}  // namespace understudy::mannequin
