#include "capture/subject/landmarks.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "engine/core/settings_file.h"

namespace understudy::subject {
namespace {

constexpr std::array<const char*, static_cast<std::size_t>(BodyPoint::count)> kPoints{
    "none",        "front_waist",    "back_waist",   "sacrum", "knee",
    "medial_knee", "ankle",          "medial_ankle", "heel",   "toe",
    "neck_back",   "breastbone_top", "breastbone",   "head",   "acromion",
    "deltoid",     "elbow",          "medial_elbow", "wrist"};
constexpr std::array<const char*, static_cast<std::size_t>(BodySegment::count)> kSegments{
    "hips", "chest",    "head",      "upper_leg", "lower_leg",
    "foot", "shoulder", "upper_arm", "lower_arm", "hand"};

template <class Enum, std::size_t count>
Enum readWord(core::SettingsTable& table, const char* key, core::Need need,
              const std::array<const char*, count>& words) {
  std::string word = words[0];
  table.read(key, word, need);
  const auto found = std::find(words.begin(), words.end(), word);
  if (found != words.end()) return static_cast<Enum>(found - words.begin());
  const std::vector<std::string> known(words.begin(), words.end());
  const std::string nearest = core::nearestName(word, known);
  table.fail(key, fmt::format("\"{}\" is unknown; {}", word,
                              nearest.empty() ? fmt::format("name one such as {}", words[1])
                                              : fmt::format("did you mean {}?", nearest)));
  return static_cast<Enum>(0);
}

// One alias per way to write the side.
void addAliases(const std::string& pattern, Landmark landmark, LandmarkNames& names) {
  struct Side {
    BodySide side;
    const char* word;
  };
  constexpr Side kSides[] = {{BodySide::left, "l"},    {BodySide::left, "lt"},
                             {BodySide::left, "left"}, {BodySide::right, "r"},
                             {BodySide::right, "rt"},  {BodySide::right, "right"}};
  const std::size_t at = pattern.find('?');
  if (at == std::string::npos) {
    names.aliases.push_back({plainName(pattern), landmark});
    return;
  }
  for (const Side& side : kSides) {
    landmark.side = side.side;
    names.aliases.push_back(
        {plainName(pattern.substr(0, at) + side.word + pattern.substr(at + 1)), landmark});
  }
}

core::Result<LandmarkNames> readNames(core::SettingsFile file) {
  LandmarkNames names;
  core::SettingsTable root = file.root();
  std::vector<core::SettingsTable> tables = root.tables("landmark");
  if (tables.empty()) root.fail("landmark", "is missing: give at least one [[landmark]]");
  for (core::SettingsTable& table : tables) {
    Landmark landmark;
    landmark.point = readWord<BodyPoint>(table, "point", core::Need::optional, kPoints);
    landmark.segment = readWord<BodySegment>(table, "joint", core::Need::required, kSegments);
    std::vector<std::string> aliases;
    table.read("aliases", aliases, core::Need::required);
    const bool trunk = landmark.segment <= BodySegment::head;
    for (const std::string& alias : aliases) {
      if (plainName(alias).empty()) table.fail("aliases", "must not be empty");
      if (!trunk && alias.find('?') == std::string::npos) {
        table.fail("aliases", fmt::format("\"{}\" is of a limb; write ? for its side", alias));
      }
      addAliases(alias, landmark, names);
    }
  }
  if (const core::Result<void> finished = file.finish(); !finished) return finished.error();
  // The first of two equal names stands.
  std::stable_sort(names.aliases.begin(), names.aliases.end(),
                   [](const auto& a, const auto& b) { return a.name < b.name; });
  const auto last = std::unique(names.aliases.begin(), names.aliases.end(),
                                [](const auto& a, const auto& b) { return a.name == b.name; });
  names.aliases.erase(last, names.aliases.end());
  return names;
}

}  // namespace

const char* bodyPointName(BodyPoint point) { return kPoints[static_cast<std::size_t>(point)]; }

std::string plainName(std::string_view name) {
  std::string plain;
  for (const char c : name) {
    if (c >= 'A' && c <= 'Z') plain += static_cast<char>(c - 'A' + 'a');
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) plain += c;
  }
  return plain;
}

const Landmark* findLandmark(const LandmarkNames& names, std::string_view plain_name) {
  const auto found =
      std::lower_bound(names.aliases.begin(), names.aliases.end(), plain_name,
                       [](const auto& alias, std::string_view name) { return alias.name < name; });
  return found != names.aliases.end() && found->name == plain_name ? &found->landmark : nullptr;
}

core::Result<LandmarkNames> parseLandmarkNames(std::string_view toml, const std::string& name) {
  core::Result<core::SettingsFile> file = core::SettingsFile::parse(toml, name);
  if (!file) return file.error();
  return readNames(*std::move(file));
}

core::Result<LandmarkNames> loadLandmarkNames(const std::filesystem::path& path) {
  core::Result<core::SettingsFile> file = core::SettingsFile::load(path.string());
  if (!file) return file.error();
  return readNames(*std::move(file));
}

}  // namespace understudy::subject
