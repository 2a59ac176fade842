#include "capture/solve/follow_turn.h"

#include <algorithm>
#include <cmath>

#include "capture/solve/solve_steps.h"

namespace understudy::solve {
namespace {

constexpr double kJustSeen = 0.1;     // Seconds.
constexpr double kRemembered = 0.05;  // A motion is remembered after it turned, seconds.
constexpr int kSteps = 10;            // Trials run from -1.25 to 1.25 of the motion.
constexpr double kStep = 0.25;

double squaredDistance(const glm::dvec3& a, const glm::dvec3& b) {
  const glm::dvec3 between = a - b;
  return glm::dot(between, between);
}

// True where so many markers are missing that the whole body may have moved otherwise.
bool isSuspicious(const FollowTurn& job) {
  const frame::LabelledSubject& named = job.labels.subjects[job.subject_index];
  std::size_t open = 0, expected = 0;
  for (std::size_t m = 0; m < named.markers.size(); ++m) {
    if (job.state.unseen[m] > kJustSeen) continue;
    ++expected;
    open += !(named.markers[m].confidence > 0.0f);
  }
  return open >= job.settings.fewest_open &&
         job.labels.unlabelled.size() >= job.settings.fewest_open &&
         static_cast<double>(open) >= job.settings.open_share * static_cast<double>(expected);
}

void fillPool(const FollowTurn& job) {
  FollowWorkspace& w = job.workspace;
  w.pool.clear();
  for (const frame::Marker& marker : job.labels.unlabelled) {
    if (w.pool.size() < w.pool.capacity()) w.pool.push_back(marker);
  }
  for (const frame::LabelledMarker& slot : job.labels.subjects[job.subject_index].markers) {
    if (!(slot.confidence > 0.0f) || w.pool.size() == w.pool.capacity()) continue;
    w.pool.push_back(unnamedMarker(slot));
  }
}

void placeOn(const FollowTurn& job, const std::vector<math::RigidTransformd>& pose,
             std::vector<glm::dvec3>& places) {
  FollowWorkspace& w = job.workspace;
  worldFromJoints(job.model, pose, w.world_from_joint);
  for (const std::int32_t marker : w.markers) {
    const auto m = static_cast<std::size_t>(marker);
    const auto joint = static_cast<std::size_t>(job.subject.markers[m].joint);
    places.push_back(markerPosition(job.subject.markers[m], w.world_from_joint) +
                     w.world_from_joint[joint].rotation * job.state.bias[m]);
  }
}

// The newest pose moved on by a share of the motion of late.
void movedPose(const FollowTurn& job, double share, std::vector<math::RigidTransformd>& pose) {
  const SolveState& state = job.state;
  pose = state.parent_from_joint;
  forEachMovingJoint(job.model, [&](std::size_t joint, std::size_t first) {
    double step[6];
    for (std::size_t k = 0; k < static_cast<std::size_t>(job.model.joint_freedoms[joint]); ++k) {
      step[k] = share * state.turned_velocity[first + k] * job.seconds;
    }
    moveJoint(job.model, joint, step, pose[joint]);
  });
}

// Where the markers were, and where the motion of late would take them.
void placeMarkers(const FollowTurn& job) {
  FollowWorkspace& w = job.workspace;
  SolveState& state = job.state;
  w.markers.clear();
  w.held.clear();
  w.moved.clear();
  for (std::size_t m = 0; m < job.subject.markers.size(); ++m) {
    if (state.unseen[m] <= kJustSeen) w.markers.push_back(static_cast<std::int32_t>(m));
  }
  placeOn(job, state.parent_from_joint, w.held);
  movedPose(job, 1.0, w.pose);
  placeOn(job, w.pose, w.moved);
}

// Gives each marker the point nearest to where `share` of the motion takes it, if it is also the
// point's nearest marker. Returns how well they fit: nearly one for each.
double match(const FollowTurn& job, double share) {
  FollowWorkspace& w = job.workspace;
  const double reach = job.settings.reach * job.settings.reach;
  w.point_of_marker.assign(w.markers.size(), -1);
  w.marker_of_point.assign(w.pool.size(), -1);
  w.point_distance.assign(w.pool.size(), reach);
  w.placed.clear();
  for (std::size_t i = 0; i < w.markers.size(); ++i) {
    w.placed.push_back(w.held[i] + share * (w.moved[i] - w.held[i]));
    double nearest = reach;
    std::int32_t point = -1;
    for (std::size_t p = 0; p < w.pool.size(); ++p) {
      const double squared = squaredDistance(glm::dvec3(w.pool[p].position), w.placed[i]);
      if (squared >= nearest) continue;
      nearest = squared;
      point = static_cast<std::int32_t>(p);
    }
    w.point_of_marker[i] = point;
    if (point < 0 || nearest >= w.point_distance[static_cast<std::size_t>(point)]) continue;
    w.point_distance[static_cast<std::size_t>(point)] = nearest;
    w.marker_of_point[static_cast<std::size_t>(point)] = static_cast<std::int32_t>(i);
  }
  double fit = 0.0;
  for (std::size_t i = 0; i < w.markers.size(); ++i) {
    std::int32_t& point = w.point_of_marker[i];
    if (point < 0) continue;
    const auto p = static_cast<std::size_t>(point);
    if (w.marker_of_point[p] == static_cast<std::int32_t>(i)) {
      fit += 1.0 - w.point_distance[p] / reach;
    } else {
      point = -1;
    }
  }
  return fit;
}

// How well the markers fit where the solver expects them now.
double matchExpected(const FollowTurn& job) {
  FollowWorkspace& w = job.workspace;
  predictPose(job.model, job.solve_settings, job.state, job.seconds, job.solve_workspace.predicted,
              job.solve_workspace.information);
  std::swap(w.expected, w.moved);
  w.moved.clear();
  placeOn(job, job.solve_workspace.predicted, w.moved);
  const double fit = match(job, 1.0);
  std::swap(w.expected, w.moved);
  return fit;
}

// The share of the motion that suits the matched markers best, by least squares.
double refineShare(const FollowWorkspace& w, double share) {
  double along = 0.0, squares = 0.0;
  for (std::size_t i = 0; i < w.markers.size(); ++i) {
    if (w.point_of_marker[i] < 0) continue;
    const auto p = static_cast<std::size_t>(w.point_of_marker[i]);
    const glm::dvec3 motion = w.moved[i] - w.held[i];
    along += glm::dot(motion, glm::dvec3(w.pool[p].position) - w.held[i]);
    squares += glm::dot(motion, motion);
  }
  return squares > 1e-9 ? std::clamp(along / squares, -1.5, 1.5) : share;
}

// Limbs do not turn all in the same moment: lets the body find its own way to the markers that
// fit, and looks for the others where it then has them. Velocities become those of this motion.
void polish(const FollowTurn& job, double share) {
  FollowWorkspace& w = job.workspace;
  predictPose(job.model, job.solve_settings, job.state, job.seconds, job.solve_workspace.predicted,
              job.solve_workspace.information);
  movedPose(job, share, job.solve_workspace.predicted);
  const FitSubject solver{.subject = job.subject,
                          .model = job.model,
                          .settings = job.solve_settings,
                          .kernels = job.kernels,
                          .labelled = w.labelled,
                          .rate_hz = 1.0 / job.seconds,
                          .state = job.state,
                          .workspace = job.solve_workspace};
  for (int round = 0; round < 3; ++round) {
    w.labelled.markers.assign(job.subject.markers.size(), {});
    for (std::size_t i = 0; i < w.markers.size(); ++i) {
      if (w.point_of_marker[i] < 0) continue;
      const frame::Marker& point = w.pool[static_cast<std::size_t>(w.point_of_marker[i])];
      w.labelled.markers[static_cast<std::size_t>(w.markers[i])] = {point.position,
                                                                    point.covariance, 1.0f};
    }
    fitNearPrediction(solver, 2);
    w.moved.clear();
    placeOn(job, job.solve_workspace.candidate, w.moved);
    match(job, 1.0);
  }
  forEachMovingJoint(job.model, [&](std::size_t joint, std::size_t first) {
    double step[6];
    stepBetween(job.model, joint, job.state.parent_from_joint[joint],
                job.solve_workspace.candidate[joint], step);
    for (std::size_t k = 0; k < static_cast<std::size_t>(job.model.joint_freedoms[joint]); ++k) {
      job.state.velocity[first + k] = step[k] / job.seconds;
    }
  });
}

void rename(const FollowTurn& job) {
  FollowWorkspace& w = job.workspace;
  std::vector<frame::LabelledMarker>& slots = job.labels.subjects[job.subject_index].markers;
  std::fill(slots.begin(), slots.end(), frame::LabelledMarker{});
  for (std::size_t i = 0; i < w.markers.size(); ++i) {
    if (w.point_of_marker[i] < 0) continue;
    frame::Marker& marker = w.pool[static_cast<std::size_t>(w.point_of_marker[i])];
    slots[static_cast<std::size_t>(w.markers[i])] = {marker.position, marker.covariance, 1.0f};
    marker.rays = 0;
  }
  job.labels.unlabelled.clear();
  for (const frame::Marker& marker : w.pool) {
    if (marker.rays > 0 && job.labels.unlabelled.size() < job.labels.unlabelled.capacity()) {
      job.labels.unlabelled.push_back(marker);
    }
  }
}

}  // namespace

FollowWorkspace makeFollowWorkspace(const subject::Subject& largest, std::size_t most_points) {
  FollowWorkspace w;
  w.pool.reserve(most_points);
  w.marker_of_point.reserve(most_points);
  w.point_distance.reserve(most_points);
  w.markers.reserve(largest.markers.size());
  w.held.reserve(largest.markers.size());
  w.expected.reserve(largest.markers.size());
  w.moved.reserve(largest.markers.size());
  w.placed.reserve(largest.markers.size());
  w.point_of_marker.reserve(largest.markers.size());
  w.world_from_joint.resize(largest.skeleton.size());
  w.pose.resize(largest.skeleton.size());
  w.labelled.markers.reserve(largest.markers.size());
  return w;
}

bool FollowTurn::run() const {
  if (!state.tracked) return false;
  state.turned_seconds += seconds;
  if (!isSuspicious(*this)) return false;
  if (state.turned_seconds > kRemembered) {
    state.turned_velocity = state.velocity;
    state.turned_seconds = 0.0;
  }
  fillPool(*this);
  placeMarkers(*this);
  const double expected = matchExpected(*this);
  double best = 0.0, share = 1.0;
  for (int step = -kSteps / 2; step <= kSteps / 2; ++step) {
    const double fit = match(*this, kStep * step);
    if (fit <= best) continue;
    best = fit;
    share = kStep * step;
  }
  match(*this, share);
  share = refineShare(workspace, share);
  best = match(*this, share);
  const double margin = settings.better_share * static_cast<double>(workspace.markers.size());
  if (best < expected + std::max(margin, 1.0)) return false;
  polish(*this, share);
  rename(*this);
  return true;
}

}  // namespace understudy::solve
