#include "capture/subject/marker_set.h"

#include <fmt/format.h>

#include <cctype>
#include <set>

#include "engine/core/settings_file.h"

namespace understudy::subject {
namespace {

constexpr std::size_t kMaxMarkers = 1024;

anim::HumanoidJoint readJoint(core::SettingsTable& table) {
  std::string name;
  table.read("joint", name, core::Need::required);
  const anim::HumanoidJoint joint = anim::humanoidJoint(name);
  if (joint < anim::HumanoidJoint::count) return joint;
  std::vector<std::string> known;
  for (int i = 0; i < anim::kHumanoidJointCount; ++i) {
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

MarkerPlace readMarker(core::SettingsTable& table) {
  MarkerPlace place;
  table.read("name", place.name, core::Need::required);
  place.joint = readJoint(table);
  table.read("along", place.along, {-0.5, 1.5}, core::Need::required);
  table.read("around_deg", place.around_deg, {-360.0, 360.0}, core::Need::required);
  place.skin = readSkin(table);
  float radius_mm = 0.0f;
  table.read("radius_mm", radius_mm, {0.5, 50.0});
  place.radius = radius_mm * 0.001f;
  place.point = readPoint(table);
  table.read("aliases", place.aliases);
  if (place.name.empty()) table.fail("name", "must not be empty");
  return place;
}

core::Result<MarkerSet> loadPart(const std::filesystem::path& folder, const std::string& name);

// The markers of the sets that this one extends, in their order.
core::Result<void> readParts(core::SettingsTable& root, const std::filesystem::path* folder,
                             MarkerSet& set) {
  std::vector<std::string> parts;
  root.read("extends", parts);
  for (const std::string& part : parts) {
    if (folder == nullptr) {
      root.fail("extends", fmt::format("\"{}\" cannot be found: only sets in files of one folder, "
                                       "which extend no others, can be put together",
                                       part));
      return {};
    }
    const core::Result<MarkerSet> loaded = loadPart(*folder, part);
    if (!loaded) return loaded.error();
    set.markers.insert(set.markers.end(), loaded->markers.begin(), loaded->markers.end());
  }
  return {};
}

// Without a folder the set cannot extend others.
core::Result<MarkerSet> readMarkerSet(core::SettingsFile file,
                                      const std::filesystem::path* folder) {
  MarkerSet set;
  core::SettingsTable root = file.root();
  root.read("name", set.name, core::Need::required);
  float radius_mm = 7.0f;
  root.read("marker_radius_mm", radius_mm, {0.5, 50.0});
  set.marker_radius = radius_mm * 0.001f;
  if (const core::Result<void> parts = readParts(root, folder, set); !parts) return parts.error();
  std::vector<core::SettingsTable> tables = root.tables("marker");
  if (tables.empty() && set.markers.empty())
    root.fail("marker", "is missing: a set needs at least one [[marker]]");
  if (tables.size() + set.markers.size() > kMaxMarkers) {
    root.fail("marker", fmt::format("is there {} times; a set has at most {} markers",
                                    tables.size() + set.markers.size(), kMaxMarkers));
    tables.clear();
  }
  std::set<std::string> names;
  for (const MarkerPlace& place : set.markers) {
    if (names.insert(place.name).second) continue;
    root.fail("extends", fmt::format("\"{}\" is in two of the sets", place.name));
  }
  for (core::SettingsTable& table : tables) {
    const MarkerPlace place = readMarker(table);
    if (!names.insert(place.name).second) {
      table.fail("name", fmt::format("\"{}\" is used twice; give each marker its own", place.name));
    }
    set.markers.push_back(place);
  }
  if (const core::Result<void> finished = file.finish(); !finished) return finished.error();
  return set;
}

core::Result<MarkerSet> loadPart(const std::filesystem::path& folder, const std::string& name) {
  core::Result<core::SettingsFile> file = core::SettingsFile::load((folder / name).string());
  if (!file) return file.error();
  return readMarkerSet(*std::move(file), nullptr);
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
  return readMarkerSet(*std::move(file), nullptr);
}

core::Result<MarkerSet> loadMarkerSet(const std::filesystem::path& path) {
  core::Result<core::SettingsFile> file = core::SettingsFile::load(path.string());
  if (!file) return file.error();
  const std::filesystem::path folder = path.parent_path();
  return readMarkerSet(*std::move(file), &folder);
}

}  // namespace understudy::subject
