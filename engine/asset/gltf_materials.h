#pragma once

#include <glm/glm.hpp>
#include <vector>

#include "engine/asset/gltf_model.h"
#include "engine/scene/character.h"

namespace understudy::asset {

/// What a material asks of its meshes' texture coordinates.
struct UvUse {
  int set = 0;                      ///< TEXCOORD_n.
  glm::mat3 image_from_mesh{1.0f};  ///< KHR_texture_transform; identity without.
};

/// The materials and images of a file. Images are decoded once per use (colour or data); one that
/// is missing or damaged is left out with a warning.
struct GltfMaterials {
  std::vector<scene::Material> materials;  ///< One per material of the file, and a plain one last.
  std::vector<UvUse> uv_use;               ///< Per material.
  std::vector<scene::Image> images;
  std::vector<std::string> warnings;
};

GltfMaterials makeGltfMaterials(const GltfModel& gltf);

}  // namespace understudy::asset
