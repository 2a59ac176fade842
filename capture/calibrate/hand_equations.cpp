#include "capture/calibrate/hand_equations.h"

#include "capture/subject/fingers.h"
#include "engine/math/exponential.h"

namespace understudy::calibrate {
namespace {

using subject::kDigitFreedoms;
using subject::kDigitJoints;

constexpr double kInformation = 1.0 / (kHandMarkerSigma * kHandMarkerSigma);

glm::dvec3 vectorAt(const double* v) { return {v[0], v[1], v[2]}; }

// How a marker moves with its own place on its joint.
void fillOffsetColumns(const HandSizes& hand, const HandFrame& frame, std::size_t marker,
                       HandColumns& columns) {
  const auto joint = static_cast<std::size_t>(hand.model.marker_joint[marker]);
  const glm::dmat3 turn = glm::mat3_cast(frame.world_from_joint[joint].rotation);
  for (std::size_t k = 0; k < 3; ++k)
    columns.push(HandSizes::offsetAt(marker) + k, turn[static_cast<glm::length_t>(k)]);
}

}  // namespace

void fillSizeColumns(const HandSizes& hand, const HandFrame& frame, std::size_t joint,
                     const glm::dvec3& place, HandColumns& columns) {
  const std::size_t digit = joint / kDigitJoints, level = joint % kDigitJoints;
  const glm::dmat3 hand_turn = glm::mat3_cast(frame.world_from_hand.rotation);
  const glm::dvec3 lever = place - frame.world_from_hand.translation;
  for (std::size_t k = 0; k < 3; ++k) {
    const glm::dvec3& axis = hand_turn[static_cast<glm::length_t>(k)];
    columns.push(k, glm::cross(axis, lever));
    columns.push(HandSizes::rootAt(digit) + k, axis);
  }
  for (std::size_t bone = 1; bone <= level; ++bone) {
    const std::size_t of = digit * kDigitJoints + bone;
    const double length = hand.length(digit, bone);
    if (!(length > 1e-4)) continue;
    const glm::dvec3 along = vectorAt(&hand.model.translation[3 * of]) / length;
    columns.push(HandSizes::lengthAt(digit, bone), frame.world_from_joint[of - 1].rotation * along);
  }
}

void fillPoseColumns(const HandSizes& hand, const HandFrame& frame, std::size_t joint,
                     const glm::dvec3& place, HandColumns& columns) {
  const solve::HandModel& model = hand.model;
  const std::size_t digit = joint / kDigitJoints;
  for (std::size_t i = 0; i < model.coordinates; ++i) columns.push(i, glm::dvec3(0.0));
  for (std::size_t f = 0; f < joint % kDigitJoints + 2; ++f) {
    const std::size_t of = digit * kDigitJoints + (f < 2 ? 0 : f - 1);
    const math::RigidTransformd& world = frame.world_from_joint[of];
    const auto quaternion = [](const double* q) {
      return math::quaternionXyzw(q[0], q[1], q[2], q[3]);
    };
    // The first joint bends before it is led aside.
    const glm::dquat axes = f == 0
                                ? frame.world_from_hand.rotation * quaternion(&model.before[4 * of])
                                : world.rotation * glm::conjugate(quaternion(&model.after[4 * of]));
    const glm::dvec3 axis = axes * (f == 1 ? glm::dvec3(0, 0, 1) : glm::dvec3(1, 0, 0));
    const glm::dvec3 column = glm::cross(axis, place - world.translation);
    const double* row = &model.basis[(digit * kDigitFreedoms + f) * model.coordinates];
    for (std::size_t i = 0; i < model.coordinates; ++i) columns.moves[i] += row[i] * column;
  }
  for (std::size_t k = 0; k < 3; ++k) {
    glm::dvec3 axis(0.0);
    axis[static_cast<glm::length_t>(k)] = 1.0;
    columns.push(model.coordinates + k,
                 glm::cross(axis, place - frame.world_from_hand.translation));
    columns.push(model.coordinates + 3 + k, axis);
  }
}

bool viewMarker(const HandSizes& hand, const HandFrame& frame, std::size_t marker, HandView& view) {
  if (!frame.seen[marker]) return false;
  const auto joint = static_cast<std::size_t>(hand.model.marker_joint[marker]);
  const glm::dvec3 place = frame.world_from_joint[joint] * vectorAt(&hand.model.offset[3 * marker]);
  view = {};
  view.residual = frame.points[marker] - place;
  if (glm::dot(view.residual, view.residual) > kHandOutlier * kHandOutlier) return false;
  fillSizeColumns(hand, frame, joint, place, view.sizes);
  fillOffsetColumns(hand, frame, marker, view.sizes);
  fillPoseColumns(hand, frame, joint, place, view.pose);
  return true;
}

HandEquations::HandEquations(const HandSizes& hand)
    : pose(hand.model.coordinates + kHandMotion), coupling(hand.count() * pose.size, 0.0) {
  for (std::size_t i = 0; i < pose.size; ++i) {
    const double sigma = i < hand.model.coordinates       ? 1.0
                         : i < hand.model.coordinates + 3 ? hand.frame_turn
                                                          : kHandFrameShift;
    pose.at(i, i) = 1.0 / (sigma * sigma);
  }
}

void HandEquations::add(const HandView& view) {
  for (std::size_t a = 0; a < view.sizes.count; ++a) {
    for (std::size_t p = 0; p < view.pose.count; ++p)
      row(view.sizes.at[a])[view.pose.at[p]] +=
          kInformation * glm::dot(view.sizes.moves[a], view.pose.moves[p]);
  }
  for (std::size_t a = 0; a < view.pose.count; ++a) {
    for (std::size_t b = 0; b < view.pose.count; ++b) {
      if (view.pose.at[b] <= view.pose.at[a])
        pose.at(view.pose.at[a], view.pose.at[b]) +=
            kInformation * glm::dot(view.pose.moves[a], view.pose.moves[b]);
    }
  }
}

}  // namespace understudy::calibrate
