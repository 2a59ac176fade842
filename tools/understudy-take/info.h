#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "engine/core/result.h"
#include "tools/report/report.h"

namespace understudy::take_tool {

/// What `understudy-take info` was asked.
struct InfoOptions {
  std::filesystem::path path;
  std::optional<std::size_t> frame;  ///< Counted from 0.
};

/// True if info() can read this kind of file, judged by its extension.
bool isKnownKind(const std::filesystem::path& path);

/// The error for other kinds; it names those that can be read.
core::Error unknownKind(const std::filesystem::path& path);

/// Adds what a file holds to a report; see the README for the keys.
core::Result<void> info(const InfoOptions& options, report::Json& json);

}  // namespace understudy::take_tool
