#include <doctest/doctest.h>

#include "engine/asset/character_file.h"
#include "engine/scene/morph.h"
#include "tests/support/glb_builder.h"
#include "tests/support/text.h"

using namespace understudy;
using nlohmann::json;
using test::GlbBuilder;
using test::has;

namespace {

constexpr int kU16 = 5123, kFloat = 5126;

/// A triangle below a node of the given scale, with as many targets of its own positions.
GlbBuilder triangle(float scale = 1.0f) {
  GlbBuilder glb;
  const int position = glb.accessor<float>({0, 0, 0, 1, 0, 0, 0, 1, 0}, kFloat, "VEC3", 3);
  const int normal = glb.accessor<float>({0, 0, 1, 0, 0, 1, 0, 0, 1}, kFloat, "VEC3", 3);
  const int indices = glb.accessor<std::uint16_t>({0, 1, 2}, kU16, "SCALAR", 1);
  glb.json["meshes"] = {
      {{"name", "face"},
       {"primitives",
        {{{"attributes", {{"POSITION", position}, {"NORMAL", normal}}}, {"indices", indices}}}}}};
  glb.json["nodes"] = {{{"name", "head"}, {"mesh", 0}, {"scale", {scale, scale, scale}}}};
  return glb;
}

json& primitive(GlbBuilder& glb) { return glb.json["meshes"][0]["primitives"][0]; }

core::Result<scene::Character> read(const GlbBuilder& glb) {
  return asset::readCharacter(glb.bytes(), "face.glb");
}

}  // namespace

TEST_SUITE("asset/gltf_morphs") {
  TEST_CASE("a target keeps only what it moves, in metres of the bind pose, with its name") {
    GlbBuilder glb = triangle(0.01f);
    const int lift = glb.accessor<float>({0, 0, 0, 0, 0, 0, 0, 50, 0}, kFloat, "VEC3", 3);
    const int turn = glb.accessor<float>({0, 0, 0, 0, 0, 0, 0.5f, 0, 0}, kFloat, "VEC3", 3);
    primitive(glb)["targets"] = {{{"POSITION", lift}, {"NORMAL", turn}}};
    glb.json["meshes"][0]["extras"] = {{"targetNames", {"EyeBlink_L"}}};
    glb.json["meshes"][0]["weights"] = {0.5};
    const auto character = read(glb);
    REQUIRE(character.has_value());
    const scene::Mesh& mesh = character->meshes.at(0);
    REQUIRE(mesh.morphs.size() == 1);
    const scene::MorphTarget& target = mesh.morphs[0];
    CHECK(target.name == "EyeBlink_L");
    CHECK(target.arkit == scene::arkitIndex("eyeBlinkLeft"));
    CHECK(target.rest_weight == 0.5f);
    REQUIRE(target.deltas.size() == 1);
    CHECK(target.deltas[0].vertex == 2);
    CHECK(target.deltas[0].position.y == doctest::Approx(0.5));
    CHECK(target.deltas[0].normal.x == doctest::Approx(0.5));
  }

  TEST_CASE("sparse targets without bytes of their own are read") {
    GlbBuilder glb = triangle();
    const int index_view = glb.view<std::uint16_t>({1});
    const int value_view = glb.view<float>({0, 0, 3});
    glb.json["accessors"].push_back(
        {{"componentType", kFloat},
         {"type", "VEC3"},
         {"count", 3},
         {"sparse",
          {{"count", 1},
           {"indices", {{"bufferView", index_view}, {"componentType", kU16}}},
           {"values", {{"bufferView", value_view}}}}}});
    primitive(glb)["targets"] = {{{"POSITION", glb.json["accessors"].size() - 1}}};
    const auto character = read(glb);
    REQUIRE(character.has_value());
    const auto& targets = character->meshes.at(0).morphs;
    REQUIRE(targets.size() == 1);
    CHECK(targets[0].name == "target_0");
    REQUIRE(targets[0].deltas.size() == 1);
    CHECK(targets[0].deltas[0].vertex == 1);
    CHECK(targets[0].deltas[0].position == glm::vec3(0, 0, 3));
  }

  TEST_CASE("expressions of VRM 0 and 1 name shapes that have no name of their own") {
    for (const bool vrm0 : {true, false}) {
      GlbBuilder glb = triangle();
      const int lift = glb.accessor<float>({0, 0, 0, 0, 0, 0, 0, 1, 0}, kFloat, "VEC3", 3);
      primitive(glb)["targets"] = {{{"POSITION", lift}}, {{"POSITION", lift}}};
      if (vrm0) {
        glb.json["extensions"]["VRM"]["blendShapeMaster"]["blendShapeGroups"] = {
            {{"presetName", "blink_l"},
             {"binds", json::array({{{"mesh", 0}, {"index", 1}, {"weight", 100}}})}}};
      } else {
        glb.json["extensions"]["VRMC_vrm"]["expressions"]["preset"]["blinkLeft"] = {
            {"morphTargetBinds", json::array({{{"node", 0}, {"index", 1}, {"weight", 1}}})}};
      }
      const auto character = read(glb);
      REQUIRE(character.has_value());
      const auto& targets = character->meshes.at(0).morphs;
      REQUIRE(targets.size() == 2);
      CHECK(targets[0].arkit == -1);
      CHECK(targets[1].arkit == scene::arkitIndex("eyeBlinkLeft"));
    }
  }

  TEST_CASE("targets that do not fit their mesh, are not finite or too many are one clear error") {
    const auto errorOf = [](const GlbBuilder& glb) {
      const auto character = read(glb);
      REQUIRE_FALSE(character.has_value());
      return character.error().message;
    };
    GlbBuilder glb = triangle();
    const int two = glb.accessor<float>({0, 0, 0, 1, 0, 0}, kFloat, "VEC3", 3);
    primitive(glb)["targets"] = {{{"POSITION", two}}};
    CHECK(has(errorOf(glb), "three numbers for each"));
    primitive(glb)["targets"] = {{{"POSITION", 99}}};
    CHECK(has(errorOf(glb), "does not exist"));
    const int endless = glb.accessor<float>({0, 0, 0, 1e30f, 0, 0, 0, 0, 0}, kFloat, "VEC3", 3);
    primitive(glb)["targets"] = {{{"POSITION", endless}}};
    CHECK(has(errorOf(glb), "not finite"));
    const int fine = glb.accessor<float>({0, 0, 0, 1, 0, 0, 0, 0, 0}, kFloat, "VEC3", 3);
    primitive(glb)["targets"] = json::array();
    for (int i = 0; i < 1025; ++i) primitive(glb)["targets"].push_back({{"POSITION", fine}});
    CHECK(has(errorOf(glb), "more than 1024"));
  }
}
