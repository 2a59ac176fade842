#pragma once

#include <cstddef>
#include <glm/glm.hpp>
#include <span>
#include <vector>

#include "capture/file/marker_clip.h"
#include "engine/math/rigid_transform.h"

namespace understudy::subject {

/// True where a marker has a place that a stage can hold.
bool isSeen(const glm::vec3& position);

/// Frames of a clip that stand for all: at most `most`, evenly spread, in order.
std::vector<std::size_t> spreadFrames(const file::MarkerClip& clip, std::size_t most);

/// How the distances between the markers of a clip vary.
struct DistanceTable {
  static constexpr float kUnknown = 1e3f;  ///< Deviation of a pair that was not seen together.

  std::size_t markers = 0;
  std::vector<float> mean, deviation;  ///< Metres, markers x markers.

  float meanOf(std::size_t a, std::size_t b) const { return mean[a * markers + b]; }
  float deviationOf(std::size_t a, std::size_t b) const { return deviation[a * markers + b]; }
};

DistanceTable measureDistances(const file::MarkerClip& clip, std::span<const std::size_t> frames);

/// The rigid motion that takes `from` to `to` in the sense of least squares; fewer than three
/// points give a shift alone.
math::RigidTransformd fitRigid(std::span<const glm::dvec3> from, std::span<const glm::dvec3> to);

/// All markers of one frame. A missing one is put where its steadiest neighbours were around it in
/// the frame that shows most of them; it counts in `guessed`.
std::vector<glm::dvec3> completeFrame(const file::MarkerClip& clip, std::size_t frame,
                                      std::span<const std::size_t> frames,
                                      const DistanceTable& table, std::size_t& guessed);

}  // namespace understudy::subject
