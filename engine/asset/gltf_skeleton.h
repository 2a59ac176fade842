#pragma once

#include <glm/glm.hpp>
#include <glm/gtc/quaternion.hpp>
#include <string>
#include <vector>

#include "engine/anim/skeleton.h"
#include "engine/asset/gltf_model.h"

namespace understudy::asset {

/// Translation, rotation and scale of a node in its parent.
struct NodeTransform {
  glm::dvec3 translation{0.0};
  glm::dquat rotation{1.0, 0.0, 0.0, 0.0};  // w, x, y, z.
  glm::dvec3 scale{1.0};
};

/// A glTF's nodes as a skeleton of rigid joints in metres. Nodes may be scaled; a joint takes the
/// product of the rotations and the place of its node, and what remains of the node's matrix (its
/// accumulated scale) is in `joint_from_node`.
struct GltfSkeleton {
  anim::Skeleton skeleton;
  std::vector<int> nodes;                           ///< Per joint: its node.
  std::vector<int> joint_of_node;                   ///< Per node: its joint or -1.
  std::vector<NodeTransform> rest;                  ///< Per node.
  std::vector<glm::dmat4> world_from_node;          ///< Per node, in the rest pose.
  std::vector<glm::dmat4> world_from_joint;         ///< Per joint, rigid, in the rest pose.
  std::vector<glm::dmat4> joint_from_node;          ///< Per joint, in the rest pose.
  std::vector<std::string> humanoid_names;          ///< Per joint, empty where the file says none.
  glm::dquat world_from_scene{1.0, 0.0, 0.0, 0.0};  ///< Half a turn for VRM 0, which faces -Z.
  std::vector<std::string> warnings;
};

/// Chooses the joints: those of all skins and of a VRM's humanoid, the nodes between them, and
/// animated nodes above them; without any of these all nodes of a file with animations, else none.
GltfSkeleton makeGltfSkeleton(const GltfModel& gltf);

/// World matrices of all nodes in the shown scene from local transforms, one per node; and the
/// product of the rotations alone.
void worldFromNodes(const GltfModel& gltf, const GltfSkeleton& skeleton,
                    const std::vector<NodeTransform>& local, std::vector<glm::dmat4>& world,
                    std::vector<glm::dquat>& rotations);

/// Local rigid joints from the outcome of worldFromNodes(); `pose` has one entry per joint.
void poseFromNodes(const GltfSkeleton& skeleton, const std::vector<glm::dmat4>& world,
                   const std::vector<glm::dquat>& rotations, math::RigidTransform* pose);

}  // namespace understudy::asset
