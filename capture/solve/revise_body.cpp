#include "capture/solve/revise_body.h"

#include <algorithm>

#include "capture/solve/grow_body.h"
#include "capture/solve/name_pool.h"
#include "capture/solve/recognise_steps.h"
#include "capture/solve/solve_steps.h"

namespace understudy::solve {
namespace {

constexpr double kReach =
    0.8;  // Unnamed markers this near to one of the body's may be its, metres.
constexpr double kLeastGain = 1.5;  // In markers that fit.
constexpr std::uint32_t kFirstInterval = 6, kLastInterval = 1536, kConfirm = 2;  // Frames.
constexpr std::uint32_t kGrowth = 4;  // A look is dear: what was looked at in vain waits.

RecogniseSubject jobOf(const ReviseBody& job) {
  return {.settings = job.settings,
          .subject = job.cast.subjects[job.subject_index],
          .model = job.cast.models[job.subject_index],
          .solve_settings = job.solve_settings,
          .kernels = job.kernels,
          .points = job.workspace.points,
          .solve_workspace = job.solve_workspace,
          .workspace = job.workspace};
}

const Placement& findAnew(const ReviseBody& job) {
  ReviseWorkspace& r = job.revise;
  r.settled.assign(job.cast.subjects.size(), 1);
  r.settled[job.subject_index] = 0;
  r.find.next_attempt.assign(job.cast.subjects.size(), 0);
  r.find.doubts.assign(job.cast.subjects.size(), job.settings.patience);
  r.find.turn = r.find.skip = 0;
  FindSubjects{.settings = job.settings,
               .solve_settings = job.solve_settings,
               .kernels = job.kernels,
               .cast = job.cast,
               .tracked = r.settled,
               .points = job.workspace.points,
               .sequence = job.sequence,
               .retry = 1,
               .state = r.find,
               .workspace = job.find_workspace,
               .placements = job.placements}
      .run();
  return job.placements[job.subject_index];
}

// Leaves the better names and their pose in the workspace.
bool findBetter(const ReviseBody& job) {
  RecogniseWorkspace& w = job.workspace;
  const RecogniseSubject one = jobOf(job);
  const frame::LabelledSubject& named = job.labels.subjects[job.subject_index];
  takeOwnNames(named, w);
  const std::size_t named_before = countNamed(w.point_of_marker);
  w.pose = job.state.parent_from_joint;
  const double before = settleNames(one);
  const Placement& placement = findAnew(job);
  if (!placement.found) return false;
  // The names as they are may only want another pose.
  takeOwnNames(named, w);
  w.pose = placement.parent_from_joint;
  const double as_named = settleNames(one);
  w.pose = placement.parent_from_joint;
  w.point_of_marker = placement.point_of_marker;
  if (settleNames(one) < std::max(before, as_named) + kLeastGain) return false;
  // A body that is a better one explains what the old one only named.
  return countNamed(w.point_of_marker) >= named_before;
}

}  // namespace

bool hasStray(const frame::LabelledSubject& named, const SolveSettings& settings,
              const SolveState& state) {
  const double far = 0.95 * settings.largest_bias;
  for (std::size_t m = 0; m < named.markers.size(); ++m) {
    if (isSeen(named.markers[m]) && glm::dot(state.bias[m], state.bias[m]) > far * far) return true;
  }
  return false;
}

void waitWithoutStray(std::uint64_t sequence, ReviseState& memory) {
  memory.found = false;
  memory.interval /= 2;
  memory.next = sequence + memory.interval;
}

bool ReviseBody::run() const {
  RecogniseWorkspace& w = workspace;
  const SolveModel& model = cast.models[subject_index];
  layOut(w, model, cast.subjects[subject_index], 0);
  fillNamePool(labels, subject_index, kReach, w);
  layOutPoints(w, w.points.size());
  const bool found = findBetter(*this);
  const bool again = found && memory.found;
  memory.interval =
      found ? kFirstInterval : std::clamp(kGrowth * memory.interval, kFirstInterval, kLastInterval);
  memory.next = sequence + (found ? kConfirm : memory.interval);
  memory.found = found && !again;
  if (!again) return false;
  const std::vector<math::RigidTransformd>& pose = w.pose;
  renameFromPool(w, subject_index, labels, state);
  startTracking(model, sequence, pose, state);
  return true;
}

}  // namespace understudy::solve
