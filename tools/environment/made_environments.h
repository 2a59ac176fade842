#pragma once

#include "engine/scene/environment.h"

namespace understudy::environment {

/// A dark sound stage: a lit curtain around it, soft boxes and strips under a ceiling of trusses.
scene::Environment makeStudio(std::uint32_t height_px);

/// Open land in the last hour of sun: a clear sky with thin clouds, hills, and a concrete pad.
scene::Environment makeDusk(std::uint32_t height_px);

}  // namespace understudy::environment
