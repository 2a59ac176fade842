#include <algorithm>
#include <cmath>
#include <map>

#include "tools/mannequin/regions.h"

namespace understudy::mannequin {
namespace {

// A vertex closer to the border than this share of an edge is moved onto it.
constexpr double kSnap = 0.3;
// A vertex closer than this is on the border already.
constexpr double kOnBorder = 1e-6;

// Splits the triangles of a mesh along one border.
class BorderCut {
 public:
  BorderCut(const Field& field, Mesh& mesh, std::size_t border)
      : field_(field), mesh_(mesh), border_(bodyBorders()[border]), bit_(1u << border) {}

  void run() {
    measure();
    snapNearVertices();
    const std::size_t count = mesh_.triangles.size();
    for (std::size_t t = 0; t < count; ++t) cutTriangle(t);
  }

 private:
  static std::size_t at(int index) { return static_cast<std::size_t>(index); }

  void measure() {
    for (const Vec3& p : mesh_.positions) {
      values_.push_back(border_.value(p));
      covered_.push_back(border_.covers(p));
    }
  }

  void snapNearVertices() {
    std::vector<char> near(values_.size(), 0);
    for (std::size_t i = 0; i < near.size(); ++i)
      near[i] = covered_[i] && std::abs(values_[i]) < kOnBorder;
    for (const Triangle& triangle : mesh_.triangles) {
      for (std::size_t c = 0; c < 3; ++c) {
        const std::size_t a = at(triangle[c]), b = at(triangle[(c + 1) % 3]);
        if (!crosses(a, b)) continue;
        const double t = values_[a] / (values_[a] - values_[b]);
        if (t < kSnap) near[a] = 1;
        if (t > 1.0 - kSnap) near[b] = 1;
      }
    }
    for (std::size_t i = 0; i < near.size(); ++i) {
      if (near[i] == 0) continue;
      mesh_.borders[i] |= bit_;
      mesh_.positions[i] = projectToBorders(field_, mesh_.borders[i], mesh_.positions[i]);
      values_[i] = 0.0;
    }
  }

  bool crosses(std::size_t a, std::size_t b) const {
    return covered_[a] && covered_[b] && values_[a] * values_[b] < 0.0;
  }

  int crossing(int a, int b) {
    const auto [entry, fresh] = crossings_.try_emplace(std::minmax(a, b), 0);
    if (!fresh) return entry->second;
    const auto [first, second] = entry->first;
    const double f = values_[at(first)], g = values_[at(second)];
    const std::uint32_t shared = mesh_.borders[at(first)] & mesh_.borders[at(second)] & 1u;
    entry->second = static_cast<int>(mesh_.positions.size());
    mesh_.borders.push_back(bit_ | shared);
    mesh_.positions.push_back(projectToBorders(
        field_, bit_ | shared,
        glm::mix(mesh_.positions[at(first)], mesh_.positions[at(second)], f / (f - g))));
    values_.push_back(0.0);
    covered_.push_back(true);
    return entry->second;
  }

  void cutTriangle(std::size_t t) {
    const Triangle old = mesh_.triangles[t];
    int crossed = 0, corner = 0;
    for (int c = 0; c < 3; ++c) {
      if (!crosses(at(old[at(c)]), at(old[at((c + 1) % 3)]))) continue;
      ++crossed;
      corner = (c + 2) % 3;
    }
    if (crossed == 0) return;
    if (crossed == 1) {
      const auto [a, b, c] = rotated(old, corner);
      const int m = crossing(b, c);
      replace(t, {{a, b, m}, {a, m, c}});
      return;
    }
    int apex = 0;
    while (!crosses(at(old[at(apex)]), at(old[at((apex + 1) % 3)])) ||
           !crosses(at(old[at(apex)]), at(old[at((apex + 2) % 3)])))
      ++apex;
    const auto [a, b, c] = rotated(old, apex);
    const int m = crossing(a, b), n = crossing(a, c);
    replace(t, {{a, m, n}, {m, b, n}, {b, c, n}});
  }

  static Triangle rotated(const Triangle& triangle, int first) {
    return {triangle[at(first)], triangle[at((first + 1) % 3)], triangle[at((first + 2) % 3)]};
  }

  void replace(std::size_t t, const std::vector<Triangle>& by) {
    mesh_.triangles[t] = by.front();
    for (std::size_t i = 1; i < by.size(); ++i) {
      mesh_.triangles.push_back(by[i]);
      mesh_.regions.push_back(0);
    }
  }

  const Field& field_;
  Mesh& mesh_;
  const Border& border_;
  std::uint32_t bit_;
  std::vector<double> values_;
  std::vector<char> covered_;
  std::map<std::pair<int, int>, int> crossings_;
};

}  // namespace

void cutAlongBorders(const Field& field, Mesh& mesh) {
  for (std::size_t i = 0; i < mesh.positions.size(); ++i)
    mesh.borders[i] = mesh.positions[i].x == 0.0 ? 1u : 0u;
  for (std::size_t border = 1; border < bodyBorders().size(); ++border)
    BorderCut(field, mesh, border).run();
  for (std::size_t t = 0; t < mesh.triangles.size(); ++t) {
    Vec3 middle(0.0);
    for (const int corner : mesh.triangles[t])
      middle += mesh.positions[static_cast<std::size_t>(corner)];
    mesh.regions[t] = static_cast<int>(regionAt(middle / 3.0));
  }
}

}  // namespace understudy::mannequin
