#pragma once

#include <vulkan/vulkan.h>

#include <array>
#include <cstdint>

#include "engine/gpu/resources.h"

struct ImDrawData;

namespace understudy::app {

/// Draws Dear ImGui's lists with dynamic rendering. Vertices are written straight into mapped
/// memory; three frames' worth is kept, as many as may be in flight.
class InterfaceDraw {
 public:
  static core::Result<InterfaceDraw> create(gpu::Device& device, VkFormat format);

  /// A descriptor set for a texture of the interface; null when all 64 are taken.
  VkDescriptorSet addTexture(VkImageView view, VkImageLayout layout);
  void removeTexture(VkDescriptorSet set);

  /// Records the lists over the target. Allocates only when the lists have outgrown all before.
  void record(VkCommandBuffer commands, const ImDrawData& lists, VkImageView target,
              VkImageLayout layout);

 private:
  struct Geometry {
    gpu::Buffer vertices, indices;
  };
  core::Result<void> createLayouts();
  core::Result<void> createPipeline(VkFormat format);
  bool reserve(Geometry& geometry, std::size_t vertex_bytes, std::size_t index_bytes);
  void recordLists(VkCommandBuffer commands, const ImDrawData& lists) const;

  gpu::Device* device_ = nullptr;
  gpu::Sampler sampler_;
  gpu::DescriptorSetLayout set_layout_;
  gpu::PipelineLayout layout_;
  gpu::Pipeline pipeline_;
  gpu::DescriptorPool pool_;
  std::array<Geometry, 3> geometry_;
  std::uint64_t frame_ = 0;
  std::uint32_t textures_ = 0;
};

}  // namespace understudy::app
