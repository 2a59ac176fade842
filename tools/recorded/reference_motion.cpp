#include "tools/recorded/reference_motion.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>

#include "capture/file/osim.h"
#include "capture/file/storage.h"
#include "capture/file/vsk.h"
#include "capture/subject/vsk_subject.h"
#include "engine/anim/kinematics.h"
#include "engine/asset/clip_file.h"
#include "engine/core/text.h"

namespace understudy::recorded {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

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

// The bodies whose origins are joint centres, by OpenSim's usual names.
void nameParts(const std::vector<std::string>& bodies, anim::HumanoidMap& humanoid) {
  using enum anim::HumanoidJoint;
  struct Name {
    anim::HumanoidJoint part;
    const char* body;
  };
  constexpr Name kNames[] = {{hips, "pelvis"},
                             {left_upper_leg, "femur_l"},
                             {right_upper_leg, "femur_r"},
                             {left_lower_leg, "tibia_l"},
                             {right_lower_leg, "tibia_r"},
                             {left_foot, "talus_l"},
                             {right_foot, "talus_r"},
                             {left_upper_arm, "humerus_l"},
                             {right_upper_arm, "humerus_r"},
                             {left_lower_arm, "ulna_l"},
                             {right_lower_arm, "ulna_r"},
                             {left_hand, "hand_l"},
                             {right_hand, "hand_r"}};
  humanoid.joint.fill(-1);
  for (const Name& name : kNames) {
    const auto found = std::find(bodies.begin(), bodies.end(), name.body);
    if (found == bodies.end()) continue;
    humanoid.joint[static_cast<std::size_t>(name.part)] = static_cast<int>(found - bodies.begin());
  }
}

// Poses the bodies of a model as the table says.
core::Result<void> poseModel(const file::StorageFile& table, const std::string& path,
                             const file::MarkerClip& clip, ReferenceMotion& reference) {
  const auto model = file::loadOsim(path);
  if (!model) return model.error();
  subject::Subject subject;
  subject.name = "reference";
  for (std::size_t b = 0; b < model->bodies.size(); ++b) {
    subject.skeleton.names.push_back(model->bodies[b]);
    subject.skeleton.parents.push_back(model->joints[b].parent);
    subject.skeleton.parent_from_joint.emplace_back();
    subject.joints.emplace_back();
  }
  for (const file::OsimMarker& marker : model->markers) {
    subject.markers.push_back({marker.name, marker.body, glm::vec3(marker.position)});
  }
  nameParts(model->bodies, subject.humanoid);
  std::vector<int> column;
  for (const std::string& coordinate : model->coordinates) {
    column.push_back(table.column(coordinate));
  }
  RecordedMotion motion{.joints = model->bodies.size()};
  for (std::size_t f = 0; f < clip.frames; ++f) {
    const double time = clip.start_s + static_cast<double>(f) / clip.rate_hz;
    std::vector<double> values = model->defaults;
    bool known = true;
    for (std::size_t k = 0; k < values.size(); ++k) {
      if (column[k] < 0) continue;
      const bool shift = model->coordinates[k].ends_with("_tx") ||
                         model->coordinates[k].ends_with("_ty") ||
                         model->coordinates[k].ends_with("_tz");
      values[k] = valueAt(table, static_cast<std::size_t>(column[k]), time) *
                  (table.in_degrees && !shift ? 0.017453292519943295 : 1.0);
      known = known && std::isfinite(values[k]);
    }
    motion.world_from_joint.push_back(known ? model->worldFromBodies(values)
                                            : std::vector<math::RigidTransformd>());
  }
  reference.skeleton = subject.skeleton;
  reference.humanoid = subject.humanoid;
  reference.subject = std::move(subject);
  reference.motion = std::move(motion);
  return {};
}

core::Result<ReferenceMotion> loadMotReference(const std::string& path,
                                               const file::MarkerClip& clip,
                                               const std::string& model) {
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
  if (model.empty()) return reference;
  if (auto done = poseModel(*table, model, clip, reference); !done) return done.error();
  return reference;
}

}  // namespace

bool isReferenceKind(const std::string& path) {
  const std::string extension = core::extensionOf(path);
  return extension == ".amc" || extension == ".vsk" || extension == ".mot" || extension == ".sto";
}

core::Result<ReferenceMotion> loadReference(const std::string& path, const file::MarkerClip& clip,
                                            const std::string& model) {
  const std::string extension = core::extensionOf(path);
  if (extension == ".amc") return loadAmcReference(path, clip);
  if (extension == ".vsk") return loadVskReference(path);
  if (extension == ".mot" || extension == ".sto") return loadMotReference(path, clip, model);
  return core::makeError(fmt::format(
      "{}: cannot compare with files of kind \"{}\"; kinds that can be read are .amc (with its "
      ".asf beside it), .vsk, .mot and .sto",
      path, extension));
}

}  // namespace understudy::recorded
