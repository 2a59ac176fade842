#pragma once

#include <cstddef>
#include <glm/glm.hpp>
#include <span>
#include <vector>

#include "engine/scene/character.h"
#include "shaders/shared/character.h"
#include "shaders/shared/latch.h"

namespace understudy::render {

/// Measures the flesh of all joints.
std::vector<shaders::JointFlesh> jointShapes(std::span<const shaders::BindVertex> vertices,
                                             std::size_t joint_count);

}  // namespace understudy::render
