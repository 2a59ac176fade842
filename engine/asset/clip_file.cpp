#include "engine/asset/clip_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "engine/anim/kinematics.h"
#include "engine/asset/asf_amc.h"
#include "engine/asset/bvh.h"
#include "engine/asset/gltf_clip.h"
#include "engine/core/text.h"

namespace understudy::asset {
namespace {

// From the tip of one limb to that of the farthest other, along the bones, a human measures this
// many body heights: 1.16 to 1.53 over the recordings of seven studios, as hands and toes are
// modelled or not.
constexpr double kLimbToLimbPerHeight = 1.32;
constexpr double kHumanHeight = 1.70;

struct UnitCandidate {
  double metres;
  const char* name;
};
constexpr std::array kUnits = {
    UnitCandidate{1.0, "metres"},
    UnitCandidate{0.1, "decimetres"},
    UnitCandidate{0.0254 / 0.45, "inches / 0.45, as CMU's"},
    UnitCandidate{0.0254, "inches"},
    UnitCandidate{0.01, "centimetres"},
    UnitCandidate{0.001, "millimetres"},
};

/// The longest way along the bones between two ends of the hierarchy, neither of them a root.
double limbToLimb(const anim::Skeleton& skeleton, const math::RigidTransform* parent_from_joint) {
  std::vector<double> deepest(skeleton.size(), 0.0);
  std::vector<bool> has_branch(skeleton.size(), false);
  double longest = 0.0;
  for (std::size_t joint = skeleton.size(); joint-- > 0;) {
    if (skeleton.parents[joint] == anim::kNoParent) continue;
    const std::size_t parent = static_cast<std::size_t>(skeleton.parents[joint]);
    const double below =
        deepest[joint] + static_cast<double>(glm::length(parent_from_joint[joint].translation));
    if (has_branch[parent]) longest = std::max(longest, deepest[parent] + below);
    deepest[parent] = std::max(deepest[parent], below);
    has_branch[parent] = true;
  }
  return longest;
}

void recogniseUnit(ClipFile& file) {
  anim::Clip& clip = file.clip;
  double size = limbToLimb(clip.skeleton, clip.skeleton.parent_from_joint.data());
  if (size <= 0.0) size = limbToLimb(clip.skeleton, clip.parent_from_joint.data());
  const double height_units = size / kLimbToLimbPerHeight;
  const auto misfit = [&](const UnitCandidate& unit) {
    return std::abs(std::log(height_units * unit.metres / kHumanHeight));
  };
  file.unit_source = UnitSource::recognised;
  if (height_units <= 0.0) {
    file.unit_m = 1.0;
    clip.warnings.push_back("no limbs to recognise the unit by; metres are assumed (--unit)");
    return;
  }
  const UnitCandidate& best =
      *std::min_element(kUnits.begin(), kUnits.end(),
                        [&](const auto& a, const auto& b) { return misfit(a) < misfit(b); });
  file.unit_m = best.metres;
  clip.warnings.push_back(fmt::format(
      "the file does not say its unit: {} recognised, a body of about {:.2f} m{}", best.name,
      height_units * best.metres,
      misfit(best) > std::log(1.6) ? "; no human size, give --unit if that is wrong" : ""));
}

/// Mean direction from feet to head over the clip, zero if the skeleton names neither.
glm::dvec3 feetToHead(const anim::Clip& clip) {
  std::vector<std::size_t> heads, feet;
  for (std::size_t joint = 0; joint < clip.skeleton.size(); ++joint) {
    const std::string name = core::lowerCase(clip.skeleton.names[joint]);
    const auto has = [&](const char* part) { return name.find(part) != name.npos; };
    if (has("head")) heads.push_back(joint);
    if (has("foot") || has("ankle") || has("toe")) feet.push_back(joint);
  }
  glm::dvec3 sum(0.0);
  if (heads.empty() || feet.empty()) return sum;
  const std::size_t joints = clip.skeleton.size();
  std::vector<math::RigidTransform> world(joints);
  const std::size_t samples = std::min<std::size_t>(clip.frames, 64);
  for (std::size_t sample = 0; sample < samples; ++sample) {
    const std::size_t frame = clip.frames * sample / samples;
    anim::worldFromJoints(clip.skeleton, {&clip.parent_from_joint[frame * joints], joints}, world);
    const auto mean = [&](const std::vector<std::size_t>& members) {
      glm::dvec3 total(0.0);
      for (const std::size_t joint : members) total += glm::dvec3(world[joint].translation);
      return total / static_cast<double>(members.size());
    };
    const glm::dvec3 direction = mean(heads) - mean(feet);
    const double length = glm::length(direction);
    if (length > 0.0) sum += direction / length;
  }
  return sum / static_cast<double>(samples);
}

void recogniseUp(ClipFile& file) {
  const glm::dvec3 up = feetToHead(file.clip);
  const glm::dvec3 size = glm::abs(up);
  file.up = size.z > size.y ? 'z' : 'y';
  const double chosen = file.up == 'z' ? up.z : up.y;
  if (chosen > 0.5) {
    if (file.up == 'z') {
      file.clip.warnings.push_back(
          "the file does not say its axes: z recognised as up, head "
          "over feet; turned to y");
    }
    return;
  }
  if (size == glm::dvec3(0.0)) {
    file.clip.warnings.push_back(
        "no head and feet to recognise the axes by; y is taken as up "
        "(--up)");
    file.up = 'y';
    return;
  }
  file.clip.warnings.push_back(fmt::format(
      "neither y nor z is clearly up between feet and head; {} is taken (--up)", file.up));
}

/// Scales to metres and turns +z up into +y up: (x, y, z) becomes (x, z, -y).
void convert(ClipFile& file) {
  const float scale = static_cast<float>(file.unit_m);
  const float half = std::sqrt(0.5f);
  const glm::quat y_up_from_z_up = math::quaternionXyzw(-half, 0.0f, 0.0f, half);
  anim::Skeleton& skeleton = file.clip.skeleton;
  const auto convertPose = [&](math::RigidTransform* pose) {
    for (std::size_t joint = 0; joint < skeleton.size(); ++joint) {
      pose[joint].translation *= scale;
      if (file.up == 'z' && skeleton.parents[joint] == anim::kNoParent) {
        const glm::vec3 p = pose[joint].translation;
        pose[joint] = {glm::normalize(y_up_from_z_up * pose[joint].rotation), {p.x, p.z, -p.y}};
      }
    }
  };
  convertPose(skeleton.parent_from_joint.data());
  for (std::size_t frame = 0; frame < file.clip.frames; ++frame) {
    convertPose(&file.clip.parent_from_joint[frame * skeleton.size()]);
  }
}

// Of a kind that says nothing of its unit and axes.
core::Result<ClipFile> recogniseClip(core::Result<anim::Clip> clip, const char* kind,
                                     const ClipOptions& options) {
  if (!clip) return clip.error();
  ClipFile file;
  file.kind = kind;
  file.clip = *std::move(clip);
  if (options.unit_m) {
    file.unit_m = *options.unit_m;
    file.unit_source = UnitSource::flag;
  } else {
    recogniseUnit(file);
  }
  if (options.up) {
    file.up = *options.up;
  } else {
    recogniseUp(file);
  }
  convert(file);
  return file;
}

core::Result<ClipFile> loadGltfClip(const std::filesystem::path& path, const ClipOptions& options) {
  const auto gltf = loadGltfModel(path);
  if (!gltf) return gltf.error();
  ClipFile file;
  file.kind = "gltf";
  try {
    auto clip = makeGltfClip(*gltf, options.animation);
    if (!clip) return clip.error();
    file.clip = *std::move(clip);
  } catch (const std::exception& exception) {
    return core::makeError(path.string() + ": " + exception.what() + "; the file is damaged");
  }
  if (options.unit_m || options.up) {
    file.unit_m = options.unit_m.value_or(1.0);
    file.unit_source = options.unit_m ? UnitSource::flag : UnitSource::file;
    file.up = options.up.value_or('y');
    file.clip.warnings.push_back("glTF is in metres with y up; the given unit or axis is obeyed");
    convert(file);
  }
  return file;
}

}  // namespace

std::string_view unitSourceName(UnitSource source) {
  switch (source) {
    case UnitSource::file:
      return "file";
    case UnitSource::flag:
      return "flag";
    case UnitSource::recognised:
      break;
  }
  return "recognised";
}

std::optional<double> unitMetres(std::string_view name) {
  if (name == "m") return 1.0;
  if (name == "cm") return 0.01;
  if (name == "mm") return 0.001;
  if (name == "in") return 0.0254;
  return std::nullopt;
}

bool isReadableClipKind(const std::filesystem::path& path) {
  const std::string extension = core::extensionOf(path);
  return extension == ".bvh" || extension == ".amc" || extension == ".glb" ||
         extension == ".gltf" || extension == ".vrm";
}

core::Error unreadableClipKind(const std::filesystem::path& path) {
  return core::makeError(path.string() + ": cannot read files of kind \"" +
                         core::extensionOf(path) +
                         "\"; clips that can be read are .bvh, .amc, .glb, .gltf and .vrm");
}

core::Result<ClipFile> loadClip(const std::filesystem::path& path, const ClipOptions& options) {
  if (!isReadableClipKind(path)) return unreadableClipKind(path);
  const std::string extension = core::extensionOf(path);
  if (extension == ".bvh") return recogniseClip(loadBvh(path), "bvh", options);
  if (extension == ".amc") return recogniseClip(loadAmc(path), "amc", options);
  return loadGltfClip(path, options);
}

}  // namespace understudy::asset
