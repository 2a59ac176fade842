#include <assimp/scene.h>
#include <doctest/doctest.h>

#include <assimp/Importer.hpp>
#include <filesystem>
#include <glm/gtc/matrix_transform.hpp>
#include <map>

#include "engine/anim/kinematics.h"
#include "engine/asset/character_file.h"
#include "engine/asset/clip_file.h"
#include "tests/support/shared_data.h"

// Characters and animations made by other people's programs. Assimp stands as an oracle for files
// whose weights are floats: of integer weights it makes garbage.

using namespace understudy;

namespace {

struct Known {
  const char* path;
  std::size_t joints;  ///< As the file's skins say; nodes between joints would come on top.
  std::size_t triangles;
  int animations;
  bool compare;  ///< With Assimp.
};

const Known kKnown[] = {
    {"characters/kaykit/gltf/Knight.glb", 41, 6952, 76, true},
    {"characters/ozz/gltf/khronos/cesium_man.gltf", 19, 4672, 1, true},
    {"characters/ozz/gltf/khronos/rigged_simple.gltf", 2, 188, 1, true},
    {"characters/raylib/gltf/greenman.glb", 12, 356, 4, true},
    {"characters/bevy/assets/models/animated/Fox.glb", 24, 576, 3, true},
    {"characters/vrmsamples/cryptovoxels.vrm", 57, 4907, 0, false},
    {"characters/assimp/glTF2/simple_skin/quad_skin.glb", 10, 2, 0, false},
    {"characters/assimp/glTF2/simple_skin/simple_skin.gltf", 2, 8, 1, true},
    {"characters/mesh2motion/static/animations/quad-creature-animations.glb", 29, 1188, 4, true},
    {"characters/webxr/left.glb", 25, 2314, 0, true},
    {"characters/webxr/right.glb", 25, 2314, 0, true},
};

/// Sum of positions and the box around them: agrees if two readers place the same vertices.
struct Cloud {
  glm::dvec3 sum{0.0};
  glm::vec3 low{1e30f}, high{-1e30f};
  std::size_t count = 0;

  void add(const glm::vec3& p) {
    sum += glm::dvec3(p);
    low = glm::min(low, p);
    high = glm::max(high, p);
    ++count;
  }
  glm::vec3 mean() const { return sum / static_cast<double>(count); }
};

Cloud ourCloud(const scene::Character& character, const math::RigidTransform* pose) {
  std::vector<math::RigidTransform> world(character.skeleton.size());
  anim::worldFromJoints(character.skeleton, {pose, character.skeleton.size()}, world);
  std::vector<glm::mat4> world_from_bind;
  for (std::size_t j = 0; j < world.size(); ++j) {
    world_from_bind.push_back(math::toMatrix(world[j]) * character.joint_from_bind[j]);
  }
  Cloud cloud;
  for (const auto& mesh : character.meshes) {
    for (const auto& vertex : mesh.vertices) {
      glm::vec4 place(0.0f);
      for (int k = 0; k < 4; ++k) {
        place += vertex.weights[k] *
                 (world_from_bind[vertex.joints[k]] * glm::vec4(vertex.position, 1.0f));
      }
      cloud.add(place);
    }
  }
  return cloud;
}

aiVector3D blend(const aiVector3D& a, const aiVector3D& b, float t) { return a + (b - a) * t; }

aiQuaternion blend(const aiQuaternion& a, const aiQuaternion& b, float t) {
  aiQuaternion result;
  aiQuaternion::Interpolate(result, a, b, t);
  return result;
}

template <class Keys>
auto keyAt(const Keys* keys, unsigned count, double time) {
  unsigned at = 0;
  while (at + 1 < count && keys[at + 1].mTime <= time + 1e-6) ++at;
  if (at + 1 == count || time <= keys[at].mTime) return keys[at].mValue;
  const double t = (time - keys[at].mTime) / (keys[at + 1].mTime - keys[at].mTime);
  return blend(keys[at].mValue, keys[at + 1].mValue, static_cast<float>(t));
}

void placeNodes(const aiNode* node, const aiMatrix4x4& world_from_parent,
                const std::map<std::string, const aiNodeAnim*>& channels, double time,
                std::map<std::string, aiMatrix4x4>& world, Cloud& cloud, const aiScene* scene,
                bool second_pass) {
  aiMatrix4x4 local = node->mTransformation;
  if (const auto found = channels.find(node->mName.C_Str()); found != channels.end()) {
    const aiNodeAnim& channel = *found->second;
    local = aiMatrix4x4(keyAt(channel.mScalingKeys, channel.mNumScalingKeys, time),
                        keyAt(channel.mRotationKeys, channel.mNumRotationKeys, time),
                        keyAt(channel.mPositionKeys, channel.mNumPositionKeys, time));
  }
  const aiMatrix4x4 here = world_from_parent * local;
  world[node->mName.C_Str()] = here;
  for (unsigned m = 0; second_pass && m < node->mNumMeshes; ++m) {
    const aiMesh& mesh = *scene->mMeshes[node->mMeshes[m]];
    std::vector<aiVector3D> sums(mesh.mNumVertices);
    std::vector<float> weights(mesh.mNumVertices, 0.0f);
    for (unsigned b = 0; b < mesh.mNumBones; ++b) {
      const aiBone& bone = *mesh.mBones[b];
      const aiMatrix4x4 skin = world[bone.mName.C_Str()] * bone.mOffsetMatrix;
      for (unsigned w = 0; w < bone.mNumWeights; ++w) {
        const auto& weight = bone.mWeights[w];
        sums[weight.mVertexId] += (skin * mesh.mVertices[weight.mVertexId]) * weight.mWeight;
        weights[weight.mVertexId] += weight.mWeight;
      }
    }
    for (unsigned v = 0; v < mesh.mNumVertices; ++v) {
      const aiVector3D p = mesh.mNumBones > 0 ? sums[v] / weights[v] : here * mesh.mVertices[v];
      cloud.add({p.x, p.y, p.z});
    }
  }
  for (unsigned i = 0; i < node->mNumChildren; ++i) {
    placeNodes(node->mChildren[i], here, channels, time, world, cloud, scene, second_pass);
  }
}

Cloud assimpCloud(const aiScene* scene, bool animated, double time_ms) {
  std::map<std::string, const aiNodeAnim*> channels;
  if (animated) {
    const aiAnimation& animation = *scene->mAnimations[0];
    for (unsigned i = 0; i < animation.mNumChannels; ++i) {
      channels[animation.mChannels[i]->mNodeName.C_Str()] = animation.mChannels[i];
    }
  }
  std::map<std::string, aiMatrix4x4> world;
  Cloud cloud;
  placeNodes(scene->mRootNode, {}, channels, time_ms, world, cloud, scene, false);
  placeNodes(scene->mRootNode, {}, channels, time_ms, world, cloud, scene, true);
  return cloud;
}

void checkEqual(const Cloud& ours, const Cloud& theirs) {
  const float size = glm::length(theirs.high - theirs.low);
  CHECK(ours.count == theirs.count);
  CHECK(glm::distance(ours.mean(), theirs.mean()) < 1e-4f * size);
  CHECK(glm::distance(ours.low, theirs.low) < 1e-3f * size);
  CHECK(glm::distance(ours.high, theirs.high) < 1e-3f * size);
}

}  // namespace

TEST_SUITE("asset/gltf_peer") {
  TEST_CASE("other people's characters have the joints and triangles that are known of them") {
    for (const Known& known : kKnown) {
      const auto path = test::sharedData(known.path);
      if (!path) continue;
      CAPTURE(*path);
      const auto character = asset::loadCharacter(*path);
      REQUIRE(character.has_value());
      for (const auto& warning : character->warnings) MESSAGE(*path << ": " << warning);
      std::size_t triangles = 0;
      for (const auto& mesh : character->meshes) {
        triangles += mesh.indices.size() / 3;
        for (const auto& vertex : mesh.vertices) {
          const float sum =
              vertex.weights.x + vertex.weights.y + vertex.weights.z + vertex.weights.w;
          REQUIRE(sum == doctest::Approx(1.0f).epsilon(1e-5));
          REQUIRE(glm::length(vertex.normal) == doctest::Approx(1.0f).epsilon(1e-3));
        }
      }
      CHECK(triangles == known.triangles);
      CHECK(character->skeleton.size() == known.joints);
      CHECK(character->joint_from_bind.size() == character->skeleton.size());
    }
  }

  TEST_CASE("characters in their rest pose and in motion are where Assimp puts them") {
    for (const Known& known : kKnown) {
      const auto path = test::sharedData(known.path);
      if (!path || !known.compare) continue;
      CAPTURE(*path);
      const auto character = asset::loadCharacter(*path);
      REQUIRE(character.has_value());
      Assimp::Importer importer;
      const aiScene* scene = importer.ReadFile(*path, 0);
      REQUIRE(scene != nullptr);
      checkEqual(ourCloud(*character, character->skeleton.parent_from_joint.data()),
                 assimpCloud(scene, false, 0.0));
      if (known.animations == 0) continue;
      const auto clip = asset::loadClip(*path);
      REQUIRE(clip.has_value());
      REQUIRE(clip->clip.skeleton.names.size() <= character->skeleton.names.size());
      const double start = scene->mAnimations[0]->mChannels[0]->mRotationKeys[0].mTime;
      for (const std::size_t frame :
           {std::size_t{0}, clip->clip.frames / 2, clip->clip.frames - 1}) {
        CAPTURE(frame);
        const double time = start + 1000.0 * static_cast<double>(frame) / clip->clip.rate_hz;
        checkEqual(
            ourCloud(*character, &clip->clip.parent_from_joint[frame * character->skeleton.size()]),
            assimpCloud(scene, true, time));
      }
    }
  }

  TEST_CASE("a skeleton without a mesh is a clip and a character without triangles") {
    const auto path =
        test::sharedData("characters/mesh2motion/static/animations/animations-mixamo-default.glb");
    if (!path) return;
    const auto clip = asset::loadClip(*path);
    REQUIRE(clip.has_value());
    CHECK(clip->clip.skeleton.size() == 65);
    CHECK(clip->clip.frames > 1);
    const auto character = asset::loadCharacter(*path);
    REQUIRE(character.has_value());
    CHECK(character->meshes.empty());
  }

  TEST_CASE("the humanoid of a VRM is known by name") {
    const auto path = test::sharedData("characters/vrmsamples/cryptovoxels.vrm");
    if (!path) return;
    const auto character = asset::loadCharacter(*path);
    REQUIRE(character.has_value());
    const auto& names = character->humanoid_names;
    for (const char* name : {"hips", "head", "left_upper_arm", "right_foot"}) {
      CHECK(std::find(names.begin(), names.end(), name) != names.end());
    }
  }
}
