#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "capture/solve/foresee.h"
#include "capture/solve/solve_lanes.h"
#include "capture/solve/solve_steps.h"
#include "capture/source/random.h"
#include "engine/anim/kinematics.h"
#include "engine/core/thread_time.h"
#include "engine/math/exponential.h"
#include "tests/support/skeleton_pose.h"
#include "tools/scoring/pose_score.h"
#include "tools/simulation/simulation.h"
#ifdef UNDERSTUDY_HAS_SIMBODY
#include "tests/bench/simbody_solver.h"
#endif

using namespace understudy;

namespace {

constexpr std::size_t kWarmUp = 48;  // Frames whose times are left out.

struct Options {
  std::vector<std::string> motions;
  std::size_t frames = 480;
  double noise_mm = 0.5;
  double hidden = 0.0;  ///< Share of markers in gaps.
  double gap_frames = 60;
  double soft_tissue_mm = 0.0;
  double marker_sigma_mm = 0.0;
  int iterations = 0;
  double habit_time = 0.0;
  std::uint64_t seed = 1;
  bool baseline = false;
  bool joints = false;  ///< A table of joints, too.
  double simbody_accuracy = 1e-5;
  bool no_simbody = false;
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
  std::vector<double> foresight_us;  ///< Per frame, all actors.
  scoring::SpreadMeter mm, deg, ahead, steady;  ///< Steady: at constant velocity.
  double ahead_nees_sum = 0, ahead_nees_count = 0;
  scoring::SpreadMeter marked_deg;  ///< Joints that carry markers.
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

void addMarked(const subject::Subject& subject, const source::PerformerTruth& truth,
               const frame::SkeletonPose& pose, Figures& figures) {
  std::vector<math::RigidTransform> world(subject.skeleton.size());
  anim::worldFromJoints(subject.skeleton, pose.parent_from_joint, world);
  std::vector<bool> marked(world.size(), false);
  for (const subject::SubjectMarker& marker : subject.markers)
    marked[static_cast<std::size_t>(marker.joint)] = true;
  for (std::size_t j = 0; j < world.size(); ++j) {
    if (!marked[j]) continue;
    const glm::dquat turn = glm::dquat(world[j].rotation) *
                            glm::conjugate(glm::dquat(truth.world_from_joint[j].rotation));
    figures.marked_deg.add(glm::degrees(
        2.0 * std::atan2(glm::length(glm::dvec3(turn.x, turn.y, turn.z)), std::abs(turn.w))));
  }
}

// The true pose of the first frame, in the freedoms of the solver.
std::vector<math::RigidTransformd> firstPose(const solve::SolveModel& model,
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

void addScore(const scoring::PoseScore& score, Figures& figures) {
  figures.mm.merge(score.joint_mm);
  figures.deg.merge(score.joint_deg);
  figures.ahead.merge(score.predicted_mm);
  figures.ahead_nees_sum += score.predicted_nees_sum;
  figures.ahead_nees_count += score.predicted_nees_count;
  figures.nees_sum += score.nees_sum;
  figures.nees_count += score.nees_count;
  figures.diverged += score.diverged;
}

// The usual prediction: on as from the frame before to this one.
void goAtConstantVelocity(const frame::SkeletonPose& now, const frame::SkeletonPose& before,
                          double rate_hz, frame::SkeletonPose& going) {
  going = now;
  for (std::size_t j = 0; j < now.parent_from_joint.size(); ++j) {
    const math::RigidTransform &to = now.parent_from_joint[j], &from = before.parent_from_joint[j];
    going.angular_velocity[j] = glm::vec3(
        rate_hz * math::vectorFromRotation(
                      glm::normalize(glm::dquat(to.rotation) * glm::conjugate(glm::dquat(from.rotation)))));
    going.velocity[j] = glm::vec3(rate_hz * glm::dvec3(to.translation - from.translation));
  }
}

Figures run(const Recording& recording, const Options& options) {
  const std::size_t actors = recording.subjects.size();
  solve::SolveSettings settings;
  if (options.marker_sigma_mm > 0.0) settings.marker_sigma = 1e-3 * options.marker_sigma_mm;
  if (options.iterations > 0) settings.iterations = options.iterations;
  if (options.habit_time > 0.0) settings.habit_time = options.habit_time;
  std::vector<solve::SolveModel> models;
  std::vector<solve::SolveState> states;
  std::vector<frame::SkeletonPose> poses;
  std::vector<scoring::PoseScore> scores, steady;
  std::vector<solve::ForesightState> foresights;
  std::vector<solve::ForesightWorkspace> foresight_workspaces;
  const solve::ForesightSettings foresight;
  frame::SkeletonPose going;
  for (std::size_t a = 0; a < actors; ++a) {
    const subject::Subject& subject = recording.subjects[a];
    models.push_back(solve::makeSolveModel(subject));
    states.push_back(solve::makeSolveState(subject, models.back()));
    poses.push_back(test::poseOf(subject.skeleton.size()));
    scores.emplace_back(subject, scoring::PoseScoreSettings{.rate_hz = recording.rate_hz});
    steady.push_back(scores.back());
    foresights.push_back(solve::makeForesightState(models.back()));
    foresight_workspaces.push_back(solve::makeForesightWorkspace(models.back()));
    solve::startTracking(models[a], 0, firstPose(models[a], recording.truth[0][a].world_from_joint),
                         states[a]);
  }
  std::vector<solve::LaneSubject> subjects;
  for (std::size_t a = 0; a < actors; ++a)
    subjects.push_back({&recording.subjects[a], &models[a], &settings});
  std::vector<solve::LaneGroup> groups = solve::makeLaneGroups(subjects);
  Figures figures;
  std::vector<frame::SkeletonPose> before_pose = poses;
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
    const core::Duration solved = core::threadTime();
    for (std::size_t a = 0; a < actors; ++a) {
      solve::ForeseeSubject{.settings = foresight,
                            .model = models[a],
                            .rate_hz = recording.rate_hz,
                            .solved = states[a],
                            .state = foresights[a],
                            .workspace = foresight_workspaces[a],
                            .pose = poses[a]}
          .run();
    }
    const double foresight_us = 1e6 * core::toSeconds(core::threadTime() - solved);
    if (f > kWarmUp) figures.foresight_us.push_back(foresight_us);
    for (std::size_t a = 0; a < actors; ++a) {
      goAtConstantVelocity(poses[a], before_pose[a], recording.rate_hz, going);
      steady[a].add(f, recording.truth[f][a], &going, nullptr);
      before_pose[a] = poses[a];
      scores[a].add(f, recording.truth[f][a], &poses[a], nullptr);
      addMarked(recording.subjects[a], recording.truth[f][a], poses[a], figures);
      if (options.joints)
        addJoints(recording.subjects[a], recording.truth[f][a], poses[a], figures);
    }
    if (f > kWarmUp) figures.us.push_back(us);
  }
  for (const scoring::PoseScore& score : scores) addScore(score, figures);
  for (const scoring::PoseScore& score : steady) figures.steady.merge(score.predicted_mm);
  return figures;
}

#ifdef UNDERSTUDY_HAS_SIMBODY
bench::PlainTransform plain(const math::RigidTransformd& t) {
  return {t.rotation.x,    t.rotation.y,    t.rotation.z,   t.rotation.w,
          t.translation.x, t.translation.y, t.translation.z};
}

bench::SimbodySolver makeSimbody(const subject::Subject& subject, const solve::SolveModel& model,
                                 const std::vector<math::RigidTransformd>& start, double accuracy) {
  std::vector<bench::PlainJoint> joints;
  for (std::size_t j = 0; j < model.joints(); ++j)
    joints.push_back(
        {model.joint_parent[j], model.joint_freedoms[j], plain(model.rest[j]), plain(start[j])});
  std::vector<bench::PlainMarker> markers;
  for (const subject::SubjectMarker& marker : subject.markers) {
    const glm::dvec3 offset(marker.offset_joint);
    markers.push_back({marker.joint, {offset.x, offset.y, offset.z}});
  }
  return bench::SimbodySolver(joints, markers, accuracy);
}

// Simbody on the first actor's markers.
Figures runSimbody(const Recording& recording, const Options& options) {
  const subject::Subject& subject = recording.subjects[0];
  const solve::SolveModel model = solve::makeSolveModel(subject);
  bench::SimbodySolver solver =
      makeSimbody(subject, model, firstPose(model, recording.truth[0][0].world_from_joint),
                  options.simbody_accuracy);
  frame::SkeletonPose pose = test::poseOf(subject.skeleton.size());
  pose.tracked = true;
  scoring::PoseScore score(subject, {.rate_hz = recording.rate_hz});
  std::vector<std::array<double, 3>> positions(subject.markers.size());
  Figures figures;
  for (std::size_t f = 1; f < recording.labels.size(); ++f) {
    for (std::size_t m = 0; m < positions.size(); ++m) {
      const frame::LabelledMarker& marker = recording.labels[f][0].markers[m];
      const glm::dvec3 at =
          marker.confidence > 0.0f ? glm::dvec3(marker.position) : glm::dvec3(std::nan(""));
      positions[m] = {at.x, at.y, at.z};
    }
    const core::Duration before = core::threadTime();
    const bool solved = solver.solve(positions);
    const double us = 1e6 * core::toSeconds(core::threadTime() - before);
    if (f > kWarmUp) figures.us.push_back(us);
    const std::vector<bench::PlainTransform> joints = solver.pose();
    for (std::size_t j = 0; solved && j < joints.size(); ++j) {
      const bench::PlainTransform& t = joints[j];
      pose.parent_from_joint[j] = {glm::quat(math::quaternionXyzw(t[0], t[1], t[2], t[3])),
                                   glm::vec3(glm::dvec3(t[4], t[5], t[6]))};
    }
    score.add(f, recording.truth[f][0], &pose, nullptr);
  }
  addScore(score, figures);
  return figures;
}
#endif

void print(const std::string& what, std::size_t actors, const Figures& figures) {
  const scoring::Spread mm = figures.mm.spread(), deg = figures.deg.spread(),
                        ahead = figures.ahead.spread();
  const double p50 = percentile(figures.us, 0.5);
  const auto ratio = [](double sum, double count) { return count > 0.0 ? sum / count : 0.0; };
  fmt::print(
      "{:<10}{:>6} {:>8.1f} {:>8.1f} {:>8.1f} {:>8.2f} {:>8.2f} {:>8.3f} {:>8.3f} {:>8.3f} {:>8.3f} "
      "{:>8.3f} {:>8.3f} {:>6.2f} {:>8.2f} {:>8.2f} {:>6.2f} {:>8}\n",
      what, actors, percentile(figures.us, 0.0), p50, percentile(figures.us, 0.99),
      p50 / static_cast<double>(actors),
      percentile(figures.foresight_us, 0.5) / static_cast<double>(actors), mm.mean, mm.p99, deg.mean,
      deg.p99, figures.marked_deg.spread().mean, figures.marked_deg.spread().p99,
      ratio(figures.nees_sum, figures.nees_count), ahead.p50, figures.steady.spread().p50,
      ratio(figures.ahead_nees_sum, figures.ahead_nees_count), figures.diverged);
}

void printJoints(const subject::Subject& subject, const Figures& figures) {
  for (std::size_t j = 0; j < figures.joint_deg.size(); ++j) {
    const scoring::Spread turn = figures.joint_deg[j].spread(),
                          place = figures.joint_mm[j].spread();
    const auto markers = std::count_if(subject.markers.begin(), subject.markers.end(),
                                       [&](const subject::SubjectMarker& marker) {
                                         return static_cast<std::size_t>(marker.joint) == j;
                                       });
    fmt::print("  {:<24} {} markers  deg {:.3f} p99 {:.3f}  mm {:.3f} p99 {:.3f}\n",
               subject.skeleton.names[j], markers, turn.mean, turn.p99, place.mean, place.p99);
  }
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
  app.add_option("--habit-time", options.habit_time, "Memory of habits, seconds");
  app.add_option("--seed", options.seed, "Of noise and gaps");
  app.add_flag("--baseline", options.baseline, "Kernels without AVX2");
  app.add_flag("--joints", options.joints, "A table of joints, too");
  app.add_option("--simbody-accuracy", options.simbody_accuracy, "Of the peer's assembler");
  app.add_flag("--no-simbody", options.no_simbody, "Without the peer");
  std::vector<std::size_t> sizes{1, 4, 20};
  app.add_option("--actors", sizes, "Actors");
  CLI11_PARSE(app, argc, argv);
  fmt::print("{:<10}{:>6} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8} {:>6} {:>8} {:>8} {:>6} {:>8}\n", "",
             "actors", "least us", "p50 us", "p99 us", "us/actor", "foresee", "mm mean", "mm p99", "deg mean",
             "deg p99", "mk mean", "mk p99", "nees", "20ms", "steady", "nees", "diverged");
  for (const std::size_t actors : sizes) {
    auto recording = record(options, actors);
    if (!recording) {
      fmt::print(stderr, "{}\n", recording.error().message);
      return 1;
    }
    if (actors == sizes.front()) {
      fmt::print("{} markers, {} freedoms a performer\n", recording->subjects[0].markers.size(),
                 solve::makeSolveModel(recording->subjects[0]).freedoms());
    }
    const Figures figures = run(*recording, options);
    print("ours", actors, figures);
    if (options.joints) printJoints(recording->subjects[0], figures);
#ifdef UNDERSTUDY_HAS_SIMBODY
    if (actors == sizes.front() && !options.no_simbody)
      print("simbody", 1, runSimbody(*recording, options));
#endif
  }
#ifndef UNDERSTUDY_HAS_SIMBODY
  fmt::print("built without Simbody (libsimbody-dev): no peer in this run\n");
#endif
  return 0;
}
