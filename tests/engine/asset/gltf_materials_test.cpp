#include "engine/asset/gltf_materials.h"

#include <doctest/doctest.h>

#include "engine/asset/character_file.h"
#include "tests/support/glb_builder.h"
#include "tests/support/text.h"

using namespace understudy;
using nlohmann::json;
using test::GlbBuilder;
using test::has;

namespace {

/// The material of a triangle whose JSON this is, and the warnings about it.
scene::Character shown(const json& material, const json& more = json::object()) {
  GlbBuilder glb;
  const int position = glb.accessor<float>({0, 0, 0, 1, 0, 0, 0, 1, 0}, 5126, "VEC3", 3);
  glb.json["meshes"] = {
      {{"primitives", {{{"attributes", {{"POSITION", position}}}, {"material", 0}}}}}};
  glb.json["nodes"] = {{{"mesh", 0}}};
  glb.json["materials"] = json::array({material});
  glb.json.update(more);
  auto character = asset::readCharacter(glb.bytes(), "look.glb");
  REQUIRE(character.has_value());
  return *std::move(character);
}

}  // namespace

TEST_SUITE("asset/gltf_materials") {
  TEST_CASE("layers over the plain surface are read, and held to their ranges") {
    const scene::Character character =
        shown({{"emissiveFactor", {1, 0.5, 0}},
               {"extensions",
                {{"KHR_materials_clearcoat",
                  {{"clearcoatFactor", 0.75}, {"clearcoatRoughnessFactor", 7}}},
                 {"KHR_materials_sheen",
                  {{"sheenColorFactor", {0.25, 0.5, -3}}, {"sheenRoughnessFactor", 0.5}}},
                 {"KHR_materials_transmission", {{"transmissionFactor", 0.5}}},
                 {"KHR_materials_ior", {{"ior", 1.33}}},
                 {"KHR_materials_specular",
                  {{"specularFactor", 0.5}, {"specularColorFactor", {2, 1, 0}}}},
                 {"KHR_materials_emissive_strength", {{"emissiveStrength", 8}}}}}});
    const scene::Material& material = character.materials.at(0);
    CHECK(material.clearcoat == 0.75f);
    CHECK(material.clearcoat_roughness == 1.0f);
    CHECK(material.sheen_color == glm::vec3(0.25f, 0.5f, 0.0f));
    CHECK(material.sheen_roughness == 0.5f);
    CHECK(material.transmission == 0.5f);
    CHECK(material.ior == 1.33f);
    CHECK(material.specular == 0.5f);
    CHECK(material.specular_color == glm::vec3(2, 1, 0));
    CHECK(material.emissive_strength == 8.0f);
    CHECK(material.emissive == glm::vec3(8, 4, 0));
  }

  TEST_CASE("without extensions a material is glass-like plastic without layers") {
    const scene::Character character = shown(json::object());
    const scene::Material& material = character.materials.at(0);
    CHECK(material.ior == 1.5f);
    CHECK(material.specular == 1.0f);
    CHECK(material.clearcoat == 0.0f);
    CHECK(material.transmission == 0.0f);
    CHECK_FALSE(material.unlit);
  }

  TEST_CASE("numbers of the wrong kind are taken as not said") {
    const scene::Character character =
        shown({{"extensions",
                {{"KHR_materials_clearcoat", {{"clearcoatFactor", "much"}}},
                 {"KHR_materials_sheen", {{"sheenColorFactor", {1, 2}}}},
                 {"KHR_materials_ior", json::array({1})}}}});
    CHECK(character.materials.at(0).clearcoat == 0.0f);
    CHECK(character.materials.at(0).sheen_color == glm::vec3(0.0f));
    CHECK(character.materials.at(0).ior == 1.5f);
  }

  TEST_CASE("cartoon shading of VRM becomes a plain rough surface") {
    for (const bool vrm0 : {true, false}) {
      json material = {{"extensions", {{"KHR_materials_unlit", json::object()}}}};
      json more = json::object();
      if (vrm0) {
        more["extensions"]["VRM"]["materialProperties"] = json::array({{{"shader", "VRM/MToon"}}});
      } else {
        material["extensions"]["VRMC_materials_mtoon"] = json::object();
      }
      const scene::Character character = shown(material, more);
      CHECK_FALSE(character.materials.at(0).unlit);
      CHECK(character.materials.at(0).metallic == 0.0f);
      CHECK(character.materials.at(0).roughness == 0.9f);
    }
    const scene::Character unlit =
        shown({{"extensions", {{"KHR_materials_unlit", json::object()}}}});
    CHECK(unlit.materials.at(0).unlit);
  }

  TEST_CASE("a KTX2 picture is left out, and the warning names file, texture and remedy") {
    const scene::Character character = shown(
        {{"pbrMetallicRoughness", {{"baseColorTexture", {{"index", 0}}}}}},
        {{"textures", json::array({{{"extensions", {{"KHR_texture_basisu", {{"source", 0}}}}}}})}});
    CHECK(character.materials.at(0).base_color_image == -1);
    std::string all;
    for (const std::string& warning : character.warnings) all += warning + "\n";
    CHECK(has(all, "look.glb: texture 0 is KTX2 and is left out; convert its image to PNG"));
  }
}
