#include "tools/mannequin/remesh.h"

#include <algorithm>
#include <cmath>

#include "tools/mannequin/regions.h"

namespace understudy::mannequin {
namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }

// Isotropic remeshing: split, collapse, flip, relax, project. Botsch and Kobbelt (2004), "A
// remeshing approach to multiresolution modeling", with the edge length of Dunyach et al. (2013),
// "Adaptive remeshing for real-time mesh deformation".
class Remesher {
 public:
  Remesher(const Field& field, const RemeshSettings& settings, Mesh& mesh)
      : field_(field), settings_(settings), mesh_(mesh), stars_(mesh.positions.size()) {
    for (std::size_t t = 0; t < mesh.triangles.size(); ++t)
      for (const int v : mesh.triangles[t]) stars_[at(v)].push_back(static_cast<int>(t));
    measureSizes();
  }

  void run() {
    for (int iteration = 0; iteration < settings_.iterations; ++iteration) {
      splitLongEdges();
      collapseShortEdges();
      flipEdges();
      relax();
    }
    flipEdges();
    compact();
  }

 private:
  enum class Kind { free, line, corner };

  bool dead(int triangle) const { return mesh_.triangles[at(triangle)][0] < 0; }
  const Vec3& position(int v) const { return mesh_.positions[at(v)]; }

  void measureSizes() {
    std::vector<Vec3> normals;
    for (const Vec3& p : mesh_.positions) normals.push_back(glm::normalize(field_.gradient(p)));
    std::vector<double> curvature(normals.size(), 1e-3);
    for (const Triangle& triangle : mesh_.triangles) {
      for (std::size_t c = 0; c < 3; ++c) {
        const std::size_t a = at(triangle[c]), b = at(triangle[(c + 1) % 3]);
        const double bend = glm::distance(normals[a], normals[b]) /
                            std::max(glm::distance(mesh_.positions[a], mesh_.positions[b]), 1e-3);
        curvature[a] = std::max(curvature[a], bend);
        curvature[b] = std::max(curvature[b], bend);
      }
    }
    for (const double k : curvature) {
      const double e = settings_.chord_error;
      const double square = std::max(6.0 * e / k - 3.0 * e * e, 0.0);
      sizes_.push_back(std::clamp(std::sqrt(square), settings_.min_edge, settings_.max_edge));
    }
    for (int sweep = 0; sweep < 8; ++sweep) limitGradation();
  }

  void limitGradation() {
    for (const Triangle& triangle : mesh_.triangles) {
      for (std::size_t c = 0; c < 3; ++c) {
        const std::size_t a = at(triangle[c]), b = at(triangle[(c + 1) % 3]);
        const double slack =
            settings_.gradation * glm::distance(mesh_.positions[a], mesh_.positions[b]);
        sizes_[a] = std::min(sizes_[a], sizes_[b] + slack);
        sizes_[b] = std::min(sizes_[b], sizes_[a] + slack);
      }
    }
  }

  double targetLength(int a, int b) const { return 0.5 * (sizes_[at(a)] + sizes_[at(b)]); }

  // The triangles at an edge: one on an open edge, else two.
  struct EdgeTriangles {
    int triangles[2] = {-1, -1};
    int count = 0;
  };

  EdgeTriangles around(int a, int b) const {
    EdgeTriangles found;
    for (const int t : stars_[at(a)]) {
      const Triangle& triangle = mesh_.triangles[at(t)];
      if (std::find(triangle.begin(), triangle.end(), b) == triangle.end()) continue;
      if (found.count < 2) found.triangles[found.count] = t;
      ++found.count;
    }
    return found;
  }

  bool isFeature(const EdgeTriangles& edge) const {
    return edge.count != 2 ||
           mesh_.regions[at(edge.triangles[0])] != mesh_.regions[at(edge.triangles[1])];
  }

  std::vector<int> neighbours(int v) const {
    std::vector<int> result;
    for (const int t : stars_[at(v)])
      for (const int other : mesh_.triangles[at(t)])
        if (other != v && std::find(result.begin(), result.end(), other) == result.end())
          result.push_back(other);
    return result;
  }

  std::vector<int> featureNeighbours(int v) const {
    std::vector<int> result;
    if (mesh_.borders[at(v)] == 0) return result;
    for (const int other : neighbours(v))
      if (isFeature(around(v, other))) result.push_back(other);
    return result;
  }

  Kind kindOf(int v) const {
    const std::size_t count = featureNeighbours(v).size();
    return count == 0 ? Kind::free : count == 2 ? Kind::line : Kind::corner;
  }

  int opposite(int triangle, int a, int b) const {
    for (const int v : mesh_.triangles[at(triangle)])
      if (v != a && v != b) return v;
    return -1;
  }

  template <class Visit>
  void forEachEdge(Visit visit) {
    const std::size_t count = mesh_.triangles.size();
    for (std::size_t t = 0; t < count; ++t) {
      for (std::size_t c = 0; c < 3; ++c) {
        if (dead(static_cast<int>(t))) break;
        const int a = mesh_.triangles[t][c], b = mesh_.triangles[t][(c + 1) % 3];
        visit(a, b);
      }
    }
  }

  void splitLongEdges() {
    forEachEdge([this](int a, int b) {
      if (glm::distance(position(a), position(b)) > 4.0 / 3.0 * targetLength(a, b)) split(a, b);
    });
  }

  void split(int a, int b) {
    const EdgeTriangles edge = around(a, b);
    const std::uint32_t borders =
        isFeature(edge) ? mesh_.borders[at(a)] & mesh_.borders[at(b)] : 0u;
    const int m = static_cast<int>(mesh_.positions.size());
    mesh_.positions.push_back(projectToBorders(field_, borders, 0.5 * (position(a) + position(b))));
    mesh_.borders.push_back(borders);
    sizes_.push_back(targetLength(a, b));
    stars_.emplace_back();
    for (int side = 0; side < edge.count; ++side) {
      const int t = edge.triangles[side];
      Triangle second = mesh_.triangles[at(t)];
      std::replace(second.begin(), second.end(), a, m);
      std::replace(mesh_.triangles[at(t)].begin(), mesh_.triangles[at(t)].end(), b, m);
      const int added = static_cast<int>(mesh_.triangles.size());
      const int c = opposite(t, a, m);
      mesh_.triangles.push_back(second);
      mesh_.regions.push_back(mesh_.regions[at(t)]);
      std::replace(stars_[at(b)].begin(), stars_[at(b)].end(), t, added);
      stars_[at(c)].push_back(added);
      stars_[at(m)].push_back(t);
      stars_[at(m)].push_back(added);
    }
  }

  void collapseShortEdges() {
    forEachEdge([this](int a, int b) {
      if (glm::distance(position(a), position(b)) < 0.8 * targetLength(a, b))
        if (!collapse(a, b)) collapse(b, a);
    });
  }

  // Removes vertex a by pulling it into b, if the surface and its borders stay what they are.
  bool collapse(int a, int b) {
    const Kind kind_a = kindOf(a), kind_b = kindOf(b);
    const EdgeTriangles edge = around(a, b);
    if (kind_a == Kind::corner || edge.count > 2 || edge.count == 0) return false;
    if (kind_a == Kind::line && !isFeature(edge)) return false;
    if (commonNeighbours(a, b) != edge.count || bridgesMiddle(a, b)) return false;
    Vec3 to = position(b);
    if (kind_a == Kind::line && kind_b == Kind::line)
      to = projectToBorders(field_, mesh_.borders[at(a)] & mesh_.borders[at(b)],
                            0.5 * (position(a) + position(b)));
    if (!staysSound(a, b, to) || !staysSound(b, a, to)) return false;
    mesh_.positions[at(b)] = to;
    sizes_[at(b)] = std::min(sizes_[at(a)], sizes_[at(b)]);
    if (kind_a == kind_b) sizes_[at(b)] = targetLength(a, b);
    if (kind_a == Kind::line && kind_b == Kind::line) mesh_.borders[at(b)] &= mesh_.borders[at(a)];
    merge(a, b);
    return true;
  }

  // True if pulling a into b makes an edge that joins two vertices of the middle through the
  // inside: its mirror image would be the same edge.
  bool bridgesMiddle(int a, int b) const {
    if (!inMiddle(b)) return false;
    const std::vector<int> of_a = neighbours(a), of_b = neighbours(b);
    return std::any_of(of_a.begin(), of_a.end(), [&](int v) {
      return v != b && inMiddle(v) && std::find(of_b.begin(), of_b.end(), v) == of_b.end() &&
             !(inMiddle(a) && around(a, v).count == 1);
    });
  }

  bool inMiddle(int v) const { return (mesh_.borders[at(v)] & 1u) != 0; }

  int commonNeighbours(int a, int b) const {
    const std::vector<int> of_a = neighbours(a), of_b = neighbours(b);
    return static_cast<int>(std::count_if(of_a.begin(), of_a.end(), [&of_b](int v) {
      return std::find(of_b.begin(), of_b.end(), v) != of_b.end();
    }));
  }

  Vec3 normal(const Vec3& a, const Vec3& b, const Vec3& c) const {
    return glm::cross(b - a, c - a);
  }

  // True if moving v to `to` turns no triangle over and stretches no edge too far. Triangles that
  // also hold `other` are about to vanish.
  bool staysSound(int v, int other, const Vec3& to) const {
    for (const int t : stars_[at(v)]) {
      const Triangle& triangle = mesh_.triangles[at(t)];
      if (std::find(triangle.begin(), triangle.end(), other) != triangle.end()) continue;
      Vec3 before[3], after[3];
      for (std::size_t c = 0; c < 3; ++c) {
        before[c] = after[c] = position(triangle[c]);
        if (triangle[c] == v) {
          after[c] = to;
        } else if (glm::distance(to, before[c]) > 4.0 / 3.0 * targetLength(v, triangle[c])) {
          return false;
        }
      }
      const Vec3 n = normal(before[0], before[1], before[2]),
                 m = normal(after[0], after[1], after[2]);
      if (glm::dot(n, m) < 0.5 * glm::length(n) * glm::length(m)) return false;
    }
    return true;
  }

  void merge(int a, int b) {
    for (const int t : stars_[at(a)]) {
      Triangle& triangle = mesh_.triangles[at(t)];
      if (std::find(triangle.begin(), triangle.end(), b) != triangle.end()) {
        for (const int v : triangle)
          if (v != a) std::erase(stars_[at(v)], t);
        triangle = {-1, -1, -1};
      } else {
        std::replace(triangle.begin(), triangle.end(), a, b);
        stars_[at(b)].push_back(t);
      }
    }
    stars_[at(a)].clear();
  }

  void flipEdges() {
    forEachEdge([this](int a, int b) {
      if (a < b) flip(a, b);
    });
  }

  static double cotangent(const Vec3& apex, const Vec3& a, const Vec3& b) {
    return glm::dot(a - apex, b - apex) /
           std::max(glm::length(glm::cross(a - apex, b - apex)), 1e-16);
  }

  // Makes the edge Delaunay.
  void flip(int a, int b) {
    const EdgeTriangles edge = around(a, b);
    if (isFeature(edge) || stars_[at(a)].size() < 4 || stars_[at(b)].size() < 4) return;
    int first = edge.triangles[0], second = edge.triangles[1];
    if (!follows(first, a, b)) std::swap(first, second);
    const int c = opposite(first, a, b), d = opposite(second, a, b);
    if (inMiddle(c) && inMiddle(d)) return;
    const Vec3 &pa = position(a), &pb = position(b), &pc = position(c), &pd = position(d);
    if (cotangent(pc, pa, pb) + cotangent(pd, pa, pb) > -1e-6 || around(c, d).count > 0) return;
    const Vec3 n = normal(pa, pb, pc) + normal(pb, pa, pd);
    const Vec3 m0 = normal(pa, pd, pc), m1 = normal(pd, pb, pc);
    if (glm::dot(m0, m1) < 0.7 * glm::length(m0) * glm::length(m1) || glm::dot(n, m0) <= 0) return;
    mesh_.triangles[at(first)] = {a, d, c};
    mesh_.triangles[at(second)] = {d, b, c};
    std::erase(stars_[at(b)], first);
    std::erase(stars_[at(a)], second);
    stars_[at(d)].push_back(first);
    stars_[at(c)].push_back(second);
  }

  bool follows(int triangle, int a, int b) const {
    const Triangle& t = mesh_.triangles[at(triangle)];
    return (t[0] == a && t[1] == b) || (t[1] == a && t[2] == b) || (t[2] == a && t[0] == b);
  }

  void relax() {
    for (std::size_t i = 0; i < mesh_.positions.size(); ++i) {
      const int v = static_cast<int>(i);
      if (stars_[i].empty()) continue;
      const std::vector<int> line = featureNeighbours(v);
      Vec3 to = position(v);
      if (line.empty())
        to = projectToBorders(field_, 0, relaxedFree(v));
      else if (line.size() == 2)
        to = projectToBorders(field_, mesh_.borders[i],
                              0.5 * position(v) + 0.25 * (position(line[0]) + position(line[1])));
      if (turnsNothingOver(v, to)) mesh_.positions[i] = to;
    }
  }

  bool turnsNothingOver(int v, const Vec3& to) const {
    for (const int t : stars_[at(v)]) {
      Vec3 before[3], after[3];
      for (std::size_t c = 0; c < 3; ++c) {
        const int corner = mesh_.triangles[at(t)][c];
        before[c] = position(corner);
        after[c] = corner == v ? to : before[c];
      }
      const Vec3 n = normal(before[0], before[1], before[2]),
                 m = normal(after[0], after[1], after[2]);
      if (glm::dot(n, m) < 0.5 * glm::length(n) * glm::length(m)) return false;
    }
    return true;
  }

  // The mean of the surrounding triangles, weighted by area over wanted area, in the tangent plane.
  Vec3 relaxedFree(int v) const {
    Vec3 sum(0.0), n(0.0);
    double weights = 0.0;
    for (const int t : stars_[at(v)]) {
      const auto [a, b, c] = mesh_.triangles[at(t)];
      const Vec3 area = normal(position(a), position(b), position(c));
      const double size = (sizes_[at(a)] + sizes_[at(b)] + sizes_[at(c)]) / 3.0;
      const double weight = glm::length(area) / (size * size);
      sum += (position(a) + position(b) + position(c)) * (weight / 3.0);
      weights += weight;
      n += area;
    }
    const Vec3 to = sum / std::max(weights, 1e-12) - position(v);
    n = glm::normalize(n);
    return position(v) + 0.8 * (to - n * glm::dot(n, to));
  }

  void compact() {
    Mesh packed;
    std::vector<int> index(mesh_.positions.size(), -1);
    for (std::size_t t = 0; t < mesh_.triangles.size(); ++t) {
      Triangle triangle = mesh_.triangles[t];
      if (triangle[0] < 0) continue;
      for (int& v : triangle) {
        int& target = index[at(v)];
        if (target < 0) {
          target = static_cast<int>(packed.positions.size());
          packed.positions.push_back(position(v));
          packed.borders.push_back(mesh_.borders[at(v)]);
        }
        v = target;
      }
      packed.triangles.push_back(triangle);
      packed.regions.push_back(mesh_.regions[t]);
    }
    mesh_ = std::move(packed);
  }

  const Field& field_;
  const RemeshSettings& settings_;
  Mesh& mesh_;
  std::vector<std::vector<int>> stars_;
  std::vector<double> sizes_;
};

}  // namespace

void remesh(const Field& field, const RemeshSettings& settings, Mesh& mesh) {
  Remesher(field, settings, mesh).run();
}

}  // namespace understudy::mannequin
