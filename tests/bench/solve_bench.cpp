#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "capture/solve/solve_lanes.h"
#include "capture/solve/solve_steps.h"
#include "capture/source/random.h"
#include "engine/anim/kinematics.h"
#include "engine/core/thread_time.h"
#include "tools/scoring/pose_score.h"
#include "tools/simulation/simulation.h"

using namespace understudy;

namespace {

struct Options {
  std::vector<std::string> motions;
  std::size_t frames = 480;
  double noise_mm = 0.5;
  double hidden = 0.0;  ///< Share of markers in gaps.
  double gap_frames = 60;
  double soft_tissue_mm = 0.0;
  double marker_sigma_mm = 0.0;
  int iterations = 0;
  std::uint64_t seed = 1;
  bool baseline = false;
  bool joints = false;  ///< A table of joints, too.
};

double percentile(std::vector<double> values, double share) {
  if (values.empty()) return 0.0;
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
}

/// Performers as the simulation moves them, and their markers with noise and gaps.
struct Recording {
  std::vector<subject::Subject> subjects;
  double rate_hz = 240;
  std::vector<std::vector<source::PerformerTruth>> truth;   ///< Per frame and performer.
  std::vector<std::vector<frame::LabelledSubject>> labels;  ///< Per frame and performer.
};

core::Result<Recording> record(const Options& options, std::size_t actors) {
  simulation::SimulationFlags flags;
  flags.motions = options.motions;
  flags.cameras = 1;
  flags.no_body_occlusion = true;
  flags.stage.body_occlusion = false;
  flags.stage.actors = actors;
  flags.stage.soft_tissue_mm = options.soft_tissue_mm;
  flags.stage.seed = options.seed;
  auto simulation = simulation::makeSimulation(flags);
  if (!simulation) return simulation.error();
  Recording recording{.subjects = simulation->stage.subjects(), .rate_hz = flags.rate_hz};
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

struct Figures {
  std::vector<double> us;  ///< Per frame, all actors.
  scoring::SpreadMeter mm, deg, ahead;
  double nees_sum = 0, nees_count = 0;
  std::uint64_t diverged = 0;
  std::vector<scoring::SpreadMeter> joint_deg, joint_mm;  ///< Per joint of the first actor.
};

// Errors of every joint that markers inform.
void addJoints(const subject::Subject& subject, const source::PerformerTruth& truth,
               const frame::SkeletonPose& pose, Figures& figures) {
  std::vector<math::RigidTransform> world(subject.skeleton.size());
  anim::worldFromJoints(subject.skeleton, pose.parent_from_joint, world);
  figures.joint_deg.resize(world.size());
  figures.joint_mm.resize(world.size());
  for (std::size_t j = 0; j < world.size(); ++j) {
    const glm::dquat turn = glm::dquat(world[j].rotation) *
                            glm::conjugate(glm::dquat(truth.world_from_joint[j].rotation));
    figures.joint_deg[j].add(glm::degrees(
        2.0 * std::atan2(glm::length(glm::dvec3(turn.x, turn.y, turn.z)), std::abs(turn.w))));
    figures.joint_mm[j].add(1000.0 *
                            static_cast<double>(glm::distance(
                                world[j].translation, truth.world_from_joint[j].translation)));
  }
}

Figures run(const Recording& recording, const Options& options) {
  const std::size_t actors = recording.subjects.size();
  solve::SolveSettings settings;
  if (options.marker_sigma_mm > 0.0) settings.marker_sigma = 1e-3 * options.marker_sigma_mm;
  if (options.iterations > 0) settings.iterations = options.iterations;
  std::vector<solve::SolveModel> models;
  std::vector<solve::SolveState> states;
  std::vector<frame::SkeletonPose> poses(actors);
  std::vector<scoring::PoseScore> scores;
  for (const subject::Subject& subject : recording.subjects) {
    models.push_back(solve::makeSolveModel(subject));
    states.push_back(solve::makeSolveState(subject, models.back()));
    scores.emplace_back(subject, scoring::PoseScoreSettings{.rate_hz = recording.rate_hz});
  }
  std::vector<solve::LaneSubject> subjects;
  for (std::size_t a = 0; a < actors; ++a) {
    subjects.push_back({&recording.subjects[a], &models[a], &settings});
    const std::size_t joints = recording.subjects[a].skeleton.size();
    poses[a].parent_from_joint.resize(joints);
    poses[a].angular_velocity.resize(joints);
    poses[a].velocity.resize(joints);
    poses[a].predicted.resize(joints);
    poses[a].covariance.resize(joints);
    std::vector<math::RigidTransformd> start(joints);
    for (std::size_t j = 0; j < joints; ++j) {
      const std::vector<math::RigidTransform>& world = recording.truth[0][a].world_from_joint;
      const math::RigidTransform local =
          models[a].joint_parent[j] < 0
              ? world[j]
              : math::inverse(world[static_cast<std::size_t>(models[a].joint_parent[j])]) *
                    world[j];
      start[j] = {glm::normalize(glm::dquat(local.rotation)), glm::dvec3(local.translation)};
      if (models[a].joint_parent[j] >= 0) start[j].translation = models[a].rest[j].translation;
    }
    solve::startTracking(models[a], 0, start, states[a]);
  }
  std::vector<solve::LaneGroup> groups = solve::makeLaneGroups(subjects);
  Figures figures;
  for (std::size_t f = 1; f < recording.labels.size(); ++f) {
    const core::Duration before = core::threadTime();
    solve::SolveSubjects{
        .subjects = subjects,
        .kernels = options.baseline ? solve::baselineLaneKernels() : solve::v3LaneKernels(),
        .labels = recording.labels[f],
        .stamp = {.sequence = f},
        .rate_hz = recording.rate_hz,
        .groups = groups,
        .states = states,
        .poses = poses}
        .run();
    const double us = 1e6 * core::toSeconds(core::threadTime() - before);
    for (std::size_t a = 0; a < actors; ++a) {
      scores[a].add(f, recording.truth[f][a], &poses[a], nullptr);
      if (options.joints)
        addJoints(recording.subjects[a], recording.truth[f][a], poses[a], figures);
    }
    if (f > 48) figures.us.push_back(us);
  }
  for (const scoring::PoseScore& score : scores) {
    figures.mm.merge(score.joint_mm);
    figures.deg.merge(score.joint_deg);
    figures.ahead.merge(score.predicted_mm);
    figures.nees_sum += score.nees_sum;
    figures.nees_count += score.nees_count;
    figures.diverged += score.diverged;
  }
  return figures;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Measures the skeleton solve: processor time, accuracy, honesty of the covariance.");
  Options options;
  app.add_option("--motion", options.motions, "Motions, else the demo's");
  app.add_option("--frames", options.frames, "Per run")->check(CLI::Range(60, 100000));
  app.add_option("--noise-mm", options.noise_mm, "Of each marker, per axis");
  app.add_option("--hidden", options.hidden, "Share of markers in gaps")
      ->check(CLI::Range(0.0, 0.9));
  app.add_option("--gap-frames", options.gap_frames, "Length of a gap");
  app.add_option("--soft-tissue", options.soft_tissue_mm, "Skin motion, mm");
  app.add_option("--marker-sigma", options.marker_sigma_mm, "The solver's belief, mm");
  app.add_option("--iterations", options.iterations, "Steps per frame");
  app.add_option("--seed", options.seed, "Of noise and gaps");
  app.add_flag("--baseline", options.baseline, "Kernels without AVX2");
  app.add_flag("--joints", options.joints, "A table of joints, too");
  std::vector<std::size_t> sizes{1, 4, 20};
  app.add_option("--actors", sizes, "Actors");
  CLI11_PARSE(app, argc, argv);
  fmt::print("{:>6} {:>9} {:>9} {:>9} {:>10} {:>9} {:>9} {:>9} {:>9} {:>9} {:>7} {:>8}\n", "actors",
             "least us", "p50 us", "p99 us", "us/actor", "mm mean", "mm p99", "deg mean", "deg p99",
             "20ms p50", "nees", "diverged");
  for (const std::size_t actors : sizes) {
    auto recording = record(options, actors);
    if (!recording) {
      fmt::print(stderr, "{}\n", recording.error().message);
      return 1;
    }
    const Figures figures = run(*recording, options);
    const scoring::Spread mm = figures.mm.spread(), deg = figures.deg.spread(),
                          ahead = figures.ahead.spread();
    const double p50 = percentile(figures.us, 0.5);
    fmt::print(
        "{:>6} {:>9.1f} {:>9.1f} {:>9.1f} {:>10.2f} {:>9.3f} {:>9.3f} {:>9.3f} {:>9.3f} {:>9.2f} "
        "{:>7.2f} {:>8}\n",
        actors, percentile(figures.us, 0.0), p50, percentile(figures.us, 0.99),
        p50 / static_cast<double>(actors), mm.mean, mm.p99, deg.mean, deg.p99, ahead.p50,
        figures.nees_sum / figures.nees_count, figures.diverged);
    for (std::size_t j = 0; j < figures.joint_deg.size(); ++j) {
      const scoring::Spread turn = figures.joint_deg[j].spread(),
                            place = figures.joint_mm[j].spread();
      std::size_t markers = 0;
      for (const subject::SubjectMarker& marker : recording->subjects[0].markers)
        markers += static_cast<std::size_t>(marker.joint) == j;
      fmt::print("  {:<24} {} markers  deg {:.3f} p99 {:.3f}  mm {:.3f} p99 {:.3f}\n",
                 recording->subjects[0].skeleton.names[j], markers, turn.mean, turn.p99, place.mean,
                 place.p99);
    }
  }
  return 0;
}
