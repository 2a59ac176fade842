#include "capture/solve/hand_lanes.h"

#include <algorithm>

#include "capture/solve/lane_values.h"

namespace understudy::solve {
namespace {

void take(const LaneValue* values, std::size_t lane, std::vector<double>& numbers) {
  for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = values[i].of[lane];
}

// The arrays of one hand, in order, and how long they are.
template <class Function>
void forEachArray(const LaneHandShape& shape, LaneHandArrays& a, const Function& function) {
  const std::size_t n = shape.coordinates, m = shape.markers, pairs = n * (n + 1) / 2;
  const std::pair<LaneValue**, std::size_t> parts[] = {{&a.before, 4 * kHandJoints},
                                                       {&a.after, 4 * kHandJoints},
                                                       {&a.translation, 3 * kHandJoints},
                                                       {&a.mean, kHandFreedoms},
                                                       {&a.basis, n * kHandFreedoms},
                                                       {&a.lower_limit, kHandFreedoms},
                                                       {&a.upper_limit, kHandFreedoms},
                                                       {&a.offset, 3 * m},
                                                       {&a.coordinate, n},
                                                       {&a.velocity, n},
                                                       {&a.information, pairs},
                                                       {&a.bias, 3 * m},
                                                       {&a.unseen, m},
                                                       {&a.misfit, 1},
                                                       {&a.surprise, 1},
                                                       {&a.seen, m},
                                                       {&a.position, 3 * m},
                                                       {&a.covariance, 6 * m},
                                                       {&a.rotation, 4 * kHandJoints},
                                                       {&a.joint_covariance, 6 * kHandJoints},
                                                       {&a.predicted, n},
                                                       {&a.candidate, n},
                                                       {&a.prior, pairs},
                                                       {&a.factor, pairs},
                                                       {&a.step, n},
                                                       {&a.sides, 7 * n},
                                                       {&a.pose, kHandPoseValues},
                                                       {&a.place, 3 * m},
                                                       {&a.residual, 3 * m},
                                                       {&a.squared_distance, m},
                                                       {&a.marker_information, 6 * m}};
  for (const auto& [pointer, size] : parts) function(*pointer, size);
}

// All zeros if it is not seen.
void readMarker(const frame::LabelledMarker& marker, std::size_t m, std::size_t lane,
                const LaneHandArrays& a) {
  const frame::LabelledMarker shown = marker.confidence > 0.0f ? marker : frame::LabelledMarker{};
  const glm::dmat3 c(shown.covariance);
  const double entries[] = {c[0][0], c[0][1], c[0][2], c[1][1], c[1][2], c[2][2]};
  a.seen[m].of[lane] = static_cast<double>(shown.confidence);
  put(&a.position[3 * m], lane, glm::dvec3(shown.position));
  put(&a.covariance[6 * m], lane, entries);
}

}  // namespace

std::vector<std::int32_t> listHands(const SolveModel& model, std::span<const std::int32_t> place) {
  std::vector<std::int32_t> lists;
  for (const HandModel& hand : model.hands) {
    lists.push_back(place[static_cast<std::size_t>(hand.joint)]);
    lists.push_back(static_cast<std::int32_t>(hand.coordinates));
    lists.push_back(static_cast<std::int32_t>(hand.markers.size()));
    lists.insert(lists.end(), hand.marker_joint.begin(), hand.marker_joint.end());
  }
  return lists;
}

void fillHandShapes(std::span<const std::int32_t> lists, LaneShape& shape) {
  shape.hands = 0;
  for (std::size_t at = 0; at < lists.size(); ++shape.hands) {
    LaneHandShape& hand = shape.hand[shape.hands];
    hand = {.joint = lists[at],
            .coordinates = static_cast<std::size_t>(lists[at + 1]),
            .markers = static_cast<std::size_t>(lists[at + 2]),
            .marker_joint = &lists[at + 3]};
    at += 3 + hand.markers;
  }
}

std::size_t countHandValues(const LaneShape& shape) {
  std::size_t total = 0;
  LaneHandArrays unused;
  for (std::size_t h = 0; h < shape.hands; ++h)
    forEachArray(shape.hand[h], unused, [&](LaneValue*, std::size_t size) { total += size; });
  return total;
}

void fillHandArrays(const LaneShape& shape, LaneValue* values, LaneArrays& arrays) {
  for (std::size_t h = 0; h < shape.hands; ++h) {
    forEachArray(shape.hand[h], arrays.hand[h], [&](LaneValue*& array, std::size_t size) {
      array = values;
      values += size;
    });
  }
}

void fillHandSubject(const SolveModel& model, std::size_t lane, LaneGroup& group) {
  for (std::size_t h = 0; h < group.shape.hands; ++h) {
    const HandModel& hand = model.hands[h];
    LaneHandArrays& a = group.arrays.hand[h];
    put(a.before, lane, hand.before);
    put(a.after, lane, hand.after);
    put(a.translation, lane, hand.translation);
    put(a.offset, lane, hand.offset);
    put(a.mean, lane, hand.mean);
    put(a.basis, lane, hand.basis);
    put(a.lower_limit, lane, hand.lower_limit);
    put(a.upper_limit, lane, hand.upper_limit);
    put(a.information, lane, makeHandState(hand).information);
  }
}

void readHands(const SolveModel& model, const SolveState& state,
               const frame::LabelledSubject& labelled, std::size_t lane, LaneGroup& group) {
  for (std::size_t h = 0; h < group.shape.hands; ++h) {
    const HandModel& hand = model.hands[h];
    const HandState& from = state.hands[h];
    LaneHandArrays& a = group.arrays.hand[h];
    put(a.coordinate, lane, from.coordinate);
    put(a.velocity, lane, from.velocity);
    put(a.information, lane, from.information);
    a.misfit->of[lane] = from.misfit;
    a.surprise->of[lane] = from.surprise;
    for (std::size_t m = 0; m < hand.markers.size(); ++m) {
      const auto marker = static_cast<std::size_t>(hand.markers[m]);
      put(&a.bias[3 * m], lane, state.bias[marker]);
      a.unseen[m].of[lane] = state.unseen[marker];
      readMarker(labelled.markers[marker], m, lane, a);
    }
  }
}

void restHands(std::size_t lane, LaneGroup& group) {
  for (std::size_t h = 0; h < group.shape.hands; ++h) {
    for (std::size_t m = 0; m < group.shape.hand[h].markers; ++m)
      group.arrays.hand[h].seen[m].of[lane] = 0.0;
  }
}

void writeHands(const SolveModel& model, const LaneGroup& group, std::size_t lane, double seconds,
                SolveState& state, frame::SkeletonPose& pose) {
  for (std::size_t h = 0; h < group.shape.hands; ++h) {
    const HandModel& hand = model.hands[h];
    const LaneHandArrays& a = group.arrays.hand[h];
    HandState& to = state.hands[h];
    take(a.coordinate, lane, to.coordinate);
    take(a.velocity, lane, to.velocity);
    take(a.information, lane, to.information);
    to.unseen += seconds;
    to.misfit = a.misfit->of[lane];
    to.surprise = a.surprise->of[lane];
    for (std::size_t m = 0; m < hand.markers.size(); ++m) {
      const auto marker = static_cast<std::size_t>(hand.markers[m]);
      state.bias[marker] = vectorAt(&a.bias[3 * m], lane);
      state.unseen[marker] = a.unseen[m].of[lane];
      if (!(state.unseen[marker] > 0.0)) to.unseen = 0.0;
    }
    for (std::size_t j = 0; j < kHandJoints; ++j) {
      const auto joint = static_cast<std::size_t>(hand.joints[j]);
      state.place[joint] = vectorAt(&a.pose[kHandPosePlaces + 3 * j], lane);
      state.parent_from_joint[joint].rotation =
          glm::normalize(rotationAt(&a.rotation[4 * j], lane));
      pose.covariance[joint] = symmetricAt(&a.joint_covariance[6 * j], lane);
    }
  }
}

void publishFingers(const SolveModel& model, const SolveState& state, frame::SkeletonPose& pose) {
  for (std::size_t h = 0; h < model.hands.size(); ++h) {
    const HandModel& hand = model.hands[h];
    for (std::size_t j = 0; j < kHandJoints; ++j) {
      const auto joint = static_cast<std::size_t>(hand.joints[j]);
      bool shown = false;
      for (std::size_t m = 0; m < hand.markers.size() && !shown; ++m) {
        const auto at = static_cast<std::size_t>(hand.marker_joint[m]);
        shown = at / subject::kDigitJoints == j / subject::kDigitJoints &&
                state.unseen[static_cast<std::size_t>(hand.markers[m])] <= 0.0;
      }
      pose.predicted[joint] = shown ? 0 : 1;
      if (!state.tracked) continue;
      const bool is_saddle = j % subject::kDigitJoints == 0;
      const std::size_t freedom = subject::flexionOf(j);
      const auto rate = [&](std::size_t f) {
        double sum = 0.0;
        for (std::size_t i = 0; i < hand.coordinates; ++i)
          sum += hand.basis[f * hand.coordinates + i] * state.hands[h].velocity[i];
        return sum;
      };
      const glm::dvec3 turning(rate(freedom), 0.0, is_saddle ? rate(freedom + 1) : 0.0);
      const glm::dquat parent_from_axes =
          state.parent_from_joint[joint].rotation *
          glm::conjugate(math::quaternionXyzw(hand.after[4 * j], hand.after[4 * j + 1],
                                              hand.after[4 * j + 2], hand.after[4 * j + 3]));
      pose.angular_velocity[joint] = glm::vec3(parent_from_axes * turning);
    }
  }
}

}  // namespace understudy::solve
