#include <algorithm>

#include "capture/pipeline/capture_path.h"
#include "capture/solve/solve_steps.h"
#include "engine/core/thread_time.h"

// Who is who: the steps of the path that give names, find who is lost and put wrong names right.

namespace understudy::pipeline {
namespace {

// Adds the thread's own time in its scope to a stage, for work that is long enough to be preempted.
class ThreadTimer {
 public:
  explicit ThreadTimer(core::Duration& total) : total_(total), start_(core::threadTime()) {}
  ~ThreadTimer() { total_ += core::threadTime() - start_; }
  ThreadTimer(const ThreadTimer&) = delete;
  ThreadTimer& operator=(const ThreadTimer&) = delete;

 private:
  core::Duration& total_;
  core::Duration start_;
};

}  // namespace

void CapturePath::findProps() {
  solve::FindProps{.settings = settings_.props,
                   .subjects = bodies_,
                   .models = models_,
                   .sequence = result_.stamp.sequence,
                   .seconds = 1.0 / rig_.rate_hz,
                   .predictions = predictions_,
                   .labels = labels(),
                   .states = states_,
                   .state = props_,
                   .workspace = props_workspace_}
      .run();
}

// Looks for subjects that are not tracked among the markers without a name.
void CapturePath::recogniseLost() {
  // Props are found by their own search.
  for (std::size_t s = 0; s < subjects_.size(); ++s)
    settled_[s] = isProp(s) ? std::uint8_t{1} : was_tracked_[s];
  if (std::find(settled_.begin(), settled_.end(), 0) == settled_.end()) return;
  const ThreadTimer timer(cpu_.label);
  points_.clear();
  for (const frame::Marker& marker : labels().unlabelled) {
    points_.push_back(glm::dvec3(marker.position));
  }
  const bool is_lone = performers_ == 1;
  solve::RecogniseSettings settings = settings_.recognise;
  if (is_lone) settings.smallest_share = std::min(settings.smallest_share, settings.lone_share);
  solve::FindSubjects{
      .settings = settings,
      .solve_settings = settings_.solve,
      .kernels = *tree_kernels_,
      .cast = cast_,
      .tracked = settled_,
      .points = points_,
      .sequence = result_.stamp.sequence,
      .retry = is_lone ? (settings_.recognise_every + 1) / 2 : settings_.recognise_every,
      .state = find_state_,
      .workspace = find_workspace_,
      .placements = placements_}
      .run();
  for (std::size_t s = 0; s < subjects_.size(); ++s) {
    if (!placements_[s].found) continue;
    solve::startTracking(models_[s], result_.stamp.sequence, placements_[s].parent_from_joint,
                         states_[s]);
    adoptMarkers(s, placements_[s]);
  }
  std::erase_if(labels().unlabelled, [](const frame::Marker& marker) { return marker.rays == 0; });
}

// Looks for tracked subjects whose motion stopped or turned since the frame before.
void CapturePath::followTurns() {
  for (std::size_t s = 0; s < subjects_.size(); ++s) {
    if (isProp(s)) continue;
    solve::FollowTurn{
        .settings = settings_.follow,
        .subject = bodies_[s],
        .subject_index = static_cast<std::uint32_t>(s),
        .model = models_[s],
        .solve_settings = settings_.solve,
        .kernels = *tree_kernels_,
        .seconds = solve::secondsSince(states_[s], result_.stamp.sequence, rig_.rate_hz),
        .labels = labels(),
        .state = states_[s],
        .solve_workspace = solve_workspaces_[s],
        .workspace = follow_workspaces_[s]}
        .run();
  }
}

solve::LimbJob CapturePath::limbsOf(std::size_t s) {
  return {.settings = settings_.recognise,
          .subject = bodies_[s],
          .subject_index = static_cast<std::uint32_t>(s),
          .model = models_[s],
          .solve_settings = settings_.solve,
          .kernels = *tree_kernels_,
          .labels = labels(),
          .state = states_[s],
          .solve_workspace = solve_workspaces_[s],
          .workspace = recognise_workspaces_[s]};
}

// Looks among the markers without a name for limbs that are not where the solver expects them.
void CapturePath::recoverLimbs() {
  constexpr std::size_t kFewest = 2;  // Markers that make a limb.
  constexpr int kMostAttempts = 2;    // In one frame; subjects take turns.
  int attempts = 0;
  for (std::size_t k = 0; k < subjects_.size() && attempts < kMostAttempts; ++k) {
    const std::size_t s = (result_.stamp.sequence + k) % subjects_.size();
    const std::vector<frame::LabelledMarker>& slots = labels().subjects[s].markers;
    std::size_t missing = 0;
    for (const frame::LabelledMarker& slot : slots) missing += !(slot.confidence > 0.0f);
    if (isProp(s) || !states_[s].tracked || missing < kFewest ||
        labels().unlabelled.size() < kFewest)
      continue;
    if (result_.stamp.sequence < next_recovery_[s]) continue;
    next_recovery_[s] = result_.stamp.sequence + settings_.recover_every;
    ++attempts;
    solve::RecoverLimbs{limbsOf(s)}.run();
  }
}

// Searches one limb in a frame that neither labelling nor recovery put right.
void CapturePath::searchLimbs() {
  constexpr std::uint32_t kFirstInterval = 4, kLastInterval = 32, kConfirm = 2;  // Frames.
  const std::uint64_t now = result_.stamp.sequence;
  for (std::size_t k = 0; k < subjects_.size(); ++k) {
    const std::size_t s = (now + k) % subjects_.size();
    if (isProp(s) || !states_[s].tracked || now < next_search_[s]) continue;
    std::uint32_t& interval = search_interval_[s];
    const solve::LimbJob job = limbsOf(s);
    if (!solve::hasDoubtfulLimb(job)) {
      interval = kFirstInterval;
      search_finding_[s] = 0;
      next_search_[s] = now + kFirstInterval;
      continue;
    }
    const bool found =
        solve::SearchLimbs{
            .job = job, .limbs = find_workspace_.limbs, .finding = search_finding_[s]}
            .run();
    interval = found ? kFirstInterval : std::clamp(2 * interval, kFirstInterval, kLastInterval);
    next_search_[s] = now + (search_finding_[s] != 0 ? kConfirm : interval);
    return;
  }
}

// Recognises one subject in a frame anew that does not explain its own markers.
void CapturePath::reviseBodies() {
  const std::uint64_t now = result_.stamp.sequence;
  for (std::size_t k = 0; k < subjects_.size(); ++k) {
    const std::size_t s = (now + k) % subjects_.size();
    solve::ReviseState& memory = revise_states_[s];
    if (isProp(s) || !states_[s].tracked || now < memory.next) continue;
    if (!solve::hasStray(labels().subjects[s], settings_.solve, states_[s])) {
      solve::waitWithoutStray(now, memory);
      continue;
    }
    solve::ReviseBody{.settings = settings_.recognise,
                      .solve_settings = settings_.solve,
                      .kernels = *tree_kernels_,
                      .cast = cast_,
                      .subject_index = static_cast<std::uint32_t>(s),
                      .sequence = now,
                      .labels = labels(),
                      .state = states_[s],
                      .solve_workspace = solve_workspaces_[s],
                      .workspace = recognise_workspaces_[s],
                      .find_workspace = find_workspace_,
                      .revise = revise_workspace_,
                      .placements = placements_,
                      .memory = memory}
        .run();
    return;
  }
}

// Names that went wrong while markers were hidden or moved unforeseen are put right.
void CapturePath::guardNames() {
  solve::SwapGuard{.settings = settings_.guard,
                   .subjects = bodies_,
                   .models = models_,
                   .solve_settings = settings_.solve,
                   .kernels = *tree_kernels_,
                   .predictions = predictions_,
                   .labels = labels(),
                   .states = states_,
                   .solve_workspaces = solve_workspaces_,
                   .state = guard_state_,
                   .workspace = guard_workspace_,
                   .events = result_.events}
      .run();
}

// Looks for the fingers of hands whose names are not known.
void CapturePath::nameFingers() {
  if (fingers_.empty()) return;
  for (const std::size_t s : fingers_.subjects()) {
    if (!states_[s].tracked || was_tracked_[s] != 0) continue;
    // Found in this very frame: nothing was foreseen of it.
    solve::SolveWorkspace& workspace = solve_workspaces_[s];
    solve::worldFromJoints(models_[s], states_[s].parent_from_joint, workspace.world_from_joint);
    fingers_.foresee(s, workspace.world_from_joint);
  }
  fingers_.find(settings_.fingers, result_.stamp.sequence, models_, states_);
}

void CapturePath::followUnlabelled() {
  label::UpdateTracks{.settings = settings_.tracks,
                      .rate_hz = rig_.rate_hz,
                      .predictions = predictions_,
                      .cloud = result_.cloud,
                      .state = tracks_,
                      .workspace = track_workspace_,
                      .labels = labels()}
      .run();
}

void CapturePath::adoptMarkers(std::size_t s, const solve::Placement& placement) {
  std::vector<frame::Marker>& unlabelled = labels().unlabelled;
  for (std::size_t m = 0; m < placement.point_of_marker.size(); ++m) {
    if (placement.point_of_marker[m] < 0) continue;
    frame::Marker& marker = unlabelled[static_cast<std::size_t>(placement.point_of_marker[m])];
    labels().subjects[s].markers[m] = {marker.position, marker.covariance, 1.0f};
    marker.rays = 0;  // Taken; swept out when all are adopted.
  }
}

}  // namespace understudy::pipeline
