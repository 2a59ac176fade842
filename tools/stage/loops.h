#pragma once

#include "engine/app/window.h"
#include "engine/core/result.h"
#include "tools/stage/picture_writer.h"
#include "tools/stage/show.h"

namespace understudy::stage {

/// What the loops work on.
struct LoopContext {
  const StageOptions& options;
  StageSource& source;
  CaptureRun& capture;
  Show& show;
  gpu::Device& device;
  PictureWriter* pictures = nullptr;
  scoring::StageScorer* scorer = nullptr;  ///< Of lockstep runs; live ones are scored in a thread.
};

/// Every captured frame once, in order, on one thread.
core::Result<void> runLockstep(const LoopContext& context);
/// Live, without a window: renders the newest pose whenever there is a new one, until the capture
/// has finished.
core::Result<void> runHeadless(const LoopContext& context);
/// Live, in a window with the stage panel, until the operator closes it or the capture has
/// finished.
core::Result<void> runWindow(const LoopContext& context, app::Window& window);

}  // namespace understudy::stage
