#include "tests/bench/solve_peers.h"

#include <algorithm>
#include <cmath>

#include "engine/core/thread_time.h"
#include "tests/bench/ceres_oracle.h"
#include "tests/bench/simbody_solver.h"

namespace understudy::bench {
namespace {

PlainTransform plain(const math::RigidTransformd& t) {
  return {t.rotation.x,    t.rotation.y,    t.rotation.z,   t.rotation.w,
          t.translation.x, t.translation.y, t.translation.z};
}

// The first actor for a peer.
struct PlainBody {
  std::vector<PlainJoint> joints;
  std::vector<PlainMarker> markers;
};

[[maybe_unused]] PlainBody makePlainBody(const SolveRecording& recording) {
  const subject::Subject& subject = recording.subjects[0];
  const solve::SolveModel model = solve::makeSolveModel(subject);
  const std::vector<math::RigidTransformd> start =
      solverPose(model, recording.truth[0][0].world_from_joint);
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
[[maybe_unused]] OracleFrame plainFrame(const SolveRecording& recording, std::size_t f) {
  OracleFrame positions;
  for (const frame::LabelledMarker& marker : recording.labels[f][0].markers) {
    const glm::dvec3 at =
        marker.confidence > 0.0f ? glm::dvec3(marker.position) : glm::dvec3(std::nan(""));
    positions.push_back({at.x, at.y, at.z});
  }
  return positions;
}

[[maybe_unused]] void takePose(const std::vector<PlainTransform>& joints,
                               frame::SkeletonPose& pose) {
  for (std::size_t j = 0; j < joints.size(); ++j) {
    const PlainTransform& t = joints[j];
    pose.parent_from_joint[j] = {glm::quat(math::quaternionXyzw(t[0], t[1], t[2], t[3])),
                                 glm::vec3(glm::dvec3(t[4], t[5], t[6]))};
  }
}

}  // namespace

#ifdef UNDERSTUDY_HAS_SIMBODY
SolveFigures runSimbody(const SolveRecording& recording, const SolveBenchOptions& options) {
  const subject::Subject& subject = recording.subjects[0];
  const PlainBody body = makePlainBody(recording);
  SimbodySolver solver(body.joints, body.markers, options.simbody_accuracy);
  frame::SkeletonPose pose = frame::makeSkeletonPose(subject.skeleton.size());
  pose.tracked = true;
  scoring::PoseScore score(subject, {.rate_hz = recording.rate_hz});
  SolveFigures figures;
  for (std::size_t f = 1; f < recording.labels.size(); ++f) {
    const OracleFrame positions = plainFrame(recording, f);
    const core::Duration before = core::threadTime();
    const bool solved = solver.solve(positions);
    const double us = 1e6 * core::toSeconds(core::threadTime() - before);
    if (f > kWarmUp) figures.us.push_back(us);
    if (solved) takePose(solver.pose(), pose);
    score.add(f, recording.truth[f][0], &pose, nullptr);
    addJoints(subject, recording.truth[f][0], recording.labels[f][0], pose, false, figures);
  }
  addScore(score, figures);
  return figures;
}
#endif

#ifdef UNDERSTUDY_HAS_CERES
SolveFigures runOracle(const SolveRecording& recording, const SolveBenchOptions& options,
                       bool together) {
  const subject::Subject& subject = recording.subjects[0];
  const PlainBody body = makePlainBody(recording);
  const std::size_t count = std::min(options.oracle_frames, recording.labels.size());
  std::vector<OracleFrame> frames;
  for (std::size_t f = 0; f < count; ++f) frames.push_back(plainFrame(recording, f));
  const core::Duration before = core::threadTime();
  const auto poses = solveOffline(body.joints, body.markers, frames,
                                  {.marker_sigma = 1e-3 * std::max(options.noise_mm, 0.01),
                                   .turn_sigma = together ? options.oracle_turn_sigma : 0.0,
                                   .rate_hz = recording.rate_hz});
  SolveFigures figures;
  figures.us.push_back(1e6 * core::toSeconds(core::threadTime() - before) /
                       static_cast<double>(count));
  frame::SkeletonPose pose = frame::makeSkeletonPose(subject.skeleton.size());
  pose.tracked = true;
  scoring::PoseScore score(subject, {.rate_hz = recording.rate_hz});
  for (std::size_t f = 1; f < count; ++f) {
    takePose(poses[f], pose);
    score.add(f, recording.truth[f][0], &pose, nullptr);
    addJoints(subject, recording.truth[f][0], recording.labels[f][0], pose, false, figures);
  }
  addScore(score, figures);
  return figures;
}
#endif

}  // namespace understudy::bench
