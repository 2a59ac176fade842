#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "capture/camera/rig.h"
#include "engine/core/result.h"

namespace understudy::camera {

/// The largest rig that files and packets can name.
inline constexpr std::size_t kMaxCameras = 256;

/// Fails with one line on the first thing that no calibration can mean: no camera or more than
/// kMaxCameras, an empty or repeated name, an image without size, a focal length that is not
/// positive, a number that is not finite, a rotation that is none. `place` starts the line.
core::Result<void> check(const Rig& rig, const std::string& place);

/// Reads a rig from TOML. Unknown keys are errors that name the nearest known one; every error
/// starts with `name:line:`.
core::Result<Rig> parseRig(std::string_view toml, const std::string& name);

/// Reads a rig file; see parseRig.
core::Result<Rig> loadRig(const std::filesystem::path& path);

/// The rig as TOML; parseRig gives back the same numbers to the last bit.
std::string formatRig(const Rig& rig);

/// Writes the rig as TOML.
core::Result<void> saveRig(const Rig& rig, const std::filesystem::path& path);

}  // namespace understudy::camera
