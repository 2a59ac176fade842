#include "tests/bench/solve_recording.h"

#include "capture/source/random.h"
#include "tools/simulation/simulation.h"

namespace understudy::bench {

core::Result<SolveRecording> recordMarkers(const RecordingOptions& options, std::size_t actors) {
  simulation::SimulationFlags flags;
  flags.motions = options.motions;
  flags.marker_set = options.marker_set;
  flags.cameras = 1;
  flags.no_body_occlusion = true;
  flags.stage.body_occlusion = false;
  flags.stage.actors = actors;
  flags.stage.soft_tissue_mm = options.soft_tissue_mm;
  flags.stage.seed = options.seed;
  flags.stage.still = options.still;
  auto simulation = simulation::makeSimulation(flags);
  if (!simulation) return simulation.error();
  SolveRecording recording{.subjects = simulation->stage.subjects(), .rate_hz = flags.rate_hz};
  source::Random random(options.seed, 9);
  std::vector<std::vector<double>> gap(actors);
  for (std::size_t a = 0; a < actors; ++a) gap[a].assign(recording.subjects[a].markers.size(), 0.0);
  const double opens = options.hidden / (1.0 - options.hidden) / options.gap_frames;
  const float variance = static_cast<float>(1e-6 * options.noise_mm * options.noise_mm);
  source::StageFrame frame = simulation->stage.makeFrame();
  for (std::size_t f = 0; f < options.frames; ++f) {
    simulation->stage.simulate(frame);
    recording.truth.push_back(frame.performers);
    std::vector<frame::LabelledSubject> labels(actors);
    for (std::size_t a = 0; a < actors; ++a) {
      for (std::size_t m = 0; m < gap[a].size(); ++m) {
        const glm::dvec3 off(random.normal(), random.normal(), random.normal());
        if (gap[a][m] > 0.0) {
          gap[a][m] -= 1.0;
        } else if (random.uniform() < opens && f > 24) {
          gap[a][m] = options.gap_frames;
        }
        labels[a].markers.push_back({.position = frame.performers[a].markers[m].position +
                                                 glm::vec3(1e-3 * options.noise_mm * off),
                                     .covariance = glm::mat3(variance),
                                     .confidence = gap[a][m] > 0.0 ? 0.0f : 1.0f});
      }
    }
    recording.labels.push_back(std::move(labels));
  }
  return recording;
}

std::vector<math::RigidTransformd> solverPose(const solve::SolveModel& model,
                                              const std::vector<math::RigidTransform>& world) {
  std::vector<math::RigidTransformd> start(model.joints());
  for (std::size_t j = 0; j < model.joints(); ++j) {
    const std::int32_t parent = model.joint_parent[j];
    const math::RigidTransform local =
        parent < 0 ? world[j] : math::inverse(world[static_cast<std::size_t>(parent)]) * world[j];
    start[j] = {glm::normalize(glm::dquat(local.rotation)), glm::dvec3(local.translation)};
    if (parent >= 0) start[j].translation = model.rest[j].translation;
  }
  return start;
}

}  // namespace understudy::bench
