#pragma once

#include <cstdint>
#include <glm/glm.hpp>
#include <span>

#include "capture/solve/recognise.h"

// The steps that recognition and the repair of tracked subjects share. All work on
// RecogniseSubject::workspace.

namespace understudy::solve {

/// How far an unmarked joint may move its child, and how far a free joint may stray from rest,
/// metres.
inline constexpr double kLooseJoint = 0.05, kFreeJoint = 0.08;

double distance(const glm::dvec3& a, const glm::dvec3& b);
/// Angle between two rotations, radians.
double rotationAngle(const glm::dquat& a, const glm::dquat& b);
/// Where the marker sits in its joint, metres.
glm::dvec3 offsetOf(const RecogniseSubject& job, std::size_t marker);
/// Lists at most `most` markers of the joint; returns how many.
std::size_t markersOf(const RecogniseSubject& job, std::size_t joint, std::int32_t* list,
                      std::size_t most);
/// How many markers have a point.
std::size_t countNamed(std::span<const std::int32_t> point_of_marker);

/// Pairs of points for a rigid fit.
struct Correspondences {
  glm::dvec3 source[4], target[4];
  double weight[4];
  std::size_t count = 0;

  void add(const glm::dvec3& from, const glm::dvec3& to, double w) {
    source[count] = from;
    target[count] = to;
    weight[count++] = w;
  }
};

/// Weighted rigid fit (Horn 1987); `prior` decides what the points leave open.
math::RigidTransformd fitRigid(const Correspondences& c, const glm::dquat& prior,
                               double prior_weight);

struct Inliers {
  std::size_t count = 0;
  double squared = 0;
};

/// Markers of a joint that have an unused point where the pose puts them. With `use_them` they take
/// these points.
Inliers countInliers(const RecogniseSubject& job, const std::int32_t* markers,
                     std::size_t marker_count, const math::RigidTransformd& world_from_joint,
                     const std::int32_t* near, std::size_t near_count, bool use_them);

/// A joint to be placed: the point of its segment that its neighbour fixes, and how it would stand
/// at rest.
struct Hinge {
  std::size_t joint;
  glm::dvec3 local, world;
  glm::dquat prior;
  double slack;
};

/// Half the number of markers one joint further out, among joints not placed yet, that have a point
/// at their distance from their hinge: tells whether the joint ends in the right place.
double lookAhead(const RecogniseSubject& job, std::size_t joint,
                 const math::RigidTransformd& world_from_joint);
/// Lists unused points within `reach` of the centre into the workspace; returns how many.
std::size_t findNear(const RecogniseSubject& job, const glm::dvec3& centre, double reach);
/// Places a joint on its hinge where its markers fit, and lets them take their points.
void placeJoint(const RecogniseSubject& job, const Hinge& hinge);
/// True for a joint that moves freely and carries one marker: any point suits it, so that it is
/// placed when all others have theirs.
bool isLone(const RecogniseSubject& job, std::size_t joint);
/// Moves such a joint to the unused point nearest to where it stands, and takes it; leaves it where
/// none is near.
void placeLone(const RecogniseSubject& job, std::size_t joint);
/// Writes the pose from the joints' places in the world; and the reverse.
void worldToLocal(const RecogniseSubject& job);
void updateWorld(const RecogniseSubject& job);

/// Fits the pose to the points that growing took, before any marker looks for its nearest: joints
/// with a single marker leave the limbs beyond them a little off, and markers that are close
/// together would find each other's points.
void fitGrown(const RecogniseSubject& job, const frame::LabelledSubject* fixed = nullptr);
/// Gives each marker that is not fixed the point nearest to it, if it is also the point's nearest
/// marker; returns how many have one.
std::size_t matchNearest(const RecogniseSubject& job, double reach,
                         const frame::LabelledSubject* fixed = nullptr);

/// The two seen markers of a joint that has no third one; false for other joints.
bool findTwins(const RecogniseSubject& job, std::size_t joint, std::size_t& first,
               std::size_t& second);
/// The only seen marker of a joint that has others, too; false for other joints.
bool findLone(const RecogniseSubject& job, std::size_t joint, std::size_t& lone);
/// Exchanges two markers of w.labelled, of which one may be unseen, turns their joint to suit and
/// fits the body; keeps the exchange (and w.pose) if the markers fit clearly better: strain must
/// fall to this share, and by this many square metres.
bool exchangeTwins(const RecogniseSubject& job, std::size_t joint, std::size_t first,
                   std::size_t second, double share = 0.85, double least_gain = 1.0e-4);

void layOutPoints(RecogniseWorkspace& w, std::size_t count);
void layOut(RecogniseWorkspace& w, const SolveModel& model, const subject::Subject& subject,
            std::size_t count);

}  // namespace understudy::solve
