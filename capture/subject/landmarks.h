#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/result.h"

namespace understudy::subject {

/// The anatomical points that joint centres are estimated from.
enum class BodyPoint : std::uint8_t {
  none,  ///< No such point; the marker only follows its segment.
  front_waist,
  back_waist,
  sacrum,
  knee,
  medial_knee,
  ankle,
  medial_ankle,
  heel,
  toe,
  neck_back,
  breastbone_top,
  breastbone,
  head,
  acromion,
  deltoid,
  elbow,
  medial_elbow,
  wrist,
  count
};

/// The segments of a body that markers are glued to.
enum class BodySegment : std::uint8_t {
  hips,
  chest,
  head,
  upper_leg,
  lower_leg,
  foot,
  shoulder,
  upper_arm,
  lower_arm,
  hand,
  count
};

enum class BodySide : std::uint8_t { middle, left, right };

/// What a marker's name says.
struct Landmark {
  BodyPoint point = BodyPoint::none;
  BodySegment segment = BodySegment::hips;
  BodySide side = BodySide::middle;
};

/// The name of a point as files write it, such as "front_waist".
const char* bodyPointName(BodyPoint point);

/// What the markers of common body sets are called.
struct LandmarkNames {
  struct Alias {
    std::string name;  ///< Lower case letters and digits only.
    Landmark landmark;
  };
  std::vector<Alias> aliases;  ///< Sorted by name, unique.
};

/// Reads a table of names from TOML. Every error starts with `name:line:`.
core::Result<LandmarkNames> parseLandmarkNames(std::string_view toml, const std::string& name);

/// Reads a table of names from a file; see parseLandmarkNames.
core::Result<LandmarkNames> loadLandmarkNames(const std::filesystem::path& path);

/// A name as it is compared: lower case letters and digits only.
std::string plainName(std::string_view name);

/// The landmark of a name that went through plainName, or null.
const Landmark* findLandmark(const LandmarkNames& names, std::string_view plain_name);

}  // namespace understudy::subject
