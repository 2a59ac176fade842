#include "engine/asset/gltf_morphs.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/scene/morph.h"

namespace understudy::asset {
namespace {

constexpr std::size_t kMaxTargets = 1024;
constexpr std::size_t kMaxElements = std::size_t{1} << 25;  // Read, all targets together.
constexpr std::size_t kMaxDeltas = std::size_t{1} << 23;    // Kept.
constexpr float kMaxDelta = 1e6f;

const tinygltf::Value* member(const tinygltf::Value& object, const char* key) {
  return object.IsObject() && object.Has(key) ? &object.Get(key) : nullptr;
}

int integer(const tinygltf::Value& object, const char* key) {
  const tinygltf::Value* value = member(object, key);
  return value != nullptr && value->IsInt() ? value->GetNumberAsInt() : -1;
}

std::string nameOf(const tinygltf::Mesh& mesh, std::size_t target) {
  if (const tinygltf::Value* names = member(mesh.extras, "targetNames");
      names != nullptr && names->IsArray() && target < names->ArrayLen()) {
    const tinygltf::Value& name = names->Get(static_cast<int>(target));
    if (name.IsString()) return name.Get<std::string>().substr(0, 128);
  }
  return "target_" + std::to_string(target);
}

/// The only bind of an expression, as "this mesh, this target"; (-1, -1) if there are more or none.
std::pair<int, int> onlyBind(const GltfModel& gltf, const tinygltf::Value* binds) {
  constexpr std::pair<int, int> kNone{-1, -1};
  if (binds == nullptr || binds->ArrayLen() != 1) return kNone;
  const tinygltf::Value& bind = binds->Get(0);
  int mesh = integer(bind, "mesh");
  if (const int node = integer(bind, "node");
      node >= 0 && static_cast<std::size_t>(node) < gltf.model.nodes.size()) {
    mesh = gltf.model.nodes[static_cast<std::size_t>(node)].mesh;
  }
  const int target = integer(bind, "index");
  return mesh >= 0 && target >= 0 ? std::pair(mesh, target) : kNone;
}

}  // namespace

std::map<std::pair<int, int>, int> expressionsOfVrm(const GltfModel& gltf) {
  std::map<std::pair<int, int>, int> found;
  const auto add = [&](const std::string& preset, const tinygltf::Value* binds) {
    const int arkit = scene::arkitOfVrmExpression(preset.substr(0, 64));
    const auto bind = onlyBind(gltf, binds);
    if (arkit >= 0 && bind.first >= 0) found.emplace(bind, arkit);
  };
  if (const auto vrm = gltf.model.extensions.find("VRMC_vrm"); vrm != gltf.model.extensions.end()) {
    const tinygltf::Value* expressions = member(vrm->second, "expressions");
    const tinygltf::Value* presets =
        expressions != nullptr ? member(*expressions, "preset") : nullptr;
    if (presets != nullptr && presets->IsObject()) {
      for (const std::string& name : presets->Keys()) {
        add(name, member(presets->Get(name), "morphTargetBinds"));
      }
    }
  }
  if (const auto vrm = gltf.model.extensions.find("VRM"); vrm != gltf.model.extensions.end()) {
    const tinygltf::Value* master = member(vrm->second, "blendShapeMaster");
    const tinygltf::Value* groups =
        master != nullptr ? member(*master, "blendShapeGroups") : nullptr;
    for (std::size_t i = 0; groups != nullptr && i < groups->ArrayLen(); ++i) {
      const tinygltf::Value& group = groups->Get(static_cast<int>(i));
      const tinygltf::Value* preset = member(group, "presetName");
      if (preset == nullptr || !preset->IsString()) continue;
      add(preset->Get<std::string>(), member(group, "binds"));
    }
  }
  return found;
}

core::Result<std::vector<scene::MorphTarget>> MorphReader::read(
    int mesh, const tinygltf::Primitive& primitive, const glm::dmat4& bind_from_mesh) {
  const auto error = [&](const std::string& what) {
    return core::makeError(fmt::format("{}: mesh {} {}; export it again", gltf_.path, mesh, what));
  };
  const tinygltf::Mesh& source = gltf_.model.meshes[static_cast<std::size_t>(mesh)];
  if (primitive.targets.size() > kMaxTargets) {
    return error(
        fmt::format("has {} morph targets, more than {}", primitive.targets.size(), kMaxTargets));
  }
  const glm::dmat3 axes(bind_from_mesh);
  const double size = std::cbrt(std::abs(glm::determinant(axes)));
  if (!(size > 1e-12)) return error("has morph targets but no extent");
  // Deltas of unit vectors: scale must not stretch them.
  const glm::dmat3 tangent_axes = axes / size;
  const glm::dmat3 normal_axes = glm::transpose(glm::inverse(axes)) * size;

  std::vector<scene::MorphTarget> targets;
  for (std::size_t t = 0; t < primitive.targets.size(); ++t) {
    scene::MorphTarget target;
    target.name = nameOf(source, t);
    target.arkit = scene::arkitIndex(target.name);
    if (const auto known = expressions_.find({mesh, static_cast<int>(t)});
        target.arkit < 0 && known != expressions_.end()) {
      target.arkit = known->second;
    }
    if (t < source.weights.size() && std::abs(source.weights[t]) < 1e3) {
      target.rest_weight = static_cast<float>(source.weights[t]);
    }
    const auto values = [&](const char* name) -> std::vector<float> {
      const auto found = primitive.targets[t].find(name);
      if (found == primitive.targets[t].end()) return {};
      elements_ += gltf_.model.accessors[static_cast<std::size_t>(found->second)].count;
      return elements_ > kMaxElements ? std::vector<float>{}
                                      : readFloats(gltf_.model, found->second);
    };
    const std::vector<float> positions = values("POSITION");
    const std::vector<float> normals = values("NORMAL");
    const std::vector<float> tangents = values("TANGENT");
    if (elements_ > kMaxElements) return error("has morph targets of too many vertices together");
    const std::size_t count = std::max({positions.size(), normals.size(), tangents.size()}) / 3;
    const auto at = [](const std::vector<float>& list, std::size_t i) {
      return list.empty() ? glm::vec3(0.0f)
                          : glm::vec3(list[i * 3], list[i * 3 + 1], list[i * 3 + 2]);
    };
    for (std::size_t i = 0; i < count; ++i) {
      scene::MorphDelta delta{static_cast<std::uint32_t>(i), at(positions, i), at(normals, i),
                              at(tangents, i)};
      if (delta.position == glm::vec3(0.0f) && delta.normal == glm::vec3(0.0f) &&
          delta.tangent == glm::vec3(0.0f)) {
        continue;
      }
      delta.position = glm::vec3(axes * glm::dvec3(delta.position));
      delta.normal = glm::vec3(normal_axes * glm::dvec3(delta.normal));
      delta.tangent = glm::vec3(tangent_axes * glm::dvec3(delta.tangent));
      for (const glm::vec3& v : {delta.position, delta.normal, delta.tangent}) {
        for (int k = 0; k < 3; ++k) {
          if (!(std::abs(v[k]) < kMaxDelta)) {
            return error(fmt::format("has a morph target, {}, that is not finite", t));
          }
        }
      }
      if (++deltas_ > kMaxDeltas) return error("has morph targets that move too many vertices");
      target.deltas.push_back(delta);
    }
    target.deltas.shrink_to_fit();
    targets.push_back(std::move(target));
  }
  return targets;
}

}  // namespace understudy::asset
