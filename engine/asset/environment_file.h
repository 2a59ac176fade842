#pragma once

#include <filesystem>
#include <string>

#include "engine/core/result.h"
#include "engine/scene/environment.h"

namespace understudy::asset {

/// Reads an environment: a Radiance picture NAME.hdr, equirectangular and twice as wide as high, 16
/// to 4096 rows, and beside it NAME.toml with its key light, floor and exposure. Without the TOML
/// file the defaults of scene::Environment hold, and the brightest part of the picture becomes the
/// key. Values of the picture are limited to 65,000 (what a half float holds).
core::Result<scene::Environment> loadEnvironment(const std::filesystem::path& picture);

/// The environment that a user names: the file, where the name ends in .hdr; `room` for
/// scene::softBoxRoom(); else NAME.hdr in the folder. The error lists the names there.
core::Result<scene::Environment> openEnvironment(const std::string& name,
                                                 const std::filesystem::path& folder);

/// What NAME.toml says of an environment, as text that loadEnvironment reads back to the last bit.
std::string formatEnvironment(const scene::Environment& environment);

}  // namespace understudy::asset
