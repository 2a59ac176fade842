#include "tools/mannequin/polygonise.h"

#include <cmath>
#include <unordered_map>

namespace understudy::mannequin {
namespace {

using Cell = glm::ivec3;

std::uint64_t key(const Cell& cell) {
  const auto pack = [](int value) { return static_cast<std::uint64_t>(value + (1 << 20)); };
  return pack(cell.x) << 42 | pack(cell.y) << 21 | pack(cell.z);
}

// Walks the cells that the surface crosses, from neighbour to neighbour, as in Bloomenthal (1988),
// "Polygonization of implicit surfaces", and puts one vertex into each, as in Gibson (1998),
// "Constrained elastic surface nets". Cell 0 is centred on x = 0.
class SurfaceNet {
 public:
  SurfaceNet(const Field& field, double cell) : field_(field), size_(cell) {}

  Mesh build(const Vec3& seed) {
    visit(firstCell(seed));
    for (std::size_t next = 0; next < cells_.size(); ++next) visitNeighbours(cells_[next]);
    for (const Cell& cell : cells_) addQuads(cell);
    return std::move(mesh_);
  }

 private:
  Vec3 corner(const Cell& cell) const { return (Vec3(cell) - Vec3(0.5)) * size_; }

  double value(const Cell& cell) {
    const auto [entry, fresh] = values_.try_emplace(key(cell), 0.0);
    if (fresh) entry->second = field_.value(corner(cell));
    return entry->second;
  }

  bool inside(const Cell& cell) { return value(cell) < 0.0; }

  Cell firstCell(const Vec3& seed) {
    Cell cell(glm::floor(seed / size_ + 0.5));
    while (inside(cell)) ++cell.z;
    return cell - Cell(0, 0, 1);
  }

  static Cell offset(int corner) { return {corner & 1, corner >> 1 & 1, corner >> 2 & 1}; }

  // Adds the cell if the surface crosses it: the mean of the crossings of its edges.
  void visit(const Cell& cell) {
    if (cell.x < 0 || vertices_.contains(key(cell))) return;
    Vec3 sum(0.0);
    int crossings = 0;
    for (int a = 0; a < 8; ++a) {
      for (int axis = 1; axis < 8; axis <<= 1) {
        if ((a & axis) != 0) continue;
        const Cell from = cell + offset(a), to = cell + offset(a | axis);
        const double f = value(from), g = value(to);
        if ((f < 0.0) == (g < 0.0)) continue;
        sum += glm::mix(corner(from), corner(to), f / (f - g));
        ++crossings;
      }
    }
    if (crossings == 0) return;
    Vec3 position = sum / static_cast<double>(crossings);
    if (cell.x == 0) position.x = 0.0;
    vertices_.emplace(key(cell), static_cast<int>(mesh_.positions.size()));
    mesh_.positions.push_back(position);
    mesh_.borders.push_back(0);
    cells_.push_back(cell);
  }

  void visitNeighbours(const Cell cell) {
    for (int axis = 0; axis < 3; ++axis) {
      for (const int direction : {-1, 1}) {
        Cell neighbour = cell;
        neighbour[axis] += direction;
        visit(neighbour);
      }
    }
  }

  // The quads of the three grid edges that leave the cell's first corner.
  void addQuads(const Cell& cell) {
    for (int axis = 0; axis < 3; ++axis) {
      Cell to = cell;
      ++to[axis];
      if (inside(cell) == inside(to)) continue;
      Cell u(0), v(0);
      u[(axis + 1) % 3] = 1;
      v[(axis + 2) % 3] = 1;
      if (cell.x - u.x < 0 || cell.x - v.x < 0) continue;
      const int quad[4] = {vertex(cell), vertex(cell - u), vertex(cell - u - v), vertex(cell - v)};
      addQuad(quad, inside(cell));
    }
  }

  int vertex(const Cell& cell) const { return vertices_.at(key(cell)); }

  void addQuad(const int (&quad)[4], bool outwards) {
    const auto [a, b, c, d] = quad;
    const auto at = [this](int i) { return mesh_.positions[static_cast<std::size_t>(i)]; };
    if (glm::distance(at(a), at(c)) <= glm::distance(at(b), at(d))) {
      addTriangle(a, b, c, outwards);
      addTriangle(a, c, d, outwards);
    } else {
      addTriangle(a, b, d, outwards);
      addTriangle(b, c, d, outwards);
    }
  }

  void addTriangle(int a, int b, int c, bool outwards) {
    mesh_.triangles.push_back(outwards ? Triangle{a, b, c} : Triangle{a, c, b});
    mesh_.regions.push_back(0);
  }

  const Field& field_;
  double size_;
  Mesh mesh_;
  std::vector<Cell> cells_;
  std::unordered_map<std::uint64_t, int> vertices_;
  std::unordered_map<std::uint64_t, double> values_;
};

}  // namespace

Mesh polygonise(const Field& field, const Vec3& seed, double cell) {
  return SurfaceNet(field, cell).build(seed);
}

}  // namespace understudy::mannequin
