#pragma once

#include "capture/pipeline/capture_path.h"
#include "engine/core/time.h"

namespace understudy::pipeline {

/// Adds the time of its scope to a stage. Nothing waits inside, so that it is processor time unless
/// the thread was preempted: limitTimes corrects that. The thread's own clock would cost two system
/// calls per packet, as much as the work that it measures.
class StageTimer {
 public:
  explicit StageTimer(core::Duration& total) : total_(total), start_(core::Clock::now()) {}
  ~StageTimer() { total_ += core::Clock::now() - start_; }
  StageTimer(const StageTimer&) = delete;
  StageTimer& operator=(const StageTimer&) = delete;

 private:
  core::Duration& total_;
  core::Time start_;
};

/// Cuts the stages down, all by the same share, to what they can have used together.
void limitTimes(core::Duration most, StageTimes& times);

}  // namespace understudy::pipeline
