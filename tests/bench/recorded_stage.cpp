#include "tests/bench/recorded_stage.h"

#include <algorithm>

#include "capture/source/random.h"
#include "tools/simulation/simulation.h"

namespace understudy::bench {

core::Result<RecordedStage> recordStage(const StageSize& size) {
  simulation::SimulationFlags flags;
  flags.cameras = size.cameras;
  flags.stage.actors = size.actors;
  flags.stage.noise_px = size.noise_px;
  flags.stage.rig_error_px = size.rig_error_px;
  flags.stage.seed = size.seed;
  auto simulation = simulation::makeSimulation(flags);
  if (!simulation) return simulation.error();
  source::SimulatedStage& stage = simulation->stage;
  RecordedStage recorded;
  recorded.known_rig = stage.knownRig();
  for (const subject::Subject& subject : stage.subjects()) {
    recorded.marker_counts.push_back(subject.markers.size());
    recorded.markers += subject.markers.size();
  }
  source::StageFrame frame = stage.makeFrame();
  for (std::size_t i = 0; i < size.frames; ++i) {
    stage.simulate(frame);
    recorded.frames.push_back(frame);  // Copies take no more memory than they need.
    for (const frame::CameraCentroids& camera : frame.cameras) {
      recorded.blobs += camera.centroids.size();
    }
  }
  return recorded;
}

frame::PredictedMarkers predictTruth(const source::StageFrame& frame, double error, float sigma,
                                     std::uint64_t seed) {
  frame::PredictedMarkers predictions{.stamp = frame.stamp};
  source::Random random(seed, frame.stamp.sequence);
  for (std::size_t p = 0; p < frame.performers.size(); ++p) {
    const std::vector<source::MarkerTruth>& markers = frame.performers[p].markers;
    for (std::size_t m = 0; m < markers.size(); ++m) {
      const glm::dvec3 off(random.normal(), random.normal(), random.normal());
      predictions.markers.push_back({.subject = static_cast<std::uint32_t>(p),
                                     .marker = static_cast<std::uint32_t>(m),
                                     .position = markers[m].position + glm::vec3(error * off),
                                     .sigma = sigma});
    }
  }
  return predictions;
}

}  // namespace understudy::bench
