#include "capture/file/marker_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <set>

#include "capture/file/trc.h"
#include "engine/core/text.h"

namespace understudy::file {
namespace {

constexpr float kMissing = std::numeric_limits<float>::quiet_NaN();
constexpr double kHumanHeight = 1.7;

/// Points of either format, in file units and axes.
struct Source {
  std::string name;
  std::vector<std::string> labels;
  std::vector<bool> is_marker;  ///< False for computed values and unlabelled points.
  std::string units;
  int screen_axis = -1;  ///< Upward axis (0, 1, 2) that the file names, -1 if none.
  int usual_axis = 2;    ///< Upward axis that such files usually have.
  std::size_t frames = 0;
  std::vector<glm::vec3> points;  ///< Frames x labels, x NaN where missing.

  const glm::vec3& at(std::size_t frame, std::size_t i) const {
    return points[frame * labels.size() + i];
  }
};

/// One upward direction: an axis and its sign.
struct Up {
  int axis = 1;
  float sign = 1.0f;
};

std::string_view withoutSubject(std::string_view label) {
  const std::size_t colon = label.rfind(':');
  return colon == label.npos ? label : label.substr(colon + 1);
}

/// Names of values that programs compute and store as if they were points.
bool isComputedName(std::string_view label) {
  const std::string name(withoutSubject(label));
  for (const char* part : {"Angles", "Angle", "AnglesV", "AngleV", "Force", "Moment", "Power",
                           "GRF", "CentreOfMass", "CentreOfMassFloor", "CenterOfMass"}) {
    if (name.ends_with(part)) return true;
  }
  return false;
}

bool isUnlabelled(std::string_view label) {
  const std::string_view name = withoutSubject(label);
  return name.empty() || name.starts_with('*') || name.starts_with('#');
}

/// Names of the origin and axes of a body segment, such as PELO, PELA, PELL and PELP: computed
/// points that always come in fours.
std::set<std::string> segmentPoints(const std::vector<std::string>& labels) {
  const std::set<std::string> all(labels.begin(), labels.end());
  std::set<std::string> computed;
  for (const std::string& label : labels) {
    if (withoutSubject(label).size() != 4 || !label.ends_with('O')) continue;
    const std::string stem = label.substr(0, label.size() - 1);
    if (!all.contains(stem + "A") || !all.contains(stem + "L") || !all.contains(stem + "P"))
      continue;
    for (const char* axis : {"O", "A", "L", "P"}) computed.insert(stem + axis);
  }
  return computed;
}

/// Sorts labels into upper body and feet, as far as common marker names tell.
int bodyHeightOf(const std::string& label) {
  const std::string name = core::lowerCase(withoutSubject(label));
  for (const char* part :
       {"head", "hd", "ariel", "c7", "cv7", "clav", "strn", "ster", "sho", "acr", "t10", "chest"}) {
    if (name.find(part) != name.npos) return 1;
  }
  for (const char* part : {"toe", "hee", "hel", "ank", "mt1", "mt5", "fm1", "fm5", "fcc", "foot",
                           "met", "mall", "_fal", "_tam"}) {
    if (name.find(part) != name.npos) return -1;
  }
  return 0;
}

/// Mean direction from the feet to the upper body; zero if the names do not tell.
glm::dvec3 feetToUpperBody(const Source& source) {
  std::vector<int> heights;
  for (std::size_t i = 0; i < source.labels.size(); ++i) {
    heights.push_back(source.is_marker[i] ? bodyHeightOf(source.labels[i]) : 0);
  }
  glm::dvec3 direction(0.0);
  const std::size_t step = std::max<std::size_t>(1, source.frames / 256);
  for (std::size_t frame = 0; frame < source.frames; frame += step) {
    std::array<glm::dvec3, 2> sums{};
    std::array<double, 2> counts{};
    for (std::size_t i = 0; i < heights.size(); ++i) {
      const glm::vec3& point = source.at(frame, i);
      if (heights[i] == 0 || std::isnan(point.x)) continue;
      const std::size_t side = heights[i] > 0 ? 1 : 0;
      sums[side] += glm::dvec3(point);
      counts[side] += 1.0;
    }
    if (counts[0] == 0.0 || counts[1] == 0.0) continue;
    const glm::dvec3 along = sums[1] / counts[1] - sums[0] / counts[0];
    const double length = glm::length(along);
    if (length > 0.0) direction += along / length;
  }
  const double length = glm::length(direction);
  return length > 0.0 ? direction / length : direction;
}

/// Lowest and highest values along an axis, without the outermost hundredths.
std::pair<double, double> rangeAlong(const Source& source, int axis) {
  std::vector<float> values;
  const std::size_t step = std::max<std::size_t>(1, source.frames / 256);
  for (std::size_t frame = 0; frame < source.frames; frame += step) {
    for (std::size_t i = 0; i < source.labels.size(); ++i) {
      if (source.is_marker[i] && !std::isnan(source.at(frame, i).x)) {
        values.push_back(source.at(frame, i)[axis]);
      }
    }
  }
  if (values.empty()) return {0.0, 0.0};
  const auto at = [&](double share) {
    const auto place = values.begin() +
                       static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
    std::nth_element(values.begin(), place, values.end());
    return static_cast<double>(*place);
  };
  return {at(0.01), at(0.99)};
}

/// The largest extent of the markers in one frame, median over frames.
double bodySize(const Source& source) {
  std::vector<double> sizes;
  const std::size_t step = std::max<std::size_t>(1, source.frames / 256);
  for (std::size_t frame = 0; frame < source.frames; frame += step) {
    glm::vec3 low(1e30f), high(-1e30f);
    for (std::size_t i = 0; i < source.labels.size(); ++i) {
      const glm::vec3& point = source.at(frame, i);
      if (!source.is_marker[i] || std::isnan(point.x)) continue;
      low = glm::min(low, point);
      high = glm::max(high, point);
    }
    if (low.x <= high.x) {
      sizes.push_back(
          static_cast<double>(std::max({high.x - low.x, high.y - low.y, high.z - low.z})));
    }
  }
  if (sizes.empty()) return 0.0;
  const auto middle = sizes.begin() + static_cast<std::ptrdiff_t>(sizes.size() / 2);
  std::nth_element(sizes.begin(), middle, sizes.end());
  return *middle;
}

double unitOf(const Source& source, std::vector<std::string>& warnings) {
  if (const auto said = unitMetres(source.units)) return *said;
  double unit = 0.001;
  const double size = bodySize(source);
  if (size > 0.0) {
    const auto misfit = [&](double metres) {
      return std::abs(std::log(size * metres / kHumanHeight));
    };
    for (const double candidate : {0.01, 1.0}) {
      if (misfit(candidate) < misfit(unit)) unit = candidate;
    }
  }
  warnings.push_back(
      fmt::format("the file does not say its unit; {} recognised", unit == 1.0    ? "metres"
                                                                   : unit == 0.01 ? "centimetres"
                                                                                  : "millimetres"));
  return unit;
}

/// True if the markers lie over a floor at zero along the axis, as people do.
bool standsOnFloor(const Source& source, int axis, double unit_m) {
  const auto [low, high] = rangeAlong(source, axis);
  return low * unit_m > -0.25 && low * unit_m < 0.5 && high * unit_m > 0.3 && high * unit_m < 2.7;
}

Up upOf(const Source& source, double unit_m, std::vector<std::string>& warnings) {
  static constexpr const char* kAxes = "xyz";
  const glm::dvec3 direction = feetToUpperBody(source);
  Up up;
  up.axis = 0;
  for (int axis = 1; axis < 3; ++axis) {
    if (std::abs(direction[axis]) > std::abs(direction[up.axis])) up.axis = axis;
  }
  const bool on_screen_axis =
      source.screen_axis >= 0 && standsOnFloor(source, source.screen_axis, unit_m);
  if (std::abs(direction[up.axis]) > 0.6 && (!on_screen_axis || source.screen_axis == up.axis)) {
    up.sign = direction[up.axis] > 0.0 ? 1.0f : -1.0f;
    if (source.screen_axis >= 0 && source.screen_axis != up.axis) {
      warnings.push_back(
          fmt::format("POINT:Y_SCREEN names {} but the body stands along {}; that is taken",
                      kAxes[source.screen_axis], kAxes[up.axis]));
    }
    return up;
  }
  // The sign in Y_SCREEN is often that of a screen that runs down: only its axis is believed.
  if (source.screen_axis >= 0) {
    up.axis = source.screen_axis;
    return up;
  }
  up.axis = source.usual_axis;
  for (const int axis : {source.usual_axis, 3 - source.usual_axis}) {
    if (standsOnFloor(source, axis, unit_m)) {
      up.axis = axis;
      break;
    }
  }
  warnings.push_back(
      fmt::format("the file does not say which axis is up; {} is taken", kAxes[up.axis]));
  return up;
}

/// A right-handed turn that brings the upward direction to +y.
glm::vec3 turned(const glm::vec3& p, const Up& up) {
  const float s = up.sign;
  switch (up.axis) {
    case 0:
      return {-s * p.y, s * p.x, p.z};
    case 1:
      return {p.x, s * p.y, s * p.z};
    default:
      return {p.x, s * p.z, -s * p.y};
  }
}

/// Cuts the subject off where that leaves names unique, and numbers equal names.
void nameMarkers(const std::vector<std::string>& labels, MarkerClip& clip) {
  std::set<std::string> prefixes;
  for (const std::string& label : labels) {
    const std::size_t colon = label.rfind(':');
    if (colon != label.npos && colon > 0) prefixes.insert(label.substr(0, colon));
  }
  for (const std::string& prefix : prefixes) {
    if (std::find(clip.subjects.begin(), clip.subjects.end(), prefix) == clip.subjects.end()) {
      clip.subjects.push_back(prefix);
    }
  }
  std::set<std::string> taken;
  std::size_t renamed = 0;
  for (const std::string& label : labels) {
    std::string name = prefixes.size() == 1 ? std::string(withoutSubject(label)) : label;
    const std::string base = name;
    for (int copy = 2; !taken.insert(name).second; ++copy) {
      if (copy == 2) ++renamed;
      name = base + "_" + std::to_string(copy);
    }
    clip.names.push_back(name);
  }
  if (renamed > 0) {
    clip.warnings.push_back(
        fmt::format("{} marker names stand more than once and were numbered", renamed));
  }
}

core::Result<MarkerClip> makeClip(const Source& source, MarkerClip clip,
                                  const MarkerOptions& options) {
  std::vector<std::size_t> chosen;
  std::vector<std::string> labels;
  std::size_t dropped = 0, unseen = 0;
  for (std::size_t i = 0; i < source.labels.size(); ++i) {
    if (!source.is_marker[i]) {
      ++dropped;
      continue;
    }
    bool seen = false;
    for (std::size_t frame = 0; frame < source.frames && !seen; ++frame) {
      seen = !std::isnan(source.at(frame, i).x);
    }
    if (!seen) {
      ++unseen;
      continue;
    }
    chosen.push_back(i);
    labels.push_back(source.labels[i]);
  }
  for (std::size_t i = 0; options.unlabelled && labels.empty() && i < source.labels.size(); ++i) {
    bool seen = false;
    for (std::size_t frame = 0; frame < source.frames && !seen; ++frame) {
      seen = !std::isnan(source.at(frame, i).x);
    }
    if (seen && isUnlabelled(source.labels[i])) chosen.push_back(i);
  }
  if (labels.empty() && !chosen.empty()) {
    for (std::size_t i = 0; i < chosen.size(); ++i) labels.push_back(fmt::format("*{}", i + 1));
    dropped -= chosen.size();
    clip.warnings.push_back("no marker has a name: unlabelled points are taken and numbered");
  }
  if (chosen.empty()) {
    return core::makeError(source.name +
                           ": has no labelled marker that was ever seen; label it first");
  }
  if (dropped > 0) {
    clip.warnings.push_back(
        fmt::format("{} points are unlabelled or computed and were left out", dropped));
  }
  if (unseen > 0)
    clip.warnings.push_back(fmt::format("{} markers were never seen and were left out", unseen));
  nameMarkers(labels, clip);
  const double unit_m = options.unit_m ? *options.unit_m : unitOf(source, clip.warnings);
  const Up up =
      options.up ? Up{*options.up == 'z' ? 2 : 1, 1.0f} : upOf(source, unit_m, clip.warnings);
  if (up.axis != 1 || up.sign < 0.0f) {
    clip.warnings.push_back(fmt::format("{}{} is up in the file; turned to +y",
                                        up.sign < 0.0f ? '-' : '+', "xyz"[up.axis]));
  }
  clip.frames = source.frames;
  clip.positions.reserve(source.frames * chosen.size());
  const float scale = static_cast<float>(unit_m);
  for (std::size_t frame = 0; frame < source.frames; ++frame) {
    for (const std::size_t i : chosen) {
      const glm::vec3& point = source.at(frame, i);
      clip.positions.push_back(std::isnan(point.x) ? glm::vec3(kMissing, 0.0f, 0.0f)
                                                   : turned(point, up) * scale);
    }
  }
  return clip;
}

int axisNamed(const C3dFile& file, std::string_view parameter) {
  const C3dParameter* found = findParameter(file, "POINT", parameter);
  if (found == nullptr) return -1;
  for (const char c : found->text) {
    if (c >= 'X' && c <= 'Z') return c - 'X';
    if (c >= 'x' && c <= 'z') return c - 'x';
  }
  return -1;
}

core::Result<MarkerClip> loadTrcClip(const std::filesystem::path& path,
                                     const MarkerOptions& options) {
  auto file = loadTrc(path);
  if (!file) return file.error();
  Source source;
  source.name = path.string();
  source.labels = file->labels;
  for (const std::string& label : source.labels) {
    source.is_marker.push_back(!isUnlabelled(label) && !isComputedName(label));
  }
  source.units = file->units;
  source.usual_axis = 1;
  source.frames = file->frames;
  source.points = std::move(file->points);
  MarkerClip clip;
  clip.rate_hz = file->rate_hz;
  clip.start_s = file->start_s;
  clip.warnings = file->warnings;
  return makeClip(source, std::move(clip), options);
}

}  // namespace

std::optional<double> unitMetres(std::string_view units) {
  const std::string name = core::lowerCase(units);
  if (name == "mm") return 0.001;
  if (name == "cm") return 0.01;
  if (name == "m" || name.starts_with("met")) return 1.0;
  if (name == "in" || name.starts_with("inch")) return 0.0254;
  if (name == "ft") return 0.3048;
  return std::nullopt;
}

bool isReadableMarkerKind(const std::filesystem::path& path) {
  const std::string extension = core::extensionOf(path);
  return extension == ".c3d" || extension == ".trc";
}

core::Error unreadableMarkerKind(const std::filesystem::path& path) {
  return core::makeError(path.string() + ": cannot read marker files of kind \"" +
                         core::extensionOf(path) + "\"; kinds that can be read are .c3d and .trc");
}

core::Result<MarkerClip> makeMarkerClip(const C3dFile& file, const std::string& name,
                                        const MarkerOptions& options) {
  Source source;
  source.name = name;
  source.labels = file.labels;
  std::set<std::string> computed = segmentPoints(source.labels);
  for (const char* list : {"ANGLES", "FORCES", "MOMENTS", "POWERS", "SCALARS", "REACTIONS"}) {
    for (const std::string& label : allTexts(file, "POINT", list)) computed.insert(label);
  }
  for (const std::string& label : source.labels) {
    source.is_marker.push_back(!isUnlabelled(label) && !isComputedName(label) &&
                               !computed.contains(label));
  }
  source.units = file.units;
  const int right = axisNamed(file, "X_SCREEN"), up = axisNamed(file, "Y_SCREEN");
  if (up >= 1 && right >= 0 && right != up) source.screen_axis = up;
  source.frames = file.frames;
  source.points.reserve(file.points.size());
  for (const C3dPoint& point : file.points) {
    source.points.push_back(point.is_missing() ? glm::vec3(kMissing, 0.0f, 0.0f) : point.position);
  }
  MarkerClip clip;
  clip.rate_hz = file.rate_hz;
  clip.subjects = file.subjects;
  clip.warnings = file.warnings;
  return makeClip(source, std::move(clip), options);
}

core::Result<MarkerClip> loadMarkerClip(const std::filesystem::path& path,
                                        const MarkerOptions& options) {
  if (!isReadableMarkerKind(path)) return unreadableMarkerKind(path);
  if (core::extensionOf(path) == ".trc") return loadTrcClip(path, options);
  const auto file = loadC3d(path);
  if (!file) return file.error();
  return makeMarkerClip(*file, path.string(), options);
}

}  // namespace understudy::file
