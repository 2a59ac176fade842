#pragma once

#include <glm/glm.hpp>
#include <string>
#include <vector>

#include "engine/core/result.h"
#include "engine/scene/character.h"

namespace understudy::portrait {

/// Names of the poses.
std::vector<std::string> poseNames();

/// The palette of a character that starts from its T-pose and takes the named pose; joints are
/// found by the humanoid's names. Unknown names give an error that lists the known ones.
core::Result<std::vector<glm::mat4>> posedPalette(const scene::Character& character,
                                                  const std::string& pose);

}  // namespace understudy::portrait
