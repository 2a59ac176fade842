#include "capture/source/performer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "capture/source/true_hand.h"
#include "engine/anim/kinematics.h"

namespace understudy::source {
namespace {

constexpr float kRadiansPerDegree = 0.01745329252f;
// Solids are a little smaller than the skin that markers sit on: a marker in view of its own limb's
// edge is not hidden by it.
constexpr float kOccluderShrink = 0.006f;
// Fingers leave less room for another place, and their skin slides less.
constexpr float kFingerShrink = 0.002f;
constexpr float kFingerScatter = 0.2f, kFingerSkin = 0.3f;

float skinShare(subject::SkinKind skin) {
  switch (skin) {
    case subject::SkinKind::bone:
      return 0.5f;
    case subject::SkinKind::joint:
      return 1.0f;
    case subject::SkinKind::muscle:
      return 1.5f;
  }
  return 1.0f;
}

float radiusOf(const subject::MarkerSet& set, std::size_t place) {
  const float own = set.markers[place].radius;
  return own > 0.0f ? own : set.marker_radius;
}

math::RigidTransform worldFromMotion(const Score& score, const Casting& casting) {
  const glm::quat turn = glm::angleAxis(casting.heading, glm::vec3(0.0f, 1.0f, 0.0f));
  return {turn, casting.place - turn * score.origin};
}

/// Skin that slides over the bone under one marker: part of it follows the joint's angle, part
/// swings slowly (below 4 Hz). Both have mean zero over the clip, so that the marker's offset is
/// its mean place.
struct SkinMotion {
  float amplitude = 0;  ///< RMS in metres.
  glm::vec3 direction{0.0f};
  float mean_angle = 0, angle_scale = 0;
  std::array<std::array<float, 2>, 9> tones{};  ///< Angular frequency and phase; 3 per axis.

  glm::vec3 at(float seconds, float angle) const;
};

constexpr float kAngleShare = 0.6f;  // Of the variance; the rest swings.

glm::vec3 SkinMotion::at(float seconds, float angle) const {
  const float bend = std::clamp((angle - mean_angle) * angle_scale, -2.5f, 2.5f);
  glm::vec3 swing{0.0f};
  for (std::size_t tone = 0; tone < tones.size(); ++tone) {
    swing[static_cast<int>(tone / 3)] += std::sin(tones[tone][0] * seconds + tones[tone][1]);
  }
  // Nine tones of variance one half.
  swing *= std::sqrt((1.0f - kAngleShare) / 4.5f);
  return (direction * (bend * std::sqrt(kAngleShare)) + swing) * amplitude;
}

class ClipPerformer : public Performer {
 public:
  ClipPerformer(const Score& score, const Casting& casting, const StageSettings& settings,
                const subject::MarkerSet& marker_set, Random random)
      : score_(score),
        clip_(std::get<ClipMotion>(score.motion).clip),
        start_(casting.start),
        fingers_ahead_(casting.fingers),
        still_(settings.still),
        world_from_motion_(worldFromMotion(score, casting)) {
    subject_ = score.subject;
    body_ = score.body;
    growHands(marker_set, random);
    const std::size_t joints = subject_.skeleton.size();
    local_.resize(joints);
    world_.resize(joints);
    solids_.resize(body_.solids.size());
    placeMarkers(settings, marker_set, random);
    fixBareJoints();
    growSkin(settings, marker_set, random);
  }

  void pose(double seconds, PerformerTruth& truth) override;

 private:
  void growHands(const subject::MarkerSet& marker_set, Random random);
  void placeMarkers(const StageSettings& settings, const subject::MarkerSet& marker_set,
                    Random& random);
  void clearOfBody(const BodySolid& solid, float along, float around, float clearance,
                   subject::SubjectMarker& marker);
  void fixBareJoints();
  void growSkin(const StageSettings& settings, const subject::MarkerSet& marker_set,
                Random& random);
  void measureBend(std::size_t joint, SkinMotion& skin) const;
  float bendOf(std::size_t joint, const math::RigidTransform& parent_from_joint) const;

  const Score& score_;
  const anim::Clip& clip_;
  double start_;
  double fingers_ahead_;
  bool still_;
  math::RigidTransform world_from_motion_;
  Body body_;                        // With the flesh of fingers.
  std::vector<TrueHand> hands_;      // Where the marker set has fingers.
  std::vector<std::size_t> places_;  // Per marker, index in the set.
  std::vector<SkinMotion> skin_;
  std::vector<math::RigidTransform> local_, world_;
};

// Where markers sit on them, performers have fingers of their own, whatever the motion has.
void ClipPerformer::growHands(const subject::MarkerSet& marker_set, Random random) {
  using anim::HumanoidJoint;
  if (std::none_of(marker_set.markers.begin(), marker_set.markers.end(),
                   [](const auto& place) { return subject::isFinger(place.joint); }))
    return;
  for (const subject::Side side : {subject::Side::left, subject::Side::right}) {
    const HumanoidJoint part =
        side == subject::Side::left ? HumanoidJoint::left_hand : HumanoidJoint::right_hand;
    const auto palm = std::find_if(body_.solids.begin(), body_.solids.end(),
                                   [part](const BodySolid& solid) { return solid.part == part; });
    if (palm == body_.solids.end()) continue;
    const BodySolid hand = *palm;
    *palm = palmOf(hand);
    hands_.emplace_back(side, hand, body_.height, random, subject_, body_.solids);
  }
}

void ClipPerformer::placeMarkers(const StageSettings& settings,
                                 const subject::MarkerSet& marker_set, Random& random) {
  const auto scatter = [&] {
    return static_cast<float>(std::clamp(random.normal(), -2.5, 2.5) * settings.placement_mm *
                              1e-3);
  };
  for (std::size_t i = 0; i < marker_set.markers.size(); ++i) {
    const subject::MarkerPlace& place = marker_set.markers[i];
    const float slip_along = scatter(), slip_around = scatter();
    const bool on_finger = subject::isFinger(place.joint);
    const BodySolid* solid = (on_finger ? body_ : score_.body).find(place.joint);
    if (solid == nullptr) continue;
    const float girth = std::sqrt(solid->front_near * solid->out_near);
    const float scatter_share = on_finger ? kFingerScatter : 1.0f;
    float along = place.along + scatter_share * slip_along / solid->length;
    if (solid->shape == SolidShape::ellipsoid) along = std::clamp(along, 0.02f, 0.98f);
    const float around =
        place.around_deg * kRadiansPerDegree + scatter_share * slip_around / std::max(girth, 0.02f);
    subject::SubjectMarker marker{.name = place.name, .joint = solid->joint, .offset_joint = {}};
    if (on_finger) {
      marker.offset_joint = surfacePoint(*solid, along, around, radiusOf(marker_set, i));
    } else {
      clearOfBody(*solid, along, around, radiusOf(marker_set, i), marker);
    }
    subject_.markers.push_back(marker);
    places_.push_back(i);
  }
}

// Lifts the marker until no other solid of the standing body holds it.
void ClipPerformer::clearOfBody(const BodySolid& solid, float along, float around, float clearance,
                                subject::SubjectMarker& marker) {
  constexpr int kSteps = 16;
  const math::RigidTransform& world_from_joint =
      score_.standing[static_cast<std::size_t>(marker.joint)];
  for (int step = 0; step < kSteps; ++step) {
    marker.offset_joint =
        surfacePoint(solid, along, around, clearance + 0.004f * static_cast<float>(step));
    const glm::vec3 place = world_from_joint * marker.offset_joint;
    const bool buried = std::any_of(
        score_.body.solids.begin(), score_.body.solids.end(), [&](const BodySolid& other) {
          const auto joint = static_cast<std::size_t>(other.joint);
          return &other != &solid &&
                 contains(poseSolid(other, score_.standing[joint], -clearance), place);
        });
    if (!buried) return;
  }
}

void ClipPerformer::fixBareJoints() {
  std::vector<bool> carries(subject_.joints.size(), false);
  for (const subject::SubjectMarker& marker : subject_.markers) {
    carries[static_cast<std::size_t>(marker.joint)] = true;
  }
  for (std::size_t joint = carries.size(); joint-- > 0;) {
    const int parent = subject_.skeleton.parents[joint];
    if (carries[joint] && parent != anim::kNoParent) {
      carries[static_cast<std::size_t>(parent)] = true;
    }
    if (!carries[joint] && parent != anim::kNoParent &&
        !subject::isFingerJoint(subject_, static_cast<int>(joint))) {
      subject_.joints[joint].motion = subject::JointMotion::fixed;
    }
  }
}

float ClipPerformer::bendOf(std::size_t joint,
                            const math::RigidTransform& parent_from_joint) const {
  const glm::quat& rest = subject_.skeleton.parent_from_joint[joint].rotation;
  return 2.0f * std::acos(std::min(1.0f, std::abs(glm::dot(rest, parent_from_joint.rotation))));
}

void ClipPerformer::measureBend(std::size_t joint, SkinMotion& skin) const {
  const std::size_t joints = clip_.skeleton.size();
  if (joint >= joints) {  // Of a finger.
    skin.mean_angle = 0.5f;
    skin.angle_scale = 2.0f;
    return;
  }
  const std::size_t step = std::max<std::size_t>(1, clip_.frames / 500);
  double sum = 0, squares = 0, count = 0;
  for (std::size_t f = 0; f < clip_.frames; f += step) {
    const double angle = bendOf(joint, clip_.parent_from_joint[f * joints + joint]);
    sum += angle;
    squares += angle * angle;
    count += 1;
  }
  const double mean = sum / count;
  const double deviation = std::sqrt(std::max(0.0, squares / count - mean * mean));
  skin.mean_angle = static_cast<float>(mean);
  skin.angle_scale = deviation > 0.01 ? static_cast<float>(1.0 / deviation) : 0.0f;
}

void ClipPerformer::growSkin(const StageSettings& settings, const subject::MarkerSet& marker_set,
                             Random& random) {
  float squares = 0.0f;
  float on_body = 0.0f;
  for (const std::size_t place : places_) {
    if (subject::isFinger(marker_set.markers[place].joint)) continue;
    const float share = skinShare(marker_set.markers[place].skin);
    squares += share * share;
    on_body += 1.0f;
  }
  const float scale = squares > 0.0f ? 1.0f / std::sqrt(squares / on_body) : 0.0f;
  for (std::size_t m = 0; m < places_.size(); ++m) {
    const subject::MarkerPlace& place = marker_set.markers[places_[m]];
    SkinMotion skin;
    skin.amplitude = static_cast<float>(settings.soft_tissue_mm) * 1e-3f *
                     (subject::isFinger(place.joint) ? kFingerSkin : scale * skinShare(place.skin));
    glm::vec3 direction{0.0f};
    for (int axis = 0; axis < 3; ++axis) direction[axis] = static_cast<float>(random.normal());
    skin.direction =
        glm::length(direction) > 1e-3f ? glm::normalize(direction) : glm::vec3(1, 0, 0);
    for (auto& tone : skin.tones) {
      tone[0] = static_cast<float>(random.uniform(0.4, 4.0) * 6.283185307179586);
      tone[1] = static_cast<float>(random.uniform(0.0, 6.283185307179586));
    }
    // Skin over a bone is pulled by the joint that the bone hangs on.
    measureBend(static_cast<std::size_t>(subject_.markers[m].joint), skin);
    skin_.push_back(skin);
  }
}

void ClipPerformer::pose(double seconds, PerformerTruth& truth) {
  if (still_) seconds = 0.0;
  const std::size_t joints = clip_.skeleton.size();
  anim::sampleClip(clip_, pingPong(start_ + seconds, score_.seconds),
                   std::span(local_).first(joints));
  anim::worldFromJoints(clip_.skeleton, std::span(local_).first(joints),
                        std::span(world_).first(joints));
  for (const TrueHand& hand : hands_) hand.pose(start_ + fingers_ahead_ + seconds, local_);
  for (std::size_t joint = joints; joint < world_.size(); ++joint) {
    world_[joint] =
        world_[static_cast<std::size_t>(subject_.skeleton.parents[joint])] * local_[joint];
  }
  for (std::size_t joint = 0; joint < world_.size(); ++joint) {
    truth.world_from_joint[joint] = world_from_motion_ * world_[joint];
  }
  for (std::size_t m = 0; m < subject_.markers.size(); ++m) {
    const subject::SubjectMarker& marker = subject_.markers[m];
    const auto joint = static_cast<std::size_t>(marker.joint);
    const glm::vec3 slide = skin_[m].at(static_cast<float>(seconds), bendOf(joint, local_[joint]));
    truth.markers[m].position = truth.world_from_joint[joint] * (marker.offset_joint + slide);
  }
  for (std::size_t i = 0; i < solids_.size(); ++i) {
    const BodySolid& solid = body_.solids[i];
    solids_[i] = poseSolid(solid, truth.world_from_joint[static_cast<std::size_t>(solid.joint)],
                           subject::isFinger(solid.part) ? kFingerShrink : kOccluderShrink);
  }
}

class MarkerFilePerformer : public Performer {
 public:
  MarkerFilePerformer(const Score& score, const Casting& casting, const StageSettings& settings)
      : score_(score),
        clip_(std::get<MarkerMotion>(score.motion).clip),
        start_(casting.start),
        still_(settings.still),
        world_from_motion_(worldFromMotion(score, casting)) {
    subject_ = score.subject;
  }

  void pose(double seconds, PerformerTruth& truth) override {
    const double at = pingPong(start_ + (still_ ? 0.0 : seconds), score_.seconds) * clip_.rate_hz;
    const auto last = clip_.frames - 1;
    const auto frame = std::min(static_cast<std::size_t>(at), last);
    const auto share = static_cast<float>(at - static_cast<double>(frame));
    truth.motion_frame = std::min(frame + (share > 0.5f ? 1 : 0), last);
    for (std::size_t m = 0; m < clip_.names.size(); ++m) {
      truth.markers[m].position = world_from_motion_ * sample(frame, share, m);
    }
  }

 private:
  // Cubic through four neighbours (Catmull and Rom, 1974), linear beside a gap, missing in one.
  glm::vec3 sample(std::size_t frame, float share, std::size_t marker) const {
    constexpr float kExact = 1e-4f;
    const std::size_t last = clip_.frames - 1;
    const glm::vec3& b = clip_.at(frame, marker);
    if (share < kExact || frame == last) return b;
    const glm::vec3& c = clip_.at(frame + 1, marker);
    if (share > 1.0f - kExact) return c;
    if (frame == 0 || frame + 2 > last) return glm::mix(b, c, share);
    const glm::vec3 &a = clip_.at(frame - 1, marker), &d = clip_.at(frame + 2, marker);
    if (leaps(b - a, c - b, d - c)) return share > 0.5f ? c : b;
    if (std::isnan(a.x) || std::isnan(d.x)) return glm::mix(b, c, share);
    const float s = share, s2 = s * s, s3 = s2 * s;
    return 0.5f * (2.0f * b + (c - a) * s + (2.0f * a - 5.0f * b + 4.0f * c - d) * s2 +
                   (3.0f * (b - c) + d - a) * s3);
  }

  // A name that goes over to another marker: nothing flies between the two places. Differences to
  // missing frames are NaN and count as no motion.
  static bool leaps(const glm::vec3& before, const glm::vec3& between, const glm::vec3& after) {
    constexpr float kLeap = 0.03f, kTimesUsual = 4.0f;
    const auto length = [](const glm::vec3& step) {
      const float metres = glm::length(step);
      return std::isnan(metres) ? 0.0f : metres;
    };
    const float usual = std::max(length(before), length(after));
    return length(between) > std::max(kLeap, kTimesUsual * usual);
  }

  const Score& score_;
  const file::MarkerClip& clip_;
  double start_;
  bool still_;
  math::RigidTransform world_from_motion_;
};

}  // namespace

std::unique_ptr<Performer> makePerformer(const Score& score, const Casting& casting,
                                         const StageSettings& settings,
                                         const subject::MarkerSet& marker_set, Random random) {
  if (std::holds_alternative<ClipMotion>(score.motion)) {
    return std::make_unique<ClipPerformer>(score, casting, settings, marker_set, random);
  }
  return std::make_unique<MarkerFilePerformer>(score, casting, settings);
}

}  // namespace understudy::source
