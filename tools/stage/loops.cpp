#include "tools/stage/loops.h"

#include "engine/core/thread_time.h"
#include "tools/counters/counters.h"
#include "tools/report/progress.h"

namespace understudy::stage {
namespace {

constexpr core::Duration kLongestWait = std::chrono::milliseconds(50);

core::Error lostDevice(const gpu::Device& device) {
  return core::makeError("the graphics device was lost: " + device.firstFailure());
}

panels::OverlayToggles headlessOverlays(const StageOptions& options) {
  return {.markers = options.markers,
          .rays = options.rays,
          .frusta = options.frusta,
          .skeleton = options.skeleton};
}

// One picture of the newest pose without a window, from recording to the finished image.
core::Result<void> showNewest(const LoopContext& context) {
  Show& show = context.show;
  const std::uint64_t allocations = counters::threadAllocations().value_or(0);
  const core::Duration cpu_start = core::threadTime();
  const bool wanted =
      context.pictures != nullptr &&
      context.pictures->wants(show.status().pictures,
                              context.capture.log.newest(core::Instant::retargeted).value_or(0));
  if (!show.renderer().beginFrame(
          {.readback = wanted, .linear_readback = wanted && context.options.exr}))
    return lostDevice(context.device);
  show.latch(show.followView(), headlessOverlays(context.options));
  if (!show.renderer().submit()) return lostDevice(context.device);
  const core::Duration cpu = core::threadTime() - cpu_start;
  const auto image = show.renderer().wait();
  if (!image) return lostDevice(context.device);
  const std::uint64_t picture = show.status().pictures;
  show.book(*image, cpu);
  if (show.status().pictures > 60) {
    show.status().warm_allocations += counters::threadAllocations().value_or(0) - allocations;
    ++show.status().warm_pictures;
  }
  if (wanted && !image->rgba.empty()) context.pictures->add(picture, *image);
  return {};
}

// Scores the frames that were closed since the last call against the frame that is simulated now.
void scoreClosed(const LoopContext& context) {
  if (context.scorer == nullptr || context.capture.records == nullptr) return;
  while (const scoring::CaptureRecord* record = context.capture.records->front()) {
    const source::StageFrame& truth = context.source.lockstep->frame();
    if (truth.stamp.sequence == record->sequence) context.scorer->add(truth, *record);
    context.capture.records->pop();
  }
}

}  // namespace

core::Result<void> runLockstep(const LoopContext& context) {
  CaptureRun& capture = context.capture;
  report::Progress progress("frames", context.source.frames);
  while (!capture.finished.load() && !capture.stop.load() &&
         capture.status.frames < context.source.frames) {
    const std::uint64_t published = capture.status.published;
    if (context.source.lockstep) {
      if (!context.source.lockstep->advance()) break;
      while (capture.step(core::Clock::now())) {
      }
      // What packets were lost on the way is missing for good: the frame is over.
      if (capture.path.openSequence() <= context.source.lockstep->frame().stamp.sequence) {
        capture.close(take::ClosingReason::finished);
      }
    } else if (!capture.step(core::Clock::now()) && capture.finished.load()) {
      break;
    }
    scoreClosed(context);
    if (capture.status.published > published) {
      if (auto shown = showNewest(context); !shown) return shown;
    }
    progress.show(capture.status.frames);
  }
  return {};
}

core::Result<void> runHeadless(const LoopContext& context) {
  CaptureRun& capture = context.capture;
  report::Progress progress("frames", context.source.frames);
  std::uint32_t news = capture.news.count();
  while (true) {
    const bool over = capture.finished.load(std::memory_order_acquire);
    if (context.show.fresh() != 0) {
      news = capture.news.count();
      if (auto shown = showNewest(context); !shown) return shown;
      context.show.bookSpans(false);
    } else if (over) {
      return {};
    } else {
      news = capture.news.wait(news, kLongestWait);
    }
    progress.show(context.show.status().shown_sequence);
  }
}

}  // namespace understudy::stage
