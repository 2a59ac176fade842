#pragma once

#include <array>
#include <cstddef>
#include <glm/glm.hpp>
#include <span>
#include <vector>

#include "capture/calibrate/dense.h"
#include "capture/calibrate/hand_sizes.h"
#include "capture/solve/lane_kernels.h"

// The equations of one frame of a hand: how its markers move with the sizes and with its pose.
// Steps of hand_sizes.cpp and hand_doubt.cpp.

namespace understudy::calibrate {

inline constexpr double kHandMarkerSigma = 0.0015;  ///< Of a marker about the fitted hand, metres.
inline constexpr double kHandOutlier = 0.015;     ///< A marker this far off does not count, metres.
inline constexpr double kHandFrameShift = 0.004;  ///< Doubt about where the body has it, metres.
inline constexpr std::size_t kHandMotion = 6;     ///< Turn of the hand and its shift.

/// How a point on a joint moves with some numbers, and which these are.
struct HandColumns {
  std::array<std::size_t, kHandMotion + solve::kMostHandCoordinates> at{};
  std::array<glm::dvec3, kHandMotion + solve::kMostHandCoordinates> moves{};
  std::size_t count = 0;

  void push(std::size_t index, const glm::dvec3& column) {
    at[count] = index;
    moves[count++] = column;
  }
};

/// With how the digits lie, where they begin and how long their bones are; `place` is the point's,
/// world, `joint` of the hand's fifteen.
void fillSizeColumns(const HandSizes& hand, const HandFrame& frame, std::size_t joint,
                     const glm::dvec3& place, HandColumns& columns);

/// With the frame's pose: coordinates of the fingers, then turn and shift of the hand.
void fillPoseColumns(const HandSizes& hand, const HandFrame& frame, std::size_t joint,
                     const glm::dvec3& place, HandColumns& columns);

/// A marker that counts in a frame.
struct HandView {
  HandColumns sizes, pose;
  glm::dvec3 residual{0.0};
};

/// The view of a marker; false if it is not seen or lies too far off to count.
bool viewMarker(const HandSizes& hand, const HandFrame& frame, std::size_t marker, HandView& view);

/// Normal equations of a frame's pose, and how it meets the sizes.
struct HandEquations {
  SymmetricMatrix pose;
  std::vector<double> coupling;  ///< Per size a row, one entry per number of the pose.

  /// With what is believed of a pose before markers are seen.
  explicit HandEquations(const HandSizes& hand);
  void add(const HandView& view);
  std::span<double> row(std::size_t size) {
    return std::span(coupling).subspan(size * pose.size, pose.size);
  }
};

}  // namespace understudy::calibrate
