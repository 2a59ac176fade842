#include "capture/solve/repair.h"

#include <algorithm>
#include <cmath>

#include "capture/solve/recognise_steps.h"
#include "capture/solve/solve_steps.h"

namespace understudy::solve {
namespace {

using math::RigidTransformd;

// ---- Limbs that were lost ----

// True if an unnamed marker lies where this limb could be.
bool isUnnamedNear(const LimbJob& job, const glm::dvec3& place) {
  constexpr double kReach = 0.25;
  for (const frame::Marker& marker : job.labels.unlabelled) {
    if (distance(glm::dvec3(marker.position), place) < kReach) return true;
  }
  return false;
}

// Doubts joints whose markers are not all where the model has them while unnamed markers are near,
// and all that hang on them. Returns how many sound markers they hold.
std::size_t doubtJoints(const LimbJob& job) {
  RecogniseWorkspace& w = job.workspace;
  const std::vector<frame::LabelledMarker>& slots = job.slots();
  constexpr double kSound = 0.02;
  std::size_t held = 0;
  for (std::size_t joint = 0; joint < job.model.joints(); ++joint) {
    const std::int32_t parent = job.model.joint_parent[joint];
    std::size_t sound = 0, all = 0;
    bool unnamed_near = false;
    for (std::size_t m = 0; m < job.subject.markers.size(); ++m) {
      if (job.subject.markers[m].joint != static_cast<int>(joint)) continue;
      ++all;
      const glm::dvec3 expected = solve::markerPosition(job.subject.markers[m], w.world_from_joint);
      const bool fits =
          slots[m].confidence > 0.0f && distance(expected, glm::dvec3(slots[m].position)) < kSound;
      sound += fits;
      if (!fits) unnamed_near = unnamed_near || isUnnamedNear(job, expected);
    }
    const bool hangs = parent >= 0 && w.doubted[static_cast<std::size_t>(parent)];
    w.doubted[joint] = parent >= 0 && (hangs || unnamed_near) ? 1 : 0;
    w.placed[joint] = !w.doubted[joint];
    if (w.doubted[joint]) held += sound;
  }
  return held;
}

// What the doubted joints may be made of: unnamed markers and the ones that they hold.
void fillPool(const LimbJob& job) {
  RecogniseWorkspace& w = job.workspace;
  const std::vector<frame::LabelledMarker>& slots = job.slots();
  w.pool.clear();
  for (const frame::Marker& marker : job.labels.unlabelled) {
    if (w.pool.size() < w.pool.capacity()) w.pool.push_back(marker);
  }
  for (std::size_t m = 0; m < slots.size() && w.pool.size() < w.pool.capacity(); ++m) {
    if (!w.doubted[static_cast<std::size_t>(job.subject.markers[m].joint)]) continue;
    if (!(slots[m].confidence > 0.0f)) continue;
    w.pool.push_back(unnamedMarker(slots[m]));
  }
  w.points.clear();
  for (const frame::Marker& marker : w.pool) w.points.push_back(glm::dvec3(marker.position));
}

// Places the doubted joints on the sound ones, outwards.
void growDoubted(const RecogniseSubject& job) {
  RecogniseWorkspace& w = job.workspace;
  for (std::size_t joint = 1; joint < job.model.joints(); ++joint) {
    const std::size_t parent = static_cast<std::size_t>(job.model.joint_parent[joint]);
    if (!w.doubted[joint]) continue;
    const RigidTransformd& world = w.world_from_joint[parent];
    const RigidTransformd& rest = job.model.rest[joint];
    const double stray =
        job.subject.joints[joint].motion == subject::JointMotion::free ? kFreeJoint : 0.0;
    placeJoint(job,
               {joint, glm::dvec3(0.0), world * rest.translation, world.rotation * rest.rotation,
                (w.doubted[parent] ? w.slack[parent] : 0.0) + stray});
  }
  for (std::size_t joint = 1; joint < job.model.joints(); ++joint) {
    if (w.doubted[joint] && isLone(job, joint)) placeLone(job, joint);
  }
}

// Takes only the doubted joints from the fitted pose.
void keepSoundJoints(const RecogniseSubject& job,
                     const std::vector<RigidTransformd>& parent_from_joint) {
  for (std::size_t j = 0; j < job.model.joints(); ++j) {
    if (!job.workspace.doubted[j]) job.workspace.pose[j] = parent_from_joint[j];
  }
}

// True if some doubted joint is held by two markers: a limb goes through any one point of each.
bool holdsAny(const RecogniseSubject& job) {
  const RecogniseWorkspace& w = job.workspace;
  for (std::size_t joint = 0; joint < job.model.joints(); ++joint) {
    if (!w.doubted[joint]) continue;
    std::size_t named = 0;
    for (std::size_t m = 0; m < job.subject.markers.size(); ++m) {
      named += job.subject.markers[m].joint == static_cast<int>(joint) && w.point_of_marker[m] >= 0;
    }
    if (named >= 2) return true;
  }
  return false;
}

// Writes the new names; what no marker took goes back to the unnamed.
void rename(const LimbJob& job) {
  RecogniseWorkspace& w = job.workspace;
  std::vector<frame::LabelledMarker>& slots = job.labels.subjects[job.subject_index].markers;
  for (std::size_t m = 0; m < slots.size(); ++m) {
    const std::int32_t point = w.point_of_marker[m];
    if (w.doubted[static_cast<std::size_t>(job.subject.markers[m].joint)]) slots[m] = {};
    if (point < 0) continue;
    frame::Marker& marker = w.pool[static_cast<std::size_t>(point)];
    slots[m] = {marker.position, marker.covariance, 1.0f};
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

bool RecoverLimbs::run() const {
  RecogniseWorkspace& w = job.workspace;
  const std::vector<RigidTransformd>& solved = job.state.parent_from_joint;
  layOut(w, job.model, job.subject, 0);
  w.pose = solved;
  updateWorld(job.among({}));
  const std::size_t held = doubtJoints(job);
  fillPool(job);
  layOutPoints(w, w.points.size());
  const RecogniseSubject body = job.among(w.points);
  growDoubted(body);
  worldToLocal(body);
  keepSoundJoints(body, solved);
  // Markers of sound joints stay fixed; the doubted ones are open.
  frame::LabelledSubject& fixed = w.fixed;
  fixed.markers.assign(job.slots().begin(), job.slots().end());
  for (std::size_t m = 0; m < fixed.markers.size(); ++m) {
    if (w.doubted[static_cast<std::size_t>(job.subject.markers[m].joint)]) fixed.markers[m] = {};
  }
  fitGrown(body, &fixed);
  keepSoundJoints(body, solved);
  constexpr double kReach[] = {0.10, 0.06, 0.04};
  for (double reach : kReach) {
    if (matchNearest(body, reach, &fixed) < 2) return false;
    fitPose(job.subject, job.model, job.solve_settings, job.kernels, w.labelled, 2,
            job.solve_workspace, w.pose);
    keepSoundJoints(body, solved);
  }
  const std::size_t matched = matchNearest(body, 0.03, &fixed);
  if (matched < held + 2 || !holdsAny(body)) return false;
  for (std::size_t joint = 0; joint < job.model.joints(); ++joint) {
    std::size_t first = 0, second = 0;
    if (!w.doubted[joint] || !findTwins(body, joint, first, second)) continue;
    if (exchangeTwins(body, joint, first, second))
      std::swap(w.point_of_marker[first], w.point_of_marker[second]);
  }
  keepSoundJoints(body, solved);
  rename(job);
  moveJoints(job.model, w.pose, w.doubted, job.state);
  return true;
}

}  // namespace understudy::solve
