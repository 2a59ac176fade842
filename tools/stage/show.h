#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/anim/pose_ring.h"
#include "engine/core/histogram.h"
#include "engine/core/latency_log.h"
#include "engine/gpu/device.h"
#include "engine/render/renderer.h"
#include "tools/panels/stage_panel.h"
#include "tools/stage/capture_run.h"
#include "tools/stage/stage_source.h"

namespace understudy::stage {

/// What the picture side counts.
struct ShowStatus {
  std::uint64_t pictures = 0;  ///< Images finished, counting images that showed a pose again.
  std::uint64_t rendered = 0;  ///< Captured frames shown, each once.
  std::uint64_t superseded =
      0;  ///< Published poses that a newer one replaced before they were shown.
  std::uint32_t shown_number = 0;  ///< Publication that was shown last.
  std::uint64_t shown_sequence = 0;
  core::Histogram render_cpu, render_gpu;  ///< After warm-up.
  core::Histogram span_b, span_b_shown;    ///< After warm-up.
  std::uint64_t unfinished = 0;            ///< Frames after the last image.
  std::uint64_t warm_allocations = 0, warm_pictures = 0;
};

/// The picture side of the stage: takes the newest pose as late as possible and renders it. Main
/// thread.
class Show {
 public:
  static core::Result<std::unique_ptr<Show>> create(gpu::Device& device,
                                                    const StageOptions& options,
                                                    const StageSource& source, const Cast& cast,
                                                    CaptureRun& capture);

  /// Lets the GPU take poses from the ring's memory by itself when it starts a frame. Fails where
  /// the device cannot; then they are copied in latch().
  core::Result<void> followPoses(gpu::Device& device, std::span<std::byte> memory);

  render::Renderer& renderer() { return *renderer_; }
  ShowStatus& status() { return status_; }

  /// The newest publication that was not shown yet; 0 if there is none.
  std::uint32_t fresh() const;

  /// Latches the newest pose into the open frame, or has the GPU take it when it starts: call
  /// between beginFrame and submit. False if none was ever published; then the stage is empty.
  bool latch(const scene::View& view, const panels::OverlayToggles& toggles);
  /// Books the image that shows what was latched.
  void book(const render::RenderedImage& image, core::Duration cpu);
  /// Books the part of span B that is complete; `all` at the end.
  void bookSpans(bool all);

  /// A view that keeps all performers in the picture and follows them smoothly.
  scene::View followView();
  /// Middle of the performers' hips on the floor as latched last.
  glm::vec3 middle() const { return middle_; }

 private:
  Show(const StageOptions& options, const StageSource& source, const Cast& cast,
       CaptureRun& capture);
  core::Time seenAt() const;
  void fillOverlay(const panels::OverlayToggles& toggles);
  glm::vec3 hipsOf(std::size_t subject) const;
  void addHeldSign(std::size_t subject, float presence);
  void followPerformers();

  const StageSource& source_;
  const Cast& cast_;
  CaptureRun& capture_;
  core::Duration predict_;
  bool lockstep_;
  gpu::Buffer pose_memory_;  // The ring as the GPU sees it; empty = poses are copied.
  bool gpu_latches_ = false;
  std::unique_ptr<render::Renderer> renderer_;
  anim::PoseRecord record_;  // The newest pose when the frame was made; the GPU may take a newer.
  std::uint32_t latched_number_ = 0;
  std::vector<std::span<const glm::mat4>> palettes_;
  std::vector<float> presence_;  ///< Beside palettes_.
  std::vector<math::RigidTransform> local_, world_;
  render::Overlay overlay_;
  glm::vec3 middle_{0.0f};
  float spread_ = 0.0f;
  bool middle_known_ = false;
  std::uint64_t followed_sequence_ = 0;  // Of the pose that the view followed last.
  bool performers_known_ = false;
  glm::vec3 performers_middle_{0.0f};
  float performers_spread_ = 0.0f;
  std::uint64_t spans_done_ = 0;
  ShowStatus status_;
};

}  // namespace understudy::stage
