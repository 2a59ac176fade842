#pragma once

#include <cstdint>
#include <vector>

#include "engine/gpu/resources.h"
#include "engine/render/joint_shapes.h"
#include "engine/scene/character.h"

namespace understudy::render {

/// Triangles of one material in a model's index buffer.
struct ModelPart {
  std::uint32_t first_index = 0, index_count = 0;
  std::uint32_t material = 0;
};

/// What drawing needs to know of a material.
struct ModelMaterial {
  VkDescriptorSet set = VK_NULL_HANDLE;
  scene::AlphaMode alpha_mode = scene::AlphaMode::opaque;
  bool double_sided = false;
};

/// A character on the GPU.
struct Model {
  gpu::Buffer bind_vertices;     ///< shaders::BindVertex.
  gpu::Buffer fixed_vertices;    ///< shaders::FixedVertex.
  gpu::Buffer indices;           ///< 32 bits.
  gpu::Buffer flesh;             ///< `shapes`.
  std::vector<ModelPart> parts;  ///< Opaque ones first, blended ones last.
  std::vector<ModelMaterial> materials;
  std::vector<shaders::JointFlesh> shapes;
  std::uint32_t vertex_count = 0;

  gpu::Buffer material_uniforms;
  gpu::DescriptorPool sets;
  std::vector<gpu::Image> images;
};

/// What all models share.
struct ModelContext {
  gpu::Device& device;
  VkDescriptorSetLayout material_layout;
  VkSampler sampler;
  const gpu::Image& white;        ///< 1 x 1, for materials without the image.
  const gpu::Image& flat_normal;  ///< 1 x 1, straight up.
};

/// Checks and uploads a character. The error says which mesh or image is wrong.
core::Result<Model> makeModel(const ModelContext& context, const scene::Character& character);

}  // namespace understudy::render
