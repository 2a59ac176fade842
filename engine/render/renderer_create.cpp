#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "engine/render/reflectance.h"
#include "engine/render/renderer_impl.h"
#include "shaders/shared/latch.h"

namespace understudy::render {

namespace {

constexpr std::uint32_t kReflectanceSide = 32;
constexpr VkBufferUsageFlags kByAddress =
    VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT;

core::Result<void> makeSampler(gpu::Device& device, const VkSamplerCreateInfo& info,
                               gpu::Sampler& sampler) {
  if (device.check(vkCreateSampler(device.handle, &info, nullptr, sampler.put(device.handle)))) {
    return {};
  }
  return core::makeError("a sampler was refused by the graphics driver");
}

template <class Owner>
core::Result<void> assign(Owner& owner, core::Result<Owner> made) {
  if (!made) return made.error();
  owner = std::move(*made);
  return {};
}

core::Result<void> makePixel(gpu::Device& device, std::array<std::uint8_t, 4> rgba,
                             gpu::Image& image) {
  auto made = gpu::Image::create(
      device, {.usage = VK_IMAGE_USAGE_SAMPLED_BIT | VK_IMAGE_USAGE_TRANSFER_SRC_BIT |
                        VK_IMAGE_USAGE_TRANSFER_DST_BIT});
  if (!made) return made.error();
  image = std::move(*made);
  return gpu::uploadImage(device, image, std::as_bytes(std::span(rgba)));
}

}  // namespace

core::Result<void> Renderer::Impl::createSamplers() {
  VkSamplerCreateInfo info{.sType = VK_STRUCTURE_TYPE_SAMPLER_CREATE_INFO,
                           .magFilter = VK_FILTER_LINEAR,
                           .minFilter = VK_FILTER_LINEAR,
                           .mipmapMode = VK_SAMPLER_MIPMAP_MODE_LINEAR,
                           .maxLod = VK_LOD_CLAMP_NONE};
  if (device.features.anisotropy && !device.features.software) {
    info.anisotropyEnable = VK_TRUE;
    info.maxAnisotropy = std::min(8.0f, device.properties.limits.maxSamplerAnisotropy);
  }
  if (auto done = makeSampler(device, info, texture_sampler); !done) return done;
  info.anisotropyEnable = VK_FALSE;
  info.addressModeU = info.addressModeV = VK_SAMPLER_ADDRESS_MODE_CLAMP_TO_EDGE;
  info.mipmapMode = VK_SAMPLER_MIPMAP_MODE_NEAREST;
  if (auto done = makeSampler(device, info, map_sampler); !done) return done;
  // Depth formats need not be filterable.
  info.magFilter = info.minFilter = VK_FILTER_NEAREST;
  if (auto done = makeSampler(device, info, depth_sampler); !done) return done;
  info.magFilter = info.minFilter = VK_FILTER_LINEAR;
  // Outside the shadow map nothing blocks the light.
  info.addressModeU = info.addressModeV = VK_SAMPLER_ADDRESS_MODE_CLAMP_TO_BORDER;
  info.borderColor = VK_BORDER_COLOR_FLOAT_OPAQUE_WHITE;
  info.compareEnable = VK_TRUE;
  info.compareOp = VK_COMPARE_OP_LESS_OR_EQUAL;
  return makeSampler(device, info, compare_sampler);
}

core::Result<void> Renderer::Impl::createFixedImages() {
  if (auto done = makePixel(device, {255, 255, 255, 255}, white); !done) return done;
  if (auto done = makePixel(device, {128, 128, 255, 255}, flat_normal); !done) return done;
  auto reflected = gpu::Image::create(
      device, {.width = kReflectanceSide,
               .height = kReflectanceSide,
               .format = kReflectanceFormat,
               .usage = VK_IMAGE_USAGE_SAMPLED_BIT | VK_IMAGE_USAGE_TRANSFER_SRC_BIT |
                        VK_IMAGE_USAGE_TRANSFER_DST_BIT});
  if (auto done = assign(reflectance_image, std::move(reflected)); !done) return done;
  const auto texels = reflectanceMap(kReflectanceSide);
  if (auto done = gpu::uploadImage(device, reflectance_image, std::as_bytes(std::span(texels)));
      !done) {
    return done;
  }
  const std::uint32_t side = settings.quality.shadow_size_px;
  auto shadow = gpu::Image::create(
      device, {.width = side,
               .height = side,
               .format = kDepthFormat,
               .usage = VK_IMAGE_USAGE_SAMPLED_BIT | VK_IMAGE_USAGE_DEPTH_STENCIL_ATTACHMENT_BIT});
  if (auto done = assign(shadow_map, std::move(shadow)); !done) return done;
  auto contact = gpu::Image::create(
      device, {.width = kContactSide,
               .height = kContactSide,
               .format = kContactFormat,
               .usage = VK_IMAGE_USAGE_SAMPLED_BIT | VK_IMAGE_USAGE_STORAGE_BIT});
  if (auto done = assign(contact_map, std::move(contact)); !done) return done;
  return device.runOnce([&](VkCommandBuffer commands) {
    gpu::recordBarrier(commands, {.before = VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT},
                       contact_map.get(), VK_IMAGE_LAYOUT_UNDEFINED, VK_IMAGE_LAYOUT_GENERAL);
  });
}

core::Result<void> Renderer::Impl::createTargets() {
  gpu::ImageSettings image{.width = settings.width_px,
                           .height = settings.height_px,
                           .format = kSceneFormat,
                           .usage = VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT |
                                    VK_IMAGE_USAGE_SAMPLED_BIT | VK_IMAGE_USAGE_TRANSFER_SRC_BIT};
  targets = {};
  if (auto done = assign(targets.scene, gpu::Image::create(device, image)); !done) return done;
  image.format = kColorFormat;
  if (auto done = assign(targets.color, gpu::Image::create(device, image)); !done) return done;
  image.samples = settings.quality.samples;
  image.format = kDepthFormat;
  image.usage = VK_IMAGE_USAGE_DEPTH_STENCIL_ATTACHMENT_BIT;
  if (auto done = assign(targets.depth, gpu::Image::create(device, image)); !done) return done;
  if (settings.quality.samples > 1) {
    image.format = kSceneFormat;
    image.usage = VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT;
    auto made = gpu::Image::create(device, image);
    if (auto done = assign(targets.multisampled, std::move(made)); !done) return done;
  }
  device.setName(VK_OBJECT_TYPE_IMAGE, reinterpret_cast<std::uint64_t>(targets.color.get()),
                 "picture");
  return {};
}

core::Result<void> Renderer::Impl::createSlotBuffers(FrameSlot& slot) {
  const auto make = [&](gpu::Buffer& buffer, VkDeviceSize bytes, VkBufferUsageFlags usage,
                        gpu::MemoryUse use = gpu::MemoryUse::upload) {
    return assign(buffer, gpu::Buffer::create(device, bytes, usage, use));
  };
  if (auto done = make(slot.input, sizeof(shaders::LatchInput), kByAddress); !done) return done;
  if (auto done =
          make(slot.record, sizeof(shaders::LatchRecord), kByAddress, gpu::MemoryUse::readback);
      !done) {
    return done;
  }
  if (auto done = make(slot.times, kMarkCount * sizeof(std::uint64_t),
                       VK_BUFFER_USAGE_TRANSFER_DST_BIT, gpu::MemoryUse::readback);
      !done) {
    return done;
  }
  if (auto done = make(slot.uniforms, sizeof(shaders::FrameUniforms),
                       VK_BUFFER_USAGE_UNIFORM_BUFFER_BIT | kByAddress, gpu::MemoryUse::device);
      !done) {
    return done;
  }
  if (auto done = make(slot.bounds, settings.max_performers * sizeof(shaders::PerformerBounds),
                       kByAddress, gpu::MemoryUse::device);
      !done) {
    return done;
  }
  if (auto done = make(slot.spheres, settings.max_spheres * sizeof(shaders::OverlaySphere),
                       VK_BUFFER_USAGE_STORAGE_BUFFER_BIT);
      !done) {
    return done;
  }
  if (auto done = make(slot.lines, settings.max_lines * sizeof(shaders::OverlayLine),
                       VK_BUFFER_USAGE_STORAGE_BUFFER_BIT);
      !done) {
    return done;
  }
  return make(slot.draws, kOverlayDrawCount * sizeof(VkDrawIndirectCommand),
              VK_BUFFER_USAGE_INDIRECT_BUFFER_BIT);
}

core::Result<void> Renderer::Impl::resizeReadback() {
  for (FrameSlot& slot : slots) {
    slot.readback = {};
    auto made =
        gpu::Buffer::create(device, VkDeviceSize{4} * settings.width_px * settings.height_px,
                            VK_BUFFER_USAGE_TRANSFER_DST_BIT, gpu::MemoryUse::readback);
    if (auto done = assign(slot.readback, std::move(made)); !done) return done;
  }
  return {};
}

core::Result<void> Renderer::Impl::createSlots() {
  const std::uint32_t count = settings.frames_in_flight;
  const VkCommandPoolCreateInfo pool{.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
                                     .flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT,
                                     .queueFamilyIndex = device.queue_family};
  const VkDescriptorPoolSize sizes[] = {{VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER, count},
                                        {VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER, 4 * count + 1},
                                        {VK_DESCRIPTOR_TYPE_STORAGE_IMAGE, count},
                                        {VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 4 * count}};
  const VkDescriptorPoolCreateInfo sets{.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
                                        .maxSets = count + 1,
                                        .poolSizeCount = 4,
                                        .pPoolSizes = sizes};
  const VkSemaphoreTypeCreateInfo type{.sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO,
                                       .semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE};
  const VkSemaphoreCreateInfo semaphore{.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO,
                                        .pNext = &type};
  bool fine =
      device.check(
          vkCreateCommandPool(device.handle, &pool, nullptr, command_pool.put(device.handle))) &&
      device.check(vkCreateDescriptorPool(device.handle, &sets, nullptr,
                                          descriptor_pool.put(device.handle))) &&
      device.check(
          vkCreateSemaphore(device.handle, &semaphore, nullptr, timeline.put(device.handle))) &&
      device.check(vkCreateSemaphore(device.handle, &semaphore, nullptr, gate.put(device.handle)));
  slots.resize(count);
  const auto allocateSet = [&](VkDescriptorSetLayout layout, VkDescriptorSet& set) {
    const VkDescriptorSetAllocateInfo info{.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
                                           .descriptorPool = descriptor_pool.get(),
                                           .descriptorSetCount = 1,
                                           .pSetLayouts = &layout};
    return device.check(vkAllocateDescriptorSets(device.handle, &info, &set));
  };
  fine = fine && allocateSet(pipelines.image_layout.get(), tone_set);
  for (FrameSlot& slot : slots) {
    const VkCommandBufferAllocateInfo commands{
        .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
        .commandPool = command_pool.get(),
        .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
        .commandBufferCount = 2};
    VkCommandBuffer made[2] = {};
    const VkQueryPoolCreateInfo queries{.sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO,
                                        .queryType = VK_QUERY_TYPE_TIMESTAMP,
                                        .queryCount = kMarkCount};
    fine = fine && device.check(vkAllocateCommandBuffers(device.handle, &commands, made)) &&
           device.check(vkCreateQueryPool(device.handle, &queries, nullptr,
                                          slot.queries.put(device.handle))) &&
           allocateSet(pipelines.frame_layout.get(), slot.set);
    slot.scene = made[0];
    slot.tail = made[1];
    if (!fine) break;
    if (auto done = createSlotBuffers(slot); !done) return done;
  }
  if (!fine) {
    return core::makeError(
        fmt::format("the graphics device refused a frame's resources ({})", device.firstFailure()));
  }
  return resizeReadback();
}

core::Result<void> Renderer::Impl::create() {
  if (auto done = check(settings); !done) return done;
  if (auto done = assign(pipelines, makePipelines(device, settings.quality)); !done) return done;
  if (auto done = createSamplers(); !done) return done;
  if (auto done = createFixedImages(); !done) return done;
  if (auto done = createTargets(); !done) return done;
  if (auto done = createSlots(); !done) return done;
  published.reserve(settings.max_performers);
  writeToneSet();
  return setCast({});
}

void Renderer::Impl::writeToneSet() {
  const VkDescriptorImageInfo image{map_sampler.get(), targets.scene.view(),
                                    VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL};
  const VkWriteDescriptorSet write{.sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
                                   .dstSet = tone_set,
                                   .descriptorCount = 1,
                                   .descriptorType = VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER,
                                   .pImageInfo = &image};
  vkUpdateDescriptorSets(device.handle, 1, &write, 0, nullptr);
}

void Renderer::Impl::writeSlotSet(const FrameSlot& slot) {
  const VkDescriptorImageInfo shadow_compare{compare_sampler.get(), shadow_map.view(),
                                             kDepthReadLayout};
  const VkDescriptorImageInfo shadow_depth{depth_sampler.get(), shadow_map.view(),
                                           kDepthReadLayout};
  const VkDescriptorImageInfo contact{map_sampler.get(), contact_map.view(),
                                      VK_IMAGE_LAYOUT_GENERAL};
  const VkDescriptorImageInfo reflected{map_sampler.get(), reflectance_image.view(),
                                        VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL};
  const auto whole = [](const gpu::Buffer& buffer) {
    return VkDescriptorBufferInfo{buffer.get(), 0, VK_WHOLE_SIZE};
  };
  const VkDescriptorBufferInfo uniforms = whole(slot.uniforms), bounds = whole(slot.bounds),
                               occluders = whole(slot.occluders), spheres = whole(slot.spheres),
                               lines = whole(slot.lines);
  const auto image = [&](std::uint32_t binding, VkDescriptorType type,
                         const VkDescriptorImageInfo& info) {
    return VkWriteDescriptorSet{.sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
                                .dstSet = slot.set,
                                .dstBinding = binding,
                                .descriptorCount = 1,
                                .descriptorType = type,
                                .pImageInfo = &info};
  };
  const auto buffer = [&](std::uint32_t binding, VkDescriptorType type,
                          const VkDescriptorBufferInfo& info) {
    return VkWriteDescriptorSet{.sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
                                .dstSet = slot.set,
                                .dstBinding = binding,
                                .descriptorCount = 1,
                                .descriptorType = type,
                                .pBufferInfo = &info};
  };
  constexpr VkDescriptorType kSampled = VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER;
  constexpr VkDescriptorType kStorage = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
  const VkWriteDescriptorSet writes[kFrameBindingCount] = {
      buffer(kBindFrame, VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER, uniforms),
      image(kBindShadowCompare, kSampled, shadow_compare),
      image(kBindShadowDepth, kSampled, shadow_depth),
      image(kBindContact, kSampled, contact),
      image(kBindContactStore, VK_DESCRIPTOR_TYPE_STORAGE_IMAGE, contact),
      buffer(kBindBounds, kStorage, bounds),
      buffer(kBindOccluders, kStorage, occluders),
      image(kBindReflectance, kSampled, reflected),
      buffer(kBindSpheres, kStorage, spheres),
      buffer(kBindLines, kStorage, lines)};
  vkUpdateDescriptorSets(device.handle, kFrameBindingCount, writes, 0, nullptr);
}

core::Result<void> Renderer::Impl::setCast(std::span<const ModelId> ids) {
  if (ids.size() > settings.max_performers) {
    return core::makeError(fmt::format("{} performers, but the renderer was made for {}",
                                       ids.size(), settings.max_performers));
  }
  device.waitIdle();
  cast.clear();
  VkDeviceSize skinned_bytes = 0;
  std::uint32_t joints = 0;
  for (const ModelId id : ids) {
    if (id >= models.size()) return core::makeError(fmt::format("model {} does not exist", id));
    const Model& model = models[id];
    const auto count = static_cast<std::uint32_t>(model.shapes.size());
    cast.push_back({.model = id,
                    .skinned_offset = skinned_bytes,
                    .first_joint = joints,
                    .joint_count = count});
    skinned_bytes += model.vertex_count * sizeof(shaders::SkinnedVertex);
    skinned_bytes = (skinned_bytes + 255) / 256 * 256;
    joints += count;
  }
  joint_count = joints;
  auto made =
      gpu::Buffer::create(device, skinned_bytes,
                          VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_VERTEX_BUFFER_BIT |
                              VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT,
                          gpu::MemoryUse::device);
  if (auto done = assign(skinned, std::move(made)); !done) return done;
  if (auto done = makeCastTables(); !done) return done;
  for (FrameSlot& slot : slots) {
    if (auto done = makePoseBuffers(slot); !done) return done;
    writeSlotSet(slot);
    slot.recorded.reset();
  }
  return {};
}

core::Result<void> Renderer::Impl::makeCastTables() {
  std::vector<shaders::CastMember> member_table;
  std::vector<std::uint32_t> owner_table;
  std::vector<shaders::SkinJob> job_table;
  most_vertices = 0;
  for (const Performer& performer : cast) {
    const Model& model = models[performer.model];
    owner_table.insert(owner_table.end(), performer.joint_count,
                       static_cast<std::uint32_t>(member_table.size()));
    member_table.push_back({.flesh = model.flesh.address(),
                            .first_joint = performer.first_joint,
                            .joint_count = performer.joint_count});
    job_table.push_back({.bind_vertices = model.bind_vertices.address(),
                         .skinned_vertices = skinned.address() + performer.skinned_offset,
                         .first_joint = performer.first_joint,
                         .vertex_count = model.vertex_count});
    most_vertices = std::max(most_vertices, model.vertex_count);
  }
  const auto make = [&](gpu::Buffer& buffer, const auto& table) -> core::Result<void> {
    const auto bytes = std::as_bytes(std::span(table));
    auto made =
        gpu::Buffer::create(device, bytes.size(), kByAddress | VK_BUFFER_USAGE_TRANSFER_DST_BIT,
                            gpu::MemoryUse::device);
    if (auto done = assign(buffer, std::move(made)); !done) return done;
    return bytes.empty() ? core::Result<void>{} : gpu::upload(device, buffer, bytes);
  };
  if (auto done = make(members, member_table); !done) return done;
  if (auto done = make(owners, owner_table); !done) return done;
  return make(jobs, job_table);
}

core::Result<void> Renderer::Impl::makePoseBuffers(FrameSlot& slot) {
  const anim::PoseRingCapacity capacity{
      .subjects = static_cast<std::uint32_t>(cast.size()), .matrices = joint_count, .slots = 1};
  const auto make = [&](gpu::Buffer& buffer, VkDeviceSize bytes, gpu::MemoryUse use) {
    return assign(buffer, gpu::Buffer::create(device, bytes, kByAddress, use));
  };
  const std::size_t ring_bytes = anim::PoseRing::memoryBytes(capacity);
  if (auto done = make(slot.own_poses, ring_bytes, gpu::MemoryUse::upload); !done) return done;
  slot.poses =
      std::make_unique<anim::PoseRing>(std::span(slot.own_poses.mapped(), ring_bytes), capacity);
  if (auto done =
          make(slot.palettes, joint_count * sizeof(shaders::JointRows), gpu::MemoryUse::device);
      !done) {
    return done;
  }
  return make(slot.occluders, joint_count * sizeof(shaders::Occluder), gpu::MemoryUse::device);
}

}  // namespace understudy::render
