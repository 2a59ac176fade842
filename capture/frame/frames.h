#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <glm/glm.hpp>
#include <utility>
#include <vector>

#include "engine/core/stamp.h"
#include "engine/math/rigid_transform.h"

namespace understudy::frame {

/// One bright blob as a camera measured it.
struct Centroid {
  float x_px = 0, y_px = 0;  ///< Position in the distorted image.
  float radius_px = 0;       ///< Radius of the disc of the same area.
  float elongation = 1;      ///< Longer over shorter axis, >= 1; a merged blob is long.
};

/// What one camera saw of one exposure.
struct CameraCentroids {
  std::uint32_t camera = 0;
  bool received = false;  ///< False: the camera's packet is missing.
  std::vector<Centroid> centroids;
};

/// What all cameras saw of one exposure; the record of what was matched, never a gate.
struct CentroidFrame {
  core::Stamp stamp;
  std::vector<CameraCentroids> cameras;  ///< One per camera of the rig.
};

/// As the subject of a prediction: a marker without a name is followed there.
inline constexpr std::uint32_t kNoSubject = 0xffffffffu;

/// Where the solver expects one marker.
struct PredictedMarker {
  std::uint32_t subject = 0;  ///< Index of the subject, or kNoSubject.
  std::uint32_t marker = 0;   ///< Index in Subject::markers; without a subject, of the track.
  glm::vec3 position{0};      ///< World, metres.
  float sigma = 0;            ///< Standard deviation of the prediction per axis, metres.
};

struct PredictedMarkers {
  core::Stamp stamp;                     ///< The exposure that is predicted.
  std::vector<PredictedMarker> markers;  ///< By subject; those without one last.
};

inline constexpr std::int32_t kNoPrediction = -1;

/// A reconstructed 3D marker.
struct Marker {
  glm::vec3 position{0};    ///< World, metres.
  glm::mat3 covariance{0};  ///< Square metres.
  float residual_px = 0;    ///< RMS distance between rays and centroids.
  std::uint16_t rays = 0;   ///< Number of cameras.
  float angle =
      0;  ///< Between two of its rays, radians: the largest where they are few, else at least this.
  std::int32_t prediction = kNoPrediction;  ///< Index in PredictedMarkers that it was matched to.
  std::uint32_t track = 0;  ///< Of an unlabelled marker: the same from frame to frame; 0 = none.
};

struct MarkerCloud {
  core::Stamp stamp;
  std::vector<Marker> markers;
};

/// One slot of a subject.
struct LabelledMarker {
  glm::vec3 position{0};
  glm::mat3 covariance{0};
  float confidence = 0;  ///< 0 = not seen in this frame.
};

struct LabelledSubject {
  bool tracked = false;                 ///< False: the subject is not recognised at present.
  std::vector<LabelledMarker> markers;  ///< One per marker of the subject.
};

/// Markers without a name that one frame can hold.
inline constexpr std::size_t kMostUnlabelled = 4096;

struct LabelledMarkers {
  core::Stamp stamp;
  std::vector<LabelledSubject> subjects;
  std::vector<Marker> unlabelled;
};

/// The solved skeleton of one subject. Vectors have one entry per joint of the subject's skeleton.
struct SkeletonPose {
  core::Stamp stamp;
  std::uint32_t subject = 0;
  bool tracked = false;  ///< False: held, not solved.
  float presence = 0;    ///< Share of it that is shown: 1 = solved or held, less while it fades,
                         ///< 0 = lost for long, or never found.
  std::vector<math::RigidTransform> parent_from_joint;
  std::vector<glm::vec3> angular_velocity;  ///< Of the joint against its parent, parent's frame,
                                            ///< rad/s: in the mean of the next 20 ms, as foreseen.
  std::vector<glm::vec3> velocity;          ///< Of the joint's translation, m/s, likewise.
  std::vector<glm::mat3> covariance;        ///< Of the joint's place in the world, square metres.
  std::vector<float> foreseen_sigma;  ///< Per axis: how far off the joint's place may be after the
                                      ///< time that the velocities foresee, besides; metres.
  std::vector<std::uint8_t> predicted;  ///< 1 = no marker measured this joint in this frame.
  float residual_mm = 0;                ///< RMS distance of markers from the model.
};

/// A pose with room for so many joints, at rest in their parents, without a subject.
inline SkeletonPose makeSkeletonPose(std::size_t joints) {
  SkeletonPose pose;
  pose.parent_from_joint.resize(joints);
  pose.angular_velocity.resize(joints);
  pose.velocity.resize(joints);
  pose.covariance.assign(joints, glm::mat3(0.0f));
  pose.foreseen_sigma.resize(joints);
  pose.predicted.resize(joints);
  return pose;
}

enum class CaptureEventKind : std::uint8_t {
  camera_lost,
  camera_back,
  swap_corrected,
  calibration_changed,
  frame_degraded,
  subject_found,
  subject_lost
};

/// As the other subject of an exchange: a place beside all slots, empty at first.
inline constexpr std::uint16_t kSparePlace = 0xffff;
inline constexpr std::size_t kMostSparePlaces = 16;

/// Two slots whose contents are to be exchanged; either may be empty. What a spare place is left
/// with has no name.
struct SlotExchange {
  std::uint16_t subject = 0, marker = 0;
  std::uint16_t other_subject = 0, other_marker = 0;
};

inline constexpr std::size_t kMostExchanges = 8;

/// Something that happened; fixed size.
struct CaptureEvent {
  CaptureEventKind kind = CaptureEventKind::frame_degraded;
  /// Of a swap: the frames that were given out with wrong names.
  std::uint64_t first_sequence = 0, last_sequence = 0;
  std::uint32_t subject = 0;         ///< Or the camera. Of a swap: the first exchange's subject.
  std::uint32_t exchange_count = 0;  ///< Of a swap; 0 for all other kinds.
  /// What puts these frames right: exchanges, to be made one after the other.
  std::array<SlotExchange, kMostExchanges> exchanges{};
};

/// Puts a frame right that was given out before its swap was found. Does nothing for other kinds of
/// events, for frames outside the event's range and for slots that are not there.
inline void applyCorrection(const CaptureEvent& event, LabelledMarkers& labels) {
  if (event.kind != CaptureEventKind::swap_corrected) return;
  if (labels.stamp.sequence < event.first_sequence || labels.stamp.sequence > event.last_sequence)
    return;
  std::array<LabelledMarker, kMostSparePlaces> spare{};
  const auto slot = [&](std::size_t subject, std::size_t marker) -> LabelledMarker* {
    if (subject == kSparePlace) return marker < spare.size() ? &spare[marker] : nullptr;
    if (subject >= labels.subjects.size()) return nullptr;
    std::vector<LabelledMarker>& markers = labels.subjects[subject].markers;
    return marker < markers.size() ? &markers[marker] : nullptr;
  };
  const std::size_t count = std::min<std::size_t>(event.exchange_count, kMostExchanges);
  for (std::size_t i = 0; i < count; ++i) {
    const SlotExchange& exchange = event.exchanges[i];
    LabelledMarker* one = slot(exchange.subject, exchange.marker);
    LabelledMarker* other = slot(exchange.other_subject, exchange.other_marker);
    if (one != nullptr && other != nullptr) std::swap(*one, *other);
  }
}

}  // namespace understudy::frame
