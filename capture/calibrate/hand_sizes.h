#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <glm/glm.hpp>
#include <vector>

#include "capture/calibrate/dense.h"
#include "capture/solve/hand_model.h"
#include "engine/math/rigid_transform.h"

// What is calibrated of a hand, as one row of numbers: how all of its digits lie about it (a turn,
// 3), of each digit where it begins (3) and the lengths of its first two bones (2), and where each
// marker sits (3). Steps of calibrateHands.

namespace understudy::calibrate {

/// One frame of a hand.
struct HandFrame {
  math::RigidTransformd usual;            ///< World_from_hand as the body has it.
  math::RigidTransformd world_from_hand;  ///< As the fingers' markers have it, too.
  std::vector<glm::dvec3> points;         ///< Per marker, world.
  std::vector<std::uint8_t> seen;
  std::vector<double> coordinate;
  std::array<math::RigidTransformd, subject::kHandJoints> world_from_joint;
};

/// A hand and the frames that show it.
struct HandSizes {
  solve::HandModel model;  ///< As it is believed to be now.
  solve::HandModel prior;  ///< As it was expected; the digits' places turn along.
  std::vector<HandFrame> frames;
  double frame_turn = 0.06;  ///< Doubt about how the body has the hand in one frame, radians.

  std::size_t count() const { return offsetAt(model.markers.size()); }
  static std::size_t rootAt(std::size_t digit) { return 3 + 5 * digit; }
  /// `bone` is 1 or 2: that from the digit's first or second joint.
  static std::size_t lengthAt(std::size_t digit, std::size_t bone) {
    return rootAt(digit) + 2 + bone;
  }
  static std::size_t offsetAt(std::size_t marker) { return rootAt(subject::kDigits) + 3 * marker; }
  /// Metres.
  double length(std::size_t digit, std::size_t bone) const;
};

/// Doubt about sizes before a recording is seen.
inline constexpr double kHandTurnSigma = 0.15;     ///< Radians.
inline constexpr double kHandRootSigma = 0.004;    ///< Metres.
inline constexpr double kHandLengthShare = 0.08;   ///< Of a bone's length.
inline constexpr double kHandOffsetSigma = 0.003;  ///< Metres.

/// Turns the digits about the hand's length as the frames say at a glance: the rest pose of a
/// recording may hold the hand in any way.
void findLie(HandSizes& hand);

/// Fits hand and fingers of every frame to the sizes.
void fitHandFrames(HandSizes& hand);

/// Adds what the frames say of the sizes, their poses (fitHandFrames) eliminated: to the rows of
/// `matrix` and `right` from `first` on.
void addHandFrames(const HandSizes& hand, std::size_t first, SymmetricMatrix& matrix,
                   std::vector<double>& right);

/// Adds what was believed before.
void addHandPrior(const HandSizes& hand, std::size_t first, SymmetricMatrix& matrix,
                  std::vector<double>& right);

/// Changes the sizes by a step, from row `first` on.
void stepHandSizes(const std::vector<double>& step, std::size_t first, HandSizes& hand);

/// Between which angles the frames bend a joint, radians.
double flexionRange(const HandSizes& hand, std::size_t joint);

}  // namespace understudy::calibrate
