#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "capture/solve/foresee.h"
#include "capture/solve/smooth_subject.h"
#include "capture/solve/solve_lanes.h"
#include "capture/solve/solve_steps.h"
#include "engine/anim/kinematics.h"
#include "engine/core/thread_time.h"
#include "engine/math/exponential.h"
#include "tests/bench/ceres_oracle.h"
#include "tests/bench/simbody_solver.h"
#include "tests/bench/solve_recording.h"
#include "tests/bench/solve_soak.h"
#include "tools/scoring/foot_score.h"
#include "tools/scoring/pose_score.h"

using namespace understudy;

namespace {

constexpr std::size_t kWarmUp = 48;  // Frames whose times are left out.

struct Options : bench::RecordingOptions {
  double marker_sigma_mm = 0.0;
  int iterations = 0;
  double habit_time = 0.0, hold_sigma_mm = 0.0, hold_drift_mm = 0.0;
  std::size_t smooth_lag = 0;
  double smooth_unforeseen = solve::SmootherSettings{}.unforeseen;
  double soak_minutes = 0.0;
  bool baseline = false;
  bool joints = false;  ///< A table of joints, too.
  double simbody_accuracy = 1e-5;
  bool no_simbody = false;
  std::size_t oracle_frames = 0;  ///< Of the run, for the oracle; 0: none.
  double oracle_turn_sigma = 60.0;
};

using Recording = bench::SolveRecording;

double percentile(std::vector<double> values, double share) {
  if (values.empty()) return 0.0;
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
}

struct Figures {
  std::vector<double> us;                       ///< Per frame, all actors.
  std::vector<double> foresight_us;             ///< Per frame, all actors.
  scoring::SpreadMeter mm, deg, ahead, steady;  ///< Steady: at constant velocity.
  scoring::SpreadMeter slide;
  scoring::SpreadMeter smooth_mm, smooth_deg, behind_mm,
      behind_deg;  ///< Smoothed, and those very frames unsmoothed.
  double jitter_squares = 0, jitter_count = 0;
  std::uint64_t slid = 0;
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
        rate_hz * math::vectorFromRotation(glm::normalize(
                      glm::dquat(to.rotation) * glm::conjugate(glm::dquat(from.rotation)))));
    going.velocity[j] = glm::vec3(rate_hz * glm::dvec3(to.translation - from.translation));
  }
}

Figures run(const Recording& recording, const Options& options) {
  const std::size_t actors = recording.subjects.size();
  solve::SolveSettings settings;
  if (options.marker_sigma_mm > 0.0) settings.marker_sigma = 1e-3 * options.marker_sigma_mm;
  if (options.iterations > 0) settings.iterations = options.iterations;
  if (options.hold_sigma_mm > 0.0) settings.hold_sigma = 1e-3 * options.hold_sigma_mm;
  if (options.hold_drift_mm > 0.0) settings.hold_drift = 1e-3 * options.hold_drift_mm;
  if (options.habit_time > 0.0) settings.habit_time = options.habit_time;
  std::vector<solve::SolveModel> models;
  std::vector<solve::SolveState> states;
  std::vector<frame::SkeletonPose> poses;
  std::vector<scoring::PoseScore> scores, steady;
  std::vector<scoring::FootScore> feet;
  std::vector<solve::ForesightState> foresights;
  std::vector<solve::ForesightWorkspace> foresight_workspaces;
  const solve::ForesightSettings foresight;
  frame::SkeletonPose going;
  for (std::size_t a = 0; a < actors; ++a) {
    const subject::Subject& subject = recording.subjects[a];
    models.push_back(solve::makeSolveModel(subject));
    states.push_back(solve::makeSolveState(subject, models.back()));
    poses.push_back(frame::makeSkeletonPose(subject.skeleton.size()));
    scores.emplace_back(
        subject, scoring::PoseScoreSettings{
                     .rate_hz = recording.rate_hz, .still = options.still, .warm_up_frames = 240});
    steady.push_back(scores.back());
    feet.emplace_back(subject, scoring::FootScoreSettings{.rate_hz = recording.rate_hz});
    foresights.push_back(solve::makeForesightState(models.back()));
    foresight_workspaces.push_back(solve::makeForesightWorkspace(models.back()));
    solve::startTracking(models[a], 0,
                         bench::solverPose(models[a], recording.truth[0][a].world_from_joint),
                         states[a]);
  }
  std::vector<solve::LaneSubject> subjects;
  for (std::size_t a = 0; a < actors; ++a)
    subjects.push_back({&recording.subjects[a], &models[a], &settings});
  std::vector<solve::LaneGroup> groups = solve::makeLaneGroups(subjects);
  Figures figures;
  std::vector<frame::SkeletonPose> before_pose = poses;
  const solve::SmootherSettings smoothing{.lag = options.smooth_lag,
                                          .unforeseen = options.smooth_unforeseen};
  std::vector<solve::SmootherState> smoothers;
  for (std::size_t a = 0; a < actors; ++a)
    smoothers.push_back(solve::makeSmootherState(recording.subjects[a], models[a], smoothing));
  solve::SmootherWorkspace smoother_workspace = solve::makeSmootherWorkspace(models[0]);
  std::vector<math::RigidTransformd> smoothed;
  frame::SkeletonPose smooth_pose = poses[0];
  std::vector<scoring::PoseScore> smooth_scores = scores, behind_scores = scores;
  std::vector<std::vector<frame::SkeletonPose>> past(actors);
  const auto addSmoothed = [&](std::size_t a, std::size_t f) {
    past[a].push_back(poses[a]);
    std::uint64_t sequence = 0;
    if (!solve::SmoothSubject{.model = models[a],
                              .settings = smoothing,
                              .solve_settings = settings,
                              .rate_hz = recording.rate_hz,
                              .solved = states[a],
                              .state = smoothers[a],
                              .workspace = smoother_workspace}
             .run(sequence, smoothed) ||
        f < kWarmUp + options.smooth_lag) {
      return;
    }
    smooth_pose = past[a][sequence - 1];
    behind_scores[a].add(sequence, recording.truth[sequence][a], &smooth_pose, nullptr);
    for (std::size_t j = 0; j < smoothed.size(); ++j) {
      smooth_pose.parent_from_joint[j] = {glm::quat(smoothed[j].rotation),
                                          glm::vec3(smoothed[j].translation)};
    }
    smooth_scores[a].add(sequence, recording.truth[sequence][a], &smooth_pose, nullptr);
  };
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
      feet[a].add(recording.truth[f][a], poses[a]);
      if (options.smooth_lag > 0) addSmoothed(a, f);
      scores[a].add(f, recording.truth[f][a], &poses[a], nullptr);
      addMarked(recording.subjects[a], recording.truth[f][a], poses[a], figures);
      if (options.joints)
        addJoints(recording.subjects[a], recording.truth[f][a], poses[a], figures);
    }
    if (f > kWarmUp) figures.us.push_back(us);
  }
  for (const scoring::PoseScore& score : scores) addScore(score, figures);
  for (const scoring::PoseScore& score : steady) figures.steady.merge(score.predicted_mm);
  for (const scoring::PoseScore& score : smooth_scores) {
    figures.smooth_mm.merge(score.joint_mm);
    figures.smooth_deg.merge(score.joint_deg);
  }
  for (const scoring::PoseScore& score : behind_scores) {
    figures.behind_mm.merge(score.joint_mm);
    figures.behind_deg.merge(score.joint_deg);
  }
  for (const scoring::PoseScore& score : scores) {
    figures.jitter_squares += score.jitterSquares();
    figures.jitter_count += score.jitterCount();
  }
  for (scoring::FootScore& score : feet) {
    score.finish();
    figures.slide.merge(score.slide_mm);
    figures.slid += score.over;
  }
  return figures;
}

bench::PlainTransform plain(const math::RigidTransformd& t) {
  return {t.rotation.x,    t.rotation.y,    t.rotation.z,   t.rotation.w,
          t.translation.x, t.translation.y, t.translation.z};
}

// The first actor for a peer.
struct PlainBody {
  std::vector<bench::PlainJoint> joints;
  std::vector<bench::PlainMarker> markers;
};

[[maybe_unused]] PlainBody makePlainBody(const Recording& recording) {
  const subject::Subject& subject = recording.subjects[0];
  const solve::SolveModel model = solve::makeSolveModel(subject);
  const std::vector<math::RigidTransformd> start =
      bench::solverPose(model, recording.truth[0][0].world_from_joint);
  PlainBody body;
  for (std::size_t j = 0; j < model.joints(); ++j)
    body.joints.push_back(
        {model.joint_parent[j], model.joint_freedoms[j], plain(model.rest[j]), plain(start[j])});
  for (const subject::SubjectMarker& marker : subject.markers) {
    const glm::dvec3 offset(marker.offset_joint);
    body.markers.push_back({marker.joint, {offset.x, offset.y, offset.z}});
  }
  return body;
}

// One frame of the first actor's markers; hidden ones are NaN.
[[maybe_unused]] bench::OracleFrame plainFrame(const Recording& recording, std::size_t f) {
  bench::OracleFrame positions;
  for (const frame::LabelledMarker& marker : recording.labels[f][0].markers) {
    const glm::dvec3 at =
        marker.confidence > 0.0f ? glm::dvec3(marker.position) : glm::dvec3(std::nan(""));
    positions.push_back({at.x, at.y, at.z});
  }
  return positions;
}

[[maybe_unused]] void takePose(const std::vector<bench::PlainTransform>& joints,
                               frame::SkeletonPose& pose) {
  for (std::size_t j = 0; j < joints.size(); ++j) {
    const bench::PlainTransform& t = joints[j];
    pose.parent_from_joint[j] = {glm::quat(math::quaternionXyzw(t[0], t[1], t[2], t[3])),
                                 glm::vec3(glm::dvec3(t[4], t[5], t[6]))};
  }
}

#ifdef UNDERSTUDY_HAS_SIMBODY
// Simbody on the first actor's markers.
Figures runSimbody(const Recording& recording, const Options& options) {
  const subject::Subject& subject = recording.subjects[0];
  const PlainBody body = makePlainBody(recording);
  bench::SimbodySolver solver(body.joints, body.markers, options.simbody_accuracy);
  frame::SkeletonPose pose = frame::makeSkeletonPose(subject.skeleton.size());
  pose.tracked = true;
  scoring::PoseScore score(subject, {.rate_hz = recording.rate_hz});
  Figures figures;
  for (std::size_t f = 1; f < recording.labels.size(); ++f) {
    const bench::OracleFrame positions = plainFrame(recording, f);
    const core::Duration before = core::threadTime();
    const bool solved = solver.solve(positions);
    const double us = 1e6 * core::toSeconds(core::threadTime() - before);
    if (f > kWarmUp) figures.us.push_back(us);
    if (solved) takePose(solver.pose(), pose);
    score.add(f, recording.truth[f][0], &pose, nullptr);
  }
  addScore(score, figures);
  return figures;
}
#endif

#ifdef UNDERSTUDY_HAS_CERES
// The oracle on the first actor's first frames: each for itself, or all together.
Figures runOracle(const Recording& recording, const Options& options, bool together) {
  const subject::Subject& subject = recording.subjects[0];
  const PlainBody body = makePlainBody(recording);
  const std::size_t count = std::min(options.oracle_frames, recording.labels.size());
  std::vector<bench::OracleFrame> frames;
  for (std::size_t f = 0; f < count; ++f) frames.push_back(plainFrame(recording, f));
  const core::Duration before = core::threadTime();
  const auto poses = bench::solveOffline(body.joints, body.markers, frames,
                                         {.marker_sigma = 1e-3 * std::max(options.noise_mm, 0.01),
                                          .turn_sigma = together ? options.oracle_turn_sigma : 0.0,
                                          .rate_hz = recording.rate_hz});
  Figures figures;
  figures.us.push_back(1e6 * core::toSeconds(core::threadTime() - before) /
                       static_cast<double>(count));
  frame::SkeletonPose pose = frame::makeSkeletonPose(subject.skeleton.size());
  pose.tracked = true;
  scoring::PoseScore score(subject, {.rate_hz = recording.rate_hz});
  for (std::size_t f = 1; f < count; ++f) {
    takePose(poses[f], pose);
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
      "{:<10}{:>6} {:>8.1f} {:>8.1f} {:>8.1f} {:>8.2f} {:>8.2f} {:>8.3f} {:>8.3f} {:>8.3f} "
      "{:>8.3f} "
      "{:>8.3f} {:>8.3f} {:>6.2f} {:>8.2f} {:>8.2f} {:>6.2f} {:>6.2f} {:>6.2f} {:>5}/{:<4} {:>8}\n",
      what, actors, percentile(figures.us, 0.0), p50, percentile(figures.us, 0.99),
      p50 / static_cast<double>(actors),
      percentile(figures.foresight_us, 0.5) / static_cast<double>(actors), mm.mean, mm.p99,
      deg.mean, deg.p99, figures.marked_deg.spread().mean, figures.marked_deg.spread().p99,
      ratio(figures.nees_sum, figures.nees_count), ahead.p50, figures.steady.spread().p50,
      ratio(figures.ahead_nees_sum, figures.ahead_nees_count), figures.slide.spread().p50,
      figures.slide.spread().p99, figures.slid, figures.slide.spread().count, figures.diverged);
}

void printMore(const Options& options, const Figures& figures) {
  if (options.still) {
    fmt::print("standing still: joints jitter by {:.3f} mm RMS\n",
               1000.0 * std::sqrt(figures.jitter_squares / figures.jitter_count));
  }
  if (options.smooth_lag == 0) return;
  const scoring::Spread mm = figures.smooth_mm.spread(), deg = figures.smooth_deg.spread();
  const scoring::Spread mm0 = figures.behind_mm.spread(), deg0 = figures.behind_deg.spread();
  fmt::print(
      "smoothed {} frames behind: joint mm {:.3f} p99 {:.3f} deg {:.3f} p99 {:.3f}; "
      "without lag {:.3f} p99 {:.3f}, {:.3f} p99 {:.3f}\n",
      options.smooth_lag, mm.mean, mm.p99, deg.mean, deg.p99, mm0.mean, mm0.p99, deg0.mean,
      deg0.p99);
}

#ifdef UNDERSTUDY_HAS_CERES
// Beside ours over the very frames that the oracle has.
void printOracle(const Recording& recording, const Options& options) {
  Recording part{.subjects = {recording.subjects[0]}, .rate_hz = recording.rate_hz};
  for (std::size_t f = 0; f < std::min(options.oracle_frames, recording.labels.size()); ++f) {
    part.truth.push_back({recording.truth[f][0]});
    part.labels.push_back({recording.labels[f][0]});
  }
  fmt::print("the first {} frames, offline:\n", part.labels.size());
  print("ours", 1, run(part, options));
  print("ceres", 1, runOracle(part, options, false));
  print("ceres all", 1, runOracle(part, options, true));
}
#endif

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
  app.add_option("--hold-sigma-mm", options.hold_sigma_mm, "Of feet that stand");
  app.add_option("--hold-drift-mm", options.hold_drift_mm, "Most that they drift");
  app.add_option("--habit-time", options.habit_time, "Memory of habits, seconds");
  app.add_option("--seed", options.seed, "Of noise and gaps");
  app.add_option("--smooth-lag", options.smooth_lag, "Smooths so many frames behind, too");
  app.add_option("--smooth-unforeseen", options.smooth_unforeseen, "See SmootherSettings");
  app.add_option("--soak-minutes", options.soak_minutes,
                 "Instead: solves so many minutes of each actor through hostile gaps");
  app.add_flag("--still", options.still, "Performers hold their first pose");
  app.add_flag("--baseline", options.baseline, "Kernels without AVX2");
  app.add_flag("--joints", options.joints, "A table of joints, too");
  app.add_option("--simbody-accuracy", options.simbody_accuracy, "Of the peer's assembler");
  app.add_flag("--no-simbody", options.no_simbody, "Without the peer");
  app.add_option("--oracle-frames", options.oracle_frames,
                 "Ceres as offline oracle on so many frames: each for itself, and all together")
      ->check(CLI::Range(0, 100000));
  app.add_option("--oracle-turn-sigma", options.oracle_turn_sigma,
                 "Accelerations that the oracle expects, rad/s^2");
  std::vector<std::size_t> sizes{1, 4, 20};
  app.add_option("--actors", sizes, "Actors");
  CLI11_PARSE(app, argc, argv);
  fmt::print(
      "{:<10}{:>6} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8} {:>6} {:>8} "
      "{:>8} {:>6} {:>6} {:>6} {:>10} {:>8}\n",
      "", "actors", "least us", "p50 us", "p99 us", "us/actor", "foresee", "mm mean", "mm p99",
      "deg mean", "deg p99", "mk mean", "mk p99", "nees", "20ms", "steady", "nees", "slide", "p99",
      ">2mm", "diverged");
  for (const std::size_t actors : sizes) {
    auto recording = bench::recordMarkers(options, actors);
    if (!recording) {
      fmt::print(stderr, "{}\n", recording.error().message);
      return 1;
    }
    if (options.soak_minutes > 0.0) {
      if (!bench::soak(*recording, options.soak_minutes, options.seed)) return 1;
      continue;
    }
    if (actors == sizes.front()) {
      fmt::print("{} markers, {} freedoms a performer\n", recording->subjects[0].markers.size(),
                 solve::makeSolveModel(recording->subjects[0]).freedoms());
    }
    const Figures figures = run(*recording, options);
    print("ours", actors, figures);
    printMore(options, figures);
    if (options.joints) printJoints(recording->subjects[0], figures);
#ifdef UNDERSTUDY_HAS_SIMBODY
    if (actors == sizes.front() && !options.no_simbody)
      print("simbody", 1, runSimbody(*recording, options));
#endif
#ifdef UNDERSTUDY_HAS_CERES
    if (actors == sizes.front() && options.oracle_frames > 0) printOracle(*recording, options);
#endif
  }
#ifndef UNDERSTUDY_HAS_SIMBODY
  fmt::print("built without Simbody (libsimbody-dev): no peer in this run\n");
#endif
#ifndef UNDERSTUDY_HAS_CERES
  if (options.oracle_frames > 0) {
    fmt::print("built without Ceres (libceres-dev): no oracle in this run\n");
  }
#endif
  return 0;
}
