#pragma once

#include <array>
#include <filesystem>
#include <glm/glm.hpp>
#include <glm/gtc/quaternion.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "engine/anim/skeleton.h"
#include "engine/core/result.h"

namespace understudy::asset {

/// What one column of an AMC row does to its bone.
enum class AsfChannel : std::uint8_t { shift_x, shift_y, shift_z, turn_x, turn_y, turn_z };

/// A skeleton as an ASF file (Acclaim) describes it: one joint per bone, at the bone's near end.
struct AsfSkeleton {
  /// How AMC values turn one joint: by axes of its own, which the rest pose does not show.
  struct Joint {
    glm::dquat rest_from_axes{1, 0, 0, 0};
    std::array<int, 3> turn_order{0, 1, 2};  ///< Axes (x = 0), the first is turned about first.
    std::vector<AsfChannel> channels;        ///< In the order of the values in a row.
  };

  anim::Skeleton skeleton;    ///< Rest rotations are none; lengths divided by `:length`.
  std::vector<Joint> joints;  ///< One per joint of the skeleton.
  double angle_rad = 0.0174532925199432958;  ///< Radians per unit of its angles.
  double length = 1.0;                       ///< The file's `:length`: its own numbers per unit.
  std::vector<std::string> warnings;
};

/// Reads the text of an ASF file; `name` stands in messages. The first joint is "root"; bones that
/// the hierarchy does not reach are left out with a warning. Every error names line and remedy.
core::Result<AsfSkeleton> readAsf(std::string_view text, const std::string& name);

/// Reads the text of an AMC file, the motion of an ASF skeleton. Lengths stay in inches or whatever
/// the skeleton is in, divided by its `:length`; axes stay those of the file. AMC says nothing of
/// its rate: 120 Hz are taken, CMU's, with a warning. A bone that a frame leaves out stays as it
/// was, with a warning.
core::Result<anim::Clip> readAmc(std::string_view text, const std::string& name,
                                 const AsfSkeleton& skeleton);

/// The skeleton file of a motion: same name with .asf, else the part of its name before the last
/// underscore (02_05.amc: 02.asf), else the only .asf of its folder. Fails where there is none.
core::Result<std::filesystem::path> findAsf(const std::filesystem::path& amc);

/// Reads an AMC file and its skeleton (findAsf).
core::Result<anim::Clip> loadAmc(const std::filesystem::path& path);

}  // namespace understudy::asset
