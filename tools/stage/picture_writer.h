#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "engine/core/result.h"
#include "engine/render/renderer.h"

namespace understudy::stage {

/// Where pictures go.
struct PictureSettings {
  std::string folder;       ///< For frame_%06d.png; empty = none.
  std::uint64_t every = 1;  ///< Every Nth picture is written.
  bool exr = false;         ///< And frame_%06d.exr beside it, where there is linear light.
  std::string video;        ///< Empty = none.
  double video_hz =
      30;  ///< Pictures are repeated or left out so that the video plays in real time.
  double sequence_hz = 240;  ///< Rate of the sequence numbers.
  std::uint32_t width_px = 0, height_px = 0;
};

/// Writes PNGs and feeds ffmpeg in a thread of its own. A failure is kept and returned by `finish`;
/// nothing is lost silently.
class PictureWriter {
 public:
  /// Makes the folder and starts ffmpeg; fails where either cannot be done.
  static core::Result<std::unique_ptr<PictureWriter>> create(const PictureSettings& settings);
  ~PictureWriter();

  /// True if the picture with this number (from 0) or of this sequence will be used at all: else no
  /// readback is needed.
  bool wants(std::uint64_t picture, std::uint64_t sequence) const;
  /// Takes a copy of the image. Waits while too many are pending.
  void add(std::uint64_t picture, const render::RenderedImage& image);
  /// Writes what is left and closes the video.
  core::Result<void> finish();
  std::uint64_t pngs() const { return pngs_; }

 private:
  struct Job {
    std::uint64_t picture = 0, sequence = 0;
    std::vector<std::uint8_t> rgba;
    std::vector<std::uint16_t> linear;
  };
  explicit PictureWriter(const PictureSettings& settings) : settings_(settings) {}
  core::Result<void> startVideo();
  std::uint64_t videoFrame(std::uint64_t sequence) const;
  void work();
  void write(const Job& job);
  void writeVideo(const Job& job);
  void fail(std::string message);

  PictureSettings settings_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> jobs_;
  std::vector<Job> spare_;
  bool closing_ = false;
  std::string failure_;
  int video_pipe_ = -1;
  int video_process_ = -1;
  bool video_started_ = false;
  std::uint64_t video_first_ = 0, video_written_ = 0, pngs_ = 0;
  std::thread thread_;
};

}  // namespace understudy::stage
