#pragma once

#include <array>
#include <glm/glm.hpp>
#include <glm/gtc/quaternion.hpp>
#include <span>
#include <vector>

#include "capture/source/body.h"
#include "capture/source/random.h"
#include "capture/subject/fingers.h"
#include "capture/subject/subject.h"

namespace understudy::source {

/// How the fingers of one hand move, made up: the hand goes through shapes that people make (flat,
/// fist, pointing, counting, pinching, hook, claw, thumb up, ...) in random order, every digit with
/// a delay of its own, and every joint of a digit moves besides in a rhythm of its own. Knows
/// nothing of the synergies that the solver believes in.
class FingerMotion {
 public:
  explicit FingerMotion(Random& random);

  /// Flexion, abduction (towards the thumb's side) and twist of each joint, radians.
  std::array<glm::vec3, subject::kHandJoints> at(double seconds) const;

 private:
  struct Key {
    double begin = 0, lasts = 0;  ///< Of the way to the shape, seconds.
    std::size_t shape = 0;
  };

  std::vector<Key> keys_;
  double length_ = 0;
  std::array<double, subject::kDigits> delay_{};
  std::array<float, subject::kDigits> tip_share_{};  ///< Last joint's flexion per middle one's.
  std::array<std::array<double, 3>, subject::kHandJoints> tone_{};  ///< Speed, phase, reach.
};

/// The true digits of a simulated performer's hand: bones that vary from one to the other, joints
/// whose axes are a little off the ideal ones, and the motion above.
class TrueHand {
 public:
  /// Grows the digits on the hand that `palm`, the body's solid of it, describes; `subject` gets
  /// their joints, stretched at rest, and `solids` their flesh.
  TrueHand(subject::Side side, const BodySolid& palm, float height, Random& random,
           subject::Subject& subject, std::vector<BodySolid>& solids);

  /// Fills the digits' local transforms.
  void pose(double seconds, std::span<math::RigidTransform> parent_from_joint) const;

 private:
  subject::Side side_;
  std::array<std::size_t, subject::kHandJoints> joints_{};
  std::array<glm::vec3, subject::kHandJoints> steps_{};
  std::array<glm::quat, subject::kHandJoints> axes_{};
  FingerMotion motion_;
};

/// The palm alone, where fingers have flesh of their own.
BodySolid palmOf(const BodySolid& hand);

}  // namespace understudy::source
