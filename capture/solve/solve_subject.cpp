#include "capture/solve/solve_subject.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "capture/solve/solve_steps.h"
#include "engine/math/exponential.h"

namespace understudy::solve {
namespace {

using math::RigidTransformd;

constexpr double kFoundAngle = 0.05;       // Doubt about a pose that recognition found, rad
constexpr double kFoundPlace = 0.01;       // and metres.
constexpr double kFoundTurning = 4.0;      // Speeds it may have, rad/s
constexpr double kFoundSpeed = 2.0;        // and m/s.
constexpr double kFoundTurnNoise = 800.0;  // Accelerations, rad/s^2
constexpr double kFoundShiftNoise = 60.0;  // and m/s^2.
constexpr double kFoundSurprise = 0.06;    // How far its markers may move meanwhile, metres.
constexpr double kFoundMisfit = 0.005;     // Of its markers, metres.
constexpr double kAgreement =
    2.0;  // Markers are believed to this many times the distance of their neighbours.

// Inverse of a symmetric 3x3 matrix plus variance on its diagonal: xx, xy, xz, yy, yz, zz.
void invertCovariance(const glm::mat3& covariance, double variance, double* information) {
  const double a = covariance[0][0] + variance, b = covariance[0][1], c = covariance[0][2];
  const double d = covariance[1][1] + variance, e = covariance[1][2],
               f = covariance[2][2] + variance;
  const double m0 = d * f - e * e, m1 = c * e - b * f, m2 = b * e - c * d;
  const double inverse = 1.0 / (a * m0 + b * m1 + c * m2);
  information[0] = m0 * inverse;
  information[1] = m1 * inverse;
  information[2] = m2 * inverse;
  information[3] = (a * f - c * c) * inverse;
  information[4] = (b * c - a * e) * inverse;
  information[5] = (a * d - b * b) * inverse;
}

// Geman and McClure's weight (1985): 1 at the model, 1/4 at the radius.
double robustWeight(double squared_distance, double squared_radius) {
  const double ratio = 1.0 + squared_distance / squared_radius;
  return 1.0 / (ratio * ratio);
}

// How much doubt a Gauss-Newton step leaves to its markers.
struct MarkerTrust {
  double sigma = 0;   // Metres.
  double radius = 0;  // Of the robust weight, metres.
  double hidden_share =
      0;  // The radius grows by this share of the doubt about a marker that was hidden.
};

// Squared distance from the model that most markers about this one keep: the lower median over its
// segment and the next ones.
double usualSquaredDistance(const FitSubject& job, std::size_t marker) {
  double distances[kMostNeighbours];
  std::size_t count = 0;
  const std::size_t begin = static_cast<std::size_t>(job.model.neighbour_start[marker]);
  const std::size_t end = static_cast<std::size_t>(job.model.neighbour_start[marker + 1]);
  for (std::size_t n = begin; n < end; ++n) {
    const double squared =
        job.workspace.squared_distances[static_cast<std::size_t>(job.model.neighbours[n])];
    if (squared >= 0.0) distances[count++] = squared;
  }
  if (count < 3) return 0.0;
  const std::size_t middle = (count - 1) / 2;
  std::nth_element(distances, distances + middle, distances + count);
  return distances[middle];
}

void measureDistances(const FitSubject& job) {
  for (std::size_t m = 0; m < job.subject.markers.size(); ++m) {
    const frame::LabelledMarker& seen = job.labelled.markers[m];
    double& squared = job.workspace.squared_distances[m];
    squared = -1.0;
    if (!(seen.confidence > 0.0f)) continue;
    const glm::dvec3 residual =
        glm::dvec3(seen.position) -
        markerPosition(job.subject.markers[m], job.workspace.world_from_joint);
    squared = glm::dot(residual, residual);
  }
}

void gatherMarkers(const FitSubject& job, const glm::dvec3& origin, const MarkerTrust& trust) {
  SolveWorkspace& w = job.workspace;
  w.terms.clear();
  measureDistances(job);
  for (std::size_t m = 0; m < job.subject.markers.size(); ++m) {
    const frame::LabelledMarker& seen = job.labelled.markers[m];
    if (!(seen.confidence > 0.0f)) continue;
    const glm::dvec3 model_world = markerPosition(job.subject.markers[m], w.world_from_joint);
    const glm::dvec3 residual = glm::dvec3(seen.position) - model_world;
    MarkerTerm term{};
    for (int k = 0; k < 3; ++k) {
      term.position[k] = model_world[k] - origin[k];
      term.residual[k] = residual[k];
    }
    invertCovariance(seen.covariance, trust.sigma * trust.sigma, term.information);
    // A limb whose markers are all off has moved; a marker that is off alone is not itself.
    const double usual = kAgreement * kAgreement * usualSquaredDistance(job, m);
    double squared_radius = std::max(trust.radius * trust.radius, usual);
    if (trust.hidden_share > 0.0 && job.state.unseen[m] > 0.0) {
      squared_radius +=
          trust.hidden_share * trust.hidden_share *
          markerVariance(job.model, w, job.subject.markers[m].joint, model_world - origin);
    }
    const double weight = static_cast<double>(seen.confidence) *
                          robustWeight(glm::dot(residual, residual), squared_radius);
    for (double& value : term.information) value *= weight;
    term.joint = job.subject.markers[m].joint;
    w.terms.push_back(term);
  }
}

double& diagonal(const SolveModel& model, SolveWorkspace& workspace, std::size_t freedom) {
  return workspace.matrix[static_cast<std::size_t>(model.row[freedom] + model.depth[freedom])];
}

// Pulls joints back that are turned further from rest than their limit.
void addLimits(const subject::Subject& subject, const SolveModel& model,
               const SolveSettings& settings, SolveWorkspace& workspace) {
  const double information = 1.0 / (settings.limit_sigma * settings.limit_sigma);
  forEachMovingJoint(model, [&](std::size_t joint, std::size_t first) {
    const double limit = static_cast<double>(subject.joints[joint].limit);
    if (model.joint_parent[joint] < 0 || limit > 3.14) return;
    const glm::dvec3 turn = glm::conjugate(model.joint_from_freedoms[joint]) *
                            math::vectorFromRotation(glm::conjugate(model.rest[joint].rotation) *
                                                     workspace.candidate[joint].rotation);
    const double angle = std::sqrt(glm::dot(turn, turn));
    if (angle <= limit) return;
    // Only along the turn itself, taken per axis so that the tree stays sparse.
    for (std::size_t k = 0; k < 3; ++k) {
      const double direction = turn[static_cast<glm::length_t>(k)] / angle;
      diagonal(model, workspace, first + k) += information * direction * direction;
      workspace.gradient[first + k] -= information * direction * (angle - limit);
    }
  });
}

void zeroSums(SolveWorkspace& workspace) {
  std::fill(workspace.moments.begin(), workspace.moments.end(), 0.0);
  std::fill(workspace.forces.begin(), workspace.forces.end(), 0.0);
}

// One Gauss-Newton step about workspace.candidate; leaves the factored matrix and the step in the
// workspace.
void gaussNewtonStep(const FitSubject& job, const MarkerTrust& trust, bool with_prior) {
  SolveWorkspace& w = job.workspace;
  const SolveModel& model = job.model;
  worldFromJoints(model, w.candidate, w.world_from_joint);
  const glm::dvec3 origin = w.world_from_joint[0].translation;
  fillAxes(model, w.world_from_joint, origin, w.axes);
  gatherMarkers(job, origin, trust);
  zeroSums(w);
  const TreeSystem system = treeSystemOf(model, w);
  job.kernels.addMarkers(system, w.terms.data(), w.terms.size());
  job.kernels.project(system);
  const double rest_information = 1.0 / (job.settings.rest_sigma * job.settings.rest_sigma);
  const double rest_share = 1.0 / (job.settings.rest_time * job.rate_hz);
  forEachMovingJoint(model, [&](std::size_t joint, std::size_t first) {
    const std::size_t count = static_cast<std::size_t>(model.joint_freedoms[joint]);
    double offset[6] = {}, rest[6] = {};
    if (with_prior) stepBetween(model, joint, w.candidate[joint], w.predicted[joint], offset);
    const bool pulled = model.joint_parent[joint] >= 0;
    if (pulled) stepBetween(model, joint, w.candidate[joint], model.rest[joint], rest);
    for (std::size_t k = 0; k < count; ++k) {
      const double prior = with_prior ? w.information[first + k] : 0.0;
      const double pull = pulled ? rest_information * (with_prior ? rest_share : 0.02) : 1e-6;
      diagonal(model, w, first + k) += prior + pull;
      w.gradient[first + k] += prior * offset[k] + (pulled ? pull * rest[k] : 0.0);
    }
  });
  addLimits(job.subject, model, job.settings, w);
  job.kernels.factorAndSolve(system);
}

void applyStep(const SolveModel& model, const std::vector<double>& step, double largest_turn,
               std::vector<RigidTransformd>& pose) {
  forEachMovingJoint(model, [&](std::size_t joint, std::size_t first) {
    const std::size_t count = static_cast<std::size_t>(model.joint_freedoms[joint]);
    double bounded[6];
    double squared = 0.0;
    for (std::size_t k = 0; k < 3; ++k) squared += step[first + k] * step[first + k];
    const double turn = std::sqrt(squared);
    const double scale = turn > largest_turn ? largest_turn / turn : 1.0;
    for (std::size_t k = 0; k < count; ++k) bounded[k] = step[first + k] * (k < 3 ? scale : 1.0);
    moveJoint(model, joint, bounded, pose[joint]);
  });
}

double rmsDistance(const subject::Subject& subject, const frame::LabelledSubject& labelled,
                   const std::vector<RigidTransformd>& world_from_joint) {
  double sum = 0.0;
  std::size_t count = 0;
  for (std::size_t m = 0; m < subject.markers.size(); ++m) {
    if (!(labelled.markers[m].confidence > 0.0f)) continue;
    const glm::dvec3 residual = glm::dvec3(labelled.markers[m].position) -
                                markerPosition(subject.markers[m], world_from_joint);
    sum += glm::dot(residual, residual);
    ++count;
  }
  return count > 0 ? std::sqrt(sum / static_cast<double>(count)) : 0.0;
}

}  // namespace

void publishPose(const SolveModel& model, const SolveState& state, frame::SkeletonPose& pose) {
  pose.tracked = state.tracked;
  for (std::size_t joint = 0; joint < model.joints(); ++joint) {
    const RigidTransformd& local = state.parent_from_joint[joint];
    pose.parent_from_joint[joint] = {glm::quat(local.rotation), glm::vec3(local.translation)};
    pose.predicted[joint] = model.joint_freedoms[joint] > 0 && !state.measured[joint] ? 1 : 0;
    glm::dvec3 turning(0.0), moving(0.0);
    if (model.joint_freedoms[joint] > 0 && state.tracked) {
      const double* velocity =
          &state.velocity[static_cast<std::size_t>(model.joint_freedom[joint])];
      turning = local.rotation * (model.joint_from_freedoms[joint] *
                                  glm::dvec3(velocity[0], velocity[1], velocity[2]));
      if (model.joint_freedoms[joint] == 6)
        moving = glm::dvec3(velocity[3], velocity[4], velocity[5]);
    }
    pose.angular_velocity[joint] = glm::vec3(turning);
    pose.velocity[joint] = glm::vec3(moving);
  }
}

void updateTracking(const SolveModel& model, const frame::LabelledSubject& labelled,
                    const SolveSettings& settings, double seconds, SolveState& state) {
  std::size_t seen = 0;
  for (std::size_t m = 0; m < model.body_markers; ++m) seen += isSeen(labelled.markers[m]);
  const double share =
      static_cast<double>(seen) / static_cast<double>(std::max<std::size_t>(model.body_markers, 1));
  state.unseen_share_time = share < settings.lost_share ? state.unseen_share_time + seconds : 0.0;
  if (state.unseen_share_time > settings.lost_time) state.tracked = false;
}

double secondsSince(const SolveState& state, std::uint64_t sequence, double rate_hz) {
  constexpr std::uint64_t kMostFrames = 240;
  const std::uint64_t elapsed = sequence > state.sequence ? sequence - state.sequence : 1;
  return static_cast<double>(std::min(elapsed, kMostFrames)) / rate_hz;
}

void fitNearPrediction(const FitSubject& job, int iterations) {
  job.workspace.candidate = job.workspace.predicted;
  const MarkerTrust trust{.sigma = job.settings.marker_sigma,
                          .radius = 2.0 * job.settings.robust_radius,
                          .hidden_share = 3.0};
  for (int i = 0; i < iterations; ++i) {
    gaussNewtonStep(job, trust, true);
    applyStep(job.model, job.workspace.gradient, 0.5, job.workspace.candidate);
  }
}

double fitPose(const subject::Subject& subject, const SolveModel& model,
               const SolveSettings& settings, const TreeKernels& kernels,
               const frame::LabelledSubject& labelled, int iterations, SolveWorkspace& workspace,
               std::vector<RigidTransformd>& parent_from_joint) {
  const SolveState unused_state;
  const FitSubject job{.subject = subject,
                       .model = model,
                       .settings = settings,
                       .kernels = kernels,
                       .labelled = labelled,
                       .rate_hz = kReferenceRate,
                       .state = unused_state,
                       .workspace = workspace};
  workspace.candidate = parent_from_joint;
  for (int i = 0; i < iterations; ++i) {
    gaussNewtonStep(
        job, {.sigma = 2.0 * settings.marker_sigma, .radius = 5.0 * settings.robust_radius}, false);
    applyStep(model, workspace.gradient, 0.6, workspace.candidate);
  }
  worldFromJoints(model, workspace.candidate, workspace.world_from_joint);
  parent_from_joint = workspace.candidate;
  return rmsDistance(subject, labelled, workspace.world_from_joint);
}

namespace {

// A freedom whose place was found anew and whose velocity nobody knows.
void doubtFreedom(std::size_t freedom, bool is_turn, SolveState& state) {
  const auto square = [](double value) { return value * value; };
  state.velocity[freedom] = 0.0;
  state.variance[freedom] = square(is_turn ? kFoundAngle : kFoundPlace);
  state.innovation[freedom] = 0.0;
  state.innovation_energy[freedom] = 0.0;
  state.place_variance[freedom] = state.variance[freedom];
  state.velocity_variance[freedom] = square(is_turn ? kFoundTurning : kFoundSpeed);
  state.velocity_covariance[freedom] = 0.0;
  state.acceleration_variance[freedom] = square(is_turn ? kFoundTurnNoise : kFoundShiftNoise);
  state.observed[freedom] = 1.0;
}

}  // namespace

void moveJoints(const SolveModel& model, const std::vector<RigidTransformd>& parent_from_joint,
                const std::vector<std::uint8_t>& moved, SolveState& state) {
  forEachMovingJoint(model, [&](std::size_t joint, std::size_t first) {
    if (!moved[joint]) return;
    state.parent_from_joint[joint] = parent_from_joint[joint];
    state.turn_covariance[joint] = glm::dvec3(0.0);
    state.measured[joint] = 1;
    for (std::size_t k = 0; k < static_cast<std::size_t>(model.joint_freedoms[joint]); ++k) {
      doubtFreedom(first + k, k < 3, state);
    }
  });
}

void startTracking(const SolveModel& model, std::uint64_t sequence,
                   const std::vector<RigidTransformd>& parent_from_joint, SolveState& state) {
  state.tracked = true;
  state.sequence = sequence;
  state.parent_from_joint = parent_from_joint;
  std::fill(state.velocity.begin(), state.velocity.end(), 0.0);
  forEachMovingJoint(model, [&](std::size_t joint, std::size_t first) {
    for (std::size_t k = 0; k < static_cast<std::size_t>(model.joint_freedoms[joint]); ++k) {
      doubtFreedom(first + k, k < 3, state);
    }
    state.measured[joint] = 1;
    state.turn_covariance[joint] = glm::dvec3(0.0);
  });
  for (FootHold& foot : state.feet) foot.seconds = 0.0;
  for (HandState& hand : state.hands) forgetFingers(hand);
  std::fill(state.suggested.begin(), state.suggested.end(), 0.0);
  std::fill(state.suggested_speed.begin(), state.suggested_speed.end(), 0.0);
  std::fill(state.bias.begin(), state.bias.end(), glm::dvec3(0.0));
  std::fill(state.unseen.begin(), state.unseen.end(), 0.0);
  std::fill(state.surprise.begin(), state.surprise.end(), kFoundSurprise * kFoundSurprise);
  state.misfit = kFoundMisfit * kFoundMisfit;
  state.fitted = 1.0;
  state.tracked_seconds = 0.0;
  state.unseen_share_time = 0.0;
}

}  // namespace understudy::solve
