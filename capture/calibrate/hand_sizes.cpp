#include "capture/calibrate/hand_sizes.h"

#include <algorithm>
#include <cmath>

#include "capture/calibrate/hand_equations.h"
#include "capture/solve/fit_hand.h"
#include "engine/math/exponential.h"

namespace understudy::calibrate {
namespace {

using subject::kDigitJoints;
using subject::kDigits;

constexpr double kIndependent = 0.15;  // Frames that follow each other do not err independently.

glm::dvec3 vectorAt(const double* v) { return {v[0], v[1], v[2]}; }

void put(double* v, const glm::dvec3& vector) {
  for (std::size_t k = 0; k < 3; ++k) v[k] = vector[static_cast<glm::length_t>(k)];
}

void addFrame(const HandSizes& hand, const HandFrame& frame, std::size_t first,
              SymmetricMatrix& matrix, std::vector<double>& right) {
  constexpr double kInformation = 1.0 / (kHandMarkerSigma * kHandMarkerSigma);
  HandEquations system(hand);
  HandView view;
  for (std::size_t m = 0; m < hand.model.markers.size(); ++m) {
    if (!viewMarker(hand, frame, m, view)) continue;
    const HandColumns& sizes = view.sizes;
    for (std::size_t a = 0; a < sizes.count; ++a) {
      const std::size_t row = first + sizes.at[a];
      right[row] += kIndependent * kInformation * glm::dot(sizes.moves[a], view.residual);
      for (std::size_t b = 0; b <= a; ++b)
        matrix.add(row, first + sizes.at[b],
                   kIndependent * kInformation * glm::dot(sizes.moves[a], sizes.moves[b]));
    }
    system.add(view);
  }
  factor(system.pose);
  std::vector<double> solved(system.pose.size);
  for (std::size_t a = 0; a < hand.count(); ++a) {
    const std::span<double> own = system.row(a);
    solved.assign(own.begin(), own.end());
    solveFactored(system.pose, solved);
    for (std::size_t b = 0; b <= a; ++b) {
      const std::span<double> other = system.row(b);
      double sum = 0.0;
      for (std::size_t i = 0; i < solved.size(); ++i) sum += solved[i] * other[i];
      matrix.at(first + a, first + b) -= kIndependent * sum;
    }
  }
}

}  // namespace

double HandSizes::length(std::size_t digit, std::size_t bone) const {
  return glm::length(vectorAt(&model.translation[3 * (digit * kDigitJoints + bone)]));
}

void fitHandFrames(HandSizes& hand) {
  constexpr int kSteps = 12;
  for (HandFrame& frame : hand.frames) {
    solve::FitHand{.model = hand.model,
                   .world_from_hand = frame.world_from_hand,
                   .points = frame.points,
                   .seen = frame.seen,
                   .sigma = kHandMarkerSigma,
                   .turn_sigma = hand.frame_turn,
                   .shift_sigma = kHandFrameShift,
                   .usual = &frame.usual}
        .run(kSteps, frame.coordinate);
    solve::placeFingerJoints(hand.model, frame.world_from_hand, frame.coordinate,
                             frame.world_from_joint);
  }
}

void addHandFrames(const HandSizes& hand, std::size_t first, SymmetricMatrix& matrix,
                   std::vector<double>& right) {
  for (const HandFrame& frame : hand.frames) addFrame(hand, frame, first, matrix, right);
}

void addHandPrior(const HandSizes& hand, std::size_t first, SymmetricMatrix& matrix,
                  std::vector<double>& right) {
  const auto add = [&](std::size_t at, double off, double sigma) {
    matrix.at(first + at, first + at) += 1.0 / (sigma * sigma);
    right[first + at] += off / (sigma * sigma);
  };
  // The turn is written into the model in each round: the prior holds the step back.
  for (std::size_t k = 0; k < 3; ++k) add(k, 0.0, kHandTurnSigma);
  for (std::size_t digit = 0; digit < kDigits; ++digit) {
    const std::size_t root = 3 * digit * kDigitJoints;
    for (std::size_t k = 0; k < 3; ++k)
      add(HandSizes::rootAt(digit) + k,
          hand.prior.translation[root + k] - hand.model.translation[root + k], kHandRootSigma);
    for (std::size_t bone = 1; bone < kDigitJoints; ++bone) {
      const double usual = glm::length(vectorAt(&hand.prior.translation[root + 3 * bone]));
      add(HandSizes::lengthAt(digit, bone), usual - hand.length(digit, bone),
          kHandLengthShare * usual);
    }
  }
  for (std::size_t i = 0; i < hand.model.offset.size(); ++i)
    add(HandSizes::offsetAt(0) + i, hand.prior.offset[i] - hand.model.offset[i], kHandOffsetSigma);
}

namespace {

// Turns all digits about the hand, and what is expected of them.
void turnDigits(const glm::dquat& turn, HandSizes& hand) {
  for (std::size_t digit = 0; digit < kDigits; ++digit) {
    const std::size_t root = digit * kDigitJoints;
    for (solve::HandModel* model : {&hand.model, &hand.prior}) {
      double* place = &model->translation[3 * root];
      put(place, turn * vectorAt(place));
    }
    double* before = &hand.model.before[4 * root];
    const glm::dquat axes =
        glm::normalize(turn * math::quaternionXyzw(before[0], before[1], before[2], before[3]));
    const double numbers[] = {axes.x, axes.y, axes.z, axes.w};
    std::copy_n(numbers, 4, before);
  }
}

// What the fitted frames cost, in squared sigmas.
double costOfFrames(const HandSizes& hand) {
  constexpr double kMost = kHandOutlier * kHandOutlier;
  double cost = 0.0;
  for (const HandFrame& frame : hand.frames) {
    for (const double c : frame.coordinate) cost += c * c;
    const glm::dvec3 turned = math::vectorFromRotation(frame.world_from_hand.rotation *
                                                       glm::conjugate(frame.usual.rotation));
    cost += glm::dot(turned, turned) / (hand.frame_turn * hand.frame_turn);
    for (std::size_t m = 0; m < hand.model.markers.size(); ++m) {
      if (!frame.seen[m]) continue;
      const auto joint = static_cast<std::size_t>(hand.model.marker_joint[m]);
      const glm::dvec3 off =
          frame.points[m] - frame.world_from_joint[joint] * vectorAt(&hand.model.offset[3 * m]);
      cost += std::min(glm::dot(off, off), kMost) / (kHandMarkerSigma * kHandMarkerSigma);
    }
  }
  return cost;
}

}  // namespace

void findLie(HandSizes& hand) {
  constexpr std::size_t kFrames = 24, kTurns = 12;
  constexpr double kFullTurn = 6.283185307179586, kWide = 0.15;
  glm::dvec3 along(0.0);
  for (std::size_t digit = 1; digit < kDigits; ++digit)
    along += vectorAt(&hand.model.translation[3 * digit * kDigitJoints]);
  if (!(glm::length(along) > 1e-3)) return;
  HandSizes few{.model = hand.model, .prior = hand.prior, .frame_turn = kWide};
  const std::size_t step = std::max<std::size_t>(1, hand.frames.size() / kFrames);
  for (std::size_t f = 0; f < hand.frames.size(); f += step) few.frames.push_back(hand.frames[f]);
  double least = 1e300;
  glm::dquat best(1.0, 0.0, 0.0, 0.0);
  for (std::size_t k = 0; k < kTurns; ++k) {
    const double angle = kFullTurn * static_cast<double>(k) / static_cast<double>(kTurns);
    const glm::dquat turn = math::rotationFromVector(angle * glm::normalize(along));
    HandSizes trial = few;
    turnDigits(turn, trial);
    fitHandFrames(trial);
    const double cost = costOfFrames(trial);
    if (!(cost < least)) continue;
    least = cost;
    best = turn;
  }
  turnDigits(best, hand);
}

void stepHandSizes(const std::vector<double>& step, std::size_t first, HandSizes& hand) {
  constexpr double kFarthest = 0.25;  // Radians.
  constexpr double kLongest = 0.006;  // Metres.
  std::vector<double> own(step.begin() + static_cast<std::ptrdiff_t>(first),
                          step.begin() + static_cast<std::ptrdiff_t>(first + hand.count()));
  double share = 1.0;
  for (std::size_t i = 0; i < own.size(); ++i)
    share = std::min(share, (i < 3 ? kFarthest : kLongest) / std::max(std::abs(own[i]), 1e-12));
  for (double& value : own) value *= share;
  const glm::dquat turn = math::rotationFromVector(vectorAt(&own[0]));
  for (HandFrame& frame : hand.frames)  // The fingers stay where they are.
    frame.world_from_hand.rotation =
        glm::normalize(frame.world_from_hand.rotation * glm::conjugate(turn));
  turnDigits(turn, hand);
  for (std::size_t digit = 0; digit < kDigits; ++digit) {
    const std::size_t root = digit * kDigitJoints;
    double* place = &hand.model.translation[3 * root];
    put(place, vectorAt(place) + vectorAt(&own[HandSizes::rootAt(digit)]));
    for (std::size_t bone = 1; bone < kDigitJoints; ++bone) {
      const double length = hand.length(digit, bone);
      if (!(length > 1e-4)) continue;
      double* along = &hand.model.translation[3 * (root + bone)];
      put(along, vectorAt(along) * (1.0 + own[HandSizes::lengthAt(digit, bone)] / length));
    }
  }
  for (std::size_t i = 0; i < hand.model.offset.size(); ++i)
    hand.model.offset[i] += own[HandSizes::offsetAt(0) + i];
}

double flexionRange(const HandSizes& hand, std::size_t joint) {
  const solve::HandModel& model = hand.model;
  const std::size_t freedom = subject::flexionOf(joint);
  double least = 1e9, most = -1e9;
  for (const HandFrame& frame : hand.frames) {
    double angle = model.mean[freedom];
    for (std::size_t i = 0; i < model.coordinates; ++i)
      angle += model.basis[freedom * model.coordinates + i] * frame.coordinate[i];
    least = std::min(least, angle);
    most = std::max(most, angle);
  }
  return most - least;
}

}  // namespace understudy::calibrate
