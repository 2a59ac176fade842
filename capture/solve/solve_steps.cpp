#include "capture/solve/solve_steps.h"

#include <algorithm>
#include <cmath>

#include "capture/subject/clip_geometry.h"
#include "engine/math/exponential.h"

namespace understudy::solve {

using math::RigidTransformd;

double power(double base, double exponent) {
  const int whole = std::clamp(static_cast<int>(exponent + 0.5), 0, 1000);
  double result = 1.0;
  for (int i = 0; i < whole; ++i) result *= base;
  return result;
}

void worldFromJoints(const SolveModel& model, const std::vector<RigidTransformd>& parent_from_joint,
                     std::vector<RigidTransformd>& world_from_joint) {
  for (std::size_t joint = 0; joint < model.joints(); ++joint) {
    const std::int32_t parent = model.joint_parent[joint];
    world_from_joint[joint] =
        parent < 0 ? parent_from_joint[joint]
                   : world_from_joint[static_cast<std::size_t>(parent)] * parent_from_joint[joint];
  }
}

void moveJoint(const SolveModel& model, std::size_t joint, const double* step,
               RigidTransformd& local) {
  const glm::dvec3 turn = model.joint_from_freedoms[joint] * glm::dvec3(step[0], step[1], step[2]);
  local.rotation = glm::normalize(local.rotation * math::rotationFromVector(turn));
  if (model.joint_freedoms[joint] == 6) local.translation += glm::dvec3(step[3], step[4], step[5]);
}

void stepBetween(const SolveModel& model, std::size_t joint, const RigidTransformd& from,
                 const RigidTransformd& to, double* step) {
  const glm::dvec3 turn = glm::conjugate(model.joint_from_freedoms[joint]) *
                          math::vectorFromRotation(glm::conjugate(from.rotation) * to.rotation);
  for (int k = 0; k < 3; ++k) step[k] = turn[k];
  if (model.joint_freedoms[joint] == 6) {
    for (int k = 0; k < 3; ++k) step[3 + k] = to.translation[k] - from.translation[k];
  }
}

void fillAxes(const SolveModel& model, const std::vector<RigidTransformd>& world_from_joint,
              const glm::dvec3& origin, std::vector<double>& axes) {
  forEachMovingJoint(model, [&](std::size_t joint, std::size_t first) {
    const RigidTransformd& world = world_from_joint[joint];
    const glm::dmat3 turn = glm::mat3_cast(world.rotation * model.joint_from_freedoms[joint]);
    const glm::dvec3 position = world.translation - origin;
    for (std::size_t k = 0; k < 3; ++k) {
      const glm::dvec3 axis = turn[static_cast<glm::length_t>(k)];
      const glm::dvec3 velocity = glm::cross(position, axis);
      double* out = &axes[6 * (first + k)];
      for (int c = 0; c < 3; ++c) {
        out[c] = axis[c];
        out[3 + c] = velocity[c];
      }
    }
    if (model.joint_freedoms[joint] != 6) return;
    const std::int32_t parent = model.joint_parent[joint];
    const glm::dmat3 parent_turn =
        parent < 0 ? glm::dmat3(1.0)
                   : glm::mat3_cast(world_from_joint[static_cast<std::size_t>(parent)].rotation);
    for (std::size_t k = 0; k < 3; ++k) {
      double* out = &axes[6 * (first + 3 + k)];
      for (int c = 0; c < 3; ++c) {
        out[c] = 0.0;
        out[3 + c] = parent_turn[static_cast<glm::length_t>(k)][c];
      }
    }
  });
}

double markerVariance(const SolveModel& model, const SolveWorkspace& workspace, int marker_joint,
                      const glm::dvec3& position) {
  std::size_t carrier = static_cast<std::size_t>(marker_joint);
  while (model.joint_freedoms[carrier] == 0 && model.joint_parent[carrier] >= 0) {
    carrier = static_cast<std::size_t>(model.joint_parent[carrier]);
  }
  if (model.joint_freedoms[carrier] == 0) return 0.0;
  double variance = 0.0;
  std::int32_t freedom = model.joint_freedom[carrier] + model.joint_freedoms[carrier] - 1;
  for (; freedom >= 0; freedom = model.freedom_parent[static_cast<std::size_t>(freedom)]) {
    const std::size_t f = static_cast<std::size_t>(freedom);
    const double* axis = &workspace.axes[6 * f];
    const glm::dvec3 moved = glm::dvec3(axis[3], axis[4], axis[5]) +
                             glm::cross(glm::dvec3(axis[0], axis[1], axis[2]), position);
    variance += glm::dot(moved, moved) / workspace.information[f];
  }
  return variance;
}

std::vector<RigidTransformd> layRestPose(const subject::Subject& subject, const SolveModel& model,
                                         const frame::LabelledSubject& labelled) {
  std::vector<RigidTransformd> world(model.joints());
  worldFromJoints(model, model.rest, world);
  std::vector<glm::dvec3> from, to;
  for (const bool root_only : {true, false}) {
    from.clear();
    to.clear();
    for (std::size_t m = 0; m < subject.markers.size(); ++m) {
      if (!(labelled.markers[m].confidence > 0.0f)) continue;
      if (root_only && subject.markers[m].joint != 0) continue;
      from.push_back(markerPosition(subject.markers[m], world));
      to.emplace_back(labelled.markers[m].position);
    }
    if (from.size() >= 3) break;
  }
  std::vector<RigidTransformd> pose = model.rest;
  pose[0] = subject::fitRigid(from, to) * pose[0];
  return pose;
}

}  // namespace understudy::solve
