#pragma once

#include <optional>
#include <string>

#include "capture/source/simulated_stage.h"

namespace understudy::simulation {

/// Reads CAMERA@SECOND:PX.
std::optional<source::CameraBump> readBump(const std::string& text);

}  // namespace understudy::simulation
