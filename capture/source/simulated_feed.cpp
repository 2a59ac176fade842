#include "capture/source/simulated_feed.h"

#include <algorithm>

namespace understudy::source {

SimulatedFeed::SimulatedFeed(SimulatedStage& stage, std::uint64_t frames, std::size_t capacity)
    : stage_(stage),
      maker_(stage.settings(), stage.trueRig().cameras.size()),
      frames_(frames),
      ring_(std::max<std::size_t>(1, std::min<std::uint64_t>(capacity, frames))),
      thread_([this](std::stop_token stop) { produce(std::move(stop)); }) {}

SimulatedFeed::~SimulatedFeed() { stop(); }

void SimulatedFeed::produce(std::stop_token stop) {
  StageFrame frame = stage_.makeFrame();
  for (std::uint64_t index = 0; index < frames_; ++index) {
    {
      std::unique_lock lock(mutex_);
      if (!changed_.wait(lock, stop, [&] { return index < released_ + ring_.size(); })) break;
    }
    stage_.simulate(frame);
    FeedFrame& slot = ring_[index % ring_.size()];
    slot.truth.stamp = frame.stamp;
    slot.truth.performers = frame.performers;
    maker_.make(frame, slot.packets);
    {
      const std::lock_guard lock(mutex_);
      produced_ = index + 1;
    }
    changed_.notify_all();
  }
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }
  changed_.notify_all();
}

const FeedFrame* SimulatedFeed::frame(std::uint64_t index) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return produced_ > index || ended_ || index < released_; });
  return index < produced_ && index >= released_ ? &ring_[index % ring_.size()] : nullptr;
}

const FeedFrame* SimulatedFeed::tryFrame(std::uint64_t index) {
  const std::lock_guard lock(mutex_);
  return index < produced_ && index >= released_ ? &ring_[index % ring_.size()] : nullptr;
}

void SimulatedFeed::release(std::uint64_t end) {
  {
    const std::lock_guard lock(mutex_);
    released_ = std::max(released_, std::min(end, produced_));
  }
  changed_.notify_all();
}

void SimulatedFeed::waitForFrames(std::uint64_t count) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] {
    return ended_ || produced_ >= std::min<std::uint64_t>(count, released_ + ring_.size());
  });
}

void SimulatedFeed::stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

}  // namespace understudy::source
