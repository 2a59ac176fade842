#include "capture/calibrate/calibrate_hands.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "capture/calibrate/dense.h"
#include "capture/solve/fit_hand.h"
#include "capture/solve/solve_steps.h"
#include "capture/subject/clip_geometry.h"
#include "capture/subject/fingers.h"
#include "engine/math/exponential.h"

namespace understudy::calibrate {
namespace {

using subject::kDigitJoints;
using subject::kDigits;
using subject::kHandFreedoms;
using subject::kHandJoints;

constexpr int kRounds = 14, kSteps = 3;
constexpr double kMarkerSigma = 0.0015;            // Of a marker about the fitted hand, metres.
constexpr double kOutlier = 0.015;                 // A marker this far off does not count, metres.
constexpr double kTurnSigma = 0.15;                // Doubt about how the hand lies, radians,
constexpr double kRootSigma = 0.004;               // where a digit begins, metres,
constexpr double kLengthShare = 0.08;              // how long a bone is, share,
constexpr double kOffsetSigma = 0.003;             // where a marker sits, metres.
constexpr std::size_t kTurn = 0, kDigitSizes = 5;  // Root's place, two lengths.
constexpr std::size_t kFewestFrames = 8;

// One frame of a hand.
struct HandFrame {
  math::RigidTransformd world_from_hand;
  std::vector<glm::dvec3> points;
  std::vector<std::uint8_t> seen;
  std::vector<double> coordinate;
  std::array<math::RigidTransformd, kHandJoints> world_from_joint;
};

struct HandCalibration {
  solve::HandModel model;
  solve::HandModel prior;
  std::vector<HandFrame> frames;
  SymmetricMatrix matrix{0};

  std::size_t sizes() const { return 3 + kDigitSizes * kDigits + 3 * model.markers.size(); }
  static std::size_t digitAt(std::size_t digit) { return 3 + kDigitSizes * digit; }
  std::size_t offsetAt(std::size_t marker) const { return 3 + kDigitSizes * kDigits + 3 * marker; }

  void fitFrames();
  void fitSizes();
  void addPrior(std::vector<double>& right);
  void addMarker(const HandFrame& frame, std::size_t marker, std::vector<double>& right);
  void apply(const std::vector<double>& step);
  double flexionRange(std::size_t joint) const;
};

glm::dvec3 vectorAt(const double* v) { return {v[0], v[1], v[2]}; }

void addTo(double* v, const glm::dvec3& step) {
  for (std::size_t k = 0; k < 3; ++k) v[k] += step[static_cast<glm::length_t>(k)];
}

double lengthOf(const double* v) { return std::sqrt(glm::dot(vectorAt(v), vectorAt(v))); }

void HandCalibration::fitFrames() {
  for (HandFrame& frame : frames) {
    solve::FitHand{.model = model,
                   .world_from_hand = frame.world_from_hand,
                   .points = frame.points,
                   .seen = frame.seen,
                   .sigma = kMarkerSigma}
        .run(kSteps, frame.coordinate);
    solve::placeFingerJoints(model, frame.world_from_hand, frame.coordinate,
                             frame.world_from_joint);
  }
}

// What is believed of the sizes: those of the prior.
void HandCalibration::addPrior(std::vector<double>& right) {
  const auto add = [&](std::size_t at, double off, double sigma) {
    matrix.at(at, at) += 1.0 / (sigma * sigma);
    right[at] += off / (sigma * sigma);
  };
  // The turn is written into the model in each round: the prior holds the step back.
  for (std::size_t k = 0; k < 3; ++k) add(kTurn + k, 0.0, kTurnSigma);
  for (std::size_t digit = 0; digit < kDigits; ++digit) {
    const std::size_t root = 3 * digit * kDigitJoints;
    for (std::size_t k = 0; k < 3; ++k)
      add(digitAt(digit) + k, prior.translation[root + k] - model.translation[root + k],
          kRootSigma);
    for (std::size_t bone = 1; bone < kDigitJoints; ++bone) {
      const std::size_t at = root + 3 * bone;
      const double usual = lengthOf(&prior.translation[at]);
      add(digitAt(digit) + 2 + bone, usual - lengthOf(&model.translation[at]),
          kLengthShare * usual);
    }
  }
  for (std::size_t i = 0; i < model.offset.size(); ++i)
    add(offsetAt(0) + i, prior.offset[i] - model.offset[i], kOffsetSigma);
}

void HandCalibration::addMarker(const HandFrame& frame, std::size_t marker,
                                std::vector<double>& right) {
  const auto joint = static_cast<std::size_t>(model.marker_joint[marker]);
  const std::size_t digit = joint / kDigitJoints, level = joint % kDigitJoints;
  const math::RigidTransformd& world = frame.world_from_joint[joint];
  const glm::dvec3 place = world * vectorAt(&model.offset[3 * marker]);
  const glm::dvec3 residual = frame.points[marker] - place;
  if (glm::dot(residual, residual) > kOutlier * kOutlier) return;
  // Columns of what moves this marker, and where they stand.
  std::array<glm::dvec3, 11> column{};
  std::array<std::size_t, 11> at{};
  std::size_t count = 0;
  const auto push = [&](std::size_t index, const glm::dvec3& moves) {
    at[count] = index;
    column[count++] = moves;
  };
  const glm::dmat3 hand_turn = glm::mat3_cast(frame.world_from_hand.rotation);
  const glm::dvec3 lever = place - frame.world_from_hand.translation;
  for (std::size_t k = 0; k < 3; ++k) {
    const glm::dvec3& axis = hand_turn[static_cast<glm::length_t>(k)];
    push(kTurn + k, glm::cross(axis, lever));
    push(digitAt(digit) + k, axis);
  }
  for (std::size_t bone = 1; bone <= level; ++bone) {
    const std::size_t of = digit * kDigitJoints + bone;
    const glm::dvec3 along = vectorAt(&model.translation[3 * of]);
    const double length = lengthOf(&model.translation[3 * of]);
    if (length > 1e-4)
      push(digitAt(digit) + 2 + bone, frame.world_from_joint[of - 1].rotation * (along / length));
  }
  const glm::dmat3 turn = glm::mat3_cast(world.rotation);
  for (std::size_t k = 0; k < 3; ++k)
    push(offsetAt(marker) + k, turn[static_cast<glm::length_t>(k)]);
  constexpr double kInformation = 1.0 / (kMarkerSigma * kMarkerSigma);
  for (std::size_t a = 0; a < count; ++a) {
    right[at[a]] += kInformation * glm::dot(column[a], residual);
    for (std::size_t b = 0; b <= a; ++b)
      matrix.add(at[a], at[b], kInformation * glm::dot(column[a], column[b]));
  }
}

void HandCalibration::fitSizes() {
  matrix = SymmetricMatrix(sizes());
  std::vector<double> right(sizes(), 0.0);
  for (const HandFrame& frame : frames) {
    for (std::size_t m = 0; m < model.markers.size(); ++m) {
      if (frame.seen[m]) addMarker(frame, m, right);
    }
  }
  // Frames that follow each other do not err independently.
  constexpr double kIndependent = 0.15;
  for (double& value : matrix.values) value *= kIndependent;
  for (double& value : right) value *= kIndependent;
  addPrior(right);
  factor(matrix);
  solveFactored(matrix, right);
  apply(right);
}

void HandCalibration::apply(const std::vector<double>& step) {
  const glm::dquat turn = math::rotationFromVector(vectorAt(&step[kTurn]));
  for (std::size_t digit = 0; digit < kDigits; ++digit) {
    const std::size_t root = digit * kDigitJoints;
    double* place = &model.translation[3 * root];
    const glm::dvec3 turned = turn * vectorAt(place) + vectorAt(&step[digitAt(digit)]);
    for (std::size_t k = 0; k < 3; ++k) place[k] = turned[static_cast<glm::length_t>(k)];
    double* before = &model.before[4 * root];
    const glm::dquat axes =
        glm::normalize(turn * math::quaternionXyzw(before[0], before[1], before[2], before[3]));
    const double numbers[] = {axes.x, axes.y, axes.z, axes.w};
    std::copy_n(numbers, 4, before);
    for (std::size_t bone = 1; bone < kDigitJoints; ++bone) {
      double* along = &model.translation[3 * (root + bone)];
      const double length = lengthOf(along);
      if (!(length > 1e-4)) continue;
      addTo(along, vectorAt(along) * (step[digitAt(digit) + 2 + bone] / length));
    }
    // What the prior says of the digit's place turns along.
    double* expected = &prior.translation[3 * root];
    const glm::dvec3 expected_turned = turn * vectorAt(expected);
    for (std::size_t k = 0; k < 3; ++k)
      expected[k] = expected_turned[static_cast<glm::length_t>(k)];
  }
  for (std::size_t i = 0; i < model.offset.size(); ++i) model.offset[i] += step[offsetAt(0) + i];
}

// Between which angles the frames bend a joint.
double HandCalibration::flexionRange(std::size_t joint) const {
  const std::size_t freedom = subject::flexionOf(joint);
  double least = 1e9, most = -1e9;
  for (const HandFrame& frame : frames) {
    double angle = model.mean[freedom];
    for (std::size_t i = 0; i < model.coordinates; ++i)
      angle += model.basis[freedom * model.coordinates + i] * frame.coordinate[i];
    least = std::min(least, angle);
    most = std::max(most, angle);
  }
  return most - least;
}

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
    frame.world_from_hand = world[static_cast<std::size_t>(model.joint)];
    frames.push_back(std::move(frame));
  }
  return frames;
}

// Writes what was found into the subject.
void putHand(const HandCalibration& hand, subject::Subject& subject) {
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

// What is known of bones and markers now.
void judgeHand(const HandCalibration& hand, const std::vector<int>& column,
               SubjectCalibration& result) {
  constexpr double kBent = 0.6;  // Radians that show where a joint is.
  const SymmetricMatrix covariance = inverseFactored(hand.matrix);
  const subject::Subject& subject = result.subject;
  const auto sigmaAt = [&](std::size_t at) { return std::sqrt(covariance.at(at, at)); };
  const auto nameOf = [&](std::size_t joint) {
    return subject.skeleton.names[static_cast<std::size_t>(hand.model.joints[joint])];
  };
  for (std::size_t joint = 0; joint < kHandJoints; ++joint) {
    const std::size_t level = joint % kDigitJoints, digit = joint / kDigitJoints;
    if (level == 0) continue;
    const double length = lengthOf(&hand.model.translation[3 * joint]);
    const bool bent = hand.flexionRange(joint) > kBent && hand.flexionRange(joint - 1) > kBent;
    const bool shown = std::any_of(hand.model.marker_joint.begin(), hand.model.marker_joint.end(),
                                   [&](std::int32_t on) {
                                     const auto j = static_cast<std::size_t>(on);
                                     return j / kDigitJoints == digit && j >= joint;
                                   });
    result.sizes.push_back({.kind = SizeKind::bone,
                            .index = static_cast<std::size_t>(hand.model.joints[joint]),
                            .name = nameOf(joint),
                            .value = length,
                            .sigma = sigmaAt(HandCalibration::digitAt(digit) + 2 + level),
                            .prior_sigma = kLengthShare * length,
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
    for (std::size_t k = 0; k < 3; ++k) worst = std::max(worst, sigmaAt(hand.offsetAt(m) + k));
    const bool observed = column[m] >= 0 && hand.flexionRange(joint) > kBent;
    result.sizes.push_back({.kind = SizeKind::marker,
                            .index = marker,
                            .name = subject.markers[marker].name,
                            .value = lengthOf(&hand.model.offset[3 * m]),
                            .sigma = worst,
                            .prior_sigma = kOffsetSigma,
                            .observed = observed,
                            .hint = observed ? "" : "bend and stretch the finger it sits on"});
  }
}

}  // namespace

void calibrateHands(const file::MarkerClip& clip, const solve::SolveModel& body_model,
                    const std::vector<PosedFrame>& frames, SubjectCalibration& result) {
  for (const solve::HandModel& model : solve::makeHandModels(result.subject)) {
    std::vector<int> column;
    for (const std::int32_t marker : model.markers) {
      const auto found = std::find(clip.names.begin(), clip.names.end(),
                                   result.subject.markers[static_cast<std::size_t>(marker)].name);
      column.push_back(found == clip.names.end() ? -1
                                                 : static_cast<int>(found - clip.names.begin()));
    }
    HandCalibration hand{.model = model,
                         .prior = model,
                         .frames = gatherHand(clip, body_model, frames, model, column)};
    if (hand.frames.size() < kFewestFrames) {
      result.warnings.push_back(fmt::format(
          "the fingers of the {} hand are shown in {} frames only; they stay as usual for its size",
          model.side == subject::Side::left ? "left" : "right", hand.frames.size()));
      continue;
    }
    for (int round = 0; round < kRounds; ++round) {
      hand.fitFrames();
      hand.fitSizes();
    }
    putHand(hand, result.subject);
    judgeHand(hand, column, result);
  }
}

}  // namespace understudy::calibrate
