#include "capture/solve/fit_hand.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "capture/solve/hand_math_single.inl"
#include "engine/math/exponential.h"

namespace understudy::solve {
namespace {

HandView viewOf(const HandModel& model) {
  return {.coordinates = model.coordinates,
          .markers = model.markers.size(),
          .marker_joint = model.marker_joint.data(),
          .before = model.before.data(),
          .after = model.after.data(),
          .translation = model.translation.data(),
          .mean = model.mean.data(),
          .basis = model.basis.data(),
          .lower = model.lower_limit.data(),
          .upper = model.upper_limit.data(),
          .offset = model.offset.data()};
}

// The hand with its joint at the origin, so that numbers stay small.
void poseHand(const HandView& view, const glm::dquat& rotation, std::span<const double> coordinate,
              HandPose& pose) {
  const double turn[] = {rotation.x, rotation.y, rotation.z, rotation.w};
  const double origin[] = {0.0, 0.0, 0.0};
  anglesOfHand(view, coordinate.data(), pose.angle);
  poseFingers(view, turn, origin, pose);
}

}  // namespace

void placeFingerMarkers(const HandModel& model, const math::RigidTransformd& world_from_hand,
                        std::span<const double> coordinate, std::span<const glm::dvec3> bias,
                        std::span<glm::dvec3> places) {
  assert(places.size() == model.markers.size());
  const HandView view = viewOf(model);
  HandPose pose;
  poseHand(view, world_from_hand.rotation, coordinate, pose);
  for (std::size_t m = 0; m < places.size(); ++m) {
    double place[3];
    placeOfMarker(view, pose, m, place);
    if (!bias.empty()) {
      double turned[3];
      const double own[] = {bias[m].x, bias[m].y, bias[m].z};
      turnBy(pose.turn[static_cast<std::size_t>(model.marker_joint[m])], own, turned);
      for (std::size_t k = 0; k < 3; ++k) place[k] += turned[k];
    }
    places[m] = world_from_hand.translation + glm::dvec3(place[0], place[1], place[2]);
  }
}

void placeFingerJoints(const HandModel& model, const math::RigidTransformd& world_from_hand,
                       std::span<const double> coordinate,
                       std::span<math::RigidTransformd> world_from_joint) {
  HandPose pose;
  poseHand(viewOf(model), world_from_hand.rotation, coordinate, pose);
  for (std::size_t j = 0; j < kHandJoints; ++j) {
    const double *q = pose.rotation[j], *p = pose.place[j];
    world_from_joint[j] = {glm::normalize(math::quaternionXyzw(q[0], q[1], q[2], q[3])),
                           world_from_hand.translation + glm::dvec3(p[0], p[1], p[2])};
  }
}

void DoubtFingers::run(std::span<const std::int32_t> markers, std::span<double> variances) const {
  const HandView view = viewOf(model);
  const std::size_t n = model.coordinates;
  HandPose pose;
  poseHand(view, world_from_hand.rotation, coordinate, pose);
  double factor[kMostPacked];
  std::copy(information.begin(), information.end(), factor);
  factorHand(factor, n);
  for (std::size_t i = 0; i < markers.size(); ++i) {
    const auto marker = static_cast<std::size_t>(markers[i]);
    double place[3], moves[kMostHandCoordinates][3];
    placeOfMarker(view, pose, marker, place);
    const auto joint = static_cast<std::size_t>(model.marker_joint[marker]);
    movesOfPoint(view, pose, joint, place, moves);
    solveLower(factor, n, moves);
    variances[i] = 0.0;
    for (std::size_t k = 0; k < n; ++k) variances[i] += dot3(moves[k], moves[k]);
  }
}

void turnFingers(const HandModel& model, std::span<const double> coordinate,
                 std::span<glm::dquat> parent_from_joint) {
  HandPose pose;
  poseHand(viewOf(model), glm::dquat(1.0, 0.0, 0.0, 0.0), coordinate, pose);
  const auto quaternion = [](const double* q) {
    return math::quaternionXyzw(q[0], q[1], q[2], q[3]);
  };
  for (std::size_t j = 0; j < kHandJoints; ++j) {
    const glm::dquat turn = quaternion(pose.rotation[j]);
    parent_from_joint[j] = glm::normalize(
        j % kJointsOfDigit == 0 ? turn : glm::conjugate(quaternion(pose.rotation[j - 1])) * turn);
  }
}

void coordinatesOf(const HandModel& model, std::span<const double> angles,
                   std::span<double> coordinate) {
  for (std::size_t i = 0; i < model.coordinates; ++i) {
    double sum = 0.0, squares = 0.0;
    for (std::size_t f = 0; f < kHandFreedoms; ++f) {
      const double entry = model.basis[f * model.coordinates + i];
      sum += entry * (angles[f] - model.mean[f]);
      squares += entry * entry;
    }
    coordinate[i] = sum / std::max(squares, 1e-12);
  }
}

namespace {

// What markers say of the motion of the hand itself: turn, then shift, at its joint.
struct MotionSystem {
  double matrix[21] = {};
  double force[6] = {};

  void add(const double* place, double information, const double* residual) {
    double moves[6][3] = {};
    for (std::size_t k = 0; k < 3; ++k) {
      double axis[3] = {};
      axis[k] = 1.0;
      cross(axis, place, moves[k]);
      moves[3 + k][k] = 1.0;
    }
    for (std::size_t r = 0; r < 6; ++r) {
      force[r] += information * dot3(moves[r], residual);
      for (std::size_t c = 0; c <= r; ++c)
        matrix[rowOf(r) + c] += information * dot3(moves[r], moves[c]);
    }
  }
};

void addPalm(const FitHand& job, MotionSystem& motion) {
  for (const PalmMarker& marker : job.palm) {
    if (!marker.seen) continue;
    const glm::dvec3 lever = job.world_from_hand.rotation * marker.place_hand;
    const glm::dvec3 off = marker.point_world - job.world_from_hand.translation - lever;
    const double place[] = {lever.x, lever.y, lever.z}, residual[] = {off.x, off.y, off.z};
    motion.add(place, 1.0 / (job.palm_sigma * job.palm_sigma), residual);
  }
}

// Solves for the hand's motion, fingers eliminated, and moves it. `turned` and `shifted` say how
// far it has gone.
void moveHand(const FitHand& job, const double (*sides)[7], MotionSystem& motion,
              glm::dvec3& turned, glm::dvec3& shifted, double* step) {
  for (std::size_t k = 0; k < 6; ++k) {
    const auto c = static_cast<glm::length_t>(k % 3);
    const double sigma = k < 3 ? job.turn_sigma : job.shift_sigma;
    motion.matrix[rowOf(k) + k] += 1.0 / (sigma * sigma);
    motion.force[k] -= (k < 3 ? turned[c] : shifted[c]) / (sigma * sigma);
  }
  for (std::size_t i = 0; i < job.model.coordinates; ++i) {
    for (std::size_t r = 0; r < 6; ++r) {
      motion.force[r] -= sides[i][r] * sides[i][6];
      for (std::size_t c = 0; c <= r; ++c) motion.matrix[rowOf(r) + c] -= sides[i][r] * sides[i][c];
    }
  }
  factorHand(motion.matrix, 6);
  double x[6][1];
  for (std::size_t k = 0; k < 6; ++k) x[k][0] = motion.force[k];
  solveLower(motion.matrix, 6, x);
  solveUpper(motion.matrix, 6, &x[0][0]);
  for (std::size_t k = 0; k < 6; ++k) step[k] = smaller(larger(x[k][0], -0.3), 0.3);
  const glm::dvec3 turn(step[0], step[1], step[2]), shift(step[3], step[4], step[5]);
  turned += turn;
  shifted += shift;
  job.world_from_hand.rotation =
      glm::normalize(math::rotationFromVector(turn) * job.world_from_hand.rotation);
  job.world_from_hand.translation += shift;
}

}  // namespace

double FitHand::run(int iterations, std::span<double> coordinate) const {
  const HandView view = viewOf(model);
  const std::size_t n = model.coordinates;
  const double information = 1.0 / (sigma * sigma);
  const double info[6] = {information, 0.0, 0.0, information, 0.0, information};
  glm::dvec3 turned(0.0), shifted(0.0);
  if (usual != nullptr) {
    turned = math::vectorFromRotation(world_from_hand.rotation * glm::conjugate(usual->rotation));
    shifted = world_from_hand.translation - usual->translation;
  }
  for (int round = 0;; ++round) {
    HandPose pose;
    poseHand(view, world_from_hand.rotation, coordinate, pose);
    HandSystem system;
    MotionSystem motion;
    std::fill(std::begin(system.matrix), std::end(system.matrix), 0.0);
    for (std::size_t i = 0; i < n; ++i) {
      system.matrix[rowOf(i) + i] = 1.0;
      system.gradient[i] = -coordinate[i];
      std::fill(std::begin(system.coupling[i]), std::end(system.coupling[i]), 0.0);
    }
    double squares = 0.0;
    for (std::size_t m = 0; m < view.markers; ++m) {
      if (!seen[m]) continue;
      double place[3], residual[3];
      placeOfMarker(view, pose, m, place);
      for (std::size_t k = 0; k < 3; ++k) {
        const auto c = static_cast<glm::length_t>(k);
        residual[k] = points[m][c] - world_from_hand.translation[c] - place[k];
      }
      squares += dot3(residual, residual);
      addFingerMarker(view, pose, m, place, info, residual, system);
      motion.add(place, information, residual);
    }
    if (round == iterations) return squares;
    addPalm(*this, motion);
    addFingerLimits(view, pose, 1.0 / (limit_sigma * limit_sigma), system);
    factorHand(system.matrix, n);
    double sides[kMostHandCoordinates][7];
    for (std::size_t i = 0; i < n; ++i) {
      std::copy_n(system.coupling[i], 6, sides[i]);
      sides[i][6] = system.gradient[i];
    }
    solveLower(system.matrix, n, sides);
    double step[6] = {};
    if (turn_sigma > 0.0) moveHand(*this, sides, motion, turned, shifted, step);
    double x[kMostHandCoordinates];
    for (std::size_t i = 0; i < n; ++i) {
      x[i] = sides[i][6];
      for (std::size_t k = 0; k < 6; ++k) x[i] -= sides[i][k] * step[k];
    }
    solveUpper(system.matrix, n, x);
    constexpr double kLongest = 1.0;
    for (std::size_t i = 0; i < n; ++i) coordinate[i] += smaller(larger(x[i], -kLongest), kLongest);
  }
}

}  // namespace understudy::solve
