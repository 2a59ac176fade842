#pragma once

#include <filesystem>
#include <string>

#include "engine/core/result.h"

namespace understudy::core {

/// The bytes of a file; an error for a missing, unreadable or empty one and for a folder.
Result<std::string> readFile(const std::filesystem::path& path);

}  // namespace understudy::core
