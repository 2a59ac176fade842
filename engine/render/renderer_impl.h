#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "engine/anim/pose_ring.h"
#include "engine/gpu/resources.h"
#include "engine/render/model.h"
#include "engine/render/pipelines.h"
#include "engine/render/renderer.h"

namespace understudy::render {

inline constexpr std::uint32_t kContactSide = 128;  ///< Texels of the contact map, both ways.
inline constexpr VkImageLayout kDepthReadLayout = VK_IMAGE_LAYOUT_DEPTH_READ_ONLY_OPTIMAL;

/// Instants of a frame that the GPU marks.
enum Mark : std::uint32_t {
  kMarkBegin,
  kMarkLatched,
  kMarkSkinned,
  kMarkContact,
  kMarkShadowed,
  kMarkShaded,
  kMarkToned,
  kMarkEnd,  ///< Of the tail, if there is one.
  kMarkCount
};

/// One performer of the cast.
struct Performer {
  ModelId model = 0;
  VkDeviceSize skinned_offset = 0;  ///< Bytes in the skinned vertices.
  std::uint32_t first_joint = 0;    ///< In the frame's palettes.
  std::uint32_t joint_count = 0;
};

/// Images whose size is the picture's.
struct Targets {
  gpu::Image multisampled;  ///< Empty without multisampling.
  gpu::Image scene;         ///< Linear light, RGBA16F.
  gpu::Image depth;
  gpu::Image color;
};

/// What of the environment goes into every frame.
struct StageLight {
  glm::vec3 to_key{0.0f, 1.0f, 0.0f};
  glm::vec3 key_color{0.0f};
  float key_tangent = 0.0f;  ///< Of half its angular size.
  glm::vec3 floor_ambient{0.0f};
  float exposure = 1.0f;
};

/// What of FrameOptions decides how the scene is recorded.
struct SceneOptions {
  bool characters = true, grid = true, lamps = false, sequence_strip = false;
  bool operator==(const SceneOptions&) const = default;
};

/// Everything one frame in flight owns.
struct FrameSlot {
  VkCommandBuffer scene = VK_NULL_HANDLE;  ///< The picture; recorded when something changes.
  VkCommandBuffer tail = VK_NULL_HANDLE;   ///< What the caller adds; recorded for one frame.
  bool has_tail = false;
  std::optional<SceneOptions> recorded;  ///< What `scene` was recorded for.
  VkDescriptorSet set = VK_NULL_HANDLE;
  gpu::Buffer input;                                  ///< shaders::LatchInput, written by the host.
  gpu::Buffer own_poses;                              ///< Memory of `poses`.
  std::unique_ptr<anim::PoseRing> poses;              ///< One slot: the pose that the caller gave.
  gpu::Buffer record;                                 ///< shaders::LatchRecord, read by the host.
  gpu::Buffer uniforms, palettes, bounds, occluders;  ///< Made by the latch.
  gpu::Buffer spheres, lines, draws;                  ///< Written by the host.
  gpu::Buffer lamps;                                  ///< shaders::LampTable, written by the host.
  gpu::Buffer clusters;                               ///< Which lamps reach which part of the view.
  gpu::Buffer readback, linear_readback;
  gpu::QueryPool queries;
  gpu::Buffer times;  ///< Of the marks, 64 bits each; read by the host, which so waits for nothing.
  std::uint64_t submitted = 0;  ///< Timeline value; 0 = never.
  std::uint64_t collected = 0;  ///< Timeline value of the frame that `image` tells of.
  bool has_readback = false;
  bool has_linear = false;
  RenderedImage image;
};

/// Indirect commands of the overlays, in FrameSlot::draws.
enum OverlayDraw : std::uint32_t { kDrawSpheres, kDrawLines, kOverlayDrawCount };

/// Behind them: how much work the lamps of a frame are.
inline constexpr VkDeviceSize kClusterDispatchOffset =
    kOverlayDrawCount * sizeof(VkDrawIndirectCommand);

/// The renderer behind its header: made in renderer_create.cpp, recorded in renderer_record.cpp,
/// filled late in renderer_latch.cpp.
struct Renderer::Impl {
  gpu::Device& device;
  RenderSettings settings;
  Pipelines pipelines;
  gpu::Sampler texture_sampler, map_sampler, depth_sampler, compare_sampler, level_sampler;
  gpu::Image white, flat_normal, reflectance_image, shadow_map, contact_map, environment_map;
  gpu::Buffer environment_uniforms;
  StageLight light;
  Targets targets;
  gpu::CommandPool command_pool;
  gpu::DescriptorPool descriptor_pool;
  gpu::Semaphore timeline;
  gpu::Semaphore gate;  ///< Counts frames whose pose may be taken.
  VkDescriptorSet tone_set = VK_NULL_HANDLE;
  std::vector<FrameSlot> slots;
  std::vector<Model> models;
  std::vector<Performer> cast;
  std::uint32_t joint_count = 0;  ///< Of the whole cast.
  std::uint32_t most_vertices = 0;
  gpu::Buffer skinned;
  gpu::Buffer members, owners, jobs;  ///< Of the cast: CastMember, joint -> member, SkinJob.
  const gpu::Buffer* pose_memory = nullptr;
  const gpu::Buffer* camera_memory = nullptr;
  std::vector<anim::PublishedSubject> published;  ///< Scratch of the latch.
  std::size_t open = 0;                           ///< Slot of the frame that is being made.
  std::optional<RenderedImage> retired;
  bool recording = false;
  bool latched = false;
  std::uint64_t frame = 0;
  std::uint64_t gated = 0;   ///< The last frame that was sent to wait for its gate.
  std::uint64_t opened = 0;  ///< The last frame whose gate was opened.

  Impl(gpu::Device& d, const RenderSettings& s) : device(d), settings(s) {}
  ~Impl() {
    openGate();
    device.waitIdle();
  }

  core::Result<void> create();
  core::Result<void> createSamplers();
  core::Result<void> createFixedImages();
  core::Result<void> createTargets();
  core::Result<void> createSlots();
  core::Result<void> createSlotBuffers(FrameSlot& slot);
  core::Result<void> createLightBuffers(FrameSlot& slot);
  core::Result<void> resizeReadback();
  void writeSlotSet(const FrameSlot& slot);
  void writeToneSet();
  core::Result<void> setCast(std::span<const ModelId> ids);
  core::Result<void> setEnvironment(const scene::Environment& environment);
  core::Result<void> makeCastTables();
  core::Result<void> makePoseBuffers(FrameSlot& slot);

  bool recordFrame(FrameSlot& slot, const SceneOptions& options);
  VkCommandBuffer openTail(FrameSlot& slot);
  bool openGate();
  bool gateClosed() const { return opened < gated; }
  void recordLatch(FrameSlot& slot);
  void recordSkinning(FrameSlot& slot);
  void recordClusters(FrameSlot& slot);
  void recordShadow(FrameSlot& slot, bool characters);
  void recordScene(FrameSlot& slot, const SceneOptions& options);
  void recordCharacters(FrameSlot& slot, bool lamps, bool mirrored);
  void recordTone(FrameSlot& slot, const SceneOptions& options);
  void copyToHost(VkCommandBuffer commands, VkImage image, VkImageLayout layout,
                  const gpu::Buffer& buffer) const;
  void recordReadback(FrameSlot& slot);
  void recordLinearReadback(FrameSlot& slot);
  void mark(const FrameSlot& slot, VkCommandBuffer commands, Mark instant);
  void recordTimes(const FrameSlot& slot, VkCommandBuffer commands, Mark first, Mark last);

  void latchPoses(FrameSlot& slot, const FrameContent& content);
  void latchInput(FrameSlot& slot, const FrameContent& content);
  void latchLights(FrameSlot& slot, const FrameContent& content);
  void latchOverlay(FrameSlot& slot, const FrameContent& content);
  bool waitFor(std::uint64_t value);
  void collect(FrameSlot& slot);
  void readRecord(FrameSlot& slot);
  void readTimes(FrameSlot& slot);
};

}  // namespace understudy::render
