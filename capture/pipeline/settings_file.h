#pragma once

#include <string>
#include <string_view>

#include "capture/pipeline/capture_path.h"
#include "engine/core/result.h"

namespace understudy::pipeline {

/// Reads pipeline settings from TOML: one table per stage, `[assembly]`, `[reconstruct]`,
/// `[label]`,
/// `[recognise]`, `[solve]`, `[props]` and `[prop_solve]` (as `[solve]`, for props), with the names
/// of their settings as keys, beside the settings of the path itself (`kernels = "automatic"`,
/// "baseline" or "v3"). What is not said keeps its default. Unknown keys are errors that name the
/// nearest known one; `name` stands for the file in errors.
core::Result<PipelineSettings> parseSettings(std::string_view toml, const std::string& name);

/// Reads a settings file; see parseSettings.
core::Result<PipelineSettings> loadSettings(const std::string& path);

}  // namespace understudy::pipeline
