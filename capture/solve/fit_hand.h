#pragma once

#include <cstdint>
#include <glm/glm.hpp>
#include <span>
#include <vector>

#include "capture/solve/hand_model.h"
#include "engine/math/rigid_transform.h"

// One hand at a time, off the common path: search, prediction, calibration. SolveSubjects solves
// frames.

namespace understudy::solve {

/// Where the markers of a hand are, world, for given coordinates of its fingers; `bias` is each
/// marker's own offset from the model, joint frame.
void placeFingerMarkers(const HandModel& model, const math::RigidTransformd& world_from_hand,
                        std::span<const double> coordinate, std::span<const glm::dvec3> bias,
                        std::span<glm::dvec3> places);

/// Where the joints of a hand's digits are, world_from_joint, one after the other.
void placeFingerJoints(const HandModel& model, const math::RigidTransformd& world_from_hand,
                       std::span<const double> coordinate,
                       std::span<math::RigidTransformd> world_from_joint);

/// Sum of the variances of a marker's place that the information about the coordinates leaves open,
/// square metres; for several markers, one after the other.
struct DoubtFingers {
  const HandModel& model;
  const math::RigidTransformd& world_from_hand;
  std::span<const double> coordinate;
  std::span<const double> information;  ///< As HandState's.

  /// `markers` are indices in the model's; `variances` one for each.
  void run(std::span<const std::int32_t> markers, std::span<double> variances) const;
};

/// Rotations of the hand's joints, parent_from_joint, for given coordinates.
void turnFingers(const HandModel& model, std::span<const double> coordinate,
                 std::span<glm::dquat> parent_from_joint);

/// The coordinates at which a hand has these angles, one per freedom, as nearly as it can.
void coordinatesOf(const HandModel& model, std::span<const double> angles,
                   std::span<double> coordinate);

/// A marker on the hand itself.
struct PalmMarker {
  glm::dvec3 place_hand{0.0};   ///< Where it sits, the hand's frame.
  glm::dvec3 point_world{0.0};  ///< Where it is seen.
  std::int32_t marker = 0;      ///< Of the subject.
  bool seen = false;
};

/// Fits the fingers of a hand to their markers; what is usual for hands (HandHabit) fills in what
/// these leave open. The hand itself may be turned and shifted, too, where its place is doubtful.
struct FitHand {
  const HandModel& model;
  math::RigidTransformd& world_from_hand;  ///< Moved in place, if it may be.
  std::span<const glm::dvec3> points;      ///< One per marker of the model, world.
  std::span<const std::uint8_t> seen;      ///< Likewise: counts.
  double sigma;                            ///< Of a marker, metres.
  double limit_sigma = 0.05;               ///< Softness of joint limits, radians.
  double turn_sigma = 0.0;                 ///< Doubt about the hand's turn, radians; 0: none,
  double shift_sigma = 0.005;              ///< and then about its place, metres.
  /// Where the hand is thought to be, if that is not where it begins.
  const math::RigidTransformd* usual = nullptr;
  std::span<const PalmMarker> palm{};  ///< Hold the hand where it may be moved ...
  double palm_sigma = 0.004;           ///< ... as well as skin lets them, metres.

  /// So many Gauss-Newton steps from `coordinate` and in place. Returns the sum of squared
  /// distances of the fingers' markers that count.
  double run(int iterations, std::span<double> coordinate) const;
};

}  // namespace understudy::solve
