#pragma once

#include <cstdint>
#include <vector>

#include "capture/reconstruct/reconstruct.h"

namespace understudy::test {

/// One frame of a test's scene, its cameras in the given order. The scene has settings, state,
/// workspace, predictions, images (one per camera), cloud and counters.
template <class Scene>
void reconstructFrame(
    Scene& scene, const std::vector<std::uint32_t>& order,
    const reconstruct::ProjectionKernels& kernels = reconstruct::baselineProjectionKernels(),
    const core::Stamp& stamp = {}) {
  scene.counters = {};
  reconstruct::PredictFrame{.settings = scene.settings,
                            .kernels = kernels,
                            .predictions = scene.predictions,
                            .state = scene.state}
      .run();
  for (const std::uint32_t c : order) {
    reconstruct::MatchCamera{.settings = scene.settings,
                             .camera = c,
                             .centroids = scene.images[c],
                             .state = scene.state,
                             .sums = scene.state.sums,
                             .workspace = scene.workspace,
                             .counters = scene.counters}
        .run();
  }
  reconstruct::FinishFrame{.settings = scene.settings,
                           .stamp = stamp,
                           .state = scene.state,
                           .workspace = scene.workspace,
                           .cloud = scene.cloud,
                           .counters = scene.counters}
      .run();
}

}  // namespace understudy::test
