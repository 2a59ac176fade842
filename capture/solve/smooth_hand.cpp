#include "capture/solve/smooth_hand.h"

#include <algorithm>
#include <cmath>

#include "capture/solve/hand_math_single.inl"

namespace understudy::solve {

SmootherHand makeSmootherHand(const HandModel& model) {
  const std::size_t n = model.coordinates;
  return {.coordinate = std::vector<double>(n, 0.0),
          .expected = std::vector<double>(n, 0.0),
          .factor = std::vector<double>(n * (n + 1) / 2, 0.0)};
}

void keepHand(const HandModel& model, const HandState& solved, std::span<const double> unseen,
              double seconds, SmootherHand& frame) {
  const std::size_t n = model.coordinates;
  double squares = 0.0, hidden = 0.0;
  for (const double speed : solved.velocity) squares += speed * speed;
  for (const std::int32_t marker : model.markers)
    hidden += unseen[static_cast<std::size_t>(marker)] > 0.0 ? 1.0 : 0.0;
  const double share = hidden / static_cast<double>(model.markers.size());
  const double damping = std::max(0.0, 1.0 - share * seconds / kHandDamping);
  const double speed = std::sqrt(squares / static_cast<double>(n));
  const double index =
      std::min(1.0, (kHandAcceleration + kHandTempo * speed) * seconds * seconds / kHandNoise);
  const double drift = 2.0 * kHandNoise * kHandNoise * index;
  frame.coordinate = solved.coordinate;
  for (std::size_t i = 0; i < n; ++i) {
    frame.expected[i] = solved.coordinate[i] + damping * seconds * solved.velocity[i];
    for (std::size_t j = 0; j <= i; ++j)
      frame.factor[rowOf(i) + j] = drift * solved.information[rowOf(i) + j];
    frame.factor[rowOf(i) + i] += 1.0;
  }
  factorHand(frame.factor.data(), n);
}

void stepHandBack(const SmootherHand& frame, std::span<double> coordinate) {
  const std::size_t n = coordinate.size();
  double off[kMostHandCoordinates][1];
  for (std::size_t i = 0; i < n; ++i) off[i][0] = coordinate[i] - frame.expected[i];
  solveLower(frame.factor.data(), n, off);
  solveUpper(frame.factor.data(), n, &off[0][0]);
  for (std::size_t i = 0; i < n; ++i) coordinate[i] = frame.coordinate[i] + off[i][0];
}

}  // namespace understudy::solve
