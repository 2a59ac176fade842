#pragma once
#include <filesystem>
#include "capture/pipeline/capture_path.h"
namespace understudy::pipeline {
core::Result<PipelineSettings> loadSettings(const std::filesystem::path& path);
}
