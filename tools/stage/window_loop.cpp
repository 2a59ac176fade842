#include <fmt/format.h>

#include <algorithm>

#include "engine/app/swapchain.h"
#include "engine/app/user_interface.h"
#include "tools/panels/orbit_camera.h"
#include "tools/panels/stage_panel.h"
#include "tools/stage/loops.h"

namespace understudy::stage {
namespace {

constexpr double kPanelSeconds = 0.25;  // Between two updates of the panel's figures.
constexpr core::Duration kInputWait =
    std::chrono::milliseconds(4);  // Input is looked at this often when nothing moves.

panels::TimesUs timesOf(const core::Histogram& histogram) {
  const core::HistogramSummary summary = histogram.summary();
  return {.p50 = summary.p50_us,
          .p99 = summary.p99_us,
          .p99_9 = summary.p99_9_us,
          .max = summary.max_us,
          .count = summary.count};
}

// Keeps the panel's figures; the capture thread's come through its newest-wins hand-over.
class PanelFeed {
 public:
  PanelFeed(const LoopContext& context, const std::string& device) : context_(context) {
    data.device = device;
    data.source = context.source.description;
    for (const std::string& line : context.capture.schedulingLines())
      data.scheduling += (data.scheduling.empty() ? "" : "; ") + line;
    data.span_b_bins.resize(40);
  }

  panels::StagePanelData data;

  void addImage(const render::RenderedImage& image) {
    data.gpu_us = image.gpu.total_us;
    data.sequence_shown = image.sequence;
    const auto received = context_.capture.log.at(image.sequence, core::Instant::received_last);
    if (!received || image.sequence == last_sequence_) return;
    last_sequence_ = image.sequence;
    const double span_us = core::toMicroseconds(image.gpu_finished - *received);
    data.span_b_us.add(static_cast<float>(span_us));
    live_.record(image.gpu_finished - *received);
    const std::size_t bin = std::min(
        bins_.size() - 1, static_cast<std::size_t>(std::max(0.0, span_us / data.bin_width_us)));
    ++bins_[bin];
  }

  void refresh() {
    const core::Time now = core::Clock::now();
    const double seconds = core::toSeconds(now - refreshed_);
    if (seconds < kPanelSeconds) return;
    context_.capture.status_out.update();
    const CaptureStatus& capture = context_.capture.status_out.current();
    const ShowStatus& show = context_.show.status();
    data.capture_hz = static_cast<double>(capture.frames - frames_) / seconds;
    data.render_hz = static_cast<double>(show.pictures - pictures_) / seconds;
    frames_ = capture.frames;
    pictures_ = show.pictures;
    refreshed_ = now;
    data.frames_captured = capture.frames;
    data.frames_rendered = show.rendered;
    data.dropped = {{"superseded", show.superseded},
                    {"lost packets", capture.empty},
                    {"not solved", capture.not_solved}};
    data.span_b = timesOf(live_);
    const double count = static_cast<double>(std::max<std::uint64_t>(1, live_.count()));
    for (std::size_t b = 0; b < bins_.size(); ++b)
      data.span_b_bins[b] = static_cast<float>(static_cast<double>(bins_[b]) / count);
    data.subjects.clear();
    for (std::size_t s = 0; s < capture.subjects.size(); ++s) {
      data.subjects.push_back({.name = context_.source.subjects[s].name,
                               .markers_seen = static_cast<int>(capture.subjects[s].seen),
                               .markers_total = static_cast<int>(capture.subjects[s].markers),
                               .tracked = capture.subjects[s].tracked,
                               .presence = capture.subjects[s].presence});
    }
    data.cameras.clear();
    for (std::size_t c = 0; c < capture.camera_received.size(); ++c) {
      data.cameras.push_back({.name = context_.source.rig.cameras[c].name,
                              .received = capture.camera_received[c],
                              .lost = capture.frames - capture.camera_received[c]});
    }
    refreshStages();
  }

 private:
  // Medians of the newest frames' stages, from the ledger.
  void refreshStages() {
    const core::LatencyLog& log = context_.capture.log;
    const auto newest = log.newest(core::Instant::retargeted);
    if (!newest) return;
    constexpr core::Instant kSteps[] = {core::Instant::received_last, core::Instant::assembled,
                                        core::Instant::reconstructed, core::Instant::labelled,
                                        core::Instant::solved,        core::Instant::retargeted};
    constexpr const char* kNames[] = {"sync", "reconstruct", "label", "solve", "retarget"};
    data.stages.clear();
    for (std::size_t step = 0; step + 1 < std::size(kSteps); ++step) {
      times_.clear();
      for (std::uint64_t back = 1; back <= 240 && back <= *newest; ++back) {
        const auto from = log.at(*newest - back, kSteps[step]),
                   to = log.at(*newest - back, kSteps[step + 1]);
        if (from && to) times_.push_back(core::toMicroseconds(*to - *from));
      }
      if (times_.empty()) continue;
      std::nth_element(times_.begin(),
                       times_.begin() + static_cast<std::ptrdiff_t>(times_.size() / 2),
                       times_.end());
      data.stages.push_back({kNames[step], times_[times_.size() / 2]});
    }
  }

  const LoopContext& context_;
  core::Time refreshed_ = core::Clock::now() - std::chrono::seconds(1);
  std::uint64_t frames_ = 0, pictures_ = 0, last_sequence_ = ~std::uint64_t{0};
  core::Histogram live_;
  std::array<std::uint64_t, 40> bins_{};
  std::vector<double> times_;
};

// Draws the interface over the picture and shows it; false if the window has no image at present.
bool drawFrame(const LoopContext& context, app::Swapchain& swapchain, app::UserInterface& interface,
               PanelFeed& feed, panels::OverlayToggles& toggles, panels::OrbitCamera& orbit,
               core::Error& failure) {
  Show& show = context.show;
  render::Renderer& renderer = show.renderer();
  auto target = swapchain.acquire();
  if (!target) return false;
  if (target->width_px != renderer.widthPx() || target->height_px != renderer.heightPx()) {
    if (auto resized = renderer.resize(target->width_px, target->height_px); !resized) {
      failure = resized.error();
      return false;
    }
  }
  interface.beginFrame(target->width_px, target->height_px);
  feed.refresh();
  panels::drawStagePanel(feed.data, toggles);
  orbit.move(panels::pointerInput());
  interface.endFrame();
  if (!renderer.beginFrame({.characters = toggles.character, .grid = toggles.grid})) return false;
  swapchain.recordCopy(renderer.commands(), *target, renderer.image(), renderer.widthPx(),
                       renderer.heightPx());
  interface.record(renderer.commands(), target->view, VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL);
  swapchain.recordReady(renderer.commands(), *target);
  panels::OrbitCamera placed = orbit;
  placed.target += show.middle();
  show.followView();  // Keeps the middle of the stage up to date.
  show.latch(placed.view(), toggles);
  if (!renderer.submit({.wait = target->acquired, .signal = target->rendered})) return false;
  swapchain.present(*target);
  const core::Time presented = core::Clock::now();
  const auto image = renderer.wait();
  if (!image) return false;
  show.book(*image, {});
  context.capture.log.mark(image->sequence, core::Instant::presented, presented);
  feed.addImage(*image);
  return true;
}

}  // namespace

core::Result<void> runWindow(const LoopContext& context, app::Window& window) {
  auto swapchain = app::Swapchain::create(context.device, window, {.vsync = context.options.vsync});
  if (!swapchain) return swapchain.error();
  auto interface = app::UserInterface::create(context.device, &window, (*swapchain)->format());
  if (!interface) return interface.error();
  PanelFeed feed(context,
                 context.device.name + (context.device.features.software ? " (software)" : ""));
  panels::OverlayToggles toggles;
  panels::OrbitCamera orbit;
  std::uint32_t news = context.capture.news.count();
  core::Time drawn = core::Clock::now();
  constexpr core::Duration kStillFrame =
      std::chrono::milliseconds(33);  // The panel lives on when no pose comes.
  while (window.poll()) {
    if (window.minimised()) {
      window.waitEvents(0.1);
      context.show.bookSpans(false);
      continue;
    }
    if (context.show.fresh() == 0 && core::Clock::now() - drawn < kStillFrame) {
      news = context.capture.news.wait(news, kInputWait);
      continue;
    }
    news = context.capture.news.count();
    core::Error failure;
    drawFrame(context, **swapchain, **interface, feed, toggles, orbit, failure);
    if (!failure.message.empty()) return failure;
    if (context.device.lost())
      return core::makeError("the graphics device was lost: " + context.device.firstFailure());
    drawn = core::Clock::now();
    context.show.bookSpans(false);
    const bool bounded = context.source.frames > 0;
    if (bounded && context.capture.finished.load(std::memory_order_acquire) &&
        context.show.fresh() == 0)
      break;
  }
  context.device.waitIdle();
  return {};
}

}  // namespace understudy::stage
