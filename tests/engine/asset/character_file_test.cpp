#include "engine/asset/character_file.h"

#include <doctest/doctest.h>

#include <cmath>
#include <numbers>
#include <random>

#include "engine/anim/kinematics.h"
#include "tests/support/glb_builder.h"
#include "tests/support/text.h"

using namespace understudy;
using nlohmann::json;
using test::GlbBuilder;
using test::has;

namespace {

constexpr int kU8 = 5121, kU16 = 5123, kI16 = 5122, kU32 = 5125, kFloat = 5126;

/// Two joints, hip at 1 m and knee 0.5 m below it, and a triangle hung on both with the weights as
/// given. The armature above is scaled; bind matrices undo that.
GlbBuilder twoJoints(float armature_scale = 1.0f) {
  GlbBuilder glb;
  const float s = armature_scale;
  const int position =
      glb.accessor<float>({0, 1 / s, 0, 0, 0.5f / s, 0, 0.1f / s, 0.5f / s, 0}, kFloat, "VEC3", 3);
  const int joints =
      glb.accessor<std::uint8_t>({0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0}, kU8, "VEC4", 4);
  const int weights =
      glb.accessor<float>({1, 0, 0, 0, 0.5f, 0.5f, 0, 0, 0, 1, 0, 0}, kFloat, "VEC4", 4);
  const int indices = glb.accessor<std::uint16_t>({0, 1, 2}, kU16, "SCALAR", 1);
  const int bind = glb.accessor<float>({1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, -1 / s,    0, 1,  //
                                        1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, -0.5f / s, 0, 1},
                                       kFloat, "MAT4", 16);
  glb.json["meshes"] = {
      {{"name", "leg"},
       {"primitives",
        {{{"attributes", {{"POSITION", position}, {"JOINTS_0", joints}, {"WEIGHTS_0", weights}}},
          {"indices", indices}}}}}};
  glb.json["skins"] = {{{"joints", {1, 2}}, {"inverseBindMatrices", bind}}};
  glb.json["nodes"] = {{{"name", "Armature"}, {"children", {1, 3}}, {"scale", {s, s, s}}},
                       {{"name", "hip"}, {"children", {2}}, {"translation", {0, 1 / s, 0}}},
                       {{"name", "knee"}, {"translation", {0, -0.5f / s, 0}}},
                       {{"name", "mesh"}, {"mesh", 0}, {"skin", 0}}};
  return glb;
}

core::Result<scene::Character> read(const GlbBuilder& glb) {
  return asset::readCharacter(glb.bytes(), "test.glb");
}

std::string errorOf(const GlbBuilder& glb) {
  const auto character = read(glb);
  REQUIRE_FALSE(character.has_value());
  CHECK(character.error().message.find("test.glb: ") == 0);
  CHECK(character.error().message.find('\n') == std::string::npos);
  return character.error().message;
}

/// Where a vertex is in a pose.
glm::vec3 skinned(const scene::Character& character, const scene::Vertex& vertex,
                  const std::vector<math::RigidTransform>& parent_from_joint) {
  std::vector<math::RigidTransform> world(character.skeleton.size());
  anim::worldFromJoints(character.skeleton, parent_from_joint, world);
  glm::vec4 sum(0.0f);
  for (int k = 0; k < 4; ++k) {
    const std::size_t joint = vertex.joints[k];
    sum += vertex.weights[k] * (math::toMatrix(world[joint]) * character.joint_from_bind[joint] *
                                glm::vec4(vertex.position, 1.0f));
  }
  return sum;
}

bool near(const glm::vec3& a, const glm::vec3& b, float tolerance = 1e-5f) {
  return glm::length(a - b) <= tolerance;
}

}  // namespace

TEST_SUITE("asset/character_file") {
  TEST_CASE("a skinned mesh bends as the hand computation says, however its armature is scaled") {
    for (const float scale : {1.0f, 0.01f, 39.37f}) {
      CAPTURE(scale);
      const auto character = read(twoJoints(scale));
      REQUIRE(character.has_value());
      CHECK(character->skeleton.names == std::vector<std::string>{"hip", "knee"});
      CHECK(character->skeleton.parents == std::vector<int>{-1, 0});
      CHECK(near(character->skeleton.parent_from_joint[0].translation, {0, 1, 0}));
      CHECK(near(character->skeleton.parent_from_joint[1].translation, {0, -0.5f, 0}));
      REQUIRE(character->meshes.size() == 1);
      const auto& vertices = character->meshes[0].vertices;
      CHECK(near(vertices[2].position, {0.1f, 0.5f, 0}));
      auto pose = character->skeleton.parent_from_joint;
      for (const auto& vertex : vertices)
        CHECK(near(skinned(*character, vertex, pose), vertex.position));
      pose[1].rotation = glm::angleAxis(std::numbers::pi_v<float> / 2, glm::vec3(0, 0, 1));
      CHECK(near(skinned(*character, vertices[2], pose), {0, 0.6f, 0}));
      // joint_from_bind is the inverse of the rest pose, without scale.
      CHECK(near(character->joint_from_bind[1] * glm::vec4(0, 0.5f, 0, 1), {0, 0, 0}));
    }
  }

  TEST_CASE("integer weights are normalised, and those that do not sum to one are made to") {
    for (const int bits : {8, 16}) {
      GlbBuilder glb = twoJoints();
      auto& attributes = glb.json["meshes"][0]["primitives"][0]["attributes"];
      if (bits == 8) {
        attributes["WEIGHTS_0"] = glb.accessor<std::uint8_t>(
            {255, 0, 0, 0, 51, 204, 0, 0, 0, 100, 0, 0}, kU8, "VEC4", 4, true);
      } else {
        attributes["WEIGHTS_0"] = glb.accessor<std::uint16_t>(
            {65535, 0, 0, 0, 13107, 52428, 0, 0, 0, 100, 0, 0}, kU16, "VEC4", 4, true);
      }
      const auto character = read(glb);
      REQUIRE(character.has_value());
      const auto& vertices = character->meshes[0].vertices;
      CHECK(vertices[1].joints[0] == 1);
      CHECK(vertices[1].weights[0] == doctest::Approx(0.8));
      CHECK(vertices[1].weights[1] == doctest::Approx(0.2));
      CHECK(vertices[2].weights[0] == 1.0f);
    }
  }

  TEST_CASE("the four largest of many influences remain and sum to one") {
    GlbBuilder glb;
    const int joints = 8;
    std::vector<float> bind;
    for (int j = 0; j < joints; ++j) {
      for (int k = 0; k < 16; ++k) bind.push_back(k % 5 == 0 ? 1.0f : 0.0f);
      glb.json["nodes"].push_back({{"name", std::string(1, static_cast<char>(65 + j))}});
    }
    glb.json["nodes"].push_back({{"mesh", 0}, {"skin", 0}});
    std::vector<std::uint8_t> first, second;
    std::vector<float> weights0, weights1;
    for (int vertex = 0; vertex < 3; ++vertex) {
      for (int k = 0; k < 4; ++k) {
        first.push_back(static_cast<std::uint8_t>(k));
        second.push_back(static_cast<std::uint8_t>(4 + k));
        weights0.push_back(0.05f * static_cast<float>(k));
        weights1.push_back(0.1f + 0.05f * static_cast<float>(k));
      }
    }
    glb.json["meshes"] = {
        {{"primitives",
          {{{"attributes",
             {{"POSITION", glb.accessor<float>({0, 0, 0, 1, 0, 0, 0, 1, 0}, kFloat, "VEC3", 3)},
              {"JOINTS_0", glb.accessor(first, kU8, "VEC4", 4)},
              {"WEIGHTS_0", glb.accessor(weights0, kFloat, "VEC4", 4)},
              {"JOINTS_1", glb.accessor(second, kU8, "VEC4", 4)},
              {"WEIGHTS_1", glb.accessor(weights1, kFloat, "VEC4", 4)}}}}}}}};
    glb.json["skins"] = {{{"joints", {0, 1, 2, 3, 4, 5, 6, 7}}}};
    const auto character = read(glb);
    REQUIRE(character.has_value());
    const scene::Vertex& vertex = character->meshes[0].vertices[0];
    CHECK(vertex.joints == glm::u16vec4(7, 6, 3, 5));  // 0.25, 0.2, 0.15 twice (the earlier first).
    CHECK(vertex.weights.x == doctest::Approx(0.25 / 0.75));
    CHECK(vertex.weights.x + vertex.weights.y + vertex.weights.z + vertex.weights.w ==
          doctest::Approx(1.0));
    CHECK_FALSE(character->warnings.empty());
  }

  TEST_CASE("a vertex without weights follows the first joint, and a warning says so") {
    GlbBuilder glb = twoJoints();
    glb.json["meshes"][0]["primitives"][0]["attributes"]["WEIGHTS_0"] =
        glb.accessor<float>({0, 0, 0, 0, NAN, 0, 0, 0, -1, 1, 0, 0}, kFloat, "VEC4", 4);
    const auto character = read(glb);
    REQUIRE(character.has_value());
    CHECK(character->meshes[0].vertices[0].weights == glm::vec4(1, 0, 0, 0));
    CHECK(character->meshes[0].vertices[2].joints[0] == 1);
    CHECK_FALSE(character->warnings.empty());
  }

  TEST_CASE("a mesh without skin hangs on the joint above it") {
    GlbBuilder glb = twoJoints(0.01f);
    glb.json["nodes"].push_back({{"name", "hat"}, {"mesh", 1}, {"translation", {0, 10, 0}}});
    glb.json["nodes"][2]["children"] = {4};
    glb.json["meshes"].push_back(
        {{"name", "hat"},
         {"primitives",
          {{{"attributes",
             {{"POSITION",
               glb.accessor<float>({0, 0, 0, 10, 0, 0, 0, 0, 10}, kFloat, "VEC3", 3)}}}}}}});
    const auto character = read(glb);
    REQUIRE(character.has_value());
    REQUIRE(character->meshes.size() == 2);
    const auto& hat = *std::find_if(character->meshes.begin(), character->meshes.end(),
                                    [](const auto& mesh) { return mesh.name == "hat"; });
    CHECK(near(hat.vertices[1].position, {0.1f, 0.6f, 0}));
    CHECK(near(hat.vertices[0].normal, {0, -1, 0}));
    auto pose = character->skeleton.parent_from_joint;
    pose[1].rotation = glm::angleAxis(std::numbers::pi_v<float> / 2, glm::vec3(0, 0, 1));
    CHECK(near(skinned(*character, hat.vertices[0], pose), {-0.1f, 0.5f, 0}));
  }

  TEST_CASE("a file without joints becomes a character of one") {
    GlbBuilder glb;
    glb.json["nodes"] = {{{"mesh", 0}, {"translation", {0, 2, 0}}, {"scale", {-1, 1, 1}}}};
    glb.json["meshes"] = {{{"primitives",
                            {{{"attributes",
                               {{"POSITION", glb.accessor<float>({0, 0, 0, 1, 0, 0, 0, 1, 0},
                                                                 kFloat, "VEC3", 3)}}}}}}}};
    const auto character = read(glb);
    REQUIRE(character.has_value());
    CHECK(character->skeleton.size() == 1);
    const auto& mesh = character->meshes[0];
    CHECK(near(mesh.vertices[1].position, {-1, 2, 0}));
    CHECK(near(mesh.vertices[0].normal, {0, 0, 1}));  // The mirrored triangle was turned around.
    CHECK(mesh.indices == std::vector<std::uint32_t>{0, 2, 1});
  }

  TEST_CASE("strips, fans, every index size and quantised positions give the same triangles") {
    const std::vector<std::int16_t> square = {0, 0,     0, 0, 32767, 0,     0, 0,
                                              0, 32767, 0, 0, 32767, 32767, 0, 0};
    const auto make = [&](int mode, auto corners, int type) {
      GlbBuilder glb;
      const int view = glb.view(square);
      glb.json["bufferViews"][static_cast<std::size_t>(view)]["byteStride"] = 8;
      glb.json["accessors"].push_back({{"bufferView", view},
                                       {"componentType", kI16},
                                       {"type", "VEC3"},
                                       {"count", 4},
                                       {"normalized", true}});
      glb.json["extensionsRequired"] = {"KHR_mesh_quantization"};
      glb.json["nodes"] = {{{"mesh", 0}}};
      glb.json["meshes"] = {{{"primitives",
                              {{{"mode", mode},
                                {"attributes", {{"POSITION", 0}}},
                                {"indices", glb.accessor(corners, type, "SCALAR", 1)}}}}}};
      return glb;
    };
    const std::vector<std::uint32_t> expected = {0, 1, 2, 1, 3, 2};
    for (const auto& [glb, triangles] :
         {std::pair(make(5, std::vector<std::uint8_t>{0, 1, 2, 3}, kU8),
                    std::vector<std::uint32_t>{0, 1, 2, 1, 3, 2}),
          std::pair(make(6, std::vector<std::uint16_t>{0, 1, 3, 2}, kU16),
                    std::vector<std::uint32_t>{0, 1, 3, 0, 3, 2}),
          std::pair(make(4, std::vector<std::uint32_t>{0, 1, 2, 1, 3, 2}, kU32), expected)}) {
      const auto character = read(glb);
      REQUIRE(character.has_value());
      CHECK(character->warnings.size() == 1);  // The normals.
      CHECK(character->meshes[0].indices == triangles);
      CHECK(near(character->meshes[0].vertices[3].position, {1, 1, 0}));
    }
  }

  TEST_CASE("sparse accessors substitute their values") {
    GlbBuilder glb;
    const int position = glb.accessor<float>({0, 0, 0, 1, 0, 0, 0, 1, 0}, kFloat, "VEC3", 3);
    const int indices = glb.view<std::uint8_t>({2, 0, 0, 0});
    const int values = glb.view<float>({0, 5, 0});
    glb.json["accessors"][static_cast<std::size_t>(position)]["sparse"] = {
        {"count", 1},
        {"indices", {{"bufferView", indices}, {"componentType", kU8}}},
        {"values", {{"bufferView", values}}}};
    glb.json["nodes"] = {{{"mesh", 0}}};
    glb.json["meshes"] = {{{"primitives", {{{"attributes", {{"POSITION", position}}}}}}}};
    const auto character = read(glb);
    REQUIRE(character.has_value());
    CHECK(near(character->meshes[0].vertices[2].position, {0, 5, 0}));
  }

  TEST_CASE("tangents are computed for a normal map, with the bitangent up in the texture") {
    GlbBuilder glb;
    const std::vector<std::uint8_t> pixel = {
        0x89, 'P',  'N',  'G',  13,   10,   26,  10,  0,    0,    0,    13,   'I',  'H',
        'D',  'R',  0,    0,    0,    1,    0,   0,   0,    1,    8,    2,    0,    0,
        0,    0x90, 0x77, 0x53, 0xde, 0,    0,   0,   12,   'I',  'D',  'A',  'T',  0x78,
        0x9c, 0x63, 0x68, 0x68, 0xf8, 0x0f, 0,   3,   0x03, 1,    0x80, 0x8a, 0x64, 0x91,
        0xdb, 0,    0,    0,    0,    'I',  'E', 'N', 'D',  0xae, 0x42, 0x60, 0x82};
    const int image = glb.view(pixel);
    glb.json["images"] = {{{"bufferView", image}, {"mimeType", "image/png"}}};
    glb.json["textures"] = {{{"source", 0}}};
    glb.json["materials"] = {{{"normalTexture", {{"index", 0}}}}};
    glb.json["nodes"] = {{{"mesh", 0}}};
    glb.json["meshes"] = {
        {{"primitives",
          {{{"material", 0},
            {"attributes",
             {{"POSITION", glb.accessor<float>({0, 0, 0, 1, 0, 0, 0, 1, 0}, kFloat, "VEC3", 3)},
              {"TEXCOORD_0", glb.accessor<float>({0, 1, 1, 1, 0, 0}, kFloat, "VEC2", 2)}}}}}}}};
    const auto character = read(glb);
    REQUIRE(character.has_value());
    if (character->images.empty()) {
      for (const auto& warning : character->warnings) MESSAGE(warning);
    }
    REQUIRE(character->images.size() == 1);
    CHECK_FALSE(character->images[0].srgb);
    CHECK(character->materials[0].normal_image == 0);
    const scene::Vertex& vertex = character->meshes[0].vertices[0];
    CHECK(near(vertex.normal, {0, 0, 1}));
    CHECK(near(glm::vec3(vertex.tangent), {1, 0, 0}));
    CHECK(vertex.tangent.w == 1.0f);
  }

  TEST_CASE("VRM 0 is turned to look along +Z and names its humanoid") {
    GlbBuilder glb = twoJoints();
    glb.json["nodes"][1]["translation"] = {0, 1, 0.25f};
    glb.json["extensions"]["VRM"]["humanoid"]["humanBones"] = {
        {{"bone", "hips"}, {"node", 1}},
        {{"bone", "leftLowerLeg"}, {"node", 2}},
        {{"bone", "leftThumbProximal"}, {"node", 99}}};
    auto character = read(glb);
    REQUIRE(character.has_value());
    CHECK(character->humanoid_names == std::vector<std::string>{"hips", "left_lower_leg"});
    CHECK(near(character->skeleton.parent_from_joint[0].translation, {0, 1, -0.25f}));

    glb = twoJoints();
    glb.json["extensions"]["VRMC_vrm"]["humanoid"]["humanBones"] = {
        {"hips", {{"node", 1}}}, {"rightUpperLeg", {{"node", 2}}}};
    character = read(glb);
    REQUIRE(character.has_value());
    CHECK(character->humanoid_names == std::vector<std::string>{"hips", "right_upper_leg"});
    CHECK(near(character->skeleton.parent_from_joint[0].translation, {0, 1, 0}));
  }

  TEST_CASE("two skins that bind a joint differently both keep their shape") {
    GlbBuilder glb = twoJoints();
    const int bind = glb.accessor<float>({1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1,  //
                                          2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1},
                                         kFloat, "MAT4", 16);
    glb.json["skins"].push_back({{"joints", {1, 2}}, {"inverseBindMatrices", bind}});
    glb.json["nodes"].push_back({{"name", "second"}, {"mesh", 0}, {"skin", 1}});
    glb.json["nodes"][0]["children"].push_back(4);
    const auto character = read(glb);
    REQUIRE(character.has_value());
    REQUIRE(character->meshes.size() == 2);
    // Vertex 2 follows the knee, at (0, 0.5, 0), with the bind matrix that doubles.
    const glm::vec3 place = skinned(*character, character->meshes[1].vertices[2],
                                    character->skeleton.parent_from_joint);
    CHECK(near(place, {0.2f, 1.5f, 0}));
  }

  TEST_CASE("what points outside the file is one clear error") {
    const auto broken = [](auto&& breakIt) {
      GlbBuilder glb = twoJoints();
      breakIt(glb.json);
      return errorOf(glb);
    };
    CHECK(has(broken([](json& j) { j["accessors"][0]["count"] = 4; }), "accessor 0"));
    CHECK(has(broken([](json& j) { j["accessors"][0]["count"] = 1000000000000000000; }),
              "accessor 0"));
    CHECK(has(broken([](json& j) { j["accessors"][0]["bufferView"] = 77; }), "buffer view 77"));
    CHECK(
        has(broken([](json& j) { j["bufferViews"][0]["byteLength"] = 1000000; }), "buffer view 0"));
    CHECK(
        has(broken([](json& j) { j["bufferViews"][0]["byteOffset"] = 1000000; }), "buffer view 0"));
    CHECK(has(broken([](json& j) { j["bufferViews"][0]["buffer"] = 3; }), "buffer 3"));
    CHECK(has(broken([](json& j) { j["nodes"][3]["mesh"] = 9; }), "mesh 9"));
    CHECK(has(broken([](json& j) { j["nodes"][3]["skin"] = 9; }), "skin 9"));
    CHECK(has(broken([](json& j) { j["nodes"][2]["children"] = {1}; }), "two parents"));
    CHECK(has(broken([](json& j) {
                j["nodes"][0]["children"] = {3};
                j["nodes"][2]["children"] = {1};
              }),
              "cycle"));
    CHECK(has(broken([](json& j) { j["nodes"][2]["children"] = {1000000000}; }), "child"));
    CHECK(has(broken([](json& j) { j["skins"][0]["joints"] = {1, 200}; }), "node 200"));
    CHECK(has(broken([](json& j) { j["skins"][0]["joints"] = {1, 1}; }), "twice"));
    CHECK(has(broken([](json& j) { j["skins"][0]["joints"] = {1}; }), "joint 1 of a skin of 1"));
    CHECK(has(broken([](json& j) { j["meshes"][0]["primitives"][0]["indices"] = 50; }), "ind"));
    CHECK(has(broken([](json& j) { j["meshes"][0]["primitives"][0]["material"] = 5; }),
              "material 5"));
    CHECK(has(broken([](json& j) {
                j["scene"] = 4;
                j["scenes"] = {{{"nodes", {0}}}};
              }),
              "scene 4"));
    CHECK(has(broken([](json& j) { j["extensionsRequired"] = {"KHR_draco_mesh_compression"}; }),
              "KHR_draco_mesh_compression"));
    GlbBuilder glb = twoJoints();
    glb.json["meshes"][0]["primitives"][0]["indices"] =
        glb.accessor<std::uint16_t>({0, 1, 3}, kU16, "SCALAR", 1);
    CHECK(has(errorOf(glb), "index is 3"));
    glb = twoJoints();
    glb.json["meshes"][0]["primitives"][0]["attributes"]["POSITION"] =
        glb.accessor<float>({0, 1, 0, NAN, 0, 0, 1, 1, 1}, kFloat, "VEC3", 3);
    CHECK(has(errorOf(glb), "not finite"));
    CHECK_FALSE(asset::readCharacter("", "x").has_value());
    CHECK_FALSE(asset::readCharacter(std::string(100000, '['), "x").has_value());
    CHECK_FALSE(asset::readCharacter("{\"asset\":{\"version\":\"2.0\"}}", "x").has_value());
  }

  TEST_CASE("a file cut off anywhere or with damaged bytes gives a character or an error") {
    const std::string whole = twoJoints(0.01f).bytes();
    for (std::size_t length = 0; length < whole.size(); length += 3) {
      const auto result = asset::readCharacter(whole.substr(0, length), "cut");
      CHECK_FALSE(result.has_value());
    }
    std::mt19937_64 random(7);
    for (int round = 0; round < 4000; ++round) {
      std::string bytes = whole;
      for (std::uint64_t flips = 1 + random() % 3; flips > 0; --flips) {
        const std::size_t at = random() % bytes.size();
        // Digits often become other digits: that reaches deeper than broken JSON.
        bytes[at] = bytes[at] >= '0' && bytes[at] <= '9' ? static_cast<char>('0' + random() % 10)
                                                         : static_cast<char>(random() % 256);
      }
      const auto result = asset::readCharacter(bytes, "flipped");
      if (!result.has_value()) continue;
      for (const auto& mesh : result->meshes) {
        for (const auto corner : mesh.indices) CHECK(corner < mesh.vertices.size());
        for (const auto& vertex : mesh.vertices) {
          for (int k = 0; k < 4; ++k) CHECK(vertex.joints[k] < result->skeleton.size());
        }
      }
    }
  }
}
