#include "capture/calibrate/hand_doubt.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "capture/calibrate/hand_equations.h"

namespace understudy::calibrate {
namespace {

using subject::kHandJoints;

// How one coordinate of a joint's place moves with the sizes, and with the hand as the body has it.
struct Effect {
  std::vector<double> of_size;
  std::array<double, kHandMotion> of_hand{};
};

// `axis` of x, y and z. The pose's answer to its own change is in `solved`.
Effect effectOn(HandEquations& system, const HandColumns& sizes, const HandColumns& pose,
                glm::length_t axis, std::vector<double>& solved) {
  const std::size_t numbers = system.pose.size;
  Effect effect{.of_size = std::vector<double>(system.coupling.size() / numbers, 0.0)};
  solved.assign(numbers, 0.0);
  for (std::size_t p = 0; p < pose.count; ++p) solved[pose.at[p]] = pose.moves[p][axis];
  solveFactored(system.pose, solved);
  for (std::size_t a = 0; a < sizes.count; ++a) effect.of_size[sizes.at[a]] = sizes.moves[a][axis];
  for (std::size_t a = 0; a < effect.of_size.size(); ++a) {
    const std::span<const double> met = system.row(a);
    for (std::size_t p = 0; p < numbers; ++p) effect.of_size[a] -= met[p] * solved[p];
  }
  for (std::size_t k = 0; k < kHandMotion; ++k)
    effect.of_hand[k] = solved[numbers - kHandMotion + k];
  return effect;
}

double varianceOf(const HandDoubt& job, const Effect& effect) {
  double variance = 0.0;
  for (std::size_t a = 0; a < effect.of_size.size(); ++a) {
    if (effect.of_size[a] == 0.0) continue;
    double sum = 0.0;
    for (std::size_t b = 0; b < effect.of_size.size(); ++b)
      sum += job.covariance.at(job.first + a, job.first + b) * effect.of_size[b];
    variance += effect.of_size[a] * sum;
  }
  for (std::size_t k = 0; k < kHandMotion; ++k) {
    const double believed = k < 3 ? job.hand.frame_turn : kHandFrameShift;
    const double off = (k < 3 ? job.turn_sigma : job.shift_sigma) / (believed * believed);
    variance += effect.of_hand[k] * effect.of_hand[k] * off * off;
  }
  return std::max(variance, 0.0);
}

}  // namespace

std::array<double, kHandJoints> HandDoubt::run() const {
  constexpr std::size_t kFrames = 8;
  std::array<double, kHandJoints> sigma{};
  const std::size_t step = std::max<std::size_t>(1, hand.frames.size() / kFrames);
  double count = 0.0;
  std::vector<double> solved;
  for (std::size_t f = 0; f < hand.frames.size(); f += step, count += 3.0) {
    const HandFrame& frame = hand.frames[f];
    HandEquations system(hand);
    HandView view;
    for (std::size_t m = 0; m < hand.model.markers.size(); ++m) {
      if (viewMarker(hand, frame, m, view)) system.add(view);
    }
    factor(system.pose);
    for (std::size_t j = 0; j < kHandJoints; ++j) {
      const glm::dvec3& place = frame.world_from_joint[j].translation;
      HandColumns sizes, pose;
      fillSizeColumns(hand, frame, j, place, sizes);
      fillPoseColumns(hand, frame, j, place, pose);
      for (glm::length_t axis = 0; axis < 3; ++axis)
        sigma[j] += varianceOf(*this, effectOn(system, sizes, pose, axis, solved));
    }
  }
  for (double& value : sigma) value = std::sqrt(value / std::max(count, 1.0));
  return sigma;
}

}  // namespace understudy::calibrate
