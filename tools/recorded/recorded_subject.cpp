#include "tools/recorded/recorded_subject.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>

#include "capture/file/marker_file.h"
#include "capture/subject/finger_markers.h"
#include "capture/subject/fingers.h"
#include "capture/subject/named_markers.h"
#include "capture/subject/static_fit.h"
#include "engine/asset/clip_file.h"
#include "tools/simulation/calibrated_subjects.h"
#include "tools/simulation/simulation.h"

namespace understudy::recorded {
namespace {

// Joint centres from skin markers are centimetres off, and offsets with them.
constexpr double kFitBoneSigma = 0.020, kFitOffsetSigma = 0.025;

void keepSeconds(double seconds, file::MarkerClip& clip) {
  if (!(seconds > 0.0) || !(clip.rate_hz > 0.0)) return;
  const double frames = std::max(1.0, std::round(seconds * clip.rate_hz));
  if (frames >= static_cast<double>(clip.frames)) return;
  clip.frames = static_cast<std::size_t>(frames);
  clip.positions.resize(clip.frames * clip.names.size());
}

std::string listed(const std::vector<std::string>& names) {
  constexpr std::size_t kMost = 8;
  const std::vector<std::string> some(
      names.begin(), names.begin() + static_cast<std::ptrdiff_t>(std::min(names.size(), kMost)));
  return fmt::format("{}{}", fmt::join(some, ", "), names.size() > kMost ? ", ..." : "");
}

// Reads one recording under the set's names.
core::Result<file::MarkerClip> readClip(const std::string& path, const SubjectOptions& options,
                                        const subject::MarkerSet* set,
                                        std::vector<std::string>& warnings) {
  const file::MarkerOptions as_told{
      .unit_m = asset::unitMetres(options.unit),
      .up = options.up.empty() ? std::nullopt : std::optional<char>(options.up.front())};
  auto clip = file::loadMarkerClip(path, as_told);
  if (!clip) return clip.error();
  warnings.insert(warnings.end(), clip->warnings.begin(), clip->warnings.end());
  if (set == nullptr) return clip;
  auto named = subject::nameMarkers(*clip, *set);
  if (!named) return core::makeError(path + ": " + named.error().message);
  if (!named->left_out.empty()) {
    warnings.push_back(fmt::format("{} markers are not of set {} and are left out: {}",
                                   named->left_out.size(), set->name, listed(named->left_out)));
  }
  if (!named->not_found.empty()) {
    warnings.push_back(fmt::format("{} markers of set {} are not in the recording: {}",
                                   named->not_found.size(), set->name, listed(named->not_found)));
  }
  return std::move(named->clip);
}

// The markers that the set does not put on fingers.
file::MarkerClip withoutFingers(const file::MarkerClip& clip, const subject::MarkerSet& set) {
  std::vector<std::size_t> kept;
  file::MarkerClip body = clip;
  body.names.clear();
  for (std::size_t c = 0; c < clip.names.size(); ++c) {
    const bool on_finger =
        std::any_of(set.markers.begin(), set.markers.end(), [&](const subject::MarkerPlace& p) {
          return p.name == clip.names[c] && subject::isFinger(p.joint);
        });
    if (on_finger) continue;
    kept.push_back(c);
    body.names.push_back(clip.names[c]);
  }
  body.positions.clear();
  for (std::size_t f = 0; f < clip.frames; ++f) {
    for (const std::size_t c : kept) body.positions.push_back(clip.at(f, c));
  }
  return body;
}

// Says which set of finger markers a recording is named by that was read without one.
void hintAtFingers(const file::MarkerClip& clip, std::vector<std::string>& warnings) {
  std::string best;
  std::vector<std::string> found;
  std::size_t most = 2;  // More of its markers than that must be there than not.
  for (const std::string name : {"fingers3", "fingers5", "fingers10"}) {
    const auto path = simulation::findAsset(fmt::format("markersets/{}.toml", name));
    if (!path) continue;
    const auto set = subject::loadMarkerSet(*path);
    if (!set) continue;
    const auto named = subject::nameMarkers(clip, *set);
    if (!named || named->clip.names.size() <= most + named->not_found.size()) continue;
    most = named->clip.names.size() - named->not_found.size();
    best = name;
    found = named->clip.names;
  }
  if (best.empty()) return;
  warnings.push_back(fmt::format(
      "{} markers are named as those on fingers in set {} ({}) and stay rigid on the hand: give "
      "the set of the whole body with --markerset, such as body53_{}.toml",
      found.size(), best, listed(found), best));
}

}  // namespace

file::MarkerClip joinClips(const file::MarkerClip& clip, const file::MarkerClip& more) {
  file::MarkerClip joined = clip;
  std::map<std::string, std::size_t> columns;
  for (std::size_t m = 0; m < clip.names.size(); ++m) columns.emplace(clip.names[m], m);
  std::vector<std::size_t> column_of;
  for (const std::string& name : more.names) {
    const auto [at, fresh] = columns.emplace(name, joined.names.size());
    if (fresh) joined.names.push_back(name);
    column_of.push_back(at->second);
  }
  const glm::vec3 missing(std::numeric_limits<float>::quiet_NaN(), 0.0f, 0.0f);
  joined.frames = clip.frames + more.frames;
  joined.positions.assign(joined.frames * joined.names.size(), missing);
  for (std::size_t f = 0; f < joined.frames; ++f) {
    glm::vec3* row = &joined.positions[f * joined.names.size()];
    if (f < clip.frames) {
      for (std::size_t m = 0; m < clip.names.size(); ++m) row[m] = clip.at(f, m);
    } else {
      for (std::size_t m = 0; m < more.names.size(); ++m) {
        row[column_of[m]] = more.at(f - clip.frames, m);
      }
    }
  }
  return joined;
}

core::Result<RecordedSubject> readRecordedSubject(const SubjectOptions& options) {
  RecordedSubject recorded;
  std::optional<subject::MarkerSet> set;
  if (!options.marker_set.empty()) {
    auto loaded = subject::loadMarkerSet(options.marker_set);
    if (!loaded) return loaded.error();
    set = *std::move(loaded);
  }
  auto clip = readClip(options.file, options, set ? &*set : nullptr, recorded.warnings);
  if (!clip) return clip.error();
  const auto names_path = simulation::findAsset("markersets/landmarks.toml");
  if (!names_path) return names_path.error();
  auto names = subject::loadLandmarkNames(*names_path);
  if (!names) return names.error();
  if (set) *names = subject::landmarkNames(*set, *names);
  if (!set) hintAtFingers(*clip, recorded.warnings);
  keepSeconds(options.seconds, *clip);
  recorded.clip = *clip;
  recorded.calibration = *std::move(clip);
  for (const std::string& other : options.others) {
    auto more = readClip(other, options, set ? &*set : nullptr, recorded.warnings);
    if (!more) return more.error();
    recorded.calibration = joinClips(recorded.calibration, *more);
  }
  subject::StaticFitSettings fit_settings{.names = *std::move(names)};
  if (!recorded.clip.subjects.empty()) fit_settings.name = recorded.clip.subjects.front();
  auto fit = subject::fitSubject(
      set ? withoutFingers(recorded.calibration, *set) : recorded.calibration, fit_settings);
  if (!fit) return core::makeError(options.file + ": " + fit.error().message);
  if (fit->kind != subject::StaticFitKind::body) {
    return core::makeError(fmt::format(
        "{}: its {} markers make no body: needed are front and back of the waist, knees and ankles "
        "of both sides, under names that are known; give their set with --markerset, or a "
        "recording that shows the others as well with --with",
        options.file, recorded.calibration.names.size()));
  }
  recorded.warnings.insert(recorded.warnings.end(), fit->warnings.begin(), fit->warnings.end());
  recorded.initial = std::move(fit->subject);
  if (set) subject::wearFingers(*set, recorded.calibration.names, recorded.initial);
  recorded.settings.bone_sigma = kFitBoneSigma;
  recorded.settings.offset_sigma = kFitOffsetSigma;
  recorded.settings.skin_share =
      simulation::slideShares(recorded.initial, set ? *set : subject::MarkerSet{});
  recorded.settings.threads = std::max<std::size_t>(options.threads, 2);
  return recorded;
}

}  // namespace understudy::recorded
