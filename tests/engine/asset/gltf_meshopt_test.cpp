#include "engine/asset/gltf_meshopt.h"

#include <doctest/doctest.h>
#include <meshoptimizer.h>

#include <random>

#include "engine/asset/character_file.h"
#include "tests/support/glb_builder.h"
#include "tests/support/text.h"

using namespace understudy;
using nlohmann::json;
using test::GlbBuilder;
using test::has;

namespace {

constexpr int kU16 = 5123, kI8 = 5120, kFloat = 5126;
constexpr std::size_t kSide = 20;

/// A sheet of kSide x kSide vertices in metres, rippled, and its triangles.
struct Grid {
  std::vector<float> positions;
  std::vector<std::int8_t> normals;  ///< Octahedral: x, y, one, unused.
  std::vector<std::uint32_t> indices;

  Grid() {
    for (std::size_t i = 0; i < kSide * kSide; ++i) {
      const auto x = static_cast<float>(i % kSide), z = static_cast<float>(i / kSide);
      for (const float v : {x * 0.1f, 0.01f * x * z, z * 0.1f}) positions.push_back(v);
      for (const int v : {0, 0, 127, 0}) normals.push_back(static_cast<std::int8_t>(v));
    }
    for (std::uint32_t i = 0; i + kSide < kSide * kSide; ++i) {
      if (i % kSide == kSide - 1) continue;
      const auto side = static_cast<std::uint32_t>(kSide);
      for (const std::uint32_t v : {i, i + side, i + 1, i + 1, i + side, i + side + 1}) {
        indices.push_back(v);
      }
    }
  }
};

template <class T>
std::vector<std::uint8_t> packed(const std::vector<T>& values, std::size_t stride) {
  const std::size_t count = values.size() * sizeof(T) / stride;
  std::vector<std::uint8_t> bytes(meshopt_encodeVertexBufferBound(count, stride));
  bytes.resize(
      meshopt_encodeVertexBuffer(bytes.data(), bytes.size(), values.data(), count, stride));
  return bytes;
}

/// The grid as a .glb that is compressed, with the place for the unpacked bytes as buffer 1.
GlbBuilder compressed() {
  const Grid grid;
  GlbBuilder glb;
  const std::size_t count = kSide * kSide;
  std::vector<std::uint8_t> triangles(meshopt_encodeIndexBufferBound(grid.indices.size(), count));
  triangles.resize(meshopt_encodeIndexBuffer(triangles.data(), triangles.size(),
                                             grid.indices.data(), grid.indices.size()));
  const auto add = [&](const std::vector<std::uint8_t>& bytes, std::size_t stride,
                       std::size_t elements, const char* mode, const char* filter) {
    const int view = glb.view(bytes);
    json& entry = glb.json["bufferViews"][static_cast<std::size_t>(view)];
    const json extension = {{"buffer", 0},
                            {"byteOffset", entry["byteOffset"]},
                            {"byteLength", bytes.size()},
                            {"byteStride", stride},
                            {"count", elements},
                            {"mode", mode},
                            {"filter", filter}};
    entry = {{"buffer", 1},
             {"byteOffset", 0},
             {"byteLength", stride * elements},
             {"extensions", {{"EXT_meshopt_compression", extension}}}};
    if (std::string(mode) == "ATTRIBUTES") entry["byteStride"] = stride;
    return view;
  };
  const auto accessor = [&](int view, int component, const char* type, std::size_t elements,
                            bool normalized = false) {
    glb.json["accessors"].push_back({{"bufferView", view},
                                     {"componentType", component},
                                     {"type", type},
                                     {"count", elements},
                                     {"normalized", normalized}});
    return glb.json["accessors"].size() - 1;
  };
  const auto position = accessor(add(packed(grid.positions, 12), 12, count, "ATTRIBUTES", "NONE"),
                                 kFloat, "VEC3", count);
  const auto normal = accessor(add(packed(grid.normals, 4), 4, count, "ATTRIBUTES", "OCTAHEDRAL"),
                               kI8, "VEC3", count, true);
  const auto indices = accessor(add(triangles, 2, grid.indices.size(), "TRIANGLES", "NONE"), kU16,
                                "SCALAR", grid.indices.size());
  glb.json["meshes"] = {
      {{"primitives",
        {{{"attributes", {{"POSITION", position}, {"NORMAL", normal}}}, {"indices", indices}}}}}};
  glb.json["nodes"] = {{{"mesh", 0}}};
  glb.json["extensionsRequired"] = {"EXT_meshopt_compression"};
  return glb;
}

/// With buffer 1, which GlbBuilder does not know.
std::string bytesOf(const GlbBuilder& glb) {
  const std::string plain = glb.bytes();
  std::uint32_t length = 0;
  std::memcpy(&length, &plain[12], 4);
  json whole = json::parse(plain.substr(20, length));
  whole["buffers"].push_back({{"byteLength", 1 << 20},
                              {"extensions", {{"EXT_meshopt_compression", {{"fallback", true}}}}}});
  std::string text = whole.dump();
  while (text.size() % 4 != 0) text += ' ';
  std::string file = plain.substr(0, 20) + text + plain.substr(20 + length);
  const auto put = [&](std::size_t offset, std::size_t value) {
    const auto word = static_cast<std::uint32_t>(value);
    std::memcpy(&file[offset], &word, 4);
  };
  put(8, file.size());
  put(12, text.size());
  return file;
}

core::Result<scene::Character> read(const GlbBuilder& glb) {
  return asset::readCharacter(bytesOf(glb), "packed.glb");
}

json& extensionOf(GlbBuilder& glb, std::size_t view) {
  return glb.json["bufferViews"][view]["extensions"]["EXT_meshopt_compression"];
}

}  // namespace

TEST_SUITE("asset/gltf_meshopt") {
  TEST_CASE("a compressed mesh is the mesh that was compressed") {
    const auto character = read(compressed());
    REQUIRE_MESSAGE(character.has_value(), character.error().message);
    const Grid grid;
    const scene::Mesh& mesh = character->meshes.at(0);
    REQUIRE(mesh.vertices.size() == kSide * kSide);
    REQUIRE(mesh.indices.size() == grid.indices.size());
    for (std::size_t i = 0; i < mesh.vertices.size(); ++i) {
      const glm::vec3& p = mesh.vertices[i].position;
      CHECK(p ==
            glm::vec3(grid.positions[i * 3], grid.positions[i * 3 + 1], grid.positions[i * 3 + 2]));
      CHECK(mesh.vertices[i].normal == glm::vec3(0, 0, 1));
    }
    // The codec may turn a triangle's corners round, but keeps triangles and their order.
    for (std::size_t t = 0; t < grid.indices.size(); t += 3) {
      bool same = false;
      for (std::size_t turn = 0; turn < 3; ++turn) {
        bool all = true;
        for (std::size_t c = 0; c < 3; ++c) {
          all = all && mesh.indices[t + (c + turn) % 3] == grid.indices[t + c];
        }
        same = same || all;
      }
      CHECK(same);
    }
  }

  TEST_CASE("numbers that make no sense are one clear error") {
    struct Fault {
      std::size_t view;
      const char* key;
      json value;
      const char* said;
    };
    const Fault faults[] = {{0, "byteStride", 3, "bad stride"},
                            {0, "byteStride", 1024, "bad stride"},
                            {0, "count", 1u << 31, "too much"},
                            {0, "count", -1, "too much"},
                            {0, "mode", "ZIP", "unknown way"},
                            {0, "filter", "BLUR", "unknown filter"},
                            {0, "filter", "QUATERNION", "bad stride"},
                            {2, "count", 7, "within a triangle"},
                            {2, "filter", "OCTAHEDRAL", "filters indices"},
                            {0, "byteLength", 1u << 30, "beyond its buffer"},
                            {0, "byteOffset", 1u << 30, "beyond its buffer"},
                            {0, "buffer", 17, "does not exist"},
                            {0, "byteLength", 5, "damaged"}};
    for (const Fault& fault : faults) {
      CAPTURE(fault.said);
      GlbBuilder glb = compressed();
      extensionOf(glb, fault.view)[fault.key] = fault.value;
      const auto character = read(glb);
      REQUIRE_FALSE(character.has_value());
      CHECK(has(character.error().message, "packed.glb: compressed buffer view"));
      CHECK(has(character.error().message, fault.said));
    }
  }

  TEST_CASE("damaged bytes give a character or an error") {
    const std::string whole = bytesOf(compressed());
    std::mt19937 random(5);
    for (int round = 0; round < 300; ++round) {
      std::string bytes = whole;
      for (int i = 0; i < 1 + round % 20; ++i) {
        bytes[20 + random() % (bytes.size() - 20)] = static_cast<char>(random());
      }
      if (round % 7 == 0) bytes.resize(random() % bytes.size());
      const auto character = asset::readCharacter(std::move(bytes), "packed.glb");
      if (!character) CHECK_FALSE(character.error().message.empty());
    }
  }
}
