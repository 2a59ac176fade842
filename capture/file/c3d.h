#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <glm/glm.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/result.h"

namespace understudy::file {

/// Kind of a parameter's values, with the numbers that C3D gives them.
enum class C3dType : std::int8_t { text = -1, byte = 1, integer = 2, real = 4 };

/// A parameter as it is stored, so that a rewritten file loses nothing.
struct C3dParameter {
  std::string name;
  std::string description;
  bool is_locked = false;
  C3dType type = C3dType::text;
  std::vector<std::uint8_t> dimensions;  ///< First varies fastest; none: one value.
  std::string text;                      ///< All characters of a text parameter.
  std::vector<float> numbers;            ///< All values of the others.
};

/// A named set of parameters.
struct C3dGroup {
  std::string name;
  std::string description;
  bool is_locked = false;
  std::vector<C3dParameter> parameters;
};

/// One point in one frame, in the file's units and axes.
struct C3dPoint {
  glm::vec3 position{0.0f};
  float residual = -1.0f;    ///< In the file's units; negative: the point is missing.
  std::uint8_t cameras = 0;  ///< One bit for each camera that saw it, as far as the file says.

  bool is_missing() const { return residual < 0.0f; }
};

/// One channel of analog measurements.
struct C3dChannel {
  std::string name;
  std::string unit;
};

/// An event at a time in seconds of the recording's own clock.
struct C3dEvent {
  std::string label;
  std::string context;
  double seconds = 0.0;
};

/// How the numbers of a file are stored.
struct C3dEncoding {
  std::string processor;  ///< "intel", "dec" or "sgi".
  bool is_real = true;    ///< Floats (true) or 16-bit integers.
};

/// The whole content of a C3D file, in its own units and axes.
struct C3dFile {
  double rate_hz = 0.0;
  std::size_t frames = 0;
  std::uint32_t first_frame = 1;
  std::vector<std::string> labels;  ///< Per point; not always unique, "*7" where there is none.
  std::vector<std::string> descriptions;  ///< Per point.
  std::string units;                      ///< As POINT:UNITS says; may be empty.
  std::vector<C3dPoint> points;           ///< Frames x labels, frame after frame.

  std::vector<C3dChannel> channels;
  double analog_rate_hz = 0.0;
  std::size_t samples_per_frame = 0;
  std::vector<float> analog;  ///< (Frames * samples per frame) x channels, in the channels' units.

  std::vector<C3dEvent> events;
  std::vector<C3dGroup> groups;
  std::string vendor;                 ///< Company, software and version; may be empty.
  std::vector<std::string> subjects;  ///< As SUBJECTS:NAMES says.
  C3dEncoding encoding;
  std::vector<std::string> warnings;  ///< What was repaired or guessed, one line each.

  const C3dPoint& at(std::size_t frame, std::size_t point) const {
    return points[frame * labels.size() + point];
  }
};

/// The parameter of these names (case does not matter), or null.
const C3dParameter* findParameter(const C3dFile& file, std::string_view group,
                                  std::string_view name);

/// The strings of a text parameter, without blanks at their ends.
std::vector<std::string> textsOf(const C3dParameter& parameter);

/// The strings of NAME, NAME2, NAME3, ... one after the other, as files with more than 255 labels
/// hold them.
std::vector<std::string> allTexts(const C3dFile& file, std::string_view group,
                                  std::string_view name);

/// Reads a C3D file of any byte order and number format. A point exactly at the origin is missing:
/// that is how many programs write it. Disagreements between header, parameters
/// and size are settled with a warning; data that is cut off is read as far as it goes. A file
/// without a sound header is an error.
core::Result<C3dFile> loadC3d(const std::filesystem::path& path);

/// The same from bytes in memory; `name` stands in messages.
core::Result<C3dFile> readC3d(std::string_view bytes, const std::string& name);

/// Writes Intel floats. Groups and parameters of `file` are kept; those that describe points,
/// analog data and frames are made to agree with its members. Events become an EVENT group where
/// `groups` has none.
core::Result<void> saveC3d(const C3dFile& file, const std::filesystem::path& path);

}  // namespace understudy::file
