#pragma once

#include "capture/subject/subject.h"
#include "engine/render/overlay.h"

namespace understudy::stage {

/// Draws a prop as far as its markers tell its shape: a line from each marker to the two nearest
/// ones, and a cross of its axes (x red, y green, z blue) at its origin.
void addProp(render::Overlay& overlay, const subject::Subject& prop,
             const math::RigidTransform& world_from_prop);

}  // namespace understudy::stage
