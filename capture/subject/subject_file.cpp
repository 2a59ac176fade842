#include "capture/subject/subject_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <map>
#include <set>

#include "capture/subject/fingers.h"
#include "capture/subject/prop.h"
#include "engine/core/settings_file.h"
#include "engine/core/toml_text.h"

namespace understudy::subject {
namespace {

constexpr std::size_t kMaxJoints = 1024;
constexpr std::size_t kMaxMarkers = 4096;
constexpr std::array<std::string_view, 5> kMotions{"fixed", "ball", "free", "hinge", "saddle"};

bool isFinite(const glm::vec3& v) {
  return std::isfinite(v.x) && std::isfinite(v.y) && std::isfinite(v.z);
}

bool isSound(const JointModel& model) {
  const auto sound = [](const AxisLimit& axis) {
    return axis.lower <= axis.upper && std::isfinite(axis.lower) && std::isfinite(axis.upper);
  };
  return std::isfinite(model.limit) && model.place_sigma >= 0.0f && model.place_sigma <= 1.0f &&
         sound(model.flexion) && sound(model.abduction) && sound(model.twist) &&
         std::abs(glm::length(model.joint_from_anatomical) - 1.0f) < 1e-3f;
}

/// Names of joints read so far.
using JointNames = std::map<std::string, int>;

int findJoint(core::SettingsTable& table, std::string_view key, const std::string& name,
              const JointNames& joints) {
  const auto found = joints.find(name);
  if (found != joints.end()) return found->second;
  std::vector<std::string> known;
  for (const auto& [joint, index] : joints) known.push_back(joint);
  const std::string nearest = core::nearestName(name, known);
  table.fail(key, fmt::format("\"{}\" is no joint above it; {}", name,
                              nearest.empty() ? "parents stand before their children"
                                              : fmt::format("did you mean {}?", nearest)));
  return 0;
}

void readAxis(core::SettingsTable& table, std::string_view key, AxisLimit& limit) {
  std::array<float, 2> bounds{limit.lower, limit.upper};
  table.read(key, std::span<float>(bounds), {-6.4, 6.4});
  if (!(bounds[0] <= bounds[1])) {
    table.fail(key, "must be the lower limit, then the upper one");
    return;
  }
  limit = {bounds[0], bounds[1]};
}

// Files from before there were axes have none: no limit about any.
void readAxes(core::SettingsTable& table, JointModel& model) {
  std::array<float, 4> q{0, 0, 0, 1};
  table.read("axes_xyzw", std::span<float>(q));
  const float length = std::sqrt(q[0] * q[0] + q[1] * q[1] + q[2] * q[2] + q[3] * q[3]);
  if (!(std::abs(length - 1.0f) < 1e-3f)) {
    table.fail("axes_xyzw", "must be a quaternion of length 1");
  } else {
    model.joint_from_anatomical = math::quaternionXyzw(q[0], q[1], q[2], q[3]);
  }
  readAxis(table, "flexion", model.flexion);
  readAxis(table, "abduction", model.abduction);
  readAxis(table, "twist", model.twist);
}

void readJoint(core::SettingsTable& table, Subject& subject, JointNames& names) {
  std::string name, parent, motion = "ball";
  std::array<float, 4> q{0, 0, 0, 1};
  std::array<float, 3> t{};
  JointModel model;
  table.read("name", name, core::Need::required);
  table.read("parent", parent);
  table.read("rotation_xyzw", std::span<float>(q));
  table.read("translation", std::span<float>(t), {-1e3, 1e3});
  table.read("motion", motion);
  table.read("limit", model.limit, {0.0, 3.2});
  table.read("place_sigma", model.place_sigma, {0.0, 1.0});
  readAxes(table, model);
  const float length = std::sqrt(q[0] * q[0] + q[1] * q[1] + q[2] * q[2] + q[3] * q[3]);
  if (!(std::abs(length - 1.0f) < 1e-3f)) {
    table.fail("rotation_xyzw", "must be a quaternion of length 1");
  }
  const auto kind = std::find(kMotions.begin(), kMotions.end(), motion);
  if (kind == kMotions.end()) {
    table.fail("motion",
               fmt::format("must be fixed, ball, free, hinge or saddle, not \"{}\"", motion));
  } else {
    model.motion = static_cast<JointMotion>(kind - kMotions.begin());
  }
  const int parent_index =
      parent.empty() ? anim::kNoParent : findJoint(table, "parent", parent, names);
  if (name.empty()) table.fail("name", "must not be empty");
  if (!names.emplace(name, static_cast<int>(names.size())).second) {
    table.fail("name", fmt::format("\"{}\" is used twice; give each joint its own", name));
  }
  subject.skeleton.names.push_back(name);
  subject.skeleton.parents.push_back(parent_index);
  subject.skeleton.parent_from_joint.push_back(
      {math::quaternionXyzw(q[0], q[1], q[2], q[3]), {t[0], t[1], t[2]}});
  subject.joints.push_back(model);
}

bool areNeighbours(const Subject& subject, int a, int b) {
  const std::vector<int>& parents = subject.skeleton.parents;
  return parents[static_cast<std::size_t>(a)] == b || parents[static_cast<std::size_t>(b)] == a;
}

void readShare(core::SettingsTable& table, const Subject& subject, const JointNames& joints,
               SubjectMarker& marker) {
  if (!table.has("also_joint")) return;
  std::string joint;
  std::array<float, 3> offset{};
  table.read("also_joint", joint, core::Need::required);
  table.read("also_share", marker.also.share, {0.0, 1.0}, core::Need::required);
  table.read("also_offset", std::span<float>(offset), {-100.0, 100.0}, core::Need::required);
  marker.also.joint = findJoint(table, "also_joint", joint, joints);
  marker.also.offset_joint = {offset[0], offset[1], offset[2]};
  if (!areNeighbours(subject, marker.joint, marker.also.joint)) {
    table.fail("also_joint",
               fmt::format("\"{}\" must be the parent or a child of the marker's joint", joint));
  }
}

void readMarker(core::SettingsTable& table, Subject& subject, const JointNames& joints,
                std::set<std::string>& names) {
  SubjectMarker marker;
  std::string joint;
  std::array<float, 3> offset{};
  table.read("name", marker.name, core::Need::required);
  const bool one_joint = joints.size() == 1;  // A prop's markers need not say it.
  if (one_joint) joint = joints.begin()->first;
  table.read("joint", joint, one_joint ? core::Need::optional : core::Need::required);
  table.read("offset", std::span<float>(offset), {-100.0, 100.0}, core::Need::required);
  marker.joint = findJoint(table, "joint", joint, joints);
  marker.offset_joint = {offset[0], offset[1], offset[2]};
  readShare(table, subject, joints, marker);
  if (marker.name.empty()) table.fail("name", "must not be empty");
  if (!names.insert(marker.name).second) {
    table.fail("name", fmt::format("\"{}\" is used twice; give each marker its own", marker.name));
  }
  subject.markers.push_back(marker);
}

void readHumanoid(core::SettingsTable table, Subject& subject, const JointNames& joints) {
  subject.humanoid.joint.fill(-1);
  std::vector<bool> plays(subject.skeleton.size(), false);
  for (int i = 0; i < anim::kHumanoidJointCount; ++i) {
    const std::string_view part = anim::humanoidName(static_cast<anim::HumanoidJoint>(i));
    if (!table.has(part)) continue;
    std::string joint;
    table.read(part, joint);
    const int index = findJoint(table, part, joint, joints);
    subject.humanoid.joint[static_cast<std::size_t>(i)] = index;
    if (static_cast<std::size_t>(index) < plays.size())
      plays[static_cast<std::size_t>(index)] = true;
  }
  for (std::size_t joint = 0; joint < plays.size(); ++joint) {
    if (!plays[joint]) subject.humanoid.unmapped.push_back(static_cast<int>(joint));
  }
}

// A prop's one joint may be left out.
void addPropJoint(Subject& subject, JointNames& names) {
  names.emplace(subject.name, 0);
  subject.skeleton.names.push_back(subject.name);
  subject.skeleton.parents.push_back(anim::kNoParent);
  subject.skeleton.parent_from_joint.emplace_back();
  subject.joints.push_back({.motion = JointMotion::free});
}

core::Result<Subject> readSubject(core::SettingsFile file, const std::string& place) {
  Subject subject;
  core::SettingsTable root = file.root();
  std::string kind = "performer";
  root.read("name", subject.name, core::Need::required);
  root.read("kind", kind);
  if (kind != "performer" && kind != "prop") root.fail("kind", "must be performer or prop");
  JointNames joints;
  std::vector<core::SettingsTable> tables = root.tables("joint");
  if (tables.empty() && kind == "prop") {
    addPropJoint(subject, joints);
  } else if (tables.empty()) {
    root.fail("joint", "is missing: a subject needs at least one [[joint]]");
  }
  if (tables.size() > kMaxJoints) {
    root.fail("joint", fmt::format("is there {} times; a subject has at most {} joints",
                                   tables.size(), kMaxJoints));
    tables.clear();
  }
  for (core::SettingsTable& table : tables) readJoint(table, subject, joints);
  std::set<std::string> markers;
  tables = root.tables("marker");
  if (tables.size() > kMaxMarkers) {
    root.fail("marker", fmt::format("is there {} times; a subject has at most {} markers",
                                    tables.size(), kMaxMarkers));
    tables.clear();
  }
  for (core::SettingsTable& table : tables) readMarker(table, subject, joints, markers);
  readHumanoid(root.table("humanoid"), subject, joints);
  if (const core::Result<void> finished = file.finish(); !finished) return finished.error();
  sortFingerMarkers(subject);
  if (const core::Result<void> fingers = checkFingers(subject); !fingers)
    return core::makeError(fmt::format("{}: {}", place, fingers.error().message));
  if (kind != "prop") return subject;
  if (const core::Result<void> sound = checkProp(subject, place); !sound) return sound.error();
  return subject;
}

}  // namespace

core::Result<void> check(const Subject& subject, const std::string& place) {
  const auto wrong = [&](const std::string& text) {
    return core::makeError(fmt::format("{}: subject {}: {}", place, subject.name, text));
  };
  const std::size_t joints = subject.skeleton.size();
  if (joints == 0) return wrong("has no joints");
  if (subject.joints.size() != joints || subject.skeleton.names.size() != joints ||
      subject.skeleton.parent_from_joint.size() != joints) {
    return wrong("has lists of different lengths");
  }
  std::set<std::string> names;
  for (std::size_t j = 0; j < joints; ++j) {
    const std::string& name = subject.skeleton.names[j];
    const math::RigidTransform& rest = subject.skeleton.parent_from_joint[j];
    if (!names.insert(name).second) return wrong(fmt::format("has two joints {}", name));
    if (subject.skeleton.parents[j] < anim::kNoParent ||
        subject.skeleton.parents[j] >= static_cast<int>(j)) {
      return wrong(fmt::format("joint {} stands before its parent", name));
    }
    if (!isFinite(rest.translation) || !(std::abs(glm::length(rest.rotation) - 1.0f) < 1e-3f)) {
      return wrong(fmt::format("joint {} has no sound rest pose", name));
    }
    if (!isSound(subject.joints[j])) {
      return wrong(fmt::format(
          "joint {} has limits that are no angles or a place_sigma that is no length", name));
    }
  }
  names.clear();
  for (const SubjectMarker& marker : subject.markers) {
    if (!names.insert(marker.name).second) {
      return wrong(fmt::format("has two markers {}", marker.name));
    }
    if (marker.joint < 0 || marker.joint >= static_cast<int>(joints)) {
      return wrong(fmt::format("marker {} hangs on no joint", marker.name));
    }
    if (!isFinite(marker.offset_joint)) {
      return wrong(fmt::format("marker {} has an offset that is not finite", marker.name));
    }
    const SkinShare& also = marker.also;
    if (also.joint < 0) continue;
    if (also.joint >= static_cast<int>(joints) ||
        !areNeighbours(subject, marker.joint, also.joint)) {
      return wrong(fmt::format("marker {} has a share in a joint far from its own", marker.name));
    }
    if (!isFinite(also.offset_joint) || !(also.share >= 0.0f && also.share <= 1.0f)) {
      return wrong(fmt::format("marker {} has no sound share in its second joint", marker.name));
    }
  }
  for (const int joint : subject.humanoid.joint) {
    if (joint < -1 || joint >= static_cast<int>(joints)) {
      return wrong("has a humanoid part that is no joint");
    }
  }
  if (const core::Result<void> fingers = checkFingers(subject); !fingers)
    return wrong(fingers.error().message);
  return {};
}

core::Result<Subject> parseSubject(std::string_view toml, const std::string& name) {
  core::Result<core::SettingsFile> file = core::SettingsFile::parse(toml, name);
  if (!file) return file.error();
  return readSubject(*std::move(file), name);
}

core::Result<Subject> loadSubject(const std::filesystem::path& path) {
  core::Result<core::SettingsFile> file = core::SettingsFile::load(path.string());
  if (!file) return file.error();
  return readSubject(*std::move(file), path.string());
}

std::string formatSubject(const Subject& subject) {
  const auto number = [](float value) { return core::tomlNumber(static_cast<double>(value)); };
  const auto vector = [&](const glm::vec3& v) {
    return fmt::format("[{}, {}, {}]", number(v.x), number(v.y), number(v.z));
  };
  const anim::Skeleton& skeleton = subject.skeleton;
  std::string text =
      "# A performer or prop as the solver knows it. Metres, radians; offsets in the joint's "
      "frame.\n";
  text += fmt::format("name = {}\n", core::tomlText(subject.name));
  if (checkProp(subject, "")) text += "kind = \"prop\"\n";
  for (std::size_t j = 0; j < skeleton.size(); ++j) {
    const math::RigidTransform& rest = skeleton.parent_from_joint[j];
    const int parent = skeleton.parents[j];
    text += fmt::format("\n[[joint]]\nname = {}\n", core::tomlText(skeleton.names[j]));
    if (parent != anim::kNoParent) {
      text += fmt::format("parent = {}\n",
                          core::tomlText(skeleton.names[static_cast<std::size_t>(parent)]));
    }
    text += fmt::format("rotation_xyzw = [{}, {}, {}, {}]\ntranslation = {}\n",
                        number(rest.rotation.x), number(rest.rotation.y), number(rest.rotation.z),
                        number(rest.rotation.w), vector(rest.translation));
    text += fmt::format("motion = \"{}\"\nlimit = {}\n",
                        kMotions[static_cast<std::size_t>(subject.joints[j].motion)],
                        number(subject.joints[j].limit));
    const JointModel& model = subject.joints[j];
    if (model.place_sigma > 0.0f)
      text += fmt::format("place_sigma = {}\n", number(model.place_sigma));
    const glm::quat& axes = model.joint_from_anatomical;
    if (axes == JointModel{}.joint_from_anatomical && !model.hasAxisLimits()) continue;
    text += fmt::format("axes_xyzw = [{}, {}, {}, {}]\n", number(axes.x), number(axes.y),
                        number(axes.z), number(axes.w));
    const auto bounds = [&](const char* key, const AxisLimit& axis) {
      if (!axis.limits()) return;
      text += fmt::format("{} = [{}, {}]\n", key, number(axis.lower), number(axis.upper));
    };
    bounds("flexion", model.flexion);
    bounds("abduction", model.abduction);
    bounds("twist", model.twist);
  }
  for (const SubjectMarker& marker : subject.markers) {
    text += fmt::format("\n[[marker]]\nname = {}\njoint = {}\noffset = {}\n",
                        core::tomlText(marker.name),
                        core::tomlText(skeleton.names[static_cast<std::size_t>(marker.joint)]),
                        vector(marker.offset_joint));
    const SkinShare& also = marker.also;
    if (also.joint < 0) continue;
    text += fmt::format("also_joint = {}\nalso_share = {}\nalso_offset = {}\n",
                        core::tomlText(skeleton.names[static_cast<std::size_t>(also.joint)]),
                        number(also.share), vector(also.offset_joint));
  }
  text += "\n[humanoid]\n";
  for (int i = 0; i < anim::kHumanoidJointCount; ++i) {
    const int joint = subject.humanoid.joint[static_cast<std::size_t>(i)];
    if (joint < 0) continue;
    text += fmt::format("{} = {}\n", anim::humanoidName(static_cast<anim::HumanoidJoint>(i)),
                        core::tomlText(skeleton.names[static_cast<std::size_t>(joint)]));
  }
  return text;
}

core::Result<void> saveSubject(const Subject& subject, const std::filesystem::path& path) {
  std::ofstream file(path, std::ios::binary);
  file << formatSubject(subject);
  file.close();
  if (!file) {
    return core::makeError(fmt::format(
        "{}: the subject cannot be written; check the folder, permissions and free space",
        path.string()));
  }
  return {};
}

}  // namespace understudy::subject
