#pragma once

#include <cstdint>
#include <glm/glm.hpp>
#include <vector>

#include "capture/source/simulated_stage.h"

namespace understudy::scoring {

/// The true markers of one frame, all performers in one list, and which of them is nearest to a
/// point.
class TrueMarkers {
 public:
  /// Number of markers per performer.
  explicit TrueMarkers(const std::vector<std::size_t>& counts);

  /// Sets the frame; it must outlive the next calls. Allocates nothing.
  void set(const source::StageFrame& frame);

  std::size_t size() const { return markers_.size(); }
  const source::MarkerTruth& operator[](std::size_t index) const { return *markers_[index]; }
  /// Index in the list of a performer's marker.
  std::size_t index(std::size_t performer, std::size_t marker) const {
    return first_[performer] + marker;
  }
  /// The nearest marker of all performers within `radius`, or -1. Markers without a position (gaps
  /// of a marker file) are near to nothing.
  std::int32_t nearest(const glm::vec3& point, float radius) const;

 private:
  std::vector<std::size_t> first_;
  std::vector<const source::MarkerTruth*> markers_;
  std::vector<std::uint32_t> by_x_;  ///< Those with a position, sorted by it.
};

/// True if all three coordinates are finite.
bool isFinite(const glm::vec3& point);

}  // namespace understudy::scoring
