#pragma once

#include <array>
#include <cstdint>
#include <glm/glm.hpp>
#include <glm/gtc/quaternion.hpp>
#include <vector>

#include "capture/subject/fingers.h"
#include "capture/subject/subject.h"
#include "engine/math/rigid_transform.h"

// Fingers are solved by joint synergies: people hardly ever move one finger joint alone (Santello,
// Flanders and Soechting, "Postural hand synergies for tool use", J. Neuroscience 18 (1998)). The
// twenty angles of a hand are a usual posture plus a few independent coordinates of mean 0 and
// variance 1, each of which moves many joints; the first ones hold most of what hands do (as in
// Schroeder, Maycock, Ritter and Botsch, "Real-time hand tracking using synergistic inverse
// kinematics", ICRA 2014). How many are followed goes by how many numbers the markers give. In each
// frame the coordinates are eliminated onto the hand's motion, so that a hand's markers say as much
// of the wrist as they know, and the body's tree is no deeper for them.

namespace understudy::solve {

/// The usual posture of a hand at rest and the covariance of its twenty angles, radians; freedoms
/// digit by digit (subject::kDigitFreedoms) with abduction positive towards the thumb's side. The
/// numbers are ours, reasoned from anatomy: fingers curl together and each on its own, distal
/// joints by two thirds of the middle ones, knuckles with or against the middle joints, fingers
/// fan out, the ring and little finger go along with each other, the thumb opposes.
struct HandHabit {
  std::array<double, subject::kHandFreedoms> mean{};
  std::array<std::array<double, subject::kHandFreedoms>, subject::kHandFreedoms> covariance{};
};

HandHabit usualHandHabit();

/// A hand whose fingers carry markers, laid out once.
struct HandModel {
  subject::Side side = subject::Side::left;
  std::int32_t joint = 0;                                   ///< The hand's, of the skeleton.
  std::array<std::int32_t, subject::kHandJoints> joints{};  ///< Of the skeleton.
  std::vector<std::int32_t> markers;       ///< Of the subject: those on the fingers.
  std::vector<std::int32_t> marker_joint;  ///< Per marker: of the hand's fifteen.
  std::size_t coordinates = 0;
  std::array<double, subject::kHandFreedoms> mean{}, lower_limit{}, upper_limit{};  ///< Radians.
  std::vector<double> basis;  ///< Freedoms x coordinates: radians per unit.
  /// Per joint 4 (x, y, z, w): parent_from_joint at rest times its anatomical axes, and their
  /// inverse.
  std::array<double, 4 * subject::kHandJoints> before{}, after{};
  std::array<double, 3 * subject::kHandJoints>
      translation{};           ///< Per joint 3: parent_from_joint's.
  std::vector<double> offset;  ///< Per marker 3, joint frame.
};

/// The hands of a subject whose fingers carry markers; none for most subjects.
std::vector<HandModel> makeHandModels(const subject::Subject& subject);

/// What is remembered of a hand's fingers between frames.
struct HandState {
  std::vector<double> coordinate, velocity;
  std::vector<double> information;  ///< Lower triangle, row after row; given the hand's own pose.
  bool found = false;               ///< The names of its markers are known.
  double unseen = 0.0;              ///< Seconds since any of its markers was seen.
  double misfit = 0.0;              ///< Mean square distance of its markers of late, square metres.
  double surprise = 0.0;            ///< Mean square error of their predictions of late, per axis.
};

/// Fingers at rest of which nothing is known.
HandState makeHandState(const HandModel& model);

/// Forgets what is known of the fingers.
void forgetFingers(HandState& state);

}  // namespace understudy::solve
