#include "capture/subject/named_markers.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "capture/subject/fingers.h"

namespace understudy::subject {
namespace {

using anim::HumanoidJoint;

std::size_t sharedPrefix(const std::vector<std::string>& names) {
  if (names.size() < 2) return 0;
  std::size_t length = names.front().size();
  for (const std::string& name : names) {
    const auto [mine, theirs] =
        std::mismatch(names.front().begin(), names.front().end(), name.begin(), name.end());
    length = std::min(length, static_cast<std::size_t>(mine - names.front().begin()));
  }
  return length;
}

// The ways to read a name, the most literal first.
std::vector<std::string> readings(const std::string& name, std::size_t prefix) {
  std::vector<std::string> ways{plainName(name)};
  if (const std::size_t colon = name.rfind(':'); colon != std::string::npos) {
    ways.push_back(plainName(std::string_view(name).substr(colon + 1)));
  }
  if (prefix > 0) ways.push_back(plainName(std::string_view(name).substr(prefix)));
  return ways;
}

std::string someOf(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < std::min<std::size_t>(names.size(), 4); ++i) {
    text += (i > 0 ? ", " : "") + names[i];
  }
  return names.size() > 4 ? text + ", ..." : text;
}

BodySide sideOf(HumanoidJoint joint) {
  if (joint < HumanoidJoint::left_shoulder) return BodySide::middle;
  if (isFinger(joint)) {
    return joint < HumanoidJoint::right_thumb_metacarpal ? BodySide::left : BodySide::right;
  }
  const bool left = (joint >= HumanoidJoint::left_shoulder && joint <= HumanoidJoint::left_hand) ||
                    (joint >= HumanoidJoint::left_upper_leg && joint <= HumanoidJoint::left_toes);
  return left ? BodySide::left : BodySide::right;
}

BodySegment segmentOf(HumanoidJoint joint) {
  using enum HumanoidJoint;
  if (isFinger(joint)) return BodySegment::hand;
  switch (joint) {
    case hips:
      return BodySegment::hips;
    case neck:
    case head:
      return BodySegment::head;
    case left_shoulder:
    case right_shoulder:
      return BodySegment::shoulder;
    case left_upper_arm:
    case right_upper_arm:
      return BodySegment::upper_arm;
    case left_lower_arm:
    case right_lower_arm:
      return BodySegment::lower_arm;
    case left_hand:
    case right_hand:
      return BodySegment::hand;
    case left_upper_leg:
    case right_upper_leg:
      return BodySegment::upper_leg;
    case left_lower_leg:
    case right_lower_leg:
      return BodySegment::lower_leg;
    case left_foot:
    case right_foot:
    case left_toes:
    case right_toes:
      return BodySegment::foot;
    default:
      return BodySegment::chest;
  }
}

}  // namespace

core::Result<NamedMarkers> nameMarkers(const file::MarkerClip& clip, const MarkerSet& set) {
  std::map<std::string, std::size_t> known;
  for (std::size_t p = 0; p < set.markers.size(); ++p) {
    known.emplace(plainName(set.markers[p].name), p);
  }
  for (std::size_t p = 0; p < set.markers.size(); ++p) {
    for (const std::string& alias : set.markers[p].aliases) known.emplace(plainName(alias), p);
  }
  const std::size_t prefix = sharedPrefix(clip.names);
  std::vector<bool> taken(set.markers.size(), false);
  std::vector<std::size_t> column;
  NamedMarkers named{.clip = {.names = {}, .rate_hz = clip.rate_hz, .frames = clip.frames}};
  for (std::size_t c = 0; c < clip.names.size(); ++c) {
    auto found = known.end();
    for (const std::string& reading : readings(clip.names[c], prefix)) {
      found = known.find(reading);
      if (found != known.end()) break;
    }
    if (found == known.end() || taken[found->second]) {
      named.left_out.push_back(clip.names[c]);
      continue;
    }
    taken[found->second] = true;
    named.place.push_back(found->second);
    named.clip.names.push_back(set.markers[found->second].name);
    column.push_back(c);
  }
  if (column.empty()) {
    std::vector<std::string> names;
    for (const MarkerPlace& place : set.markers) names.push_back(place.name);
    return core::makeError(fmt::format(
        "no marker name matches: the recording has {}; marker set {} has {}; give the set whose "
        "names these are with --markerset",
        someOf(clip.names), set.name, someOf(names)));
  }
  for (std::size_t p = 0; p < taken.size(); ++p) {
    if (!taken[p]) named.not_found.push_back(set.markers[p].name);
  }
  named.clip.positions.reserve(clip.frames * column.size());
  for (std::size_t f = 0; f < clip.frames; ++f) {
    for (const std::size_t c : column) named.clip.positions.push_back(clip.at(f, c));
  }
  return named;
}

LandmarkNames landmarkNames(const MarkerSet& set, const LandmarkNames& general) {
  LandmarkNames names;
  for (const MarkerPlace& place : set.markers) {
    const std::string plain = plainName(place.name);
    Landmark landmark{
        .point = place.point, .segment = segmentOf(place.joint), .side = sideOf(place.joint)};
    const Landmark* known = findLandmark(general, plain);
    if (landmark.point == BodyPoint::none && known != nullptr) landmark = *known;
    // Points of the trunk have a side, too: positive turns are the performer's left.
    if (landmark.point == BodyPoint::front_waist || landmark.point == BodyPoint::back_waist) {
      landmark.side = place.around_deg > 0.0f ? BodySide::left : BodySide::right;
    }
    names.aliases.push_back({plain, landmark});
  }
  std::stable_sort(names.aliases.begin(), names.aliases.end(),
                   [](const auto& a, const auto& b) { return a.name < b.name; });
  const auto last = std::unique(names.aliases.begin(), names.aliases.end(),
                                [](const auto& a, const auto& b) { return a.name == b.name; });
  names.aliases.erase(last, names.aliases.end());
  return names;
}

}  // namespace understudy::subject
