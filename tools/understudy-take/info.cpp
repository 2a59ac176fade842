#include "tools/understudy-take/info.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <vector>

#include "capture/camera/rig_file.h"
#include "capture/file/c3d.h"
#include "capture/file/marker_file.h"
#include "capture/file/trc.h"
#include "capture/subject/subject_file.h"
#include "capture/take/packet_log.h"
#include "engine/anim/kinematics.h"
#include "engine/asset/clip_file.h"
#include "engine/core/text.h"

namespace understudy::take_tool {
namespace {

using report::Json;

core::Result<void> checkFrame(const InfoOptions& options, std::size_t frames) {
  if (!options.frame || *options.frame < frames) return {};
  return core::makeError(fmt::format("{}: has no frame {}; give --frame 0 to {}",
                                     options.path.string(), *options.frame, frames - 1));
}

/// Which points are seen in which frames: frames x points.
struct Presence {
  std::size_t frames = 0, points = 0;
  std::vector<bool> seen;

  double missingShare() const {
    if (seen.empty()) return 0.0;
    const auto missing = std::count(seen.begin(), seen.end(), false);
    return static_cast<double>(missing) / static_cast<double>(seen.size());
  }

  /// How often a point that was seen is lost.
  std::size_t gaps() const {
    std::size_t count = 0;
    for (std::size_t i = points; i < seen.size(); ++i) count += seen[i - points] && !seen[i];
    return count;
  }
};

Json positionJson(const glm::vec3& position, double mm_per_unit) {
  return {static_cast<double>(position.x) * mm_per_unit,
          static_cast<double>(position.y) * mm_per_unit,
          static_cast<double>(position.z) * mm_per_unit};
}

double millimetresPerUnit(const std::string& units, Json& json) {
  if (const auto metres = file::unitMetres(units)) return *metres * 1000.0;
  json["warnings"].push_back("the file does not say its unit; positions_mm takes millimetres");
  return 1.0;
}

/// Subjects that the file names, then those that only prefix labels.
std::vector<std::string> subjectsOf(std::vector<std::string> subjects,
                                    const std::vector<std::string>& labels) {
  for (const std::string& label : labels) {
    const std::size_t colon = label.rfind(':');
    if (colon == label.npos || colon == 0) continue;
    const std::string prefix = label.substr(0, colon);
    if (std::find(subjects.begin(), subjects.end(), prefix) == subjects.end()) {
      subjects.push_back(prefix);
    }
  }
  return subjects;
}

core::Result<void> c3dInfo(const InfoOptions& options, Json& json) {
  const auto loaded = file::loadC3d(options.path);
  if (!loaded) return loaded.error();
  const file::C3dFile& c3d = *loaded;
  Presence presence{c3d.frames, c3d.labels.size(), {}};
  for (const file::C3dPoint& point : c3d.points) presence.seen.push_back(!point.is_missing());
  json["format"] = "c3d";
  json["encoding"] =
      fmt::format("{} {}", c3d.encoding.processor, c3d.encoding.is_real ? "floats" : "integers");
  json["vendor"] = c3d.vendor;
  json["rate"] = c3d.rate_hz;
  json["frames"] = c3d.frames;
  json["first_frame"] = c3d.first_frame;
  json["duration_s"] = static_cast<double>(c3d.frames) / c3d.rate_hz;
  json["points"] = c3d.labels.size();
  json["labels"] = c3d.labels;
  json["units"] = c3d.units;
  json["missing_share"] = presence.missingShare();
  json["gaps"] = presence.gaps();
  json["analog_channels"] = c3d.channels.size();
  json["analog_rate"] = c3d.analog_rate_hz;
  Json channels = Json::array();
  for (const auto& channel : c3d.channels) channels.push_back(channel.name);
  json["analog_labels"] = channels;
  Json events = Json::array();
  for (const auto& event : c3d.events) {
    events.push_back(
        {{"label", event.label}, {"context", event.context}, {"seconds", event.seconds}});
  }
  json["events"] = events;
  json["subjects"] = subjectsOf(c3d.subjects, c3d.labels);
  json["warnings"] = c3d.warnings;
  if (auto result = checkFrame(options, c3d.frames); !result || !options.frame) return result;
  json["frame"] = *options.frame;
  const double scale = millimetresPerUnit(c3d.units, json);
  Json positions = Json::array();
  for (std::size_t i = 0; i < c3d.labels.size(); ++i) {
    const file::C3dPoint& point = c3d.at(*options.frame, i);
    positions.push_back(point.is_missing() ? Json() : positionJson(point.position, scale));
  }
  json["positions_mm"] = positions;
  return {};
}

core::Result<void> trcInfo(const InfoOptions& options, Json& json) {
  const auto loaded = file::loadTrc(options.path);
  if (!loaded) return loaded.error();
  const file::TrcFile& trc = *loaded;
  Presence presence{trc.frames, trc.labels.size(), {}};
  for (const glm::vec3& point : trc.points) presence.seen.push_back(!std::isnan(point.x));
  json["format"] = "trc";
  json["vendor"] = "";
  json["rate"] = trc.rate_hz;
  json["frames"] = trc.frames;
  json["duration_s"] = static_cast<double>(trc.frames) / trc.rate_hz;
  json["points"] = trc.labels.size();
  json["labels"] = trc.labels;
  json["units"] = trc.units;
  json["missing_share"] = presence.missingShare();
  json["gaps"] = presence.gaps();
  json["analog_channels"] = 0;
  json["analog_rate"] = 0.0;
  json["subjects"] = subjectsOf({}, trc.labels);
  json["warnings"] = trc.warnings;
  if (auto result = checkFrame(options, trc.frames); !result || !options.frame) return result;
  json["frame"] = *options.frame;
  const double scale = millimetresPerUnit(trc.units, json);
  Json positions = Json::array();
  for (std::size_t i = 0; i < trc.labels.size(); ++i) {
    const glm::vec3& point = trc.at(*options.frame, i);
    positions.push_back(std::isnan(point.x) ? Json() : positionJson(point, scale));
  }
  json["positions_mm"] = positions;
  return {};
}

core::Result<void> clipInfo(const InfoOptions& options, Json& json) {
  const auto loaded = asset::loadClip(options.path);
  if (!loaded) return loaded.error();
  const anim::Clip& clip = loaded->clip;
  json["format"] = loaded->kind;
  json["vendor"] = "";
  json["rate"] = clip.rate_hz;
  json["frames"] = clip.frames;
  json["duration_s"] = static_cast<double>(clip.frames) / clip.rate_hz;
  json["points"] = clip.skeleton.size();
  json["labels"] = clip.skeleton.names;
  json["units"] = fmt::format("{:g} m", loaded->unit_m);
  json["unit_source"] = asset::unitSourceName(loaded->unit_source);
  json["up"] = std::string(1, loaded->up);
  json["missing_share"] = 0.0;
  json["gaps"] = 0;
  json["analog_channels"] = 0;
  json["analog_rate"] = 0.0;
  json["subjects"] = Json::array();
  json["warnings"] = clip.warnings;
  if (auto result = checkFrame(options, clip.frames); !result || !options.frame) return result;
  json["frame"] = *options.frame;
  const std::size_t joints = clip.skeleton.size();
  std::vector<math::RigidTransform> world(joints);
  anim::worldFromJoints(clip.skeleton, {&clip.parent_from_joint[*options.frame * joints], joints},
                        world);
  Json positions = Json::array();
  for (const auto& joint : world) positions.push_back(positionJson(joint.translation, 1000.0));
  json["positions_mm"] = positions;
  return {};
}

/// A packet log is read to its end, so that what a crash cut off is known.
core::Result<void> takeInfo(const InfoOptions& options, Json& json) {
  auto reader = take::PacketLogReader::open(options.path);
  if (!reader) return reader.error();
  auto rig = camera::parseRig((*reader)->header().rig_toml, options.path.string() + ": rig.toml");
  if (!rig) return rig.error();
  std::uint64_t packets = 0, bytes = 0, frames = 0, incomplete = 0, first = 0, last = 0;
  while (const auto record = (*reader)->next()) {
    if (const auto* packet = std::get_if<take::LoggedPacket>(&*record)) {
      ++packets;
      bytes += packet->bytes.size();
    } else {
      const auto& closing = std::get<take::FrameClosing>(*record);
      if (frames++ == 0) first = closing.sequence;
      last = closing.sequence;
      incomplete += closing.reason != take::ClosingReason::complete;
    }
  }
  const take::LogEnd& end = (*reader)->end();
  json["format"] = "mcap";
  json["vendor"] = "Understudy";
  json["rate"] = rig->rate_hz;
  json["frames"] = frames;
  json["first_sequence"] = first;
  json["last_sequence"] = last;
  json["incomplete_frames"] = incomplete;
  json["duration_s"] = static_cast<double>(frames) / rig->rate_hz;
  json["cameras"] = rig->cameras.size();
  json["packets"] = packets;
  json["packet_bytes"] = bytes;
  json["subjects"] = Json::array();
  for (const std::string& toml : (*reader)->header().subjects_toml) {
    auto subject = subject::parseSubject(toml, options.path.string());
    if (!subject) return subject.error();
    json["subjects"].push_back(subject->name);
  }
  json["complete"] = end.complete;
  json["warnings"] = Json::array();
  if (!end.damage.empty()) json["warnings"].push_back(end.damage);
  if (end.overflowed > 0) {
    json["warnings"].push_back(fmt::format("{} records were lost while recording", end.overflowed));
  }
  return {};
}

// One kind of file: its extension and what tells about it.
struct Kind {
  std::string_view extension;
  core::Result<void> (*info)(const InfoOptions&, Json&);
};

constexpr std::array kKinds = {
    Kind{".c3d", &c3dInfo},   Kind{".trc", &trcInfo},   Kind{".bvh", &clipInfo},
    Kind{".glb", &clipInfo},  Kind{".gltf", &clipInfo}, Kind{".vrm", &clipInfo},
    Kind{".mcap", &takeInfo}, Kind{".take", &takeInfo},
};

const Kind* kindOf(const std::filesystem::path& path) {
  const std::string extension = core::extensionOf(path);
  for (const Kind& kind : kKinds) {
    if (kind.extension == extension) return &kind;
  }
  return nullptr;
}

}  // namespace

bool isKnownKind(const std::filesystem::path& path) { return kindOf(path) != nullptr; }

core::Error unknownKind(const std::filesystem::path& path) {
  std::string kinds;
  for (const Kind& kind : kKinds)
    kinds += (kinds.empty() ? "" : ", ") + std::string(kind.extension);
  return core::makeError(
      fmt::format("{}: cannot read files of kind \"{}\"; kinds that can be read are {}",
                  path.string(), path.extension().string(), kinds));
}

core::Result<void> info(const InfoOptions& options, report::Json& json) {
  const Kind* kind = kindOf(options.path);
  if (kind == nullptr) return unknownKind(options.path);
  json["file"] = options.path.string();
  return kind->info(options, json);
}

}  // namespace understudy::take_tool
