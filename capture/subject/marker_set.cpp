#include "capture/subject/marker_set.h"

#include <fmt/format.h>

#include <cctype>
#include <set>

#include "engine/core/settings_file.h"

namespace understudy::subject {
namespace {

constexpr std::size_t kMaxMarkers = 1024;

// Whole bodies only: fingers carry no segment of ours.
bool carriesMarkers(anim::HumanoidJoint joint) { return joint <= anim::HumanoidJoint::right_toes; }

anim::HumanoidJoint readJoint(core::SettingsTable& table) {
  std::string name;
  table.read("joint", name, core::Need::required);
  const anim::HumanoidJoint joint = anim::humanoidJoint(name);
  if (joint < anim::HumanoidJoint::count && carriesMarkers(joint)) return joint;
  std::vector<std::string> known;
  for (int i = 0; carriesMarkers(static_cast<anim::HumanoidJoint>(i)); ++i) {
    known.emplace_back(anim::humanoidName(static_cast<anim::HumanoidJoint>(i)));
  }
  const std::string nearest = core::nearestName(name, known);
  table.fail("joint", fmt::format("\"{}\" carries no markers; {}", name,
                                  nearest.empty() ? "name a joint of the body, such as hips"
                                                  : fmt::format("did you mean {}?", nearest)));
  return anim::HumanoidJoint::hips;
}

SkinKind readSkin(core::SettingsTable& table) {
  std::string skin = "joint";
  table.read("skin", skin);
  if (skin == "bone") return SkinKind::bone;
  if (skin == "joint") return SkinKind::joint;
  if (skin == "muscle") return SkinKind::muscle;
  table.fail("skin", fmt::format("must be bone, joint or muscle, not \"{}\"", skin));
  return SkinKind::joint;
}

BodyPoint readPoint(core::SettingsTable& table) {
  std::string point = "none";
  table.read("point", point);
  std::vector<std::string> known;
  for (int i = 0; i < static_cast<int>(BodyPoint::count); ++i) {
    known.emplace_back(bodyPointName(static_cast<BodyPoint>(i)));
    if (known.back() == point) return static_cast<BodyPoint>(i);
  }
  const std::string nearest = core::nearestName(point, known);
  table.fail("point", fmt::format("\"{}\" is unknown; {}", point,
                                  nearest.empty() ? "name one such as knee"
                                                  : fmt::format("did you mean {}?", nearest)));
  return BodyPoint::none;
}

core::Result<MarkerSet> readMarkerSet(core::SettingsFile file) {
  MarkerSet set;
  core::SettingsTable root = file.root();
  root.read("name", set.name, core::Need::required);
  float radius_mm = 7.0f;
  root.read("marker_radius_mm", radius_mm, {0.5, 50.0});
  set.marker_radius = radius_mm * 0.001f;
  std::vector<core::SettingsTable> tables = root.tables("marker");
  if (tables.empty()) root.fail("marker", "is missing: a set needs at least one [[marker]]");
  if (tables.size() > kMaxMarkers) {
    root.fail("marker", fmt::format("is there {} times; a set has at most {} markers",
                                    tables.size(), kMaxMarkers));
    tables.clear();
  }
  std::set<std::string> names;
  for (core::SettingsTable& table : tables) {
    MarkerPlace place;
    table.read("name", place.name, core::Need::required);
    place.joint = readJoint(table);
    table.read("along", place.along, {-0.5, 1.5}, core::Need::required);
    table.read("around_deg", place.around_deg, {-360.0, 360.0}, core::Need::required);
    place.skin = readSkin(table);
    place.point = readPoint(table);
    table.read("aliases", place.aliases);
    if (place.name.empty()) table.fail("name", "must not be empty");
    if (!names.insert(place.name).second) {
      table.fail("name", fmt::format("\"{}\" is used twice; give each marker its own", place.name));
    }
    set.markers.push_back(place);
  }
  if (const core::Result<void> finished = file.finish(); !finished) return finished.error();
  return set;
}

}  // namespace

float skinSlideShare(SkinKind skin) {
  switch (skin) {
    case SkinKind::bone:
      return 0.5f;
    case SkinKind::joint:
      return 1.0f;
    case SkinKind::muscle:
      return 1.5f;
  }
  return 1.0f;
}

core::Result<MarkerSet> parseMarkerSet(std::string_view toml, const std::string& name) {
  core::Result<core::SettingsFile> file = core::SettingsFile::parse(toml, name);
  if (!file) return file.error();
  return readMarkerSet(*std::move(file));
}

core::Result<MarkerSet> loadMarkerSet(const std::filesystem::path& path) {
  core::Result<core::SettingsFile> file = core::SettingsFile::load(path.string());
  if (!file) return file.error();
  return readMarkerSet(*std::move(file));
}

}  // namespace understudy::subject
