#pragma once

#include <cstddef>
#include <filesystem>
#include <glm/glm.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/result.h"

namespace understudy::file {

/// The content of a TRC file (markers in a table of tabs), in its own units and axes.
struct TrcFile {
  double rate_hz = 0.0;
  std::size_t frames = 0;
  double start_s = 0.0;  ///< Time of the first row.
  std::vector<std::string> labels;
  std::string units;
  std::vector<glm::vec3> points;  ///< Frames x labels; x is NaN where a marker is missing.
  std::vector<std::string> warnings;

  const glm::vec3& at(std::size_t frame, std::size_t point) const {
    return points[frame * labels.size() + point];
  }
};

/// Reads a TRC file. Empty and NaN cells are missing markers; columns without a name are left out.
core::Result<TrcFile> loadTrc(const std::filesystem::path& path);

/// The same from text in memory; `name` stands in messages.
core::Result<TrcFile> readTrc(std::string_view text, const std::string& name);

}  // namespace understudy::file
