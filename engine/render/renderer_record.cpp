#include "engine/render/renderer_impl.h"

namespace understudy::render {

void Renderer::Impl::mark(const FrameSlot& slot, VkCommandBuffer commands, Mark instant) {
  vkCmdWriteTimestamp2(commands, VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT, slot.queries.get(), instant);
}

void Renderer::Impl::recordTimes(const FrameSlot& slot, VkCommandBuffer commands, Mark first,
                                 Mark last) {
  if (!device.features.timestamps) return;
  constexpr VkDeviceSize kBytes = sizeof(std::uint64_t);
  vkCmdCopyQueryPoolResults(commands, slot.queries.get(), first, last - first + 1, slot.times.get(),
                            first * kBytes, kBytes,
                            VK_QUERY_RESULT_64_BIT | VK_QUERY_RESULT_WAIT_BIT);
  gpu::recordBarrier(commands, {.after = VK_PIPELINE_STAGE_2_ALL_TRANSFER_BIT,
                                .after_access = VK_ACCESS_2_TRANSFER_WRITE_BIT,
                                .before = VK_PIPELINE_STAGE_2_HOST_BIT,
                                .before_access = VK_ACCESS_2_HOST_READ_BIT});
}

bool Renderer::Impl::recordFrame(FrameSlot& slot, const SceneOptions& options) {
  if (slot.recorded == options) return true;
  slot.recorded.reset();
  const VkCommandBuffer commands = slot.scene;
  const VkCommandBufferBeginInfo begin{.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
  if (!device.check(vkBeginCommandBuffer(commands, &begin))) return false;
  mark(slot, commands, kMarkBegin);
  recordLatch(slot);
  mark(slot, commands, kMarkLatched);
  recordSkinning(slot);
  recordClusters(slot);
  mark(slot, commands, kMarkContact);
  recordShadow(slot, options.characters);
  mark(slot, commands, kMarkShadowed);
  recordScene(slot, options);
  mark(slot, commands, kMarkShaded);
  recordTone(slot, options);
  mark(slot, commands, kMarkToned);
  recordTimes(slot, commands, kMarkBegin, kMarkToned);
  if (!device.check(vkEndCommandBuffer(commands))) return false;
  slot.recorded = options;
  return true;
}

VkCommandBuffer Renderer::Impl::openTail(FrameSlot& slot) {
  if (slot.has_tail) return slot.tail;
  const VkCommandBufferBeginInfo begin{.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
                                       .flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT};
  slot.has_tail = device.check(vkBeginCommandBuffer(slot.tail, &begin));
  return slot.tail;
}

void Renderer::Impl::recordLatch(FrameSlot& slot) {
  const VkCommandBuffer commands = slot.scene;
  const shaders::LatchPush push{.frame = slot.input.address(),
                                .members = members.address(),
                                .owners = owners.address(),
                                .palettes = slot.palettes.address(),
                                .bounds = slot.bounds.address(),
                                .occluders = slot.occluders.address(),
                                .uniforms = slot.uniforms.address(),
                                .record = slot.record.address()};
  vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipelines.latch.get());
  vkCmdPushConstants(commands, pipelines.latch_pipeline_layout.get(), VK_SHADER_STAGE_COMPUTE_BIT,
                     0, sizeof push, &push);
  vkCmdDispatch(commands, 1, 1, 1);
  gpu::recordBarrier(
      commands,
      {.after = VK_PIPELINE_STAGE_2_COMPUTE_SHADER_BIT,
       .after_access = VK_ACCESS_2_SHADER_STORAGE_WRITE_BIT,
       .before = VK_PIPELINE_STAGE_2_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_2_VERTEX_SHADER_BIT |
                 VK_PIPELINE_STAGE_2_FRAGMENT_SHADER_BIT | VK_PIPELINE_STAGE_2_HOST_BIT,
       .before_access = VK_ACCESS_2_SHADER_STORAGE_READ_BIT | VK_ACCESS_2_UNIFORM_READ_BIT |
                        VK_ACCESS_2_HOST_READ_BIT});
}

void Renderer::Impl::recordSkinning(FrameSlot& slot) {
  const VkCommandBuffer commands = slot.scene;
  // The frame before may still read what is written now.
  gpu::recordBarrier(commands, {.after = VK_PIPELINE_STAGE_2_VERTEX_ATTRIBUTE_INPUT_BIT |
                                         VK_PIPELINE_STAGE_2_FRAGMENT_SHADER_BIT,
                                .before = VK_PIPELINE_STAGE_2_COMPUTE_SHADER_BIT});
  vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipelines.skin.get());
  if (!cast.empty()) {
    const shaders::SkinPush push{.jobs = jobs.address(), .palettes = slot.palettes.address()};
    vkCmdPushConstants(commands, pipelines.skin_pipeline_layout.get(), VK_SHADER_STAGE_COMPUTE_BIT,
                       0, sizeof push, &push);
    vkCmdDispatch(commands, (most_vertices + 63) / 64, static_cast<std::uint32_t>(cast.size()), 1);
  }
  mark(slot, commands, kMarkSkinned);
  vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipelines.contact.get());
  vkCmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_COMPUTE,
                          pipelines.frame_pipeline_layout.get(), 0, 1, &slot.set, 0, nullptr);
  vkCmdDispatch(commands, kContactSide / 8, kContactSide / 8, 1);
  gpu::recordBarrier(commands, {.after = VK_PIPELINE_STAGE_2_COMPUTE_SHADER_BIT,
                                .after_access = VK_ACCESS_2_SHADER_STORAGE_WRITE_BIT,
                                .before = VK_PIPELINE_STAGE_2_VERTEX_ATTRIBUTE_INPUT_BIT |
                                          VK_PIPELINE_STAGE_2_FRAGMENT_SHADER_BIT,
                                .before_access = VK_ACCESS_2_VERTEX_ATTRIBUTE_READ_BIT |
                                                 VK_ACCESS_2_SHADER_SAMPLED_READ_BIT});
}

void Renderer::Impl::recordShadow(FrameSlot& slot, bool characters) {
  const VkCommandBuffer commands = slot.scene;
  const std::uint32_t side = settings.quality.shadow_size_px;
  gpu::recordBarrier(commands,
                     {.after = VK_PIPELINE_STAGE_2_FRAGMENT_SHADER_BIT |
                               VK_PIPELINE_STAGE_2_LATE_FRAGMENT_TESTS_BIT,
                      .after_access = VK_ACCESS_2_DEPTH_STENCIL_ATTACHMENT_WRITE_BIT,
                      .before = VK_PIPELINE_STAGE_2_EARLY_FRAGMENT_TESTS_BIT |
                                VK_PIPELINE_STAGE_2_LATE_FRAGMENT_TESTS_BIT,
                      .before_access = VK_ACCESS_2_DEPTH_STENCIL_ATTACHMENT_READ_BIT |
                                       VK_ACCESS_2_DEPTH_STENCIL_ATTACHMENT_WRITE_BIT},
                     shadow_map.get(), VK_IMAGE_LAYOUT_UNDEFINED,
                     VK_IMAGE_LAYOUT_DEPTH_ATTACHMENT_OPTIMAL, VK_IMAGE_ASPECT_DEPTH_BIT);
  const VkRenderingAttachmentInfo depth{.sType = VK_STRUCTURE_TYPE_RENDERING_ATTACHMENT_INFO,
                                        .imageView = shadow_map.view(),
                                        .imageLayout = VK_IMAGE_LAYOUT_DEPTH_ATTACHMENT_OPTIMAL,
                                        .loadOp = VK_ATTACHMENT_LOAD_OP_CLEAR,
                                        .storeOp = VK_ATTACHMENT_STORE_OP_STORE,
                                        .clearValue = {.depthStencil = {1.0f, 0}}};
  const VkRenderingInfo info{.sType = VK_STRUCTURE_TYPE_RENDERING_INFO,
                             .renderArea = {{0, 0}, {side, side}},
                             .layerCount = 1,
                             .pDepthAttachment = &depth};
  vkCmdBeginRendering(commands, &info);
  gpu::recordViewport(commands, side, side);
  vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_GRAPHICS, pipelines.shadow.get());
  vkCmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_GRAPHICS,
                          pipelines.frame_pipeline_layout.get(), 0, 1, &slot.set, 0, nullptr);
  std::uint32_t place = 0;
  for (const Performer& performer : cast) {
    if (!characters) break;
    const std::uint32_t instance = place++;
    const Model& model = models[performer.model];
    const VkBuffer buffer = skinned.get();
    vkCmdBindVertexBuffers(commands, 0, 1, &buffer, &performer.skinned_offset);
    vkCmdBindIndexBuffer(commands, model.indices.get(), 0, VK_INDEX_TYPE_UINT32);
    for (const ModelPart& part : model.parts) {
      // Blended surfaces (glass, lashes) let the light through.
      if (model.materials[part.material].alpha_mode == scene::AlphaMode::blend) continue;
      vkCmdDrawIndexed(commands, part.index_count, 1, part.first_index, 0, instance);
    }
  }
  vkCmdEndRendering(commands);
  gpu::recordBarrier(commands,
                     {.after = VK_PIPELINE_STAGE_2_LATE_FRAGMENT_TESTS_BIT,
                      .after_access = VK_ACCESS_2_DEPTH_STENCIL_ATTACHMENT_WRITE_BIT,
                      .before = VK_PIPELINE_STAGE_2_FRAGMENT_SHADER_BIT,
                      .before_access = VK_ACCESS_2_SHADER_SAMPLED_READ_BIT},
                     shadow_map.get(), VK_IMAGE_LAYOUT_DEPTH_ATTACHMENT_OPTIMAL, kDepthReadLayout,
                     VK_IMAGE_ASPECT_DEPTH_BIT);
}

void Renderer::Impl::recordCharacters(FrameSlot& slot, bool lamps, bool mirrored) {
  const VkCommandBuffer commands = slot.scene;
  const auto& variants = (mirrored ? pipelines.mirrored : pipelines.character)[lamps ? 1 : 0];
  for (const scene::AlphaMode mode :
       {scene::AlphaMode::opaque, scene::AlphaMode::mask, scene::AlphaMode::blend}) {
    bool bound = false;
    std::uint32_t place = 0;
    for (const Performer& performer : cast) {
      const std::uint32_t instance = place++;  // Tells the shader whose presence counts.
      const Model& model = models[performer.model];
      bool buffers = false;
      for (const ModelPart& part : model.parts) {
        const ModelMaterial& material = model.materials[part.material];
        if (material.alpha_mode != mode) continue;
        if (!bound) {
          vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_GRAPHICS,
                            variants[static_cast<std::size_t>(mode)].get());
          bound = true;
        }
        if (!buffers) {
          const VkBuffer streams[] = {skinned.get(), model.fixed_vertices.get()};
          const VkDeviceSize offsets[] = {performer.skinned_offset, 0};
          vkCmdBindVertexBuffers(commands, 0, 2, streams, offsets);
          vkCmdBindIndexBuffer(commands, model.indices.get(), 0, VK_INDEX_TYPE_UINT32);
          buffers = true;
        }
        const VkCullModeFlags hidden = mirrored ? VK_CULL_MODE_FRONT_BIT : VK_CULL_MODE_BACK_BIT;
        vkCmdSetCullMode(commands,
                         material.double_sided ? VkCullModeFlags{VK_CULL_MODE_NONE} : hidden);
        vkCmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_GRAPHICS,
                                pipelines.character_pipeline_layout.get(), 1, 1, &material.set, 0,
                                nullptr);
        vkCmdDrawIndexed(commands, part.index_count, 1, part.first_index, 0, instance);
      }
    }
  }
}

void Renderer::Impl::recordScene(FrameSlot& slot, const SceneOptions& options) {
  const VkCommandBuffer commands = slot.scene;
  const bool multisampled = settings.quality.samples > 1;
  const gpu::Dependency color_free{.after = VK_PIPELINE_STAGE_2_FRAGMENT_SHADER_BIT |
                                            VK_PIPELINE_STAGE_2_ALL_TRANSFER_BIT |
                                            VK_PIPELINE_STAGE_2_COLOR_ATTACHMENT_OUTPUT_BIT,
                                   .after_access = VK_ACCESS_2_COLOR_ATTACHMENT_WRITE_BIT,
                                   .before = VK_PIPELINE_STAGE_2_COLOR_ATTACHMENT_OUTPUT_BIT,
                                   .before_access = VK_ACCESS_2_COLOR_ATTACHMENT_WRITE_BIT |
                                                    VK_ACCESS_2_COLOR_ATTACHMENT_READ_BIT};
  const gpu::Dependency depth_free{.after = VK_PIPELINE_STAGE_2_LATE_FRAGMENT_TESTS_BIT,
                                   .after_access = VK_ACCESS_2_DEPTH_STENCIL_ATTACHMENT_WRITE_BIT,
                                   .before = VK_PIPELINE_STAGE_2_EARLY_FRAGMENT_TESTS_BIT |
                                             VK_PIPELINE_STAGE_2_LATE_FRAGMENT_TESTS_BIT,
                                   .before_access = VK_ACCESS_2_DEPTH_STENCIL_ATTACHMENT_WRITE_BIT |
                                                    VK_ACCESS_2_DEPTH_STENCIL_ATTACHMENT_READ_BIT};
  gpu::recordBarrier(commands, color_free, targets.scene.get(), VK_IMAGE_LAYOUT_UNDEFINED,
                     VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL);
  if (multisampled) {
    gpu::recordBarrier(commands, color_free, targets.multisampled.get(), VK_IMAGE_LAYOUT_UNDEFINED,
                       VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL);
  }
  gpu::recordBarrier(commands, depth_free, targets.depth.get(), VK_IMAGE_LAYOUT_UNDEFINED,
                     VK_IMAGE_LAYOUT_DEPTH_ATTACHMENT_OPTIMAL, VK_IMAGE_ASPECT_DEPTH_BIT);
  const VkRenderingAttachmentInfo color{
      .sType = VK_STRUCTURE_TYPE_RENDERING_ATTACHMENT_INFO,
      .imageView = multisampled ? targets.multisampled.view() : targets.scene.view(),
      .imageLayout = VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL,
      .resolveMode = multisampled ? VK_RESOLVE_MODE_AVERAGE_BIT : VK_RESOLVE_MODE_NONE,
      .resolveImageView = multisampled ? targets.scene.view() : VK_NULL_HANDLE,
      .resolveImageLayout = VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL,
      .loadOp = VK_ATTACHMENT_LOAD_OP_DONT_CARE,
      .storeOp = VK_ATTACHMENT_STORE_OP_STORE};
  const VkRenderingAttachmentInfo depth{.sType = VK_STRUCTURE_TYPE_RENDERING_ATTACHMENT_INFO,
                                        .imageView = targets.depth.view(),
                                        .imageLayout = VK_IMAGE_LAYOUT_DEPTH_ATTACHMENT_OPTIMAL,
                                        .loadOp = VK_ATTACHMENT_LOAD_OP_CLEAR,
                                        .storeOp = VK_ATTACHMENT_STORE_OP_DONT_CARE,
                                        .clearValue = {.depthStencil = {0.0f, 0}}};
  const VkRenderingInfo info{.sType = VK_STRUCTURE_TYPE_RENDERING_INFO,
                             .renderArea = {{0, 0}, {settings.width_px, settings.height_px}},
                             .layerCount = 1,
                             .colorAttachmentCount = 1,
                             .pColorAttachments = &color,
                             .pDepthAttachment = &depth};
  const auto draw = [&](const gpu::Pipeline& pipeline, std::uint32_t vertices) {
    vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_GRAPHICS, pipeline.get());
    vkCmdDraw(commands, vertices, 1, 0, 0);
  };
  vkCmdBeginRendering(commands, &info);
  gpu::recordViewport(commands, settings.width_px, settings.height_px);
  vkCmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_GRAPHICS,
                          pipelines.frame_pipeline_layout.get(), 0, 1, &slot.set, 0, nullptr);
  const gpu::Pipeline& floor = pipelines.floor[options.lamps ? 1 : 0][options.grid ? 1 : 0];
  const auto drawFloor = [&] {
    // From below the floor one looks through it.
    vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_GRAPHICS, floor.get());
    vkCmdSetCullMode(commands, VK_CULL_MODE_BACK_BIT);
    vkCmdDraw(commands, 4, 1, 0, 0);
  };
  if (settings.quality.floor_reflection) {
    draw(pipelines.sky, 3);
    if (options.characters) {
      recordCharacters(slot, options.lamps, true);
      drawFloor();
      recordCharacters(slot, options.lamps, false);
    } else {
      drawFloor();
    }
  } else {
    // Nearest first, so that little is shaded twice.
    if (options.characters) recordCharacters(slot, options.lamps, false);
    drawFloor();
    draw(pipelines.sky, 3);
  }
  vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_GRAPHICS, pipelines.line.get());
  vkCmdDrawIndirect(commands, slot.draws.get(), kDrawLines * sizeof(VkDrawIndirectCommand), 1, 0);
  vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_GRAPHICS, pipelines.sphere.get());
  vkCmdDrawIndirect(commands, slot.draws.get(), kDrawSpheres * sizeof(VkDrawIndirectCommand), 1, 0);
  vkCmdEndRendering(commands);
}

void Renderer::Impl::recordTone(FrameSlot& slot, const SceneOptions& options) {
  const VkCommandBuffer commands = slot.scene;
  gpu::recordBarrier(commands,
                     {.after = VK_PIPELINE_STAGE_2_COLOR_ATTACHMENT_OUTPUT_BIT,
                      .after_access = VK_ACCESS_2_COLOR_ATTACHMENT_WRITE_BIT,
                      .before = VK_PIPELINE_STAGE_2_FRAGMENT_SHADER_BIT,
                      .before_access = VK_ACCESS_2_SHADER_SAMPLED_READ_BIT},
                     targets.scene.get(), VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL,
                     VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL);
  if (settings.quality.samples > 1) {
    gpu::recordBarrier(commands,
                       {.after = VK_PIPELINE_STAGE_2_COLOR_ATTACHMENT_OUTPUT_BIT,
                        .after_access = VK_ACCESS_2_COLOR_ATTACHMENT_WRITE_BIT,
                        .before = VK_PIPELINE_STAGE_2_FRAGMENT_SHADER_BIT,
                        .before_access = VK_ACCESS_2_SHADER_SAMPLED_READ_BIT},
                       targets.multisampled.get(), VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL,
                       VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL);
  }
  gpu::recordBarrier(
      commands,
      {.after = VK_PIPELINE_STAGE_2_ALL_TRANSFER_BIT | VK_PIPELINE_STAGE_2_FRAGMENT_SHADER_BIT |
                VK_PIPELINE_STAGE_2_COLOR_ATTACHMENT_OUTPUT_BIT,
       .after_access = VK_ACCESS_2_COLOR_ATTACHMENT_WRITE_BIT,
       .before = VK_PIPELINE_STAGE_2_COLOR_ATTACHMENT_OUTPUT_BIT,
       .before_access = VK_ACCESS_2_COLOR_ATTACHMENT_WRITE_BIT},
      targets.color.get(), VK_IMAGE_LAYOUT_UNDEFINED, VK_IMAGE_LAYOUT_GENERAL);
  const VkRenderingAttachmentInfo color{.sType = VK_STRUCTURE_TYPE_RENDERING_ATTACHMENT_INFO,
                                        .imageView = targets.color.view(),
                                        .imageLayout = VK_IMAGE_LAYOUT_GENERAL,
                                        .loadOp = VK_ATTACHMENT_LOAD_OP_DONT_CARE,
                                        .storeOp = VK_ATTACHMENT_STORE_OP_STORE};
  const VkRenderingInfo info{.sType = VK_STRUCTURE_TYPE_RENDERING_INFO,
                             .renderArea = {{0, 0}, {settings.width_px, settings.height_px}},
                             .layerCount = 1,
                             .colorAttachmentCount = 1,
                             .pColorAttachments = &color};
  const VkDescriptorSet sets[] = {slot.set, tone_set};
  vkCmdBeginRendering(commands, &info);
  gpu::recordViewport(commands, settings.width_px, settings.height_px);
  vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_GRAPHICS,
                    pipelines.tone[options.sequence_strip ? 1 : 0].get());
  vkCmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_GRAPHICS,
                          pipelines.tone_pipeline_layout.get(), 0, 2, sets, 0, nullptr);
  vkCmdDraw(commands, 3, 1, 0, 0);
  vkCmdEndRendering(commands);
  gpu::recordBarrier(
      commands,
      {.after = VK_PIPELINE_STAGE_2_COLOR_ATTACHMENT_OUTPUT_BIT,
       .after_access = VK_ACCESS_2_COLOR_ATTACHMENT_WRITE_BIT,
       .before = VK_PIPELINE_STAGE_2_ALL_TRANSFER_BIT | VK_PIPELINE_STAGE_2_FRAGMENT_SHADER_BIT,
       .before_access = VK_ACCESS_2_TRANSFER_READ_BIT | VK_ACCESS_2_SHADER_SAMPLED_READ_BIT});
}

void Renderer::Impl::copyToHost(VkCommandBuffer commands, VkImage image, VkImageLayout layout,
                                const gpu::Buffer& buffer) const {
  const VkBufferImageCopy region{.imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1},
                                 .imageExtent = {settings.width_px, settings.height_px, 1}};
  vkCmdCopyImageToBuffer(commands, image, layout, buffer.get(), 1, &region);
  gpu::recordBarrier(commands, {.after = VK_PIPELINE_STAGE_2_ALL_TRANSFER_BIT,
                                .after_access = VK_ACCESS_2_TRANSFER_WRITE_BIT,
                                .before = VK_PIPELINE_STAGE_2_HOST_BIT,
                                .before_access = VK_ACCESS_2_HOST_READ_BIT});
}

void Renderer::Impl::recordLinearReadback(FrameSlot& slot) {
  const VkCommandBuffer commands = openTail(slot);
  gpu::recordBarrier(commands,
                     {.after = VK_PIPELINE_STAGE_2_FRAGMENT_SHADER_BIT,
                      .before = VK_PIPELINE_STAGE_2_ALL_TRANSFER_BIT,
                      .before_access = VK_ACCESS_2_TRANSFER_READ_BIT},
                     targets.scene.get(), VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL,
                     VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL);
  copyToHost(commands, targets.scene.get(), VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL,
             slot.linear_readback);
}

void Renderer::Impl::recordReadback(FrameSlot& slot) {
  copyToHost(openTail(slot), targets.color.get(), VK_IMAGE_LAYOUT_GENERAL, slot.readback);
}

}  // namespace understudy::render
