#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "capture/subject/landmarks.h"
#include "engine/anim/humanoid.h"
#include "engine/core/result.h"

namespace understudy::subject {

/// What lies under a marker, and so how far the skin slides there.
enum class SkinKind : std::uint8_t {
  bone,    ///< A bony landmark: half the usual slide.
  joint,   ///< Near a joint: the usual slide.
  muscle,  ///< Over muscle: one and a half times as much.
};

/// Where one marker sits on any body: on the surface of a body segment, named by the joint that
/// carries it.
struct MarkerPlace {
  std::string name;
  anim::HumanoidJoint joint = anim::HumanoidJoint::hips;
  /// Along the segment: 0 at its near end, 1 at its far end (trunk and head: from bottom to top;
  /// foot: from the heel to the ball).
  float along = 0.5f;
  /// Direction round the segment in degrees: 0 is the performer's front (feet: the top; fingers:
  /// the side of the nail), 90 the outside (trunk, neck and head: the performer's left; arms in a
  /// T-pose: up; fingers: towards the thumb's side), 180 the back.
  float around_deg = 0.0f;
  SkinKind skin = SkinKind::joint;
  float radius = 0.0f;  ///< Of the marker, metres; 0: as the set has it.
  /// The anatomical point that it sits on, where joint centres can be estimated from it.
  BodyPoint point = BodyPoint::none;
  std::vector<std::string> aliases{};  ///< Other names that recordings use for it.
};

/// How far skin slides there, as a share of the usual.
float skinSlideShare(SkinKind skin);

/// A set of markers for a body.
struct MarkerSet {
  std::string name;
  float marker_radius = 0.007f;  ///< Metres.
  std::vector<MarkerPlace> markers;
};

/// Reads a marker set from TOML. Unknown keys and joints are errors that name the nearest known
/// one; every error starts with `name:line:`.
core::Result<MarkerSet> parseMarkerSet(std::string_view toml, const std::string& name);

/// Reads a marker set file; see parseMarkerSet. `extends` names files beside it whose markers come
/// first, such as a body's and its fingers'; they extend no others themselves.
core::Result<MarkerSet> loadMarkerSet(const std::filesystem::path& path);

}  // namespace understudy::subject
