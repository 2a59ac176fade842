#pragma once

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "capture/camera/ring_rig.h"
#include "capture/source/simulated_stage.h"
#include "tests/support/figure.h"

namespace understudy::test {

/// Our 53-marker body set.
inline subject::MarkerSet bodySet() {
  auto set =
      subject::loadMarkerSet(std::string(UNDERSTUDY_SOURCE_DIR) + "/assets/markersets/body53.toml");
  REQUIRE_MESSAGE(set, (set ? "" : set.error().message));
  return *set;
}

/// The invented figure as a motion.
inline source::ClipMotion figureMotion(std::size_t frames = 480, double rate_hz = 120.0) {
  source::ClipMotion motion{.clip = makeFigureClip(frames, rate_hz), .humanoid = {}};
  motion.humanoid = anim::recogniseHumanoid(motion.clip.skeleton);
  return motion;
}

/// A stage with the invented figure before a ring of cameras.
inline source::SimulatedStage figureStage(const source::StageSettings& settings,
                                          std::size_t cameras = 16, double rate_hz = 240.0) {
  std::vector<source::PerformerMotion> motions;
  motions.emplace_back(figureMotion());
  auto stage =
      source::SimulatedStage::create(settings, std::move(motions), bodySet(),
                                     camera::makeRingRig(cameras, settings.actors, rate_hz));
  REQUIRE_MESSAGE(stage, (stage ? "" : stage.error().message));
  return *std::move(stage);
}

/// A stage without any error: nothing hides, no noise, no gaps.
inline source::StageSettings perfectSettings() {
  return {.noise_px = 0,
          .false_blobs = 0,
          .gaps = 0,
          .soft_tissue_mm = 0,
          .placement_mm = 0,
          .body_occlusion = false,
          .merge_blobs = false,
          .rig_error_px = 0};
}

}  // namespace understudy::test
