#include "tools/recorded/reference_motion.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>

#include "capture/file/storage.h"
#include "capture/file/vsk.h"
#include "capture/subject/vsk_subject.h"
#include "engine/anim/kinematics.h"
#include "engine/asset/clip_file.h"

namespace understudy::recorded {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

std::string extensionOf(const std::string& path) {
  std::string extension = std::filesystem::path(path).extension().string();
  for (char& c : extension) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return extension;
}

core::Result<ReferenceMotion> loadAmcReference(const std::string& path,
                                               const file::MarkerClip& clip) {
  auto loaded = asset::loadClip(path);
  if (!loaded) return loaded.error();
  const anim::Clip& amc = loaded->clip;
  ReferenceMotion reference{
      .kind = "amc", .skeleton = amc.skeleton, .humanoid = anim::recogniseHumanoid(amc.skeleton)};
  if (amc.frames != clip.frames) {
    reference.notes.push_back(fmt::format(
        "the reference has {} frames, the recording {}: the first of both are taken as the same",
        amc.frames, clip.frames));
  }
  const std::size_t joints = amc.skeleton.size();
  RecordedMotion motion{.joints = joints};
  std::vector<math::RigidTransform> world(joints);
  for (std::size_t f = 0; f < std::min(amc.frames, clip.frames); ++f) {
    anim::worldFromJoints(amc.skeleton, {&amc.parent_from_joint[f * joints], joints}, world);
    auto& frame = motion.world_from_joint.emplace_back();
    for (const math::RigidTransform& joint : world) {
      frame.push_back({glm::dquat(joint.rotation), glm::dvec3(joint.translation)});
    }
  }
  motion.world_from_joint.resize(clip.frames);
  reference.motion = std::move(motion);
  reference.angles = measureFlexions(reference.skeleton, reference.humanoid, *reference.motion);
  return reference;
}

core::Result<ReferenceMotion> loadVskReference(const std::string& path) {
  const auto vsk = file::loadVsk(path);
  if (!vsk) return vsk.error();
  auto subject = subject::makeSubject(*vsk, std::filesystem::path(path).stem().string(), path);
  if (!subject) return subject.error();
  return ReferenceMotion{.kind = "vsk",
                         .skeleton = subject->skeleton,
                         .humanoid = subject->humanoid,
                         .subject = *subject};
}

// The value of a column at this time, between the rows about it.
double valueAt(const file::StorageFile& table, std::size_t column, double time) {
  std::size_t row = 0;  // The first that is not before it; times grow.
  for (std::size_t end = table.rows; row < end;) {
    const std::size_t middle = (row + end) / 2;
    if (table.at(middle, 0) < time) {
      row = middle + 1;
    } else {
      end = middle;
    }
  }
  constexpr double kSame = 1e-4;  // Seconds: times are rounded in files.
  if (row < table.rows && table.at(row, 0) - time < kSame) return table.at(row, column);
  if (row > 0 && time - table.at(row - 1, 0) < kSame) return table.at(row - 1, column);
  if (row == 0 || row == table.rows) return kNone;
  const double share = (time - table.at(row - 1, 0)) / (table.at(row, 0) - table.at(row - 1, 0));
  return (1.0 - share) * table.at(row - 1, column) + share * table.at(row, column);
}

core::Result<ReferenceMotion> loadMotReference(const std::string& path,
                                               const file::MarkerClip& clip) {
  const auto table = file::loadStorage(path);
  if (!table) return table.error();
  constexpr const char* kColumns[] = {"hip_flexion_l", "hip_flexion_r", "knee_angle_l",
                                      "knee_angle_r",  "ankle_angle_l", "ankle_angle_r",
                                      "elbow_flex_l",  "elbow_flex_r"};
  ReferenceMotion reference{.kind = "mot"};
  std::array<int, kFlexionCount> column{};
  int found = 0;
  for (std::size_t k = 0; k < kFlexionCount; ++k) {
    column[k] = table->column(kColumns[k]);
    found += column[k] >= 0 ? 1 : 0;
  }
  if (found == 0) {
    return core::makeError(path +
                           ": has none of the columns hip_flexion_l, knee_angle_l, ... of "
                           "OpenSim's inverse kinematics; give its motion file");
  }
  const double to_degrees = table->in_degrees ? 1.0 : 57.295779513082321;
  for (std::size_t f = 0; f < clip.frames; ++f) {
    const double time = clip.start_s + static_cast<double>(f) / clip.rate_hz;
    FlexionAngles& angles = reference.angles.emplace_back();
    for (std::size_t k = 0; k < kFlexionCount; ++k) {
      angles[k] = column[k] < 0
                      ? kNone
                      : to_degrees * valueAt(*table, static_cast<std::size_t>(column[k]), time);
    }
  }
  return reference;
}

}  // namespace

bool isReferenceKind(const std::string& path) {
  const std::string extension = extensionOf(path);
  return extension == ".amc" || extension == ".vsk" || extension == ".mot" || extension == ".sto";
}

core::Result<ReferenceMotion> loadReference(const std::string& path, const file::MarkerClip& clip) {
  const std::string extension = extensionOf(path);
  if (extension == ".amc") return loadAmcReference(path, clip);
  if (extension == ".vsk") return loadVskReference(path);
  if (extension == ".mot" || extension == ".sto") return loadMotReference(path, clip);
  return core::makeError(fmt::format(
      "{}: cannot compare with files of kind \"{}\"; kinds that can be read are .amc (with its "
      ".asf beside it), .vsk, .mot and .sto",
      path, extension));
}

}  // namespace understudy::recorded
