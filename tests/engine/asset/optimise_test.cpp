#include "engine/asset/optimise.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <set>

#include "engine/asset/character_file.h"

using namespace understudy;

namespace {

scene::Character mannequin() {
  auto character = asset::loadCharacter(UNDERSTUDY_SOURCE_DIR "/assets/characters/mannequin.glb");
  REQUIRE(character.has_value());
  return *std::move(character);
}

using Corner = std::array<float, 11>;

Corner cornerOf(const scene::Vertex& v) {
  return {v.position.x,
          v.position.y,
          v.position.z,
          v.normal.x,
          v.normal.y,
          v.normal.z,
          v.weights.x,
          v.weights.y,
          v.weights.z,
          static_cast<float>(v.joints.x),
          static_cast<float>(v.joints.y)};
}

/// The triangles as their corners, beginning with the least, so that order does not matter.
std::multiset<std::array<Corner, 3>> trianglesOf(const scene::Mesh& mesh) {
  std::multiset<std::array<Corner, 3>> all;
  for (std::size_t i = 0; i + 2 < mesh.indices.size(); i += 3) {
    std::array<Corner, 3> corners;
    for (std::size_t c = 0; c < 3; ++c) corners[c] = cornerOf(mesh.vertices[mesh.indices[i + c]]);
    std::rotate(corners.begin(), std::min_element(corners.begin(), corners.end()), corners.end());
    all.insert(corners);
  }
  return all;
}

/// Largest distance from the middle of a coarse triangle to the nearest of the mesh's vertices.
float farthestMiddle(const scene::Mesh& mesh, const std::vector<std::uint32_t>& indices) {
  float farthest = 0.0f;
  for (std::size_t i = 0; i + 2 < indices.size(); i += 3) {
    const glm::vec3 middle =
        (mesh.vertices[indices[i]].position + mesh.vertices[indices[i + 1]].position +
         mesh.vertices[indices[i + 2]].position) /
        3.0f;
    float nearest = 1e9f;
    for (const scene::Vertex& vertex : mesh.vertices) {
      nearest = std::min(nearest, glm::distance(middle, vertex.position));
    }
    farthest = std::max(farthest, nearest);
  }
  return farthest;
}

}  // namespace

TEST_SUITE("asset/optimise") {
  TEST_CASE("another order, the same triangles with the same skin") {
    const scene::Character before = mannequin();
    scene::Character after = before;
    asset::optimise(after);
    REQUIRE(after.meshes.size() == before.meshes.size());
    for (std::size_t m = 0; m < before.meshes.size(); ++m) {
      CHECK(trianglesOf(after.meshes[m]) == trianglesOf(before.meshes[m]));
    }
  }

  TEST_CASE("each level about halves the triangles and stays within its error") {
    scene::Character character = mannequin();
    asset::optimise(character);
    std::array<std::size_t, 4> triangles{};
    for (const scene::Mesh& mesh : character.meshes) {
      CAPTURE(mesh.name);
      triangles[0] += mesh.indices.size();
      float allowed = 0.004f * 1.79f;
      for (std::size_t level = 0; level < 3; ++level, allowed *= 2.0f) {
        const bool made = level < mesh.levels.size();
        triangles[level + 1] +=
            made ? mesh.levels[level].indices.size()
                 : (mesh.levels.empty() ? mesh.indices : mesh.levels.back().indices).size();
        if (!made) continue;
        CHECK(mesh.levels[level].error <= allowed);
        for (const std::uint32_t index : mesh.levels[level].indices) {
          CHECK(index < mesh.vertices.size());
        }
      }
      // Edges of the mesh are up to some centimetres long, so middles are near vertices.
      if (!mesh.levels.empty()) CHECK(farthestMiddle(mesh, mesh.levels[0].indices) < 0.02f);
    }
    MESSAGE("triangles: ", triangles[0] / 3, " ", triangles[1] / 3, " ", triangles[2] / 3, " ",
            triangles[3] / 3);
    CHECK(triangles[1] * 10 <= triangles[0] * 6);
    CHECK(triangles[2] * 10 <= triangles[0] * 4);
  }

  TEST_CASE("the same input gives the same bytes") {
    scene::Character first = mannequin(), second = first;
    asset::optimise(first);
    asset::optimise(second);
    for (std::size_t m = 0; m < first.meshes.size(); ++m) {
      CHECK(first.meshes[m].indices == second.meshes[m].indices);
      REQUIRE(first.meshes[m].levels.size() == second.meshes[m].levels.size());
      for (std::size_t l = 0; l < first.meshes[m].levels.size(); ++l) {
        CHECK(first.meshes[m].levels[l].indices == second.meshes[m].levels[l].indices);
      }
    }
  }

  TEST_CASE("shapes follow their vertices to the new places, unused vertices go") {
    scene::Character character;
    character.meshes.resize(1);
    scene::Mesh& mesh = character.meshes[0];
    mesh.vertices.resize(5);
    for (std::size_t i = 0; i < 5; ++i) {
      mesh.vertices[i].position = {static_cast<float>(i), static_cast<float>(i * i), 0};
    }
    mesh.indices = {4, 2, 1, 2, 0, 1};
    mesh.morphs = {{.name = "move", .deltas = {{0, {10, 0, 0}}, {3, {13, 0, 0}}, {4, {14, 0, 0}}}}};
    asset::optimise(character);
    CHECK(mesh.vertices.size() == 4);
    REQUIRE(mesh.morphs[0].deltas.size() == 2);
    CHECK(mesh.morphs[0].deltas[0].vertex < mesh.morphs[0].deltas[1].vertex);
    for (const scene::MorphDelta& delta : mesh.morphs[0].deltas) {
      CHECK(delta.position.x == mesh.vertices[delta.vertex].position.x + 10.0f);
    }
    CHECK(mesh.levels.empty());
  }

  TEST_CASE("empty meshes pass") {
    scene::Character character;
    character.meshes.resize(1);
    asset::optimise(character);
    CHECK(character.meshes[0].levels.empty());
  }
}
