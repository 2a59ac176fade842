#pragma once

#include <cstdint>
#include <glm/glm.hpp>
#include <span>
#include <vector>

namespace understudy::solve {

/// Unnamed points of one frame in an order of their own, so that the order in which they came does
/// not matter, and each one's neighbours.
struct PointField {
  struct Neighbour {
    std::int32_t point = 0;
    double distance = 0;  ///< Metres.
  };

  std::vector<glm::dvec3> points;     ///< World, metres; by x, then y, then z.
  std::vector<std::int32_t> source;   ///< Per point: its index among those given.
  std::vector<std::uint8_t> used;     ///< Per point: belongs to a body already.
  std::vector<std::uint32_t> start;   ///< Neighbours of point p: from start[p] to start[p + 1].
  std::vector<Neighbour> neighbours;  ///< Those within reach.

  std::span<const Neighbour> neighboursOf(std::size_t point) const {
    return {neighbours.data() + start[point], neighbours.data() + start[point + 1]};
  }
};

/// A field with room for so many points.
PointField makePointField(std::size_t most_points);

/// Fills the field: at most as many points as it has room for, neighbours within `reach`. In a
/// crowd beyond all measure (more than 64 neighbours each) the last points keep none. Returns the
/// work done, in point tests.
std::uint32_t layPoints(std::span<const glm::dvec3> points, double reach, PointField& field);

}  // namespace understudy::solve
