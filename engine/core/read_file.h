#pragma once

#include <filesystem>
#include <string>

#include "engine/core/result.h"

namespace understudy::core {

/// Larger files are refused: an endless one must not fill the memory.
inline constexpr std::size_t kMostFileBytes = std::size_t{2} << 30;
/// And of pipes and devices, whose size nobody knows beforehand.
inline constexpr std::size_t kMostStreamBytes = std::size_t{256} << 20;

/// The bytes of a file; an error for a missing, unreadable, empty or too large one and for a
/// folder.
Result<std::string> readFile(const std::filesystem::path& path,
                             std::size_t most_bytes = kMostFileBytes);

}  // namespace understudy::core
