#pragma once

#include <vulkan/vulkan.h>

#include <cstdint>
#include <glm/glm.hpp>
#include <memory>
#include <optional>
#include <span>

#include "engine/anim/pose_ring.h"
#include "engine/core/result.h"
#include "engine/core/time.h"
#include "engine/gpu/device.h"
#include "engine/gpu/resources.h"
#include "engine/render/overlay.h"
#include "engine/render/render_settings.h"
#include "engine/scene/character.h"
#include "engine/scene/environment.h"
#include "engine/scene/light.h"
#include "engine/scene/view.h"

namespace understudy::render {

/// A character that was uploaded; an index given out by Renderer::addModel.
using ModelId = std::uint32_t;

/// How one frame is recorded: everything that is known before the pose.
struct FrameOptions {
  bool readback = false;         ///< Copies the image to CPU memory; RenderedImage::rgba.
  bool linear_readback = false;  ///< Likewise the light before the view transform;
                                 ///< RenderedImage::linear. Needs RenderSettings::linear_readback.
  bool characters = true;        ///< Draws the cast.
  bool grid = true;              ///< Draws the metre grid.
  bool lamps = false;  ///< FrameContent::lights may shine; without them frames are cheaper.
  bool sequence_strip = false;  ///< Writes the sequence into the image's upper left corner.
};

/// What one frame shows: everything that is taken as late as possible.
struct FrameContent {
  /// True: the GPU itself takes the newest pose from the ring of followPoses() when it starts the
  /// frame; `sequence`, `exposed`, `palettes` and `presence` are left out.
  bool newest = false;
  /// True: the view is that of the tracked camera of followCamera(), taken together with the pose;
  /// of `view` only the field of view counts, and all of it until a camera was published.
  bool tracked_camera = false;
  /// When the picture will be seen, on the clock of the poses' Stamp::exposed: a pose from the ring
  /// is moved on to then as far as its palette ahead says. Nothing by default.
  core::Time seen{};
  std::uint64_t sequence = 0;  ///< Stamp::sequence of the pose.
  core::Time exposed{};        ///< Its Stamp::exposed.
  scene::View view;
  /// One palette per performer of the cast, in its order: world_from_bind of each joint of the
  /// performer's model. An empty palette, or none, hides the performer.
  std::span<const std::span<const glm::mat4>> palettes;
  /// Share of each performer that is drawn, 0 to 1; the missing ones count as 1. Less than 1 lets
  /// the stage show through.
  std::span<const float> presence;
  /// Lamps beside the key light, without shadow; at most shaders::kMostLights, more are left out.
  std::span<const scene::Light> lights;
  const Overlay* overlay = nullptr;  ///< Markers and lines over the scene; nullptr = none.
};

/// Time the GPU spent on a frame, microseconds; all zero where the device has no timestamps.
struct GpuTimes {
  double latch_us = 0, skin_us = 0, contact_us = 0, shadow_us = 0, scene_us = 0, tone_us = 0;
  double tail_us = 0;   ///< Readback and what was recorded in commands().
  double total_us = 0;  ///< From the frame's first command to its last, the tail included.
};

/// A finished image. Views stay valid until the next beginFrame that reuses the frame's memory
/// (with one frame in flight: the next).
struct RenderedImage {
  std::uint64_t sequence = 0;            ///< The pose that the image shows.
  core::Time exposed{};                  ///< Its Stamp::exposed.
  std::uint32_t publication = 0;         ///< Its number in the ring; 0 = there was no pose.
  std::uint32_t camera_publication = 0;  ///< The tracked camera's; 0 = the view was given.
  bool abandoned = false;                ///< The pose was overwritten whenever it was read: nobody
                                         ///< is shown.
  std::uint64_t frame = 0;               ///< Counts submitted frames from 1.
  std::uint32_t width_px = 0, height_px = 0;
  std::span<const std::uint8_t> rgba;  ///< Rows from the top, sRGB; empty without readback.
  /// Rows from the top of the scene's light: RGBA half floats, linear Rec. 709, without exposure;
  /// empty without linear readback.
  std::span<const std::uint16_t> linear;
  core::Time latched{};       ///< When the pose had been taken: the GPU's own instant
                              ///< where the clocks can be joined, else that of latch().
  core::Time submitted{};     ///< Return of the submission.
  core::Time gpu_finished{};  ///< The GPU's own instant where the clocks can be joined,
                              ///< else when the host saw the end.
  bool gpu_clock = false;     ///< gpu_finished was read from the GPU.
  GpuTimes gpu;
};

/// Semaphores that tie a submission to a swapchain; null handles are left out.
struct SubmitLinks {
  VkSemaphore wait = VK_NULL_HANDLE;    ///< Waited for before colour output and transfer.
  VkSemaphore signal = VK_NULL_HANDLE;  ///< Signalled when all commands have finished.
  /// The GPU starts when openGate() is called; latch() may come after submit() then. Everything
  /// that the host writes before openGate() is seen, as Vulkan's memory model asks.
  bool gated = false;
};

/// Renders a cast of characters on the stage. One thread at a time.
///
/// A frame is: beginFrame (waits for the frame's memory), whatever else is to be recorded in
/// commands(), latch (writes pose and view into mapped memory), submit, wait. Commands are recorded
/// when something other than the pose changes, and sent again for each frame. The frame's first
/// pass takes the pose: the one given to latch(), or the newest of a ring that the capture thread
/// fills (FrameContent::newest). Between beginFrame and submit nothing is allocated. A lost device
/// makes beginFrame and submit return false from then on: make device and renderer anew.
class Renderer {
 public:
  static core::Result<std::unique_ptr<Renderer>> create(gpu::Device& device,
                                                        const RenderSettings& settings);
  ~Renderer();
  Renderer(const Renderer&) = delete;
  Renderer& operator=(const Renderer&) = delete;

  /// Uploads a character. Waits for the GPU; not for the loop.
  core::Result<ModelId> addModel(const scene::Character& character);

  /// Who stands on the stage: one model per performer, a model may appear several times; empty is
  /// fine. Waits for the GPU and allocates; not for the loop.
  core::Result<void> setCast(std::span<const ModelId> models);

  /// What is around the stage and lights it. A new renderer has scene::softBoxRoom(). Prefilters
  /// the picture (0.1 s), waits for the GPU and allocates; not for the loop.
  core::Result<void> setEnvironment(const scene::Environment& environment);

  /// Joints of a model: the size its palettes must have.
  std::size_t jointCount(ModelId model) const;

  /// Makes the image another size. Waits for the GPU.
  core::Result<void> resize(std::uint32_t width_px, std::uint32_t height_px);

  /// Waits until the oldest frame's memory is free and records the frame. False if the device is
  /// lost.
  bool beginFrame(const FrameOptions& options = {});

  /// The finished frame whose memory the last beginFrame took over; nothing if that was unused.
  /// With several frames in flight this is how each one's record is read without waiting.
  const std::optional<RenderedImage>& retired() const;

  /// What is recorded here between beginFrame and submit follows the open frame's own commands. The
  /// image is then readable by transfer and by fragment shaders in layout GENERAL.
  VkCommandBuffer commands();

  /// Where poses come from that frames take by themselves: a buffer with a device address
  /// that holds an anim::PoseRing with one subject per performer of the cast, host-coherent.
  /// Outlives the frames; nullptr = nowhere.
  void followPoses(const gpu::Buffer* memory);

  /// Where the tracked camera comes from: a ring whose first subject's first joint is the camera
  /// (world from camera, which looks along its -Z axis, +Y up). Outlives the frames.
  void followCamera(const gpu::Buffer* memory);

  /// Writes what the frame shows. Call once between beginFrame and submit, as late as possible, or
  /// between a gated submit and openGate.
  void latch(const FrameContent& content);

  /// Lets a gated frame start. True unless the device is lost.
  bool openGate();

  /// Sends the frame to the GPU. False if the device is lost.
  bool submit(const SubmitLinks& links = {});

  /// True if the frame submitted last has finished. Does not wait.
  bool finished() const;

  /// Waits for the frame submitted last. Nothing if there is none or the device is lost.
  std::optional<RenderedImage> wait();

  /// Renders one image from beginning to end; for pictures and tests. Nothing if the device is
  /// lost.
  std::optional<RenderedImage> render(const FrameContent& content, FrameOptions options = {});

  /// The colour image: RGBA8, sRGB-encoded values in a UNORM format, layout GENERAL.
  VkImage image() const;
  VkImageView imageView() const;
  std::uint32_t widthPx() const;
  std::uint32_t heightPx() const;

 private:
  struct Impl;
  explicit Renderer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace understudy::render
