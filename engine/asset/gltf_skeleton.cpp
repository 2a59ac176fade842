#include "engine/asset/gltf_skeleton.h"

#include <algorithm>
#include <cmath>
#include <glm/gtc/matrix_transform.hpp>
#include <glm/gtc/type_ptr.hpp>
#include <limits>
#include <unordered_set>

#include "engine/math/rigid_transform.h"

namespace understudy::asset {
namespace {

constexpr std::size_t index(int value) { return static_cast<std::size_t>(value); }

glm::dquat unit(const glm::dquat& q) {
  const double length = glm::length(q);
  return length > 1e-12 ? q / length : glm::dquat(1.0, 0.0, 0.0, 0.0);
}

NodeTransform fromMatrix(const glm::dmat4& matrix) {
  NodeTransform transform;
  transform.translation = matrix[3];
  glm::dmat3 axes(matrix);
  for (int i = 0; i < 3; ++i) {
    transform.scale[i] = glm::length(axes[i]);
    if (transform.scale[i] > 1e-12) axes[i] /= transform.scale[i];
  }
  if (glm::determinant(axes) < 0.0) {
    transform.scale.x = -transform.scale.x;
    axes[0] = -axes[0];
  }
  transform.rotation = unit(glm::quat_cast(axes));
  return transform;
}

NodeTransform localTransform(const tinygltf::Node& node) {
  if (node.matrix.size() == 16) return fromMatrix(glm::make_mat4(node.matrix.data()));
  NodeTransform transform;
  if (node.translation.size() == 3) transform.translation = glm::make_vec3(node.translation.data());
  if (node.scale.size() == 3) transform.scale = glm::make_vec3(node.scale.data());
  if (node.rotation.size() == 4) {
    transform.rotation = unit(math::quaternionXyzw(node.rotation[0], node.rotation[1],
                                                   node.rotation[2], node.rotation[3]));
  }
  return transform;
}

/// "leftUpperArm" becomes "left_upper_arm"; VRM 0 counts the thumb's joints one further out.
std::string ourHumanoidName(const std::string& given, bool vrm0) {
  std::string name;
  for (const char c : given) {
    if (c >= 'A' && c <= 'Z') {
      if (!name.empty()) name += '_';
      name += static_cast<char>(c + 32);
    } else {
      name += c;
    }
  }
  for (const std::string side : {"left", "right"}) {
    if (!vrm0) break;
    if (name == side + "_thumb_proximal") return side + "_thumb_metacarpal";
    if (name == side + "_thumb_intermediate") return side + "_thumb_proximal";
  }
  return name;
}

struct HumanoidBone {
  int node;
  std::string name;
};

/// The humanoid of a VRM; empty for other files. What names no node is passed over.
std::vector<HumanoidBone> humanoidBones(const GltfModel& gltf, bool& is_vrm0) {
  std::vector<HumanoidBone> bones;
  const auto add = [&](const tinygltf::Value& node, const std::string& name, bool vrm0) {
    const int number = node.IsInt() ? node.GetNumberAsInt() : -1;
    if (number >= 0 && index(number) < gltf.model.nodes.size()) {
      bones.push_back({number, ourHumanoidName(name, vrm0)});
    }
  };
  const auto bonesOf = [&](const char* extension) -> const tinygltf::Value* {
    const auto found = gltf.model.extensions.find(extension);
    if (found == gltf.model.extensions.end() || !found->second.Has("humanoid")) return nullptr;
    const auto& humanoid = found->second.Get("humanoid");
    return humanoid.Has("humanBones") ? &humanoid.Get("humanBones") : nullptr;
  };
  for (const char* extension : {"VRMC_vrm", "VRMC_vrm_animation"}) {
    const tinygltf::Value* map = bonesOf(extension);
    if (map == nullptr || !map->IsObject()) continue;
    for (const std::string& name : map->Keys()) {
      const auto& bone = map->Get(name);
      if (bone.Has("node")) add(bone.Get("node"), name, false);
    }
  }
  is_vrm0 = gltf.model.extensions.contains("VRM") && !gltf.model.extensions.contains("VRMC_vrm");
  if (const tinygltf::Value* list = is_vrm0 ? bonesOf("VRM") : nullptr; list != nullptr) {
    for (std::size_t i = 0; i < list->ArrayLen(); ++i) {
      const auto& bone = list->Get(static_cast<int>(i));
      if (bone.Has("node") && bone.Has("bone") && bone.Get("bone").IsString()) {
        add(bone.Get("node"), bone.Get("bone").Get<std::string>(), true);
      }
    }
  }
  return bones;
}

/// True if the channel takes its node anywhere else than its rest pose.
bool moves(const GltfModel& gltf, const tinygltf::AnimationChannel& channel,
           const tinygltf::AnimationSampler& sampler, const NodeTransform& rest) {
  const std::vector<float> values = readFloats(gltf.model, sampler.output);
  const auto differs = [](double a, float b) {
    return !(std::abs(a - static_cast<double>(b)) < 1e-4);
  };
  const bool cubic = sampler.interpolation == "CUBICSPLINE";
  const std::size_t width = channel.target_path == "rotation" ? 4 : 3;
  for (std::size_t i = 0; i + width <= values.size(); i += width) {
    if (cubic && i / width % 3 != 1) continue;  // Tangents.
    const float* v = &values[i];
    if (width == 4) {
      const glm::quat key = math::quaternionXyzw(v[0], v[1], v[2], v[3]);
      if (differs(std::abs(glm::dot(rest.rotation, glm::dquat(key))), 1.0f)) return true;
      continue;
    }
    const glm::dvec3& at = channel.target_path == "scale" ? rest.scale : rest.translation;
    if (differs(at.x, v[0]) || differs(at.y, v[1]) || differs(at.z, v[2])) return true;
  }
  return false;
}

/// Marks the nodes that become joints, see makeGltfSkeleton().
std::vector<bool> chooseJoints(const GltfModel& gltf, const std::vector<NodeTransform>& rest,
                               const std::vector<HumanoidBone>& humanoid) {
  const std::size_t count = gltf.model.nodes.size();
  std::vector<bool> is_joint(count, false), is_animated(count, false), shown(count, false);
  for (const int node : gltf.order) shown[index(node)] = true;
  bool any = false;
  const auto mark = [&](int node) {
    if (shown[index(node)]) any = is_joint[index(node)] = true;
  };
  for (const auto& skin : gltf.model.skins)
    std::for_each(skin.joints.begin(), skin.joints.end(), mark);
  for (const HumanoidBone& bone : humanoid) mark(bone.node);
  if (!any) {
    // No character: an animated file is all joints, so that it can be read as a clip.
    if (!gltf.model.animations.empty()) {
      for (const int node : gltf.order) is_joint[index(node)] = true;
    }
    return is_joint;
  }
  std::vector<bool> above_joint(count, false), below_joint(count, false);
  for (auto node = gltf.order.rbegin(); node != gltf.order.rend(); ++node) {
    const int parent = gltf.parents[index(*node)];
    if (parent >= 0 && (is_joint[index(*node)] || above_joint[index(*node)])) {
      above_joint[index(parent)] = true;
    }
  }
  for (const auto& animation : gltf.model.animations) {
    for (const auto& channel : animation.channels) {
      if (channel.target_node < 0 || channel.target_path == "weights") continue;
      const std::size_t node = index(channel.target_node);
      if (above_joint[node] && !is_joint[node] && !is_animated[node]) {
        is_animated[node] =
            moves(gltf, channel, animation.samplers[index(channel.sampler)], rest[node]);
      }
    }
  }
  for (const int node : gltf.order) {
    const int parent = gltf.parents[index(node)];
    below_joint[index(node)] =
        parent >= 0 && (is_joint[index(parent)] || below_joint[index(parent)]);
    if (above_joint[index(node)] && (below_joint[index(node)] || is_animated[index(node)])) {
      is_joint[index(node)] = true;
    }
  }
  return is_joint;
}

void nameJoints(const GltfModel& gltf, GltfSkeleton& skeleton) {
  std::unordered_set<std::string> taken;
  std::size_t renamed = 0;
  for (const int node : skeleton.nodes) {
    const std::string& given = gltf.model.nodes[index(node)].name;
    std::string name = given.empty() ? "node_" + std::to_string(node) : given;
    if (!taken.insert(name).second) {
      name += "_node_" + std::to_string(node);
      ++renamed;
      while (!taken.insert(name).second) name += "_";
    }
    skeleton.skeleton.names.push_back(name);
  }
  if (renamed > 0) {
    skeleton.warnings.push_back(std::to_string(renamed) +
                                " joint names stand more than once and were numbered");
  }
}

void warnOfScale(GltfSkeleton& result) {
  bool uneven = false;
  for (const glm::dmat4& matrix : result.joint_from_node) {
    const glm::dmat3 axes(matrix);
    const double x = glm::length(axes[0]), y = glm::length(axes[1]), z = glm::length(axes[2]);
    const double largest = std::max({x, y, z});
    uneven |= largest - std::min({x, y, z}) > 1e-3 * largest;
  }
  if (uneven) {
    result.warnings.push_back(
        "joints are scaled unevenly; they are exact in the rest pose, approximate in others");
  }
}

}  // namespace

void worldFromNodes(const GltfModel& gltf, const GltfSkeleton& skeleton,
                    const std::vector<NodeTransform>& local, std::vector<glm::dmat4>& world,
                    std::vector<glm::dquat>& rotations) {
  world.resize(local.size());
  rotations.resize(local.size());
  const glm::dmat4 world_from_scene = glm::mat4_cast(skeleton.world_from_scene);
  for (const int node : gltf.order) {
    const NodeTransform& transform = local[index(node)];
    glm::dmat4 parent_from_node = glm::mat4_cast(transform.rotation);
    for (int i = 0; i < 3; ++i) parent_from_node[i] *= transform.scale[i];
    parent_from_node[3] = glm::dvec4(transform.translation, 1.0);
    const int parent = gltf.parents[index(node)];
    world[index(node)] = (parent < 0 ? world_from_scene : world[index(parent)]) * parent_from_node;
    rotations[index(node)] = unit(
        (parent < 0 ? skeleton.world_from_scene : rotations[index(parent)]) * transform.rotation);
  }
}

void poseFromNodes(const GltfSkeleton& skeleton, const std::vector<glm::dmat4>& world,
                   const std::vector<glm::dquat>& rotations, math::RigidTransform* pose) {
  for (std::size_t joint = 0; joint < skeleton.nodes.size(); ++joint) {
    const std::size_t node = index(skeleton.nodes[joint]);
    const math::RigidTransformd world_from_joint{rotations[node], world[node][3]};
    const int parent = skeleton.skeleton.parents[joint];
    math::RigidTransformd local = world_from_joint;
    if (parent != anim::kNoParent) {
      const std::size_t parent_node = index(skeleton.nodes[index(parent)]);
      const math::RigidTransformd world_from_parent{rotations[parent_node], world[parent_node][3]};
      local = math::inverse(world_from_parent) * world_from_joint;
    }
    pose[joint] = {glm::quat(unit(local.rotation)), glm::vec3(local.translation)};
  }
}

GltfSkeleton makeGltfSkeleton(const GltfModel& gltf) {
  GltfSkeleton result;
  bool is_vrm0 = false;
  const std::vector<HumanoidBone> humanoid = humanoidBones(gltf, is_vrm0);
  if (is_vrm0) {
    result.world_from_scene = glm::dquat(0.0, 0.0, 1.0, 0.0);
    result.warnings.push_back("VRM 0 looks along -Z; it is turned to +Z");
  }
  for (const auto& node : gltf.model.nodes) result.rest.push_back(localTransform(node));
  const std::vector<bool> is_joint = chooseJoints(gltf, result.rest, humanoid);

  result.joint_of_node.assign(gltf.model.nodes.size(), -1);
  for (const int node : gltf.order) {
    if (!is_joint[index(node)]) continue;
    int parent = gltf.parents[index(node)];
    while (parent >= 0 && !is_joint[index(parent)]) parent = gltf.parents[index(parent)];
    result.joint_of_node[index(node)] = static_cast<int>(result.nodes.size());
    result.nodes.push_back(node);
    result.skeleton.parents.push_back(parent < 0 ? anim::kNoParent
                                                 : result.joint_of_node[index(parent)]);
  }
  nameJoints(gltf, result);

  std::vector<glm::dquat> rotations;
  worldFromNodes(gltf, result, result.rest, result.world_from_node, rotations);
  result.skeleton.parent_from_joint.resize(result.nodes.size());
  poseFromNodes(result, result.world_from_node, rotations,
                result.skeleton.parent_from_joint.data());
  for (const int node : result.nodes) {
    glm::dmat4 rigid = glm::mat4_cast(rotations[index(node)]);
    rigid[3] = result.world_from_node[index(node)][3];
    result.world_from_joint.push_back(rigid);
    result.joint_from_node.push_back(glm::inverse(rigid) * result.world_from_node[index(node)]);
  }
  warnOfScale(result);

  result.humanoid_names.resize(result.nodes.size());
  for (const HumanoidBone& bone : humanoid) {
    const int joint = result.joint_of_node[index(bone.node)];
    if (joint >= 0) result.humanoid_names[index(joint)] = bone.name;
  }
  return result;
}

}  // namespace understudy::asset
