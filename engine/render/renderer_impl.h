#pragma once

#include <vector>

#include "engine/gpu/resources.h"
#include "engine/render/light_fit.h"
#include "engine/render/model.h"
#include "engine/render/pipelines.h"
#include "engine/render/renderer.h"

namespace understudy::render {

inline constexpr std::uint32_t kContactSide = 128;  ///< Texels of the contact map, both ways.
inline constexpr VkImageLayout kDepthReadLayout = VK_IMAGE_LAYOUT_DEPTH_READ_ONLY_OPTIMAL;

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

/// The renderer behind its header: made in renderer_create.cpp, recorded in renderer_record.cpp,
/// filled late in renderer_latch.cpp.
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

}  // namespace understudy::render
