#include "engine/render/renderer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstring>

#include "engine/render/light_fit.h"
#include "engine/render/model.h"
#include "engine/render/pipelines.h"
#include "engine/render/reflectance.h"
#include "shaders/shared/frame.h"

namespace understudy::render {

namespace {

constexpr std::uint32_t kContactSide = 128;
constexpr std::uint32_t kReflectanceSide = 32;
const glm::vec3 kToKey = glm::normalize(glm::vec3(-0.55f, 0.90f, 0.606f));
const glm::vec3 kKeyColor(3.55f, 3.30f, 2.98f);
const glm::vec3 kFloorAmbient(0.36f, 0.375f, 0.395f);
constexpr float kKeyTangent = 0.055f;
constexpr float kExposure = 0.92f;

/// Instants of a frame that the GPU marks.
enum Mark : std::uint32_t {
  kMarkBegin,
  kMarkSkinned,
  kMarkContact,
  kMarkShadowed,
  kMarkShaded,
  kMarkToned,
  kMarkCopied,
  kMarkEnd,
  kMarkCount
};

/// One performer of the cast.
struct Performer {
  ModelId model = 0;
  VkDeviceSize skinned_offset = 0;   ///< Bytes in the skinned vertices.
  std::uint32_t palette_offset = 0;  ///< Joints in the palette buffer.
  std::uint32_t joint_count = 0;
};

/// Images whose size is the picture's.
struct Targets {
  gpu::Image multisampled;  ///< Empty without multisampling.
  gpu::Image scene;         ///< Linear light, RGBA16F.
  gpu::Image depth;
  gpu::Image color;
};

/// Everything one frame in flight owns.
struct FrameSlot {
  VkCommandBuffer commands = VK_NULL_HANDLE;
  VkDescriptorSet set = VK_NULL_HANDLE;
  gpu::Buffer uniforms, palette, bounds, occluders, spheres, lines, draws, readback;
  gpu::QueryPool queries;
  std::uint64_t submitted = 0;  ///< Timeline value; 0 = never.
  bool has_readback = false;
  RenderedImage image;
};

/// Indirect commands of the overlays, in FrameSlot::draws.
enum OverlayDraw : std::uint32_t { kDrawSpheres, kDrawLines, kOverlayDrawCount };

}  // namespace

struct Renderer::Impl {
  gpu::Device& device;
  RenderSettings settings;
  Pipelines pipelines;
  gpu::Sampler texture_sampler, map_sampler, depth_sampler, compare_sampler;
  gpu::Image white, flat_normal, reflectance_image, shadow_map, contact_map;
  Targets targets;
  gpu::CommandPool command_pool;
  gpu::DescriptorPool descriptor_pool;
  gpu::Semaphore timeline;
  VkDescriptorSet tone_set = VK_NULL_HANDLE;
  std::vector<FrameSlot> slots;
  std::vector<Model> models;
  std::vector<Performer> cast;
  gpu::Buffer skinned;
  std::vector<CasterBall> casters;  ///< Scratch of the latch.
  std::size_t open = 0;             ///< Slot of the frame that is being recorded.
  bool recording = false;
  std::uint64_t frame = 0;

  Impl(gpu::Device& d, const RenderSettings& s) : device(d), settings(s) {}
  ~Impl() { device.waitIdle(); }

  core::Result<void> create();
  core::Result<void> createSamplers();
  core::Result<void> createFixedImages();
  core::Result<void> createTargets();
  core::Result<void> createSlots();
  core::Result<void> createSlotBuffers(FrameSlot& slot);
  core::Result<void> resizeReadback();
  void writeSlotSet(const FrameSlot& slot);
  void writeToneSet();
  core::Result<void> setCast(std::span<const ModelId> ids);

  void recordSkinning(FrameSlot& slot);
  void recordShadow(FrameSlot& slot, bool characters);
  void recordScene(FrameSlot& slot, const FrameOptions& options);
  void recordCharacters(FrameSlot& slot, bool mirrored);
  void recordTone(FrameSlot& slot, const FrameOptions& options);
  void recordReadback(FrameSlot& slot);
  void mark(const FrameSlot& slot, Mark instant);

  void latchPalettes(FrameSlot& slot, const FrameContent& content);
  void latchUniforms(FrameSlot& slot, const FrameContent& content, std::uint32_t visible);
  void latchOverlay(FrameSlot& slot, const FrameContent& content);
  bool waitFor(std::uint64_t value);
  void readTimes(FrameSlot& slot);
};

namespace {

VkImageLayout depthReadLayout() { return VK_IMAGE_LAYOUT_DEPTH_READ_ONLY_OPTIMAL; }

core::Result<void> makeSampler(gpu::Device& device, const VkSamplerCreateInfo& info,
                               gpu::Sampler& sampler) {
  if (device.check(
          vkCreateSampler(device.handle, &info, nullptr, sampler.put(device.handle)))) {
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
  auto made = gpu::Image::create(device, {.usage = VK_IMAGE_USAGE_SAMPLED_BIT |
                                                   VK_IMAGE_USAGE_TRANSFER_SRC_BIT |
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
  if (auto done =
          gpu::uploadImage(device, reflectance_image, std::as_bytes(std::span(texels)));
      !done) {
    return done;
  }
  const std::uint32_t side = settings.quality.shadow_size_px;
  auto shadow = gpu::Image::create(device, {.width = side,
                                            .height = side,
                                            .format = kDepthFormat,
                                            .usage = VK_IMAGE_USAGE_SAMPLED_BIT |
                                                     VK_IMAGE_USAGE_DEPTH_STENCIL_ATTACHMENT_BIT});
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
  const auto make = [&](gpu::Buffer& buffer, VkDeviceSize bytes, VkBufferUsageFlags usage) {
    return assign(buffer, gpu::Buffer::create(device, bytes, usage, gpu::MemoryUse::upload));
  };
  if (auto done = make(slot.uniforms, sizeof(shaders::FrameUniforms),
                       VK_BUFFER_USAGE_UNIFORM_BUFFER_BIT);
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
  if (auto done = make(slot.draws, kOverlayDrawCount * sizeof(VkDrawIndirectCommand),
                       VK_BUFFER_USAGE_INDIRECT_BUFFER_BIT);
      !done) {
    return done;
  }
  return make(slot.bounds, settings.max_performers * sizeof(shaders::PerformerBounds),
              VK_BUFFER_USAGE_STORAGE_BUFFER_BIT);
}

core::Result<void> Renderer::Impl::resizeReadback() {
  for (FrameSlot& slot : slots) {
    slot.readback = {};
    auto made = gpu::Buffer::create(
        device, VkDeviceSize{4} * settings.width_px * settings.height_px,
        VK_BUFFER_USAGE_TRANSFER_DST_BIT, gpu::MemoryUse::readback);
    if (auto done = assign(slot.readback, std::move(made)); !done) return done;
  }
  return {};
}

core::Result<void> Renderer::Impl::createSlots() {
  const std::uint32_t count = settings.frames_in_flight;
  const VkCommandPoolCreateInfo pool{
      .sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
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
  bool fine = device.check(vkCreateCommandPool(device.handle, &pool, nullptr,
                                               command_pool.put(device.handle))) &&
              device.check(vkCreateDescriptorPool(device.handle, &sets, nullptr,
                                                  descriptor_pool.put(device.handle))) &&
              device.check(vkCreateSemaphore(device.handle, &semaphore, nullptr,
                                             timeline.put(device.handle)));
  slots.resize(count);
  const auto allocateSet = [&](VkDescriptorSetLayout layout, VkDescriptorSet& set) {
    const VkDescriptorSetAllocateInfo info{
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
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
        .commandBufferCount = 1};
    const VkQueryPoolCreateInfo queries{.sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO,
                                        .queryType = VK_QUERY_TYPE_TIMESTAMP,
                                        .queryCount = kMarkCount};
    fine = fine &&
           device.check(vkAllocateCommandBuffers(device.handle, &commands, &slot.commands)) &&
           device.check(vkCreateQueryPool(device.handle, &queries, nullptr,
                                          slot.queries.put(device.handle))) &&
           allocateSet(pipelines.frame_layout.get(), slot.set);
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
                                             depthReadLayout()};
  const VkDescriptorImageInfo shadow_depth{depth_sampler.get(), shadow_map.view(),
                                           depthReadLayout()};
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
                    .palette_offset = joints,
                    .joint_count = count});
    skinned_bytes += model.vertex_count * sizeof(shaders::SkinnedVertex);
    skinned_bytes = (skinned_bytes + 255) / 256 * 256;
    joints += count;
  }
  casters.clear();
  casters.reserve(joints);
  auto made = gpu::Buffer::create(device, skinned_bytes,
                                  VK_BUFFER_USAGE_STORAGE_BUFFER_BIT |
                                      VK_BUFFER_USAGE_VERTEX_BUFFER_BIT |
                                      VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT,
                                  gpu::MemoryUse::device);
  if (auto done = assign(skinned, std::move(made)); !done) return done;
  for (FrameSlot& slot : slots) {
    auto palette = gpu::Buffer::create(
        device, joints * sizeof(shaders::JointRows),
        VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT,
        gpu::MemoryUse::upload);
    if (auto done = assign(slot.palette, std::move(palette)); !done) return done;
    auto occluders = gpu::Buffer::create(device, joints * sizeof(shaders::Occluder),
                                         VK_BUFFER_USAGE_STORAGE_BUFFER_BIT,
                                         gpu::MemoryUse::upload);
    if (auto done = assign(slot.occluders, std::move(occluders)); !done) return done;
    writeSlotSet(slot);
  }
  return {};
}

void Renderer::Impl::mark(const FrameSlot& slot, Mark instant) {
  vkCmdWriteTimestamp2(slot.commands, VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT, slot.queries.get(),
                       instant);
}

void Renderer::Impl::recordSkinning(FrameSlot& slot) {
  const VkCommandBuffer commands = slot.commands;
  // The frame before may still read what is written now.
  gpu::recordBarrier(commands, {.after = VK_PIPELINE_STAGE_2_VERTEX_ATTRIBUTE_INPUT_BIT |
                                         VK_PIPELINE_STAGE_2_FRAGMENT_SHADER_BIT,
                                .before = VK_PIPELINE_STAGE_2_COMPUTE_SHADER_BIT});
  vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipelines.skin.get());
  for (const Performer& performer : cast) {
    const Model& model = models[performer.model];
    const shaders::SkinPush push{
        .bind_vertices = model.bind_vertices.address(),
        .palette = slot.palette.address() + performer.palette_offset * sizeof(shaders::JointRows),
        .skinned_vertices = skinned.address() + performer.skinned_offset,
        .vertex_count = model.vertex_count};
    vkCmdPushConstants(commands, pipelines.skin_pipeline_layout.get(),
                       VK_SHADER_STAGE_COMPUTE_BIT, 0, sizeof push, &push);
    vkCmdDispatch(commands, (model.vertex_count + 63) / 64, 1, 1);
  }
  mark(slot, kMarkSkinned);
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
  const VkCommandBuffer commands = slot.commands;
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
  const VkRenderingAttachmentInfo depth{
      .sType = VK_STRUCTURE_TYPE_RENDERING_ATTACHMENT_INFO,
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
  for (const Performer& performer : cast) {
    if (!characters) break;
    const Model& model = models[performer.model];
    const VkBuffer buffer = skinned.get();
    vkCmdBindVertexBuffers(commands, 0, 1, &buffer, &performer.skinned_offset);
    vkCmdBindIndexBuffer(commands, model.indices.get(), 0, VK_INDEX_TYPE_UINT32);
    for (const ModelPart& part : model.parts) {
      // Blended surfaces (glass, lashes) let the light through.
      if (model.materials[part.material].alpha_mode == scene::AlphaMode::blend) continue;
      vkCmdDrawIndexed(commands, part.index_count, 1, part.first_index, 0, 0);
    }
  }
  vkCmdEndRendering(commands);
  gpu::recordBarrier(commands,
                     {.after = VK_PIPELINE_STAGE_2_LATE_FRAGMENT_TESTS_BIT,
                      .after_access = VK_ACCESS_2_DEPTH_STENCIL_ATTACHMENT_WRITE_BIT,
                      .before = VK_PIPELINE_STAGE_2_FRAGMENT_SHADER_BIT,
                      .before_access = VK_ACCESS_2_SHADER_SAMPLED_READ_BIT},
                     shadow_map.get(), VK_IMAGE_LAYOUT_DEPTH_ATTACHMENT_OPTIMAL,
                     depthReadLayout(), VK_IMAGE_ASPECT_DEPTH_BIT);
}

void Renderer::Impl::recordCharacters(FrameSlot& slot, bool mirrored) {
  const VkCommandBuffer commands = slot.commands;
  const auto& variants = mirrored ? pipelines.mirrored : pipelines.character;
  for (const scene::AlphaMode mode :
       {scene::AlphaMode::opaque, scene::AlphaMode::mask, scene::AlphaMode::blend}) {
    bool bound = false;
    for (const Performer& performer : cast) {
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
        vkCmdDrawIndexed(commands, part.index_count, 1, part.first_index, 0, 0);
      }
    }
  }
}

void Renderer::Impl::recordScene(FrameSlot& slot, const FrameOptions& options) {
  const VkCommandBuffer commands = slot.commands;
  const bool multisampled = settings.quality.samples > 1;
  const gpu::Dependency color_free{
      .after = VK_PIPELINE_STAGE_2_FRAGMENT_SHADER_BIT |
               VK_PIPELINE_STAGE_2_COLOR_ATTACHMENT_OUTPUT_BIT,
      .after_access = VK_ACCESS_2_COLOR_ATTACHMENT_WRITE_BIT,
      .before = VK_PIPELINE_STAGE_2_COLOR_ATTACHMENT_OUTPUT_BIT,
      .before_access = VK_ACCESS_2_COLOR_ATTACHMENT_WRITE_BIT |
                       VK_ACCESS_2_COLOR_ATTACHMENT_READ_BIT};
  const gpu::Dependency depth_free{
      .after = VK_PIPELINE_STAGE_2_LATE_FRAGMENT_TESTS_BIT,
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
      .storeOp = multisampled ? VK_ATTACHMENT_STORE_OP_DONT_CARE : VK_ATTACHMENT_STORE_OP_STORE};
  const VkRenderingAttachmentInfo depth{
      .sType = VK_STRUCTURE_TYPE_RENDERING_ATTACHMENT_INFO,
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
  const gpu::Pipeline& floor = pipelines.floor[options.grid ? 1 : 0];
  const auto drawFloor = [&] {
    // From below the floor one looks through it.
    vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_GRAPHICS, floor.get());
    vkCmdSetCullMode(commands, VK_CULL_MODE_BACK_BIT);
    vkCmdDraw(commands, 4, 1, 0, 0);
  };
  if (settings.quality.floor_reflection) {
    draw(pipelines.sky, 3);
    if (options.characters) {
      recordCharacters(slot, true);
      drawFloor();
      recordCharacters(slot, false);
    } else {
      drawFloor();
    }
  } else {
    // Nearest first, so that little is shaded twice.
    if (options.characters) recordCharacters(slot, false);
    drawFloor();
    draw(pipelines.sky, 3);
  }
  vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_GRAPHICS, pipelines.line.get());
  vkCmdDrawIndirect(commands, slot.draws.get(), kDrawLines * sizeof(VkDrawIndirectCommand), 1, 0);
  vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_GRAPHICS, pipelines.sphere.get());
  vkCmdDrawIndirect(commands, slot.draws.get(), kDrawSpheres * sizeof(VkDrawIndirectCommand), 1,
                    0);
  vkCmdEndRendering(commands);
}

void Renderer::Impl::recordTone(FrameSlot& slot, const FrameOptions& options) {
  const VkCommandBuffer commands = slot.commands;
  gpu::recordBarrier(commands,
                     {.after = VK_PIPELINE_STAGE_2_COLOR_ATTACHMENT_OUTPUT_BIT,
                      .after_access = VK_ACCESS_2_COLOR_ATTACHMENT_WRITE_BIT,
                      .before = VK_PIPELINE_STAGE_2_FRAGMENT_SHADER_BIT,
                      .before_access = VK_ACCESS_2_SHADER_SAMPLED_READ_BIT},
                     targets.scene.get(), VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL,
                     VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL);
  gpu::recordBarrier(commands,
                     {.after = VK_PIPELINE_STAGE_2_ALL_TRANSFER_BIT |
                               VK_PIPELINE_STAGE_2_FRAGMENT_SHADER_BIT |
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
  gpu::recordBarrier(commands,
                     {.after = VK_PIPELINE_STAGE_2_COLOR_ATTACHMENT_OUTPUT_BIT,
                      .after_access = VK_ACCESS_2_COLOR_ATTACHMENT_WRITE_BIT,
                      .before = VK_PIPELINE_STAGE_2_ALL_TRANSFER_BIT |
                                VK_PIPELINE_STAGE_2_FRAGMENT_SHADER_BIT,
                      .before_access =
                          VK_ACCESS_2_TRANSFER_READ_BIT | VK_ACCESS_2_SHADER_SAMPLED_READ_BIT});
}

void Renderer::Impl::recordReadback(FrameSlot& slot) {
  const VkBufferImageCopy region{
      .imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1},
      .imageExtent = {settings.width_px, settings.height_px, 1}};
  vkCmdCopyImageToBuffer(slot.commands, targets.color.get(), VK_IMAGE_LAYOUT_GENERAL,
                         slot.readback.get(), 1, &region);
  gpu::recordBarrier(slot.commands, {.after = VK_PIPELINE_STAGE_2_ALL_TRANSFER_BIT,
                                     .after_access = VK_ACCESS_2_TRANSFER_WRITE_BIT,
                                     .before = VK_PIPELINE_STAGE_2_HOST_BIT,
                                     .before_access = VK_ACCESS_2_HOST_READ_BIT});
}

bool Renderer::Impl::waitFor(std::uint64_t value) {
  if (value == 0) return !device.lost();
  const VkSemaphore semaphore = timeline.get();
  const VkSemaphoreWaitInfo info{.sType = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO,
                                 .semaphoreCount = 1,
                                 .pSemaphores = &semaphore,
                                 .pValues = &value};
  return device.check(vkWaitSemaphores(device.handle, &info, UINT64_MAX)) && !device.lost();
}

void Renderer::Impl::latchPalettes(FrameSlot& slot, const FrameContent& content) {
  auto* rows = reinterpret_cast<shaders::JointRows*>(slot.palette.mapped());
  auto* bounds = reinterpret_cast<shaders::PerformerBounds*>(slot.bounds.mapped());
  auto* occluders = reinterpret_cast<shaders::Occluder*>(slot.occluders.mapped());
  casters.clear();
  std::uint32_t visible = 0, sticks = 0;
  for (std::size_t i = 0; i < cast.size(); ++i) {
    const Performer& performer = cast[i];
    shaders::JointRows* palette = rows + performer.palette_offset;
    const bool shown = i < content.palettes.size() && !content.palettes[i].empty();
    if (!shown) {
      // All vertices fall into one point: nothing is drawn.
      std::fill_n(palette, performer.joint_count, shaders::JointRows{});
      continue;
    }
    const std::span<const glm::mat4> world_from_bind = content.palettes[i];
    assert(world_from_bind.size() == performer.joint_count && "palette of another model");
    const std::vector<JointShape>& shapes = models[performer.model].shapes;
    shaders::PerformerBounds around{.first_occluder = sticks};
    glm::vec3 low(1e30f), high(-1e30f);
    for (std::size_t joint = 0; joint < performer.joint_count; ++joint) {
      const glm::mat4& m = world_from_bind[joint];
      shaders::JointRows packed;
      for (int row = 0; row < 3; ++row) {
        packed.row[row] = {m[0][row], m[1][row], m[2][row], m[3][row]};
      }
      palette[joint] = packed;
      const JointShape& shape = shapes[joint];
      if (shape.reach < 0.0f) continue;
      const float scale = std::max({glm::length(glm::vec3(m[0])), glm::length(glm::vec3(m[1])),
                                    glm::length(glm::vec3(m[2]))});
      const CasterBall ball{glm::vec3(m * glm::vec4(shape.centre, 1.0f)), shape.reach * scale};
      casters.push_back(ball);
      low = glm::min(low, ball.centre - ball.radius);
      high = glm::max(high, ball.centre + ball.radius);
      if (shape.radius <= 0.0f) continue;
      const shaders::Occluder stick{.from = glm::vec3(m * glm::vec4(shape.from, 1.0f)),
                                    .radius = shape.radius * scale,
                                    .to = glm::vec3(m * glm::vec4(shape.to, 1.0f)),
                                    .strength = 0.75f};
      // What is thin or far above the floor takes no light from it.
      const float height = std::max(std::min(stick.from.y, stick.to.y), 0.0f);
      if (stick.radius < 0.12f * height || stick.radius < 0.015f) continue;
      occluders[sticks++] = stick;
    }
    around.center = 0.5f * (low + high);
    around.radius = 0.5f * glm::length(high - low);
    around.occluder_count = sticks - around.first_occluder;
    bounds[visible++] = around;
  }
  latchUniforms(slot, content, visible);
}

void Renderer::Impl::latchUniforms(FrameSlot& slot, const FrameContent& content,
                                   std::uint32_t visible) {
  const scene::View& view = content.view;
  const float aspect =
      static_cast<float>(settings.width_px) / static_cast<float>(settings.height_px);
  const float tangent = std::tan(0.5f * view.vertical_fov);
  const glm::mat4 view_from_world = scene::viewFromWorld(view);
  const glm::mat3 world_from_view = glm::transpose(glm::mat3(view_from_world));
  const ShadowFit shadow = fitShadow(casters, kToKey, settings.quality.shadow_size_px);
  glm::vec2 low(1e30f), high(-1e30f);
  for (const CasterBall& ball : casters) {
    low = glm::min(low, glm::vec2(ball.centre.x, ball.centre.z) - ball.radius);
    high = glm::max(high, glm::vec2(ball.centre.x, ball.centre.z) + ball.radius);
  }
  const float side = std::max(high.x - low.x, high.y - low.y) + 0.8f;
  const shaders::FrameUniforms uniforms{
      .clip_from_world = scene::clipFromView(view, aspect) * view_from_world,
      .shadow_from_world = shadow.shadow_from_world,
      .eye = view.eye,
      .exposure = kExposure,
      .view_right = world_from_view[0] * (tangent * aspect),
      .pixel_tangent = 2.0f * tangent / static_cast<float>(settings.height_px),
      .view_up = world_from_view[1] * tangent,
      .shadow_metres = std::max(shadow.metres, 1.0f),
      .view_forward = -world_from_view[2],
      .shadow_range = shadow.range,
      .to_key = kToKey,
      .key_tangent = kKeyTangent,
      .key_color = kKeyColor,
      .floor_reflection = settings.quality.floor_reflection ? 1.0f : 0.0f,
      .size_px = {settings.width_px, settings.height_px},
      .contact_origin = casters.empty() ? glm::vec2(0.0f) : 0.5f * (low + high) - 0.5f * side,
      .contact_scale = casters.empty() ? 0.0f : 1.0f / side,
      .shadow_taps = casters.empty() ? 0u : settings.quality.shadow_taps,
      .sequence = static_cast<std::uint32_t>(content.sequence),
      .performer_count = visible,
      .floor_ambient = kFloorAmbient};
  std::memcpy(slot.uniforms.mapped(), &uniforms, sizeof uniforms);
}

void Renderer::Impl::latchOverlay(FrameSlot& slot, const FrameContent& content) {
  std::uint32_t spheres = 0, lines = 0;
  if (content.overlay != nullptr) {
    const Overlay& overlay = *content.overlay;
    spheres = static_cast<std::uint32_t>(
        std::min<std::size_t>(overlay.spheres.size(), settings.max_spheres));
    lines = static_cast<std::uint32_t>(
        std::min<std::size_t>(overlay.lines.size(), settings.max_lines));
    std::memcpy(slot.spheres.mapped(), overlay.spheres.data(),
                spheres * sizeof(shaders::OverlaySphere));
    std::memcpy(slot.lines.mapped(), overlay.lines.data(), lines * sizeof(shaders::OverlayLine));
  }
  const VkDrawIndirectCommand draws[kOverlayDrawCount] = {{4, spheres, 0, 0}, {4, lines, 0, 0}};
  std::memcpy(slot.draws.mapped(), draws, sizeof draws);
}

void Renderer::Impl::readTimes(FrameSlot& slot) {
  RenderedImage& image = slot.image;
  image.gpu = {};
  image.gpu_clock = false;
  image.gpu_finished = core::Clock::now();
  if (!device.features.timestamps) return;
  std::uint64_t at[kMarkCount] = {};
  if (!device.check(vkGetQueryPoolResults(device.handle, slot.queries.get(), 0, kMarkCount,
                                          sizeof at, at, sizeof at[0],
                                          VK_QUERY_RESULT_64_BIT | VK_QUERY_RESULT_WAIT_BIT))) {
    return;
  }
  const double tick_us = static_cast<double>(device.properties.limits.timestampPeriod) * 1e-3;
  const auto span = [&](Mark from, Mark to) {
    return at[to] > at[from] ? static_cast<double>(at[to] - at[from]) * tick_us : 0.0;
  };
  image.gpu = {.skin_us = span(kMarkBegin, kMarkSkinned),
               .contact_us = span(kMarkSkinned, kMarkContact),
               .shadow_us = span(kMarkContact, kMarkShadowed),
               .scene_us = span(kMarkShadowed, kMarkShaded),
               .tone_us = span(kMarkShaded, kMarkToned),
               .readback_us = span(kMarkToned, kMarkCopied),
               .total_us = span(kMarkBegin, kMarkEnd)};
  if (!device.features.calibrated_timestamps) return;
  image.gpu_clock = true;
  image.gpu_finished = std::min(device.hostTime(at[kMarkEnd]), image.gpu_finished);
}

Renderer::Renderer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Renderer::~Renderer() = default;

core::Result<std::unique_ptr<Renderer>> Renderer::create(gpu::Device& device,
                                                         const RenderSettings& settings) {
  auto impl = std::make_unique<Impl>(device, settings);
  if (auto made = impl->create(); !made) return made.error();
  return std::unique_ptr<Renderer>(new Renderer(std::move(impl)));
}

core::Result<ModelId> Renderer::addModel(const scene::Character& character) {
  Impl& self = *impl_;
  const ModelContext context{.device = self.device,
                             .material_layout = self.pipelines.material_layout.get(),
                             .sampler = self.texture_sampler.get(),
                             .white = self.white,
                             .flat_normal = self.flat_normal};
  auto model = makeModel(context, character);
  if (!model) return model.error();
  self.models.push_back(std::move(*model));
  return static_cast<ModelId>(self.models.size() - 1);
}

core::Result<void> Renderer::setCast(std::span<const ModelId> models) {
  return impl_->setCast(models);
}

std::size_t Renderer::jointCount(ModelId model) const {
  return impl_->models[model].shapes.size();
}

core::Result<void> Renderer::resize(std::uint32_t width_px, std::uint32_t height_px) {
  Impl& self = *impl_;
  if (width_px == self.settings.width_px && height_px == self.settings.height_px) return {};
  RenderSettings settings = self.settings;
  settings.width_px = width_px;
  settings.height_px = height_px;
  if (auto fine = check(settings); !fine) return fine;
  self.device.waitIdle();
  self.settings = settings;
  if (auto done = self.createTargets(); !done) return done;
  self.writeToneSet();
  return self.resizeReadback();
}

bool Renderer::beginFrame(const FrameOptions& options) {
  Impl& self = *impl_;
  assert(!self.recording && "submit the frame before");
  self.open = self.frame % self.slots.size();
  FrameSlot& slot = self.slots[self.open];
  if (!self.waitFor(slot.submitted)) return false;
  vkResetQueryPool(self.device.handle, slot.queries.get(), 0, kMarkCount);
  const VkCommandBufferBeginInfo begin{.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
                                       .flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT};
  if (!self.device.check(vkBeginCommandBuffer(slot.commands, &begin))) return false;
  self.recording = true;
  self.mark(slot, kMarkBegin);
  self.recordSkinning(slot);
  self.mark(slot, kMarkContact);
  self.recordShadow(slot, options.characters);
  self.mark(slot, kMarkShadowed);
  self.recordScene(slot, options);
  self.mark(slot, kMarkShaded);
  self.recordTone(slot, options);
  self.mark(slot, kMarkToned);
  slot.has_readback = options.readback;
  if (options.readback) self.recordReadback(slot);
  self.mark(slot, kMarkCopied);
  return true;
}

VkCommandBuffer Renderer::commands() const { return impl_->slots[impl_->open].commands; }

void Renderer::latch(const FrameContent& content) {
  Impl& self = *impl_;
  assert(self.recording && "beginFrame first");
  FrameSlot& slot = self.slots[self.open];
  slot.image.latched = core::Clock::now();
  slot.image.sequence = content.sequence;
  self.latchPalettes(slot, content);
  self.latchOverlay(slot, content);
}

bool Renderer::submit(const SubmitLinks& links) {
  Impl& self = *impl_;
  if (!self.recording) return false;
  self.recording = false;
  FrameSlot& slot = self.slots[self.open];
  self.mark(slot, kMarkEnd);
  if (!self.device.check(vkEndCommandBuffer(slot.commands))) return false;
  const std::uint64_t value = ++self.frame;
  const VkCommandBufferSubmitInfo commands{
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_SUBMIT_INFO, .commandBuffer = slot.commands};
  const VkSemaphoreSubmitInfo wait{.sType = VK_STRUCTURE_TYPE_SEMAPHORE_SUBMIT_INFO,
                                   .semaphore = links.wait,
                                   .stageMask = VK_PIPELINE_STAGE_2_ALL_TRANSFER_BIT |
                                                VK_PIPELINE_STAGE_2_COLOR_ATTACHMENT_OUTPUT_BIT};
  const VkSemaphoreSubmitInfo signals[] = {
      {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_SUBMIT_INFO,
       .semaphore = self.timeline.get(),
       .value = value,
       .stageMask = VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT},
      {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_SUBMIT_INFO,
       .semaphore = links.signal,
       .stageMask = VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT}};
  const VkSubmitInfo2 submit{
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO_2,
      .waitSemaphoreInfoCount = links.wait != VK_NULL_HANDLE ? 1u : 0u,
      .pWaitSemaphoreInfos = &wait,
      .commandBufferInfoCount = 1,
      .pCommandBufferInfos = &commands,
      .signalSemaphoreInfoCount = links.signal != VK_NULL_HANDLE ? 2u : 1u,
      .pSignalSemaphoreInfos = signals};
  const bool sent =
      self.device.check(vkQueueSubmit2(self.device.queue, 1, &submit, VK_NULL_HANDLE));
  if (!sent) {
    --self.frame;
    return false;
  }
  slot.submitted = value;
  slot.image.frame = value;
  slot.image.width_px = self.settings.width_px;
  slot.image.height_px = self.settings.height_px;
  slot.image.submitted = core::Clock::now();
  return true;
}

bool Renderer::finished() const {
  const Impl& self = *impl_;
  std::uint64_t value = 0;
  return self.device.check(
             vkGetSemaphoreCounterValue(self.device.handle, self.timeline.get(), &value)) &&
         value >= self.frame;
}

std::optional<RenderedImage> Renderer::wait() {
  Impl& self = *impl_;
  if (self.frame == 0 || !self.waitFor(self.frame)) return std::nullopt;
  FrameSlot& slot = self.slots[(self.frame - 1) % self.slots.size()];
  self.readTimes(slot);
  slot.image.rgba = {};
  if (slot.has_readback) {
    slot.image.rgba = {reinterpret_cast<const std::uint8_t*>(slot.readback.mapped()),
                       std::size_t{4} * slot.image.width_px * slot.image.height_px};
  }
  return slot.image;
}

std::optional<RenderedImage> Renderer::render(const FrameContent& content, FrameOptions options) {
  options.readback = true;
  if (!beginFrame(options)) return std::nullopt;
  latch(content);
  if (!submit()) return std::nullopt;
  return wait();
}

VkImage Renderer::image() const { return impl_->targets.color.get(); }
VkImageView Renderer::imageView() const { return impl_->targets.color.view(); }
std::uint32_t Renderer::widthPx() const { return impl_->settings.width_px; }
std::uint32_t Renderer::heightPx() const { return impl_->settings.height_px; }

}  // namespace understudy::render
