#include "engine/scene/morph.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <set>
#include <string>

using namespace understudy;

namespace {

/// Two vertices and two shapes: one lifts the first vertex and turns its normal, one moves both.
scene::Mesh twoShapes() {
  scene::Mesh mesh;
  mesh.vertices.resize(2);
  mesh.vertices[0].normal = {0, 0, 1};
  mesh.vertices[1].position = {1, 0, 0};
  mesh.morphs = {{.name = "jawOpen",
                  .arkit = scene::arkitIndex("jawOpen"),
                  .deltas = {{0, {0, 2, 0}, {1, 0, -1}, {0, 0, 0}}}},
                 {.name = "own",
                  .rest_weight = 0.25f,
                  .deltas = {{0, {1, 0, 0}, {}, {}}, {1, {0, 0, 4}, {}, {-1, 1, 0}}}}};
  return mesh;
}

}  // namespace

TEST_SUITE("scene/morph") {
  TEST_CASE("shapes add up by their weights, and normals and tangents stay unit vectors") {
    const scene::Mesh mesh = twoShapes();
    std::vector<scene::Vertex> vertices;
    const std::array<float, 2> weights{0.5f, 2.0f};
    scene::applyMorphs(mesh, weights, vertices);
    REQUIRE(vertices.size() == 2);
    CHECK(vertices[0].position == glm::vec3(2, 1, 0));
    CHECK(vertices[1].position == glm::vec3(1, 0, 8));
    const float root = 0.70710678f;
    CHECK(vertices[0].normal.x == doctest::Approx(root));
    CHECK(vertices[0].normal.z == doctest::Approx(root));
    CHECK(vertices[1].normal == mesh.vertices[1].normal);
    CHECK(glm::length(glm::vec3(vertices[1].tangent)) == doctest::Approx(1.0));
    CHECK(vertices[1].tangent.y > 0.8f);
    CHECK(vertices[1].tangent.w == 1.0f);
  }

  TEST_CASE("missing weights are none, and no weight changes no bit") {
    const scene::Mesh mesh = twoShapes();
    std::vector<scene::Vertex> vertices(7);
    scene::applyMorphs(mesh, {}, vertices);
    REQUIRE(vertices.size() == 2);
    CHECK(vertices[0].position == mesh.vertices[0].position);
    const std::array<float, 1> first{1.0f};
    scene::applyMorphs(mesh, first, vertices);
    CHECK(vertices[0].position == glm::vec3(0, 2, 0));
    CHECK(vertices[1].position == mesh.vertices[1].position);
  }

  TEST_CASE("the 52 names are all different, in order, and each finds itself") {
    const auto& names = scene::arkitNames();
    CHECK(std::set<std::string_view>(names.begin(), names.end()).size() == 52);
    CHECK(std::is_sorted(names.begin(), names.end()));
    for (std::size_t i = 0; i < names.size(); ++i) {
      CHECK(scene::arkitIndex(names[i]) == static_cast<int>(i));
    }
  }

  TEST_CASE("spellings of other tools are the same shape, strangers are none") {
    const auto nameOf = [](std::string_view text) {
      const int index = scene::arkitIndex(text);
      return index < 0 ? std::string_view("none")
                       : scene::arkitNames()[static_cast<std::size_t>(index)];
    };
    CHECK(nameOf("EyeBlinkLeft") == "eyeBlinkLeft");
    CHECK(nameOf("Face.eye_blink_L") == "eyeBlinkLeft");
    CHECK(nameOf("head:mouthSmile_R") == "mouthSmileRight");
    CHECK(nameOf("Jaw Open") == "jawOpen");
    CHECK(nameOf("Left") == "none");
    CHECK(nameOf("") == "none");
    CHECK(nameOf(std::string(100000, 'a')) == "none");
  }

  TEST_CASE("VRM's expressions of one shape are known, moods are not") {
    const auto& names = scene::arkitNames();
    const auto at = [&](std::string_view preset) {
      return names[static_cast<std::size_t>(scene::arkitOfVrmExpression(preset))];
    };
    CHECK(at("blinkLeft") == "eyeBlinkLeft");
    CHECK(at("blink_r") == "eyeBlinkRight");
    CHECK(at("aa") == "jawOpen");
    CHECK(at("ou") == "mouthPucker");
    CHECK(scene::arkitOfVrmExpression("happy") == -1);
    CHECK(scene::arkitOfVrmExpression("") == -1);
  }

  TEST_CASE("a face drives the shapes it knows, others rest") {
    std::array<float, scene::kArkitCount> face{};
    face[static_cast<std::size_t>(scene::arkitIndex("jawOpen"))] = 0.75f;
    std::vector<float> weights{9.0f};
    scene::morphWeights(twoShapes(), face, weights);
    CHECK(weights == std::vector<float>{0.75f, 0.25f});
  }
}
