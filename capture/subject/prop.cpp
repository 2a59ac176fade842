#include "capture/subject/prop.h"

#include <fmt/format.h>

#include <cmath>

#include "capture/subject/subject_file.h"

namespace understudy::subject {
namespace {

constexpr float kFarthest = 10.0f;   // Of a marker from the prop's origin, metres.
constexpr float kThinnest = 0.010f;  // Height of the flattest triangle that gives a rotation.

bool isFar(const glm::vec3& v) {
  return !(std::abs(v.x) <= kFarthest && std::abs(v.y) <= kFarthest && std::abs(v.z) <= kFarthest);
}

// Distance of the marker that lies furthest off the line through the two that are furthest apart.
float width(std::span<const SubjectMarker> markers) {
  const SubjectMarker *a = &markers[0], *b = a;
  for (const SubjectMarker& from : markers) {
    for (const SubjectMarker& to : markers) {
      if (glm::distance(from.offset_joint, to.offset_joint) >
          glm::distance(a->offset_joint, b->offset_joint)) {
        a = &from;
        b = &to;
      }
    }
  }
  const glm::vec3 line = glm::normalize(b->offset_joint - a->offset_joint);
  float most = 0.0f;
  for (const SubjectMarker& marker : markers) {
    most = std::max(most, glm::length(glm::cross(marker.offset_joint - a->offset_joint, line)));
  }
  return most;
}

}  // namespace

bool isProp(const Subject& subject) {
  return subject.skeleton.size() == 1 && subject.joints.size() == 1 &&
         subject.joints[0].motion == JointMotion::free &&
         subject.markers.size() <= kMostPropMarkers;
}

core::Result<void> checkProp(const Subject& subject, const std::string& place) {
  const auto wrong = [&](const std::string& text) {
    return core::makeError(fmt::format("{}: prop {}: {}", place, subject.name, text));
  };
  if (auto sound = check(subject, place); !sound) return sound;
  const std::size_t count = subject.markers.size();
  if (count < kFewestPropMarkers || count > kMostPropMarkers) {
    return wrong(fmt::format("has {} marker{}; a prop has {} to {}", count, count == 1 ? "" : "s",
                             kFewestPropMarkers, kMostPropMarkers));
  }
  if (!isProp(subject)) return wrong("has more than one joint, or one that is not free");
  for (const SubjectMarker& marker : subject.markers) {
    if (isFar(marker.offset_joint)) {
      return wrong(
          fmt::format("marker {} lies over {} m from the prop's origin; are the "
                      "positions in metres?",
                      marker.name, kFarthest));
    }
  }
  for (std::size_t a = 0; a < count; ++a) {
    for (std::size_t b = a + 1; b < count; ++b) {
      const SubjectMarker &one = subject.markers[a], &other = subject.markers[b];
      const float apart = glm::distance(one.offset_joint, other.offset_joint);
      if (apart >= kNearestPropMarkers) continue;
      return wrong(fmt::format(
          "markers {} and {} are {:.1f} mm apart; give them at least {:.0f} mm, cameras see "
          "nearer ones as one",
          one.name, other.name, 1000.0f * apart, 1000.0f * kNearestPropMarkers));
    }
  }
  if (width(subject.markers) < kThinnest) {
    return wrong("has all markers on one line; set one aside of it, or its turning is unknown");
  }
  return {};
}

core::Result<Subject> makeProp(const std::string& name, std::span<const PropMarker> markers) {
  const std::string place = "prop pattern";
  if (name.empty()) return core::makeError(place + ": a prop must have a name");
  if (markers.size() > kMostPropMarkers) {  // Before anything is copied.
    return core::makeError(fmt::format("{}: prop {}: has {} markers; a prop has {} to {}", place,
                                       name, markers.size(), kFewestPropMarkers, kMostPropMarkers));
  }
  Subject prop{.name = name, .skeleton = {}, .joints = {}, .markers = {}, .humanoid = {}};
  prop.skeleton.names.push_back(name);
  prop.skeleton.parents.push_back(anim::kNoParent);
  prop.skeleton.parent_from_joint.emplace_back();
  prop.joints.push_back({.motion = JointMotion::free});
  prop.humanoid.joint.fill(-1);
  prop.humanoid.unmapped.push_back(0);
  for (const PropMarker& marker : markers) {
    if (marker.name.empty()) {
      return core::makeError(fmt::format("{}: prop {}: a marker has no name", place, name));
    }
    prop.markers.push_back({.name = marker.name, .joint = 0, .offset_joint = marker.position_prop});
  }
  if (auto sound = checkProp(prop, place); !sound) return sound.error();
  return prop;
}

}  // namespace understudy::subject
