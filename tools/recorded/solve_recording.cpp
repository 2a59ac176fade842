#include "tools/recorded/solve_recording.h"

#include <algorithm>
#include <map>

#include "capture/solve/solve_lanes.h"
#include "capture/solve/solve_steps.h"
#include "capture/solve/unfold_pose.h"
#include "capture/subject/clip_geometry.h"
#include "engine/core/thread_time.h"

namespace understudy::recorded {
namespace {

bool hasV3() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }

struct Run {
  const subject::Subject& subject;
  const file::MarkerClip& clip;
  const SolveRecordingSettings& settings;
  std::vector<int> column;
  solve::SolveModel model;
  solve::SolveState state{};
  solve::SolveWorkspace workspace{};
  frame::LabelledSubject labels{};

  std::size_t readFrame(std::size_t f) {
    std::size_t seen = 0;
    const float variance = static_cast<float>(settings.marker_noise * settings.marker_noise);
    for (std::size_t m = 0; m < column.size(); ++m) {
      frame::LabelledMarker& marker = labels.markers[m];
      marker = {.covariance = glm::mat3(variance)};
      if (column[m] < 0) continue;
      marker.position = clip.at(f, static_cast<std::size_t>(column[m]));
      marker.confidence = subject::isSeen(marker.position) ? 1.0f : 0.0f;
      if (marker.confidence <= 0.0f) marker.position = glm::vec3(0.0f);
      seen += marker.confidence > 0.0f ? 1 : 0;
    }
    return seen;
  }

  // From the rest pose, which may be far off.
  std::vector<math::RigidTransformd> fitAnew() {
    constexpr int kSteps = 40;
    const solve::TreeKernels& kernels = solve::baselineTreeKernels();
    std::vector<math::RigidTransformd> pose = solve::layRestPose(subject, model, labels);
    solve::fitPose(subject, model, settings.solve, kernels, labels, kSteps, workspace, pose);
    solve::UnfoldPose{subject, model, settings.solve, kernels, labels, workspace}.run(pose);
    return pose;
  }

  void begin(std::size_t f) {
    state = solve::makeSolveState(subject, model);
    solve::startTracking(model, f, fitAnew(), state);
  }
};

Run makeRun(const subject::Subject& subject, const file::MarkerClip& clip,
            const SolveRecordingSettings& settings) {
  Run run{.subject = subject,
          .clip = clip,
          .settings = settings,
          .column = findColumns(subject, clip),
          .model = solve::makeSolveModel(subject)};
  run.state = solve::makeSolveState(subject, run.model);
  run.workspace = solve::makeSolveWorkspace(run.model, subject);
  run.labels.markers.resize(subject.markers.size());
  return run;
}

}  // namespace

std::vector<int> findColumns(const subject::Subject& subject, const file::MarkerClip& clip) {
  std::map<std::string, std::size_t> columns;
  for (std::size_t c = 0; c < clip.names.size(); ++c) columns.emplace(clip.names[c], c);
  std::vector<int> found;
  for (const subject::SubjectMarker& marker : subject.markers) {
    const auto at = columns.find(marker.name);
    found.push_back(at == columns.end() ? -1 : static_cast<int>(at->second));
  }
  return found;
}

subject::Subject withShownMarkers(const subject::Subject& subject, const file::MarkerClip& clip) {
  subject::Subject shown = subject;
  shown.markers.clear();
  const std::vector<int> column = findColumns(subject, clip);
  for (std::size_t m = 0; m < column.size(); ++m) {
    bool ever = false;
    for (std::size_t f = 0; f < clip.frames && column[m] >= 0 && !ever; ++f) {
      ever = subject::isSeen(clip.at(f, static_cast<std::size_t>(column[m])));
    }
    if (ever) shown.markers.push_back(subject.markers[m]);
  }
  return shown;
}

RecordedMotion fitRecording(const subject::Subject& subject, const file::MarkerClip& clip,
                            const SolveRecordingSettings& settings) {
  constexpr int kSteps = 12;
  Run run = makeRun(subject, clip, settings);
  const std::size_t enough = std::max<std::size_t>(3, subject.markers.size() / 2);
  std::vector<math::RigidTransformd> world(subject.skeleton.size()), pose;
  RecordedMotion motion{.joints = subject.skeleton.size()};
  for (std::size_t f = 0; f < clip.frames; ++f) {
    motion.world_from_joint.emplace_back();
    if (run.readFrame(f) < enough) continue;
    if (pose.empty()) pose = run.fitAnew();
    solve::fitPose(subject, run.model, settings.solve, solve::baselineTreeKernels(), run.labels,
                   kSteps, run.workspace, pose);
    solve::worldFromJoints(run.model, pose, world);
    motion.world_from_joint.back() = world;
  }
  return motion;
}

RecordedMotion solveRecording(const subject::Subject& subject, const file::MarkerClip& clip,
                              const SolveRecordingSettings& settings) {
  Run run = makeRun(subject, clip, settings);
  const std::size_t enough = std::max<std::size_t>(3, subject.markers.size() / 2);
  const std::vector<solve::LaneSubject> lanes{{&subject, &run.model, &settings.solve}};
  std::vector<solve::LaneGroup> groups = solve::makeLaneGroups(lanes);
  std::vector<frame::SkeletonPose> poses{frame::makeSkeletonPose(subject.skeleton.size())};
  std::vector<double> us;
  std::vector<math::RigidTransformd> world(subject.skeleton.size());
  RecordedMotion motion{.joints = subject.skeleton.size()};
  bool ever = false;
  for (std::size_t f = 0; f < clip.frames; ++f) {
    motion.world_from_joint.emplace_back();
    const std::size_t seen = run.readFrame(f);
    if (!run.state.tracked) {
      if (seen < enough) continue;
      run.begin(f);
      motion.restarts += ever ? 1 : 0;
      ever = true;
    } else {
      const core::Duration before = core::threadTime();
      solve::SolveSubjects{
          .subjects = lanes,
          .kernels = hasV3() ? solve::v3LaneKernels() : solve::baselineLaneKernels(),
          .labels = {&run.labels, 1},
          .stamp = {.sequence = f},
          .rate_hz = clip.rate_hz,
          .groups = groups,
          .states = {&run.state, 1},
          .poses = poses}
          .run();
      us.push_back(1e6 * core::toSeconds(core::threadTime() - before));
      if (!run.state.tracked) continue;
    }
    solve::worldFromJoints(run.model, run.state.parent_from_joint, world);
    motion.world_from_joint.back() = world;
  }
  if (!us.empty()) {
    const auto middle = us.begin() + static_cast<std::ptrdiff_t>(us.size() / 2);
    std::nth_element(us.begin(), middle, us.end());
    motion.us_per_frame = *middle;
  }
  return motion;
}

}  // namespace understudy::recorded
