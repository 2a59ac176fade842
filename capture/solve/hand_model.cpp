#include "capture/solve/hand_model.h"

#include <algorithm>
#include <cmath>

#include "capture/solve/lane_kernels.h"
#include "capture/subject/anatomy.h"

namespace understudy::solve {
namespace {

using subject::kDigitFreedoms;
using subject::kDigitJoints;
using subject::kDigits;
using subject::kRadiansPerDegree;

constexpr std::size_t kFreedoms = subject::kHandFreedoms;
static_assert(kFreedoms == kHandFreedoms && subject::kHandJoints == kHandJoints);

using Matrix = std::array<std::array<double, kFreedoms>, kFreedoms>;
using Angles = std::array<double, kFreedoms>;

// Degrees, digit after digit: flexion and abduction of the first joint, flexion of the others.
constexpr Angles kMean{8, 4, 14, 18, 20, 2, 30, 20, 25, 0, 34, 23, 27, -1, 35, 23, 27, -4, 32, 21};

// One standard deviation of what moves together.
constexpr Angles kTogether[] = {
    // The hand closes.
    {9, -2, 9, 11, 21, -1, 24, 15, 25, 0, 27, 18, 25, 0, 27, 18, 23, 1, 25, 16},
    // Knuckles against the joints beyond: flat hand on edge, hook.
    {2, 2, 4, -4, 15, 0, -13, -9, 16, 0, -14, -9, 16, 0, -14, -9, 14, 0, -12, -8},
    // The thumb comes over to the fingers.
    {12, -9, 5, -3, 3, 0, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, -1, 0, -1, 0},
    // The hand fans out.
    {-3, 7, -2, -2, -2, 8, -2, -1, -2, 1, -2, -1, -2, -4, -2, -1, -2, -9, -2, -1},
    // The thumb's side points while the little finger's side grips.
    {2, 2, 0, 2, -13, 1, -14, -9, -4, 0, -3, -2, 6, 0, 8, 5, 9, 0, 10, 6},
};

// Of one digit on its own: curls, and knuckle against the joints beyond.
constexpr double kThumbAlone[][kDigitFreedoms] = {{6, 2, 8, 13}, {-6, 4, 8, -6}};
constexpr double kFingerAlone[][kDigitFreedoms] = {{24, 0, 28, 18}, {18, 0, -14, -9}};
// Of one joint on its own.
constexpr double kThumbJoint[] = {7, 8, 7, 9}, kFingerJoint[] = {3, 4.5, 4, 4.5};

void addTogether(const Angles& angles, Matrix& covariance) {
  for (std::size_t r = 0; r < kFreedoms; ++r) {
    for (std::size_t c = 0; c < kFreedoms; ++c)
      covariance[r][c] += kRadiansPerDegree * kRadiansPerDegree * angles[r] * angles[c];
  }
}

// Jacobi's rotations (Golub and Van Loan, "Matrix Computations", section 8.5): the columns of
// `vectors` become the axes of the symmetric matrix, its diagonal their lengths.
void findAxes(Matrix& matrix, Matrix& vectors) {
  for (std::size_t i = 0; i < kFreedoms; ++i) {
    vectors[i].fill(0.0);
    vectors[i][i] = 1.0;
  }
  constexpr int kSweeps = 16;
  for (int sweep = 0; sweep < kSweeps; ++sweep) {
    for (std::size_t p = 0; p < kFreedoms; ++p) {
      for (std::size_t q = p + 1; q < kFreedoms; ++q) {
        if (!(std::abs(matrix[p][q]) > 1e-15)) continue;
        const double theta = (matrix[q][q] - matrix[p][p]) / (2.0 * matrix[p][q]);
        const double t =
            (theta < 0.0 ? -1.0 : 1.0) / (std::abs(theta) + std::sqrt(theta * theta + 1.0));
        const double c = 1.0 / std::sqrt(t * t + 1.0), s = t * c;
        for (std::size_t k = 0; k < kFreedoms; ++k) {
          const double a = matrix[k][p], b = matrix[k][q];
          matrix[k][p] = c * a - s * b;
          matrix[k][q] = s * a + c * b;
        }
        for (std::size_t k = 0; k < kFreedoms; ++k) {
          const double a = matrix[p][k], b = matrix[q][k];
          matrix[p][k] = c * a - s * b;
          matrix[q][k] = s * a + c * b;
          const double u = vectors[k][p], v = vectors[k][q];
          vectors[k][p] = c * u - s * v;
          vectors[k][q] = s * u + c * v;
        }
      }
    }
  }
}

// The coordinates of most variance first.
void fillBasis(const HandHabit& habit, HandModel& model) {
  Matrix matrix = habit.covariance, vectors{};
  findAxes(matrix, vectors);
  std::array<std::size_t, kFreedoms> order{};
  for (std::size_t i = 0; i < kFreedoms; ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return matrix[a][a] > matrix[b][b]; });
  // On a right hand abduction is positive away from the thumb (subject::setFingerModels).
  model.basis.resize(kFreedoms * model.coordinates);
  for (std::size_t f = 0; f < kFreedoms; ++f) {
    const bool mirrored = model.side == subject::Side::right && f % kDigitFreedoms == 1;
    model.mean[f] = mirrored ? -habit.mean[f] : habit.mean[f];
    for (std::size_t i = 0; i < model.coordinates; ++i) {
      const double entry =
          vectors[f][order[i]] * std::sqrt(std::max(matrix[order[i]][order[i]], 0.0));
      model.basis[f * model.coordinates + i] = mirrored ? -entry : entry;
    }
  }
}

void fillJoints(const subject::Subject& subject, HandModel& model) {
  for (std::size_t i = 0; i < kHandJoints; ++i) {
    const std::size_t joint = static_cast<std::size_t>(model.joints[i]);
    const subject::JointModel& motion = subject.joints[joint];
    const math::RigidTransform& rest = subject.skeleton.parent_from_joint[joint];
    const glm::dquat axes = glm::normalize(glm::dquat(motion.joint_from_anatomical));
    const glm::dquat before = glm::normalize(glm::dquat(rest.rotation)) * axes;
    const double turns[] = {before.x, before.y, before.z, before.w,
                            -axes.x,  -axes.y,  -axes.z,  axes.w};
    std::copy_n(turns, 4, model.before.begin() + static_cast<std::ptrdiff_t>(4 * i));
    std::copy_n(turns + 4, 4, model.after.begin() + static_cast<std::ptrdiff_t>(4 * i));
    for (int k = 0; k < 3; ++k)
      model.translation[3 * i + static_cast<std::size_t>(k)] =
          static_cast<double>(rest.translation[k]);
    const std::size_t level = i % kDigitJoints, freedom = subject::flexionOf(i);
    model.lower_limit[freedom] = static_cast<double>(motion.flexion.lower);
    model.upper_limit[freedom] = static_cast<double>(motion.flexion.upper);
    if (level != 0) continue;
    model.lower_limit[freedom + 1] = static_cast<double>(motion.abduction.lower);
    model.upper_limit[freedom + 1] = static_cast<double>(motion.abduction.upper);
  }
}

}  // namespace

HandHabit usualHandHabit() {
  HandHabit habit;
  for (std::size_t f = 0; f < kFreedoms; ++f) habit.mean[f] = kRadiansPerDegree * kMean[f];
  for (const Angles& angles : kTogether) addTogether(angles, habit.covariance);
  for (std::size_t digit = 0; digit < kDigits; ++digit) {
    for (const auto& alone : digit == 0 ? kThumbAlone : kFingerAlone) {
      Angles angles{};
      std::copy(std::begin(alone), std::end(alone), angles.begin() + digit * kDigitFreedoms);
      addTogether(angles, habit.covariance);
    }
    for (std::size_t f = 0; f < kDigitFreedoms; ++f) {
      Angles angles{};
      angles[digit * kDigitFreedoms + f] = digit == 0 ? kThumbJoint[f] : kFingerJoint[f];
      addTogether(angles, habit.covariance);
    }
  }
  return habit;
}

std::vector<HandModel> makeHandModels(const subject::Subject& subject) {
  std::vector<HandModel> models;
  const std::size_t first = subject::bodyMarkerCount(subject);
  if (first == subject.markers.size()) return models;
  for (const subject::Side side : {subject::Side::left, subject::Side::right}) {
    subject::HandJoints joints{};
    if (!subject::findHand(subject, side, joints)) continue;
    HandModel model{.side = side};
    model.joint = subject.skeleton.parents[static_cast<std::size_t>(joints[0])];
    std::copy(joints.begin(), joints.end(), model.joints.begin());
    for (std::size_t m = first; m < subject.markers.size(); ++m) {
      const auto found = std::find(joints.begin(), joints.end(), subject.markers[m].joint);
      if (found == joints.end()) continue;
      model.markers.push_back(static_cast<std::int32_t>(m));
      model.marker_joint.push_back(static_cast<std::int32_t>(found - joints.begin()));
      for (int k = 0; k < 3; ++k)
        model.offset.push_back(static_cast<double>(subject.markers[m].offset_joint[k]));
    }
    if (model.markers.empty()) continue;
    model.coordinates = kMostHandCoordinates;
    fillBasis(usualHandHabit(), model);
    fillJoints(subject, model);
    models.push_back(std::move(model));
  }
  return models;
}

HandState makeHandState(const HandModel& model) {
  HandState state;
  state.coordinate.assign(model.coordinates, 0.0);
  state.velocity.assign(model.coordinates, 0.0);
  state.information.assign(model.coordinates * (model.coordinates + 1) / 2, 0.0);
  forgetFingers(state);
  return state;
}

void forgetFingers(HandState& state) {
  constexpr double kMisfit = 0.001, kSurprise = 0.02;  // Metres.
  std::fill(state.coordinate.begin(), state.coordinate.end(), 0.0);
  std::fill(state.velocity.begin(), state.velocity.end(), 0.0);
  std::fill(state.information.begin(), state.information.end(), 0.0);
  for (std::size_t i = 0; i < state.coordinate.size(); ++i)
    state.information[i * (i + 1) / 2 + i] = 1.0;
  state.found = false;
  state.unseen = 0.0;
  state.misfit = kMisfit * kMisfit;
  state.surprise = kSurprise * kSurprise;
}

}  // namespace understudy::solve
