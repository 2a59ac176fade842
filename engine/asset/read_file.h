#pragma once

#include <filesystem>
#include <string>

#include "engine/core/result.h"

namespace understudy::asset {

/// The bytes of a file; an error for a missing, unreadable or empty one and for a folder.
core::Result<std::string> readFile(const std::filesystem::path& path);

}  // namespace understudy::asset
