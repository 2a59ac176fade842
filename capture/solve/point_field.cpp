#include "capture/solve/point_field.h"

#include <algorithm>
#include <cmath>

namespace understudy::solve {
namespace {

constexpr std::size_t kNeighboursEach = 64;

}  // namespace

PointField makePointField(std::size_t most_points) {
  PointField field;
  field.points.reserve(most_points);
  field.source.reserve(most_points);
  field.used.reserve(most_points);
  field.start.reserve(most_points + 1);
  field.neighbours.reserve(most_points * kNeighboursEach);
  return field;
}

std::uint32_t layPoints(std::span<const glm::dvec3> given, double reach, PointField& field) {
  const std::size_t count = std::min(given.size(), field.points.capacity());
  field.source.resize(count);
  for (std::size_t p = 0; p < count; ++p) field.source[p] = static_cast<std::int32_t>(p);
  std::sort(field.source.begin(), field.source.end(), [&](std::int32_t a, std::int32_t b) {
    const glm::dvec3 &p = given[static_cast<std::size_t>(a)],
                     &q = given[static_cast<std::size_t>(b)];
    if (p.x != q.x) return p.x < q.x;
    if (p.y != q.y) return p.y < q.y;
    return p.z != q.z ? p.z < q.z : a < b;
  });
  field.points.clear();
  for (const std::int32_t source : field.source) {
    field.points.push_back(given[static_cast<std::size_t>(source)]);
  }
  field.used.assign(count, 0);
  field.neighbours.clear();
  field.start.assign(1, 0);
  std::uint32_t work = 0;
  const double squared_reach = reach * reach;
  std::size_t first = 0;  // Of those that are not too far in x.
  for (std::size_t p = 0; p < count; ++p) {
    const glm::dvec3 here = field.points[p];
    while (field.points[first].x < here.x - reach) ++first;
    for (std::size_t q = first; q < count && field.points[q].x <= here.x + reach; ++q) {
      ++work;
      const glm::dvec3 between = field.points[q] - here;
      const double squared = glm::dot(between, between);
      if (squared > squared_reach || q == p) continue;
      if (field.neighbours.size() == field.neighbours.capacity()) break;
      field.neighbours.push_back({static_cast<std::int32_t>(q), std::sqrt(squared)});
    }
    field.start.push_back(static_cast<std::uint32_t>(field.neighbours.size()));
  }
  return work;
}

}  // namespace understudy::solve
