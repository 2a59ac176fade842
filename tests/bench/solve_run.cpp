#include "tests/bench/solve_run.h"

#include <algorithm>
#include <cmath>

#include "capture/solve/foresee.h"
#include "capture/solve/solve_lanes.h"
#include "engine/anim/kinematics.h"
#include "engine/core/thread_time.h"
#include "engine/math/exponential.h"

namespace understudy::bench {
namespace {

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

solve::SolveSettings settingsOf(const SolveBenchOptions& options) {
  solve::SolveSettings settings;
  if (options.marker_sigma_mm > 0.0) settings.marker_sigma = 1e-3 * options.marker_sigma_mm;
  if (options.iterations > 0) settings.iterations = options.iterations;
  if (options.hold_sigma_mm > 0.0) settings.hold_sigma = 1e-3 * options.hold_sigma_mm;
  if (options.hold_drift_mm > 0.0) settings.hold_drift = 1e-3 * options.hold_drift_mm;
  if (options.habit_time > 0.0) settings.habit_time = options.habit_time;
  return settings;
}

// What one performer needs besides the solve itself, and how he is scored.
struct Actor {
  solve::ForesightState foresight;
  solve::SmootherState smoother;
  frame::SkeletonPose before;
  std::vector<frame::SkeletonPose> past;
  scoring::PoseScore score, steady, smooth, behind;
  scoring::FootScore feet;
  scoring::FingerScore fingers;
};

class SolverRun {
 public:
  SolverRun(const SolveRecording& recording, const SolveBenchOptions& options)
      : recording_(recording), options_(options), settings_(settingsOf(options)) {
    for (const subject::Subject& subject : recording.subjects)
      models_.push_back(solve::makeSolveModel(subject));
    for (std::size_t a = 0; a < models_.size(); ++a) addActor(a);
    groups_ = solve::makeLaneGroups(subjects_);
    smoother_workspace_ = solve::makeSmootherWorkspace(models_[0]);
  }

  SolveFigures run() {
    for (std::size_t f = 1; f < recording_.labels.size(); ++f) {
      const core::Duration before = core::threadTime();
      solveFrame(f);
      const core::Duration solved = core::threadTime();
      foresee();
      const core::Duration foreseen = core::threadTime();
      if (f > kWarmUp) {
        figures_.us.push_back(1e6 * core::toSeconds(solved - before));
        figures_.foresight_us.push_back(1e6 * core::toSeconds(foreseen - solved));
      }
      for (std::size_t a = 0; a < actors_.size(); ++a) scoreActor(a, f);
    }
    for (Actor& actor : actors_) addActorScores(actor);
    return std::move(figures_);
  }

 private:
  void addActor(std::size_t a) {
    const subject::Subject& subject = recording_.subjects[a];
    const solve::SolveModel& model = models_[a];
    states_.push_back(solve::makeSolveState(subject, model));
    poses_.push_back(frame::makeSkeletonPose(subject.skeleton.size()));
    subjects_.push_back({&subject, &model, &settings_});
    const scoring::PoseScore score(
        subject, {.rate_hz = recording_.rate_hz, .still = options_.still, .warm_up_frames = 240});
    actors_.push_back({.foresight = solve::makeForesightState(model),
                       .smoother = solve::makeSmootherState(subject, model, smoothing_),
                       .before = poses_[a],
                       .past = {},
                       .score = score,
                       .steady = score,
                       .smooth = score,
                       .behind = score,
                       .feet = {subject, {.rate_hz = recording_.rate_hz}},
                       .fingers = scoring::FingerScore(subject)});
    solve::startTracking(model, 0, solverPose(model, recording_.truth[0][a].world_from_joint),
                         states_[a]);
  }

  void solveFrame(std::size_t f) {
    solve::SolveSubjects{
        .subjects = subjects_,
        .kernels = options_.baseline ? solve::baselineLaneKernels() : solve::v3LaneKernels(),
        .labels = recording_.labels[f],
        .stamp = {.sequence = f},
        .rate_hz = recording_.rate_hz,
        .groups = groups_,
        .states = states_,
        .poses = poses_}
        .run();
  }

  void foresee() {
    for (std::size_t a = 0; a < actors_.size(); ++a) {
      solve::ForeseeSubject{.settings = foresight_,
                            .model = models_[a],
                            .rate_hz = recording_.rate_hz,
                            .solved = states_[a],
                            .state = actors_[a].foresight,
                            .pose = poses_[a]}
          .run();
    }
  }

  void scoreActor(std::size_t a, std::size_t f) {
    Actor& actor = actors_[a];
    const source::PerformerTruth& truth = recording_.truth[f][a];
    goAtConstantVelocity(poses_[a], actor.before, recording_.rate_hz, going_);
    actor.before = poses_[a];
    if (options_.smooth_lag > 0) scoreSmoothed(a, f);
    if (f <= kWarmUp) return;  // Clips begin in another place, in their pose at rest.
    actor.steady.add(f, truth, &going_, nullptr);
    actor.feet.add(truth, poses_[a]);
    actor.fingers.add(truth, poses_[a]);
    actor.score.add(f, truth, &poses_[a], nullptr);
    addJoints(recording_.subjects[a], truth, recording_.labels[f][a], poses_[a], options_.joints,
              figures_);
  }

  // The frame that the smoother gives out now, smoothed and as it was.
  void scoreSmoothed(std::size_t a, std::size_t f) {
    Actor& actor = actors_[a];
    actor.past.push_back(poses_[a]);
    std::uint64_t sequence = 0;
    const bool given = solve::SmoothSubject{.model = models_[a],
                                            .settings = smoothing_,
                                            .solve_settings = settings_,
                                            .rate_hz = recording_.rate_hz,
                                            .solved = states_[a],
                                            .state = actor.smoother,
                                            .workspace = smoother_workspace_}
                           .run(sequence, smoothed_);
    if (!given || f < kWarmUp + options_.smooth_lag) return;
    const source::PerformerTruth& truth = recording_.truth[sequence][a];
    frame::SkeletonPose pose = actor.past[sequence - 1];
    actor.behind.add(sequence, truth, &pose, nullptr);
    for (std::size_t j = 0; j < smoothed_.size(); ++j) {
      pose.parent_from_joint[j] = {glm::quat(smoothed_[j].rotation),
                                   glm::vec3(smoothed_[j].translation)};
    }
    actor.smooth.add(sequence, truth, &pose, nullptr);
  }

  void addActorScores(Actor& actor) {
    addScore(actor.score, figures_);
    figures_.steady.merge(actor.steady.predicted_mm);
    figures_.smooth_mm.merge(actor.smooth.joint_mm);
    figures_.smooth_deg.merge(actor.smooth.joint_deg);
    figures_.behind_mm.merge(actor.behind.joint_mm);
    figures_.behind_deg.merge(actor.behind.joint_deg);
    figures_.jitter_squares += actor.score.jitterSquares();
    figures_.jitter_count += actor.score.jitterCount();
    figures_.finger_deg.merge(actor.fingers.joint_deg);
    figures_.finger_mm.merge(actor.fingers.place_mm);
    figures_.finger_nees_sum += actor.fingers.nees_sum;
    figures_.finger_nees_count += actor.fingers.nees_count;
    actor.feet.finish();
    figures_.slide.merge(actor.feet.slide_mm);
    figures_.slid += actor.feet.over;
  }

  const SolveRecording& recording_;
  const SolveBenchOptions& options_;
  const solve::SolveSettings settings_;
  const solve::ForesightSettings foresight_{};
  const solve::SmootherSettings smoothing_{.lag = options_.smooth_lag,
                                           .unforeseen = options_.smooth_unforeseen};
  std::vector<solve::SolveModel> models_;
  std::vector<solve::SolveState> states_;
  std::vector<frame::SkeletonPose> poses_;
  std::vector<solve::LaneSubject> subjects_;
  std::vector<solve::LaneGroup> groups_;
  std::vector<Actor> actors_;
  solve::SmootherWorkspace smoother_workspace_;
  std::vector<math::RigidTransformd> smoothed_;
  frame::SkeletonPose going_;
  SolveFigures figures_;
};

}  // namespace

void addJoints(const subject::Subject& subject, const source::PerformerTruth& truth,
               const frame::LabelledSubject& labels, const frame::SkeletonPose& pose, bool each,
               SolveFigures& figures) {
  std::vector<math::RigidTransform> world(subject.skeleton.size());
  anim::worldFromJoints(subject.skeleton, pose.parent_from_joint, world);
  std::vector<std::size_t> marked(world.size(), 0), seen(world.size(), 0);
  for (std::size_t m = 0; m < subject.markers.size(); ++m) {
    const auto joint = static_cast<std::size_t>(subject.markers[m].joint);
    marked[joint] += 1;
    seen[joint] += labels.markers[m].confidence > 0.0f ? 1 : 0;
  }
  figures.joint_deg.resize(world.size());
  figures.joint_mm.resize(world.size());
  for (std::size_t j = 0; j < world.size(); ++j) {
    const math::RigidTransform& truly = truth.world_from_joint[j];
    const glm::dquat turn =
        glm::dquat(world[j].rotation) * glm::conjugate(glm::dquat(truly.rotation));
    const double deg = glm::degrees(
        2.0 * std::atan2(glm::length(glm::dvec3(turn.x, turn.y, turn.z)), std::abs(turn.w)));
    if (marked[j] > 0) {
      figures.marked_deg.add(deg);
      figures.sight_deg[std::min(marked[j], kMostOnJoint)][std::min(seen[j], kMostOnJoint)].add(
          deg);
    }
    if (!each) continue;
    figures.joint_deg[j].add(deg);
    figures.joint_mm[j].add(
        1000.0 * static_cast<double>(glm::distance(world[j].translation, truly.translation)));
  }
}

void addScore(const scoring::PoseScore& score, SolveFigures& figures) {
  figures.mm.merge(score.joint_mm);
  figures.deg.merge(score.joint_deg);
  figures.ahead.merge(score.predicted_mm);
  figures.ahead_nees_sum += score.predicted_nees_sum;
  figures.ahead_nees_count += score.predicted_nees_count;
  figures.nees_sum += score.nees_sum;
  figures.nees_count += score.nees_count;
  figures.diverged += score.diverged;
}

SolveFigures runSolver(const SolveRecording& recording, const SolveBenchOptions& options) {
  return SolverRun(recording, options).run();
}

}  // namespace understudy::bench
