#include <algorithm>
#include <cmath>
#include <cstring>

#include "engine/render/renderer_impl.h"
#include "shaders/shared/lights.h"

namespace understudy::render {

namespace {

constexpr std::uint32_t kGroup = 64;  // Invocations of shaders/cluster.comp.

shaders::Lamp lampOf(const scene::Light& light) {
  shaders::Lamp lamp{.position = light.position,
                     .reach = std::max(light.reach, 1e-3f),
                     .intensity = light.intensity,
                     .cone_scale = 0.0f,
                     .direction = light.direction,
                     .cone_offset = 1.0f};
  if (light.cone_outer < 6.28318f) {
    const float inner = std::cos(0.5f * light.cone_inner);
    const float outer = std::cos(0.5f * light.cone_outer);
    lamp.cone_scale = 1.0f / std::max(inner - outer, 1e-4f);
    lamp.cone_offset = -outer * lamp.cone_scale;
  }
  return lamp;
}

}  // namespace

core::Result<void> Renderer::Impl::createLightBuffers(FrameSlot& slot) {
  auto table = gpu::Buffer::create(device, sizeof(shaders::LampTable),
                                   VK_BUFFER_USAGE_STORAGE_BUFFER_BIT, gpu::MemoryUse::upload);
  if (!table) return table.error();
  auto bits = gpu::Buffer::create(
      device, sizeof(std::uint32_t) * shaders::kClusterCount * shaders::kLightWords,
      VK_BUFFER_USAGE_STORAGE_BUFFER_BIT, gpu::MemoryUse::device);
  if (!bits) return bits.error();
  slot.lamps = std::move(*table);
  slot.clusters = std::move(*bits);
  return {};
}

void Renderer::Impl::recordClusters(FrameSlot& slot) {
  const VkCommandBuffer commands = slot.scene;
  vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipelines.cluster.get());
  vkCmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_COMPUTE,
                          pipelines.frame_pipeline_layout.get(), 0, 1, &slot.set, 0, nullptr);
  // Without lamps, nothing.
  vkCmdDispatchIndirect(commands, slot.draws.get(), kClusterDispatchOffset);
  gpu::recordBarrier(commands, {.after = VK_PIPELINE_STAGE_2_COMPUTE_SHADER_BIT,
                                .after_access = VK_ACCESS_2_SHADER_STORAGE_WRITE_BIT,
                                .before = VK_PIPELINE_STAGE_2_FRAGMENT_SHADER_BIT,
                                .before_access = VK_ACCESS_2_SHADER_STORAGE_READ_BIT});
}

void Renderer::Impl::latchLights(FrameSlot& slot, const FrameContent& content) {
  auto* table = reinterpret_cast<shaders::LampTable*>(slot.lamps.mapped());
  const std::size_t count = std::min<std::size_t>(content.lights.size(), shaders::kMostLights);
  for (std::size_t i = 0; i < count; ++i) table->lamps[i] = lampOf(content.lights[i]);
  table->count = static_cast<std::uint32_t>(count);
  constexpr std::uint32_t kGroups =
      (shaders::kClusterCount * shaders::kLightWords + kGroup - 1) / kGroup;
  const VkDispatchIndirectCommand dispatch{count > 0 ? kGroups : 0u, 1, 1};
  std::memcpy(slot.draws.mapped() + kClusterDispatchOffset, &dispatch, sizeof dispatch);
}

}  // namespace understudy::render
