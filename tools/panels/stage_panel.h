#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace understudy::panels {

/// Quantiles of a time in microseconds.
struct TimesUs {
  double p50 = 0, p99 = 0, p99_9 = 0, max = 0;
  std::uint64_t count = 0;
};

/// Frames that were not shown, by reason.
struct DropCount {
  std::string reason;
  std::uint64_t count = 0;
};

/// One performer as the panel lists it.
struct SubjectRow {
  std::string name;
  int markers_seen = 0, markers_total = 0;
  bool tracked = false;
  float presence = 0;  ///< Share of it that is shown: not tracked, it is held, then fades.
};

/// Packets of one camera.
struct CameraRow {
  std::string name;
  std::uint64_t received = 0, lost = 0;
};

/// One part of the capture path, stacked in the order given.
struct StageTime {
  std::string name;
  double median_us = 0;
};

/// What is drawn over the scene; the panel's ticks.
struct OverlayToggles {
  bool markers = true, rays = false, frusta = true, skeleton = false, character = true, grid = true;
};

/// A window of the newest values, oldest first once full.
struct History {
  static constexpr std::size_t kSize = 480;
  std::array<float, kSize> values{};
  std::size_t next = 0, filled = 0;

  void add(float value) {
    values[next] = value;
    next = (next + 1) % kSize;
    if (filled < kSize) ++filled;
  }
  /// The i-th value from the oldest, i < filled.
  float at(std::size_t i) const { return values[(next + kSize - filled + i) % kSize]; }
};

/// Everything the stage panel shows; filled by the tool, a few times a second or each frame.
struct StagePanelData {
  double capture_hz = 0, render_hz = 0;
  std::uint64_t sequence_shown = 0;
  std::uint64_t frames_captured = 0, frames_rendered = 0;
  std::vector<DropCount> dropped;

  TimesUs span_b;                  ///< Last packet -> image finished by the GPU.
  History span_b_us;               ///< The newest values, in order.
  std::vector<float> span_b_bins;  ///< Histogram: share of frames per bin, 0 to 1.
  double bin_width_us = 250;       ///< Width of a bin; the first starts at 0.

  double gpu_us = 0;              ///< GPU time of the newest image.
  std::vector<StageTime> stages;  ///< Capture path, in its order.

  std::vector<SubjectRow> subjects;
  std::vector<CameraRow> cameras;

  std::string scheduling;  ///< What real-time set-up was granted, one line.
  std::string device;      ///< The graphics device.
  std::string source;      ///< What is being captured, one line.
};

/// Draws the panel into the open ImGui frame, at the left of the window. The toggles are changed by
/// the operator.
void drawStagePanel(const StagePanelData& data, OverlayToggles& toggles);

}  // namespace understudy::panels
