#pragma once

#include <cstddef>
#include <glm/glm.hpp>
#include <string>
#include <vector>

namespace understudy::file {

/// Recorded marker positions at a constant rate, as files and take exports hold them. Understudy's
/// frame: right-handed, +Y up, metres.
struct MarkerClip {
  std::vector<std::string> names;  ///< One per marker, unique.
  double rate_hz = 0.0;
  std::size_t frames = 0;
  double start_s = 0.0;  ///< Time of the first frame on the file's clock, where it has one.
  std::vector<glm::vec3>
      positions;  ///< frames x markers, frame after frame; x is NaN where a marker is missing.
  std::vector<std::string> subjects{};  ///< As the file names them; may be empty.
  std::vector<std::string> warnings;    ///< What the reader repaired or guessed, one line each.

  const glm::vec3& at(std::size_t frame, std::size_t marker) const {
    return positions[frame * names.size() + marker];
  }
};

}  // namespace understudy::file
