#include <assimp/scene.h>
#include <doctest/doctest.h>

#include <assimp/Importer.hpp>
#include <chrono>
#include <filesystem>
#include <glm/gtc/matrix_transform.hpp>
#include <map>
#include <set>

#include "engine/anim/kinematics.h"
#include "engine/asset/bvh.h"
#include "tests/support/shared_data.h"

// Assimp reads BVH rightly (its glTF skins it does not) and stands as an oracle here.

using namespace understudy;

namespace {

glm::mat4 toGlm(const aiMatrix4x4& m) {
  return glm::mat4(m.a1, m.b1, m.c1, m.d1, m.a2, m.b2, m.c2, m.d2, m.a3, m.b3, m.c3, m.d3, m.a4,
                   m.b4, m.c4, m.d4);
}

void collectWorld(const aiNode* node, const glm::mat4& world_from_parent,
                  const std::map<std::string, const aiNodeAnim*>& channels, unsigned frame,
                  std::map<std::string, glm::vec3>& positions) {
  glm::mat4 parent_from_node = toGlm(node->mTransformation);
  if (const auto found = channels.find(node->mName.C_Str()); found != channels.end()) {
    const aiNodeAnim& channel = *found->second;
    const aiVector3D p =
        channel.mPositionKeys[std::min(frame, channel.mNumPositionKeys - 1)].mValue;
    const aiQuaternion q =
        channel.mRotationKeys[std::min(frame, channel.mNumRotationKeys - 1)].mValue;
    parent_from_node = glm::translate(glm::mat4(1.0f), glm::vec3(p.x, p.y, p.z)) *
                       glm::mat4_cast(glm::quat(q.w, q.x, q.y, q.z));
  }
  const glm::mat4 world = world_from_parent * parent_from_node;
  positions[node->mName.C_Str()] = world[3];
  for (unsigned i = 0; i < node->mNumChildren; ++i) {
    collectWorld(node->mChildren[i], world, channels, frame, positions);
  }
}

/// Largest distance between our joints and Assimp's, over 20 frames, in file units.
void compareWithAssimp(const std::string& path, float tolerance) {
  CAPTURE(path);
  const auto clip = asset::loadBvh(path);
  REQUIRE(clip.has_value());
  Assimp::Importer importer;
  const aiScene* scene = importer.ReadFile(path, 0);
  REQUIRE(scene != nullptr);
  REQUIRE(scene->mNumAnimations == 1);
  std::map<std::string, const aiNodeAnim*> channels;
  const aiAnimation& animation = *scene->mAnimations[0];
  for (unsigned i = 0; i < animation.mNumChannels; ++i) {
    channels[animation.mChannels[i]->mNodeName.C_Str()] = animation.mChannels[i];
  }
  const std::size_t joints = clip->skeleton.size();
  std::vector<math::RigidTransform> world(joints);
  float worst = 0.0f;
  for (std::size_t i = 0; i < 20; ++i) {
    const std::size_t frame = (clip->frames - 1) * i / 19;
    std::map<std::string, glm::vec3> positions;
    collectWorld(scene->mRootNode, glm::mat4(1.0f), channels, static_cast<unsigned>(frame),
                 positions);
    anim::worldFromJoints(clip->skeleton, {&clip->parent_from_joint[frame * joints], joints},
                          world);
    for (std::size_t joint = 0; joint < joints; ++joint) {
      const auto found = positions.find(clip->skeleton.names[joint]);
      REQUIRE(found != positions.end());
      worst = std::max(worst, glm::distance(found->second, world[joint].translation));
    }
  }
  MESSAGE(path << ": largest distance " << worst << " units, " << clip->frames << " frames, "
               << joints << " joints");
  CHECK(worst <= tolerance);
}

std::vector<std::string> bvhFiles(const std::filesystem::path& folder) {
  std::set<std::string> files;
  if (std::filesystem::exists(folder)) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
      if (entry.path().extension() == ".bvh") files.insert(entry.path().string());
    }
  }
  return {files.begin(), files.end()};
}

}  // namespace

TEST_SUITE("asset/bvh_peer") {
  TEST_CASE("the packaged recordings put every joint where Assimp puts it") {
    const auto files = bvhFiles("/usr/share/assimp/models/BVH");
    if (files.empty()) MESSAGE("SKIPPED: the package assimp-testmodels is not installed");
    for (const std::string& file : files) compareWithAssimp(file, 2e-3f);
  }

  TEST_CASE("the recordings of other studios put every joint where Assimp puts it") {
    const auto folder = test::sharedData("bvh");
    if (!folder) return;
    for (const std::string& file : bvhFiles(*folder)) {
      // Assimp refuses the first, which is malformed, and collapses the second, whose positions
      // are differences.
      if (file.ends_with("alinen/t-pose.bvh") || file.ends_with("poses/tpose.bvh")) {
        CHECK(asset::loadBvh(file).has_value());
      } else {
        compareWithAssimp(file, 2e-3f);
      }
    }
  }

  TEST_CASE("a long recording is read in a fraction of a second") {
    const std::string path = "/usr/share/assimp/models/BVH/01_01.bvh";
    if (!std::filesystem::exists(path)) {
      MESSAGE("SKIPPED: the package assimp-testmodels is not installed");
      return;
    }
    const auto start = std::chrono::steady_clock::now();
    const auto clip = asset::loadBvh(path);
    const std::chrono::duration<double, std::milli> taken =
        std::chrono::steady_clock::now() - start;
    REQUIRE(clip.has_value());
    CHECK(clip->frames == 2752);
    CHECK(clip->skeleton.size() == 31);
    CHECK(clip->rate_hz == 120.0);
    MESSAGE("01_01.bvh read in " << taken.count() << " ms");
  }
}
