#include "tools/understudy-retarget/inspect.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include "engine/anim/kinematics.h"
#include "engine/asset/character_file.h"
#include "engine/core/text.h"

namespace understudy::retarget_tool {
namespace {

using report::Json;

/// "bvh" of "a/Clip.BVH".
std::string kindOf(const std::filesystem::path& path) {
  const std::string kind = core::extensionOf(path);
  return kind.empty() ? kind : kind.substr(1);
}

Json jointsJson(const anim::Skeleton& skeleton) {
  Json joints = Json::array();
  for (std::size_t i = 0; i < skeleton.size(); ++i) {
    joints.push_back({{"name", skeleton.names[i]}, {"parent", skeleton.parents[i]}});
  }
  return joints;
}

Json worldPositionsJson(const anim::Skeleton& skeleton,
                        std::span<const math::RigidTransform> parent_from_joint) {
  std::vector<math::RigidTransform> world(skeleton.size());
  anim::worldFromJoints(skeleton, parent_from_joint, world);
  Json positions = Json::array();
  for (const auto& joint : world) {
    positions.push_back({joint.translation.x, joint.translation.y, joint.translation.z});
  }
  return positions;
}

Json warningsJson(const std::vector<std::string>& first, const std::vector<std::string>& second) {
  std::vector<std::string> all = first;
  for (const std::string& warning : second) {
    if (std::find(all.begin(), all.end(), warning) == all.end()) all.push_back(warning);
  }
  return all;
}

}  // namespace

bool isInspectable(const std::filesystem::path& path) { return asset::isReadableClipKind(path); }

core::Result<void> inspect(const InspectOptions& options, Json& json) {
  const std::string name = options.path.string();
  const bool may_be_character = asset::isReadableCharacterKind(options.path);
  scene::Character character;
  if (may_be_character) {
    auto loaded = asset::loadCharacter(options.path);
    if (!loaded) return loaded.error();
    character = *std::move(loaded);
  }
  auto clip = asset::loadClip(options.path, options.clip);
  // A character without joints of its own is no clip; every other failure counts.
  const bool no_clip_in_character = may_be_character && character.skeleton.size() == 1 && !clip;
  if (!clip && !no_clip_in_character) return clip.error();

  asset::ClipFile file;
  if (clip) file = *std::move(clip);
  const anim::Skeleton& skeleton = no_clip_in_character ? character.skeleton : file.clip.skeleton;
  std::size_t vertices = 0, triangles = 0;
  for (const scene::Mesh& mesh : character.meshes) {
    vertices += mesh.vertices.size();
    triangles += mesh.indices.size() / 3;
  }
  const bool moves = file.clip.frames > 1 || !may_be_character;
  const std::size_t frames = moves ? file.clip.frames : 0;
  json["file"] = name;
  json["kind"] = kindOf(options.path);
  json["joints"] = jointsJson(skeleton);
  json["frames"] = frames;
  json["rate"] = moves ? file.clip.rate_hz : 0.0;
  json["duration_s"] = moves ? static_cast<double>(frames) / file.clip.rate_hz : 0.0;
  json["vertices"] = vertices;
  json["triangles"] = triangles;
  json["meshes"] = character.meshes.size();
  json["materials"] = character.materials.size();
  json["images"] = character.images.size();
  json["unit_m"] = file.unit_m;
  json["unit_source"] = asset::unitSourceName(file.unit_source);
  json["up"] = std::string(1, file.up);
  json["warnings"] = warningsJson(file.clip.warnings, character.warnings);
  if (!options.frame) return {};

  const std::size_t shown = std::max<std::size_t>(frames, 1);  // The rest pose is frame 0.
  if (*options.frame >= shown) {
    return core::makeError(
        fmt::format("{}: has no frame {}; give --frame 0 to {}", name, *options.frame, shown - 1));
  }
  json["frame"] = *options.frame;
  const auto* poses =
      no_clip_in_character ? skeleton.parent_from_joint.data() : file.clip.parent_from_joint.data();
  json["world_positions_m"] =
      worldPositionsJson(skeleton, {poses + *options.frame * skeleton.size(), skeleton.size()});
  return {};
}

}  // namespace understudy::retarget_tool
