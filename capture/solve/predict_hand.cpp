#include "capture/solve/predict_hand.h"

#include <algorithm>
#include <cmath>

#include "capture/solve/fit_hand.h"
#include "capture/solve/lane_kernels.h"

namespace understudy::solve {

void PredictHand::run() const {
  constexpr double kCreep = 0.05, kMostCreep = 0.02;  // Metres a second, metres.
  const HandState& fingers = state.hands[hand_index];
  if (!state.tracked || !fingers.found) return;
  double coordinate[kMostHandCoordinates];
  const std::size_t n = hand.coordinates, count = hand.markers.size();
  for (std::size_t i = 0; i < n; ++i)
    coordinate[i] = fingers.coordinate[i] + fingers.velocity[i] * seconds_ahead;
  glm::dvec3 places[subject::kMostHandMarkers], bias[subject::kMostHandMarkers];
  std::int32_t hidden[subject::kMostHandMarkers];
  double doubt[subject::kMostHandMarkers];
  std::size_t hidden_count = 0;
  for (std::size_t m = 0; m < count; ++m) {
    const auto marker = static_cast<std::size_t>(hand.markers[m]);
    bias[m] = state.bias[marker];
    if (state.unseen[marker] > 0.0) hidden[hidden_count++] = static_cast<std::int32_t>(m);
  }
  const std::span<const double> at(coordinate, n);
  placeFingerMarkers(hand, world_from_hand, at, {bias, count}, {places, count});
  if (hidden_count > 0) {
    DoubtFingers{.model = hand,
                 .world_from_hand = world_from_hand,
                 .coordinate = at,
                 .information = fingers.information}
        .run({hidden, hidden_count}, {doubt, hidden_count});
  }
  const double longer = std::max(1.0, seconds_ahead / state.surprise_seconds);
  const double growth = longer * longer * longer * longer;
  const double usual =
      settings.smallest_sigma * settings.smallest_sigma +
      growth * (fingers.surprise + state.surprise[static_cast<std::size_t>(hand.joint)]);
  std::size_t next_hidden = 0;
  for (std::size_t m = 0; m < count; ++m) {
    const double unseen = state.unseen[static_cast<std::size_t>(hand.markers[m])];
    double variance = usual;
    if (unseen > 0.0) {
      const double crept = std::min(kCreep * unseen, kMostCreep);
      variance += settings.finger_sigma * settings.finger_sigma + crept * crept +
                  0.5 * doubt[next_hidden++];
    }
    markers.push_back({.subject = slots,
                       .marker = static_cast<std::uint32_t>(m),
                       .position = glm::vec3(places[m]),
                       .sigma = static_cast<float>(std::sqrt(variance))});
  }
}

}  // namespace understudy::solve
