#pragma once

#include <filesystem>
#include <optional>

#include "engine/asset/clip_file.h"
#include "engine/core/result.h"
#include "tools/report/report.h"

namespace understudy::retarget_tool {

/// What `understudy-retarget inspect` was asked.
struct InspectOptions {
  std::filesystem::path path;
  asset::ClipOptions clip;
  std::optional<std::size_t> frame;  ///< Counted from 0.
};

/// True if inspect() can read this kind of file.
bool isInspectable(const std::filesystem::path& path);

/// Adds what a clip or character holds to a report; see the README for the keys.
core::Result<void> inspect(const InspectOptions& options, report::Json& json);

}  // namespace understudy::retarget_tool
