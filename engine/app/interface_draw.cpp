#include "engine/app/interface_draw.h"

#include <imgui.h>
#include <shaders/interface.frag.h>
#include <shaders/interface.vert.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace understudy::app {

namespace {

constexpr std::uint32_t kMaxTextures = 64;
constexpr VkIndexType kIndexType =
    sizeof(ImDrawIdx) == 2 ? VK_INDEX_TYPE_UINT16 : VK_INDEX_TYPE_UINT32;

struct Push {
  float scale[2], shift[2];
};

VkExtent2D sizeOf(const ImDrawData& lists) {
  return {
      static_cast<std::uint32_t>(std::max(lists.DisplaySize.x * lists.FramebufferScale.x, 0.0f)),
      static_cast<std::uint32_t>(std::max(lists.DisplaySize.y * lists.FramebufferScale.y, 0.0f))};
}

/// The clip rectangle in pixels of the target; empty where nothing of it is seen.
VkRect2D clipOf(const ImDrawCmd& command, const ImDrawData& lists, VkExtent2D size) {
  const auto edge = [](float points, float origin, float scale, std::uint32_t limit) {
    return static_cast<std::int32_t>(
        std::clamp((points - origin) * scale, 0.0f, static_cast<float>(limit)));
  };
  const ImVec4& r = command.ClipRect;
  const std::int32_t x0 = edge(r.x, lists.DisplayPos.x, lists.FramebufferScale.x, size.width);
  const std::int32_t y0 = edge(r.y, lists.DisplayPos.y, lists.FramebufferScale.y, size.height);
  const std::int32_t x1 = edge(r.z, lists.DisplayPos.x, lists.FramebufferScale.x, size.width);
  const std::int32_t y1 = edge(r.w, lists.DisplayPos.y, lists.FramebufferScale.y, size.height);
  return {{x0, y0},
          {static_cast<std::uint32_t>(std::max(x1 - x0, 0)),
           static_cast<std::uint32_t>(std::max(y1 - y0, 0))}};
}

}  // namespace

core::Result<InterfaceDraw> InterfaceDraw::create(gpu::Device& device, VkFormat format) {
  InterfaceDraw draw;
  draw.device_ = &device;
  if (auto made = draw.createLayouts(); !made) return made.error();
  if (auto made = draw.createPipeline(format); !made) return made.error();
  return draw;
}

core::Result<void> InterfaceDraw::createLayouts() {
  gpu::Device& device = *device_;
  const VkSamplerCreateInfo sampler{.sType = VK_STRUCTURE_TYPE_SAMPLER_CREATE_INFO,
                                    .magFilter = VK_FILTER_LINEAR,
                                    .minFilter = VK_FILTER_LINEAR,
                                    .addressModeU = VK_SAMPLER_ADDRESS_MODE_CLAMP_TO_EDGE,
                                    .addressModeV = VK_SAMPLER_ADDRESS_MODE_CLAMP_TO_EDGE};
  const VkDescriptorSetLayoutBinding binding{0, VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER, 1,
                                             VK_SHADER_STAGE_FRAGMENT_BIT};
  const VkDescriptorSetLayoutCreateInfo set{
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
      .bindingCount = 1,
      .pBindings = &binding};
  const VkDescriptorPoolSize size{VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER, kMaxTextures};
  const VkDescriptorPoolCreateInfo pool{.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
                                        .flags = VK_DESCRIPTOR_POOL_CREATE_FREE_DESCRIPTOR_SET_BIT,
                                        .maxSets = kMaxTextures,
                                        .poolSizeCount = 1,
                                        .pPoolSizes = &size};
  bool fine =
      device.check(
          vkCreateSampler(device.handle, &sampler, nullptr, sampler_.put(device.handle))) &&
      device.check(vkCreateDescriptorSetLayout(device.handle, &set, nullptr,
                                               set_layout_.put(device.handle))) &&
      device.check(vkCreateDescriptorPool(device.handle, &pool, nullptr, pool_.put(device.handle)));
  const VkDescriptorSetLayout layouts[] = {set_layout_.get()};
  const VkPushConstantRange range{VK_SHADER_STAGE_VERTEX_BIT, 0, sizeof(Push)};
  const VkPipelineLayoutCreateInfo layout{.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
                                          .setLayoutCount = 1,
                                          .pSetLayouts = layouts,
                                          .pushConstantRangeCount = 1,
                                          .pPushConstantRanges = &range};
  fine = fine && device.check(vkCreatePipelineLayout(device.handle, &layout, nullptr,
                                                     layout_.put(device.handle)));
  if (fine) return {};
  return core::makeError("the interface's layouts were refused by the graphics driver");
}

core::Result<void> InterfaceDraw::createPipeline(VkFormat format) {
  auto vertex = gpu::makeShader(*device_, k_interface_vert);
  if (!vertex) return vertex.error();
  auto fragment = gpu::makeShader(*device_, k_interface_frag);
  if (!fragment) return fragment.error();
  const VkPipelineShaderStageCreateInfo stages[] = {
      {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
       .stage = VK_SHADER_STAGE_VERTEX_BIT,
       .module = vertex->get(),
       .pName = "main"},
      {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
       .stage = VK_SHADER_STAGE_FRAGMENT_BIT,
       .module = fragment->get(),
       .pName = "main"}};
  const VkVertexInputBindingDescription binding{0, sizeof(ImDrawVert), VK_VERTEX_INPUT_RATE_VERTEX};
  const VkVertexInputAttributeDescription attributes[] = {
      {0, 0, VK_FORMAT_R32G32_SFLOAT, offsetof(ImDrawVert, pos)},
      {1, 0, VK_FORMAT_R32G32_SFLOAT, offsetof(ImDrawVert, uv)},
      {2, 0, VK_FORMAT_R8G8B8A8_UNORM, offsetof(ImDrawVert, col)}};
  const VkPipelineVertexInputStateCreateInfo input{
      .sType = VK_STRUCTURE_TYPE_PIPELINE_VERTEX_INPUT_STATE_CREATE_INFO,
      .vertexBindingDescriptionCount = 1,
      .pVertexBindingDescriptions = &binding,
      .vertexAttributeDescriptionCount = 3,
      .pVertexAttributeDescriptions = attributes};
  const VkPipelineInputAssemblyStateCreateInfo assembly{
      .sType = VK_STRUCTURE_TYPE_PIPELINE_INPUT_ASSEMBLY_STATE_CREATE_INFO,
      .topology = VK_PRIMITIVE_TOPOLOGY_TRIANGLE_LIST};
  const VkPipelineViewportStateCreateInfo viewport{
      .sType = VK_STRUCTURE_TYPE_PIPELINE_VIEWPORT_STATE_CREATE_INFO,
      .viewportCount = 1,
      .scissorCount = 1};
  const VkPipelineRasterizationStateCreateInfo raster{
      .sType = VK_STRUCTURE_TYPE_PIPELINE_RASTERIZATION_STATE_CREATE_INFO,
      .cullMode = VK_CULL_MODE_NONE,
      .lineWidth = 1.0f};
  const VkPipelineMultisampleStateCreateInfo multisample{
      .sType = VK_STRUCTURE_TYPE_PIPELINE_MULTISAMPLE_STATE_CREATE_INFO,
      .rasterizationSamples = VK_SAMPLE_COUNT_1_BIT};
  const VkPipelineColorBlendAttachmentState attachment{
      .blendEnable = VK_TRUE,
      .srcColorBlendFactor = VK_BLEND_FACTOR_SRC_ALPHA,
      .dstColorBlendFactor = VK_BLEND_FACTOR_ONE_MINUS_SRC_ALPHA,
      .srcAlphaBlendFactor = VK_BLEND_FACTOR_ONE,
      .dstAlphaBlendFactor = VK_BLEND_FACTOR_ONE_MINUS_SRC_ALPHA,
      .colorWriteMask = VK_COLOR_COMPONENT_R_BIT | VK_COLOR_COMPONENT_G_BIT |
                        VK_COLOR_COMPONENT_B_BIT | VK_COLOR_COMPONENT_A_BIT};
  const VkPipelineColorBlendStateCreateInfo blending{
      .sType = VK_STRUCTURE_TYPE_PIPELINE_COLOR_BLEND_STATE_CREATE_INFO,
      .attachmentCount = 1,
      .pAttachments = &attachment};
  const VkDynamicState dynamic[] = {VK_DYNAMIC_STATE_VIEWPORT, VK_DYNAMIC_STATE_SCISSOR};
  const VkPipelineDynamicStateCreateInfo dynamics{
      .sType = VK_STRUCTURE_TYPE_PIPELINE_DYNAMIC_STATE_CREATE_INFO,
      .dynamicStateCount = 2,
      .pDynamicStates = dynamic};
  const VkPipelineRenderingCreateInfo rendering{
      .sType = VK_STRUCTURE_TYPE_PIPELINE_RENDERING_CREATE_INFO,
      .colorAttachmentCount = 1,
      .pColorAttachmentFormats = &format};
  const VkGraphicsPipelineCreateInfo info{.sType = VK_STRUCTURE_TYPE_GRAPHICS_PIPELINE_CREATE_INFO,
                                          .pNext = &rendering,
                                          .stageCount = 2,
                                          .pStages = stages,
                                          .pVertexInputState = &input,
                                          .pInputAssemblyState = &assembly,
                                          .pViewportState = &viewport,
                                          .pRasterizationState = &raster,
                                          .pMultisampleState = &multisample,
                                          .pColorBlendState = &blending,
                                          .pDynamicState = &dynamics,
                                          .layout = layout_.get()};
  if (!device_->check(vkCreateGraphicsPipelines(device_->handle, VK_NULL_HANDLE, 1, &info, nullptr,
                                                pipeline_.put(device_->handle)))) {
    return core::makeError("the interface's pipeline was refused by the graphics driver");
  }
  return {};
}

VkDescriptorSet InterfaceDraw::addTexture(VkImageView view, VkImageLayout layout) {
  const VkDescriptorSetLayout layouts[] = {set_layout_.get()};
  const VkDescriptorSetAllocateInfo allocate{
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
      .descriptorPool = pool_.get(),
      .descriptorSetCount = 1,
      .pSetLayouts = layouts};
  VkDescriptorSet set = VK_NULL_HANDLE;
  if (textures_ == kMaxTextures ||
      !device_->check(vkAllocateDescriptorSets(device_->handle, &allocate, &set))) {
    return VK_NULL_HANDLE;
  }
  ++textures_;
  const VkDescriptorImageInfo image{sampler_.get(), view, layout};
  const VkWriteDescriptorSet write{.sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
                                   .dstSet = set,
                                   .descriptorCount = 1,
                                   .descriptorType = VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER,
                                   .pImageInfo = &image};
  vkUpdateDescriptorSets(device_->handle, 1, &write, 0, nullptr);
  return set;
}

void InterfaceDraw::removeTexture(VkDescriptorSet set) {
  if (set == VK_NULL_HANDLE) return;
  device_->waitIdle();
  vkFreeDescriptorSets(device_->handle, pool_.get(), 1, &set);
  --textures_;
}

bool InterfaceDraw::reserve(Geometry& geometry, std::size_t vertex_bytes, std::size_t index_bytes) {
  const auto grow = [&](gpu::Buffer& buffer, std::size_t bytes, VkBufferUsageFlags usage) {
    if (buffer.size() >= bytes) return true;
    auto made = gpu::Buffer::create(*device_, std::max<std::size_t>(2 * bytes, 1u << 18), usage,
                                    gpu::MemoryUse::upload);
    if (!made) return false;
    buffer = std::move(*made);
    return true;
  };
  return grow(geometry.vertices, vertex_bytes, VK_BUFFER_USAGE_VERTEX_BUFFER_BIT) &&
         grow(geometry.indices, index_bytes, VK_BUFFER_USAGE_INDEX_BUFFER_BIT);
}

void InterfaceDraw::record(VkCommandBuffer commands, const ImDrawData& lists, VkImageView target,
                           VkImageLayout layout) {
  const VkExtent2D size = sizeOf(lists);
  Geometry& geometry = geometry_[frame_++ % geometry_.size()];
  if (size.width == 0 || size.height == 0 || lists.TotalVtxCount == 0 ||
      !reserve(geometry, static_cast<std::size_t>(lists.TotalVtxCount) * sizeof(ImDrawVert),
               static_cast<std::size_t>(lists.TotalIdxCount) * sizeof(ImDrawIdx))) {
    return;
  }
  std::byte* vertices = geometry.vertices.mapped();
  std::byte* indices = geometry.indices.mapped();
  for (int i = 0; i < lists.CmdListsCount; ++i) {
    const ImDrawList& list = *lists.CmdLists[i];
    if (list.VtxBuffer.empty()) continue;
    std::memcpy(vertices, list.VtxBuffer.Data,
                static_cast<std::size_t>(list.VtxBuffer.size_in_bytes()));
    std::memcpy(indices, list.IdxBuffer.Data,
                static_cast<std::size_t>(list.IdxBuffer.size_in_bytes()));
    vertices += list.VtxBuffer.size_in_bytes();
    indices += list.IdxBuffer.size_in_bytes();
  }
  const VkRenderingAttachmentInfo color{.sType = VK_STRUCTURE_TYPE_RENDERING_ATTACHMENT_INFO,
                                        .imageView = target,
                                        .imageLayout = layout,
                                        .loadOp = VK_ATTACHMENT_LOAD_OP_LOAD,
                                        .storeOp = VK_ATTACHMENT_STORE_OP_STORE};
  const VkRenderingInfo info{.sType = VK_STRUCTURE_TYPE_RENDERING_INFO,
                             .renderArea = {{0, 0}, size},
                             .layerCount = 1,
                             .colorAttachmentCount = 1,
                             .pColorAttachments = &color};
  vkCmdBeginRendering(commands, &info);
  gpu::recordViewport(commands, size.width, size.height);
  vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_GRAPHICS, pipeline_.get());
  const VkBuffer buffer = geometry.vertices.get();
  const VkDeviceSize offset = 0;
  vkCmdBindVertexBuffers(commands, 0, 1, &buffer, &offset);
  vkCmdBindIndexBuffer(commands, geometry.indices.get(), 0, kIndexType);
  recordLists(commands, lists);
  vkCmdEndRendering(commands);
}

void InterfaceDraw::recordLists(VkCommandBuffer commands, const ImDrawData& lists) const {
  const VkExtent2D size = sizeOf(lists);
  Push push{{2.0f / lists.DisplaySize.x, 2.0f / lists.DisplaySize.y}, {0.0f, 0.0f}};
  push.shift[0] = -1.0f - lists.DisplayPos.x * push.scale[0];
  push.shift[1] = -1.0f - lists.DisplayPos.y * push.scale[1];
  vkCmdPushConstants(commands, layout_.get(), VK_SHADER_STAGE_VERTEX_BIT, 0, sizeof push, &push);
  std::uint32_t first_index = 0;
  std::int32_t first_vertex = 0;
  VkDescriptorSet bound = VK_NULL_HANDLE;
  for (int i = 0; i < lists.CmdListsCount; ++i) {
    const ImDrawList& list = *lists.CmdLists[i];
    for (const ImDrawCmd& command : list.CmdBuffer) {
      const VkRect2D clip = clipOf(command, lists, size);
      const VkDescriptorSet set = reinterpret_cast<VkDescriptorSet>(command.GetTexID());
      if (command.UserCallback != nullptr || command.ElemCount == 0 || set == VK_NULL_HANDLE ||
          clip.extent.width == 0 || clip.extent.height == 0) {
        continue;
      }
      if (set != bound) {
        vkCmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_GRAPHICS, layout_.get(), 0, 1,
                                &set, 0, nullptr);
        bound = set;
      }
      vkCmdSetScissor(commands, 0, 1, &clip);
      vkCmdDrawIndexed(commands, command.ElemCount, 1, first_index + command.IdxOffset,
                       first_vertex + static_cast<std::int32_t>(command.VtxOffset), 0);
    }
    first_index += static_cast<std::uint32_t>(list.IdxBuffer.Size);
    first_vertex += list.VtxBuffer.Size;
  }
}

}  // namespace understudy::app
