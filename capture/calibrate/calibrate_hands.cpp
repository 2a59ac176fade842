#include "capture/calibrate/calibrate_hands.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "capture/calibrate/hand_doubt.h"
#include "capture/calibrate/hand_sizes.h"
#include "capture/solve/solve_steps.h"
#include "capture/subject/clip_geometry.h"
#include "capture/subject/fingers.h"

namespace understudy::calibrate {
namespace {

using subject::kDigitJoints;
using subject::kDigits;
using subject::kHandJoints;

constexpr int kRounds = 16, kWideRounds = 5;
constexpr double kWideTurn = 0.3, kTurn = 0.06;  // Of a hand in one frame, radians.
constexpr double kSettled = 1e-4;  // A step this short is the last one, metres and radians.
constexpr std::size_t kFewestFrames = 8;
constexpr double kSymmetryShare = 0.05;  // Left bones are as long as right ones, share of them.

// A hand, and which columns of the recording show its markers; -1: none.
struct ShownHand {
  HandSizes sizes;
  std::vector<int> column;
};

glm::dvec3 vectorAt(const double* v) { return {v[0], v[1], v[2]}; }

// The frames with enough of the hand's markers; `column` is each one's in the clip, -1 for none.
std::vector<HandFrame> gatherHand(const file::MarkerClip& clip, const solve::SolveModel& body_model,
                                  const std::vector<PosedFrame>& posed,
                                  const solve::HandModel& model, const std::vector<int>& column) {
  std::vector<HandFrame> frames;
  std::vector<math::RigidTransformd> world(body_model.joints());
  for (const PosedFrame& from : posed) {
    HandFrame frame{.points = std::vector<glm::dvec3>(column.size(), glm::dvec3(0.0)),
                    .seen = std::vector<std::uint8_t>(column.size(), 0),
                    .coordinate = std::vector<double>(model.coordinates, 0.0)};
    std::size_t count = 0;
    for (std::size_t m = 0; m < column.size(); ++m) {
      if (column[m] < 0) continue;
      const glm::vec3& place = clip.at(from.frame, static_cast<std::size_t>(column[m]));
      if (!subject::isSeen(place)) continue;
      frame.points[m] = glm::dvec3(place);
      frame.seen[m] = 1;
      ++count;
    }
    if (2 * count < column.size()) continue;
    solve::worldFromJoints(body_model, from.parent_from_joint, world);
    frame.usual = frame.world_from_hand = world[static_cast<std::size_t>(model.joint)];
    frames.push_back(std::move(frame));
  }
  return frames;
}

// Writes what was found into the subject.
void putHand(const HandSizes& hand, subject::Subject& subject) {
  for (std::size_t j = 0; j < kHandJoints; ++j) {
    math::RigidTransform& rest =
        subject.skeleton.parent_from_joint[static_cast<std::size_t>(hand.model.joints[j])];
    rest.translation = glm::vec3(vectorAt(&hand.model.translation[3 * j]));
    const double *before = &hand.model.before[4 * j], *after = &hand.model.after[4 * j];
    rest.rotation =
        glm::normalize(glm::quat(math::quaternionXyzw(before[0], before[1], before[2], before[3]) *
                                 math::quaternionXyzw(after[0], after[1], after[2], after[3])));
  }
  for (std::size_t m = 0; m < hand.model.markers.size(); ++m) {
    subject.markers[static_cast<std::size_t>(hand.model.markers[m])].offset_joint =
        glm::vec3(vectorAt(&hand.model.offset[3 * m]));
  }
}

// How the joints may be off. What the body leaves open of the hand's turn shows where it has the
// digits' first joints.
void doubtHand(const ShownHand& shown_hand, const SymmetricMatrix& covariance, std::size_t first,
               subject::Subject& subject) {
  const HandSizes& hand = shown_hand.sizes;
  const auto sigmaAt = [&](std::int32_t joint) -> float& {
    return subject.joints[static_cast<std::size_t>(joint)].place_sigma;
  };
  const double shift = static_cast<double>(sigmaAt(hand.model.joint));
  double turned = 0.0, levers = 0.0;
  for (std::size_t digit = 0; digit < kDigits; ++digit) {
    const std::size_t root = digit * kDigitJoints;
    const double sigma = static_cast<double>(sigmaAt(hand.model.joints[root]));
    const glm::dvec3 lever = vectorAt(&hand.model.translation[3 * root]);
    turned += 1.5 * std::max(sigma * sigma - shift * shift, 0.0);
    levers += glm::dot(lever, lever);
  }
  const std::array<double, kHandJoints> sigma =
      HandDoubt{.hand = hand,
                .covariance = covariance,
                .first = first,
                .turn_sigma = std::sqrt(turned / std::max(levers, 1e-6)),
                .shift_sigma = shift}
          .run();
  for (std::size_t j = 0; j < kHandJoints; ++j)
    sigmaAt(hand.model.joints[j]) = static_cast<float>(sigma[j]);
}

// What is known of bones and markers now.
void judgeHand(const ShownHand& shown_hand, const SymmetricMatrix& covariance, std::size_t first,
               SubjectCalibration& result) {
  constexpr double kBent = 0.6;  // Radians that show where a joint is.
  const auto& [hand, column] = shown_hand;
  const subject::Subject& subject = result.subject;
  const auto sigmaAt = [&](std::size_t at) {
    return std::sqrt(covariance.at(first + at, first + at));
  };
  const auto nameOf = [&](std::size_t joint) {
    return subject.skeleton.names[static_cast<std::size_t>(hand.model.joints[joint])];
  };
  for (std::size_t joint = 0; joint < kHandJoints; ++joint) {
    const std::size_t level = joint % kDigitJoints, digit = joint / kDigitJoints;
    if (level == 0) continue;
    const double length = hand.length(digit, level);
    const bool bent = flexionRange(hand, joint) > kBent && flexionRange(hand, joint - 1) > kBent;
    const bool shown = std::any_of(hand.model.marker_joint.begin(), hand.model.marker_joint.end(),
                                   [&](std::int32_t on) {
                                     const auto j = static_cast<std::size_t>(on);
                                     return j / kDigitJoints == digit && j >= joint;
                                   });
    result.sizes.push_back({.kind = SizeKind::bone,
                            .index = static_cast<std::size_t>(hand.model.joints[joint]),
                            .name = nameOf(joint),
                            .value = length,
                            .sigma = sigmaAt(HandSizes::lengthAt(digit, level)),
                            .prior_sigma = kHandLengthShare * length,
                            .observed = bent && shown,
                            .hint = bent && shown ? ""
                                    : shown
                                        ? "make a fist and stretch the fingers: " + nameOf(joint)
                                        : "no marker shows it: it goes along with the others"});
  }
  for (std::size_t m = 0; m < hand.model.markers.size(); ++m) {
    const auto marker = static_cast<std::size_t>(hand.model.markers[m]);
    const auto joint = static_cast<std::size_t>(hand.model.marker_joint[m]);
    double worst = 0.0;
    for (std::size_t k = 0; k < 3; ++k)
      worst = std::max(worst, sigmaAt(HandSizes::offsetAt(m) + k));
    const bool observed = column[m] >= 0 && flexionRange(hand, joint) > kBent;
    result.sizes.push_back({.kind = SizeKind::marker,
                            .index = marker,
                            .name = subject.markers[marker].name,
                            .value = glm::length(vectorAt(&hand.model.offset[3 * m])),
                            .sigma = worst,
                            .prior_sigma = kHandOffsetSigma,
                            .observed = observed,
                            .hint = observed ? "" : "bend and stretch the finger it sits on"});
  }
}

// The hands that the recording shows often enough; of others a warning.
std::vector<ShownHand> gatherHands(const file::MarkerClip& clip,
                                   const solve::SolveModel& body_model,
                                   const std::vector<PosedFrame>& frames,
                                   SubjectCalibration& result) {
  std::vector<ShownHand> hands;
  for (const solve::HandModel& model : solve::makeHandModels(result.subject)) {
    std::vector<int> column;
    for (const std::int32_t marker : model.markers) {
      const auto found = std::find(clip.names.begin(), clip.names.end(),
                                   result.subject.markers[static_cast<std::size_t>(marker)].name);
      column.push_back(found == clip.names.end() ? -1
                                                 : static_cast<int>(found - clip.names.begin()));
    }
    HandSizes sizes{.model = model,
                    .prior = model,
                    .frames = gatherHand(clip, body_model, frames, model, column)};
    if (sizes.frames.size() < kFewestFrames) {
      result.warnings.push_back(fmt::format(
          "the fingers of the {} hand are shown in {} frames only; they stay as usual for its size",
          model.side == subject::Side::left ? "left" : "right", sizes.frames.size()));
      continue;
    }
    hands.push_back({std::move(sizes), std::move(column)});
  }
  return hands;
}

// Bones of the left hand are about as long as those of the right one.
void addSymmetry(const HandSizes& left, const HandSizes& right_hand, SymmetricMatrix& matrix,
                 std::vector<double>& right) {
  for (std::size_t digit = 0; digit < kDigits; ++digit) {
    for (std::size_t bone = 1; bone < kDigitJoints; ++bone) {
      const std::size_t a = HandSizes::lengthAt(digit, bone), b = left.count() + a;
      const double of_left = left.length(digit, bone), of_right = right_hand.length(digit, bone);
      const double sigma = 0.5 * kSymmetryShare * (of_left + of_right);
      const double information = 1.0 / (sigma * sigma), off = information * (of_right - of_left);
      matrix.at(a, a) += information;
      matrix.at(b, b) += information;
      matrix.at(b, a) -= information;
      right[a] += off;
      right[b] -= off;
    }
  }
}

// Fits the sizes of all hands to all frames once; returns the factored system. `moved` becomes the
// longest step, metres or radians.
SymmetricMatrix fitSizes(std::vector<ShownHand>& hands, double& moved) {
  std::size_t count = 0;
  for (const ShownHand& hand : hands) count += hand.sizes.count();
  SymmetricMatrix matrix(count);
  std::vector<double> right(count, 0.0);
  std::size_t first = 0;
  for (ShownHand& hand : hands) {
    fitHandFrames(hand.sizes);
    addHandFrames(hand.sizes, first, matrix, right);
    addHandPrior(hand.sizes, first, matrix, right);
    first += hand.sizes.count();
  }
  if (hands.size() == 2) addSymmetry(hands[0].sizes, hands[1].sizes, matrix, right);
  factor(matrix);
  solveFactored(matrix, right);
  moved = 0.0;
  for (const double step : right) moved = std::max(moved, std::abs(step));
  first = 0;
  for (ShownHand& hand : hands) {
    stepHandSizes(right, first, hand.sizes);
    first += hand.sizes.count();
  }
  return matrix;
}

}  // namespace

void calibrateHands(const file::MarkerClip& clip, const solve::SolveModel& body_model,
                    const std::vector<PosedFrame>& frames, SubjectCalibration& result) {
  std::vector<ShownHand> hands = gatherHands(clip, body_model, frames, result);
  if (hands.empty()) return;
  for (ShownHand& hand : hands) findLie(hand.sizes);
  SymmetricMatrix factored;
  double moved = 1.0;
  for (int round = 0; round < kRounds && (round <= kWideRounds || moved > kSettled); ++round) {
    // At first nothing is known of how the digits lie about the hand.
    for (ShownHand& hand : hands) hand.sizes.frame_turn = round < kWideRounds ? kWideTurn : kTurn;
    factored = fitSizes(hands, moved);
  }
  const SymmetricMatrix covariance = inverseFactored(factored);
  std::size_t first = 0;
  for (const ShownHand& hand : hands) {
    putHand(hand.sizes, result.subject);
    judgeHand(hand, covariance, first, result);
    doubtHand(hand, covariance, first, result.subject);
    first += hand.sizes.count();
  }
}

}  // namespace understudy::calibrate
