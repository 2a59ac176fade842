#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

#include "tools/mannequin/mannequin.h"

namespace understudy::mannequin {
namespace {

using Json = nlohmann::ordered_json;

// Numbers of the glTF 2.0 specification.
constexpr int kFloat = 5126, kUnsignedShort = 5123, kUnsignedByte = 5121;
constexpr int kArrayBuffer = 34962, kElementArrayBuffer = 34963;

// The binary chunk and the views and accessors into it.
class Buffer {
 public:
  // Appends the values as one view and returns the index of its accessor.
  template <class Value>
  int add(const std::vector<Value>& values, int component, const char* type, int target) {
    bytes_.resize((bytes_.size() + 3) / 4 * 4, '\0');
    Json view{{"buffer", 0},
              {"byteOffset", bytes_.size()},
              {"byteLength", values.size() * sizeof(Value)}};
    if (target != 0) view["target"] = target;
    const auto* data = reinterpret_cast<const char*>(values.data());
    bytes_.append(data, values.size() * sizeof(Value));
    accessors_.push_back({{"bufferView", views_.size()},
                          {"componentType", component},
                          {"count", values.size()},
                          {"type", type}});
    views_.push_back(std::move(view));
    return static_cast<int>(accessors_.size()) - 1;
  }

  void setBounds(int accessor, const glm::vec3& low, const glm::vec3& high) {
    accessors_[static_cast<std::size_t>(accessor)]["min"] = {low.x, low.y, low.z};
    accessors_[static_cast<std::size_t>(accessor)]["max"] = {high.x, high.y, high.z};
  }

  const std::string& bytes() const { return bytes_; }
  const Json& views() const { return views_; }
  const Json& accessors() const { return accessors_; }

 private:
  std::string bytes_;
  Json views_ = Json::array();
  Json accessors_ = Json::array();
};

// The vertices and triangles of one region, renumbered.
struct Piece {
  std::vector<glm::vec3> positions, normals;
  std::vector<std::array<std::uint8_t, 4>> joints;
  std::vector<std::array<float, 4>> weights;
  std::vector<std::uint16_t> indices;
};

Piece makePiece(const Mannequin& mannequin, int region) {
  Piece piece;
  std::vector<int> index(mannequin.mesh.positions.size(), -1);
  for (std::size_t t = 0; t < mannequin.mesh.triangles.size(); ++t) {
    if (mannequin.mesh.regions[t] != region) continue;
    for (const int corner : mannequin.mesh.triangles[t]) {
      const auto v = static_cast<std::size_t>(corner);
      if (index[v] < 0) {
        index[v] = static_cast<int>(piece.positions.size());
        piece.positions.emplace_back(mannequin.mesh.positions[v]);
        piece.normals.emplace_back(mannequin.normals[v]);
        piece.joints.push_back(mannequin.skin[v].joints);
        piece.weights.push_back(mannequin.skin[v].weights);
      }
      piece.indices.push_back(static_cast<std::uint16_t>(index[v]));
    }
  }
  return piece;
}

Json writePiece(const Piece& piece, std::size_t material, Buffer& buffer) {
  const int positions = buffer.add(piece.positions, kFloat, "VEC3", kArrayBuffer);
  glm::vec3 low = piece.positions.front(), high = low;
  for (const glm::vec3& p : piece.positions) {
    low = glm::min(low, p);
    high = glm::max(high, p);
  }
  buffer.setBounds(positions, low, high);
  const int normals = buffer.add(piece.normals, kFloat, "VEC3", kArrayBuffer);
  const int joints = buffer.add(piece.joints, kUnsignedByte, "VEC4", kArrayBuffer);
  const int weights = buffer.add(piece.weights, kFloat, "VEC4", kArrayBuffer);
  const int indices = buffer.add(piece.indices, kUnsignedShort, "SCALAR", kElementArrayBuffer);
  return {{"attributes",
           {{"POSITION", positions},
            {"NORMAL", normals},
            {"JOINTS_0", joints},
            {"WEIGHTS_0", weights}}},
          {"indices", indices},
          {"material", material}};
}

Json writeMaterials(const Figure& figure) {
  Json materials = Json::array();
  for (const Look& look : figure.looks)
    materials.push_back(
        {{"name", look.name},
         {"pbrMetallicRoughness",
          {{"baseColorFactor", {look.base_color.x, look.base_color.y, look.base_color.z, 1.0f}},
           {"metallicFactor", look.metallic},
           {"roughnessFactor", look.roughness}}}});
  return materials;
}

// Node 0 is the mesh, node 1 + i is joint i.
Json writeNodes(const Mannequin& mannequin) {
  Json nodes =
      Json::array({{{"name", std::string(mannequin.figure->name)}, {"mesh", 0}, {"skin", 0}}});
  const auto& joints = mannequin.joints;
  for (std::size_t i = 0; i < joints.size(); ++i) {
    glm::vec3 offset(joints[i].position);
    if (joints[i].parent != anim::HumanoidJoint::count)
      offset = glm::vec3(joints[i].position -
                         joints[static_cast<std::size_t>(joints[i].parent)].position);
    Json node{{"name", std::string(anim::humanoidName(joints[i].joint))},
              {"translation", {offset.x, offset.y, offset.z}}};
    Json children = Json::array();
    for (std::size_t child = 0; child < joints.size(); ++child)
      if (joints[child].parent == joints[i].joint) children.push_back(child + 1);
    if (!children.empty()) node["children"] = std::move(children);
    nodes.push_back(std::move(node));
  }
  return nodes;
}

Json writeSkin(const Mannequin& mannequin, Buffer& buffer) {
  std::vector<glm::mat4> inverse_bind;
  Json joints = Json::array();
  for (const JointRest& rest : mannequin.joints) {
    glm::mat4 joint_from_bind(1.0f);
    joint_from_bind[3] = glm::vec4(-glm::vec3(rest.position), 1.0f);
    inverse_bind.push_back(joint_from_bind);
    joints.push_back(inverse_bind.size());
  }
  return {{"name", "humanoid"},
          {"inverseBindMatrices", buffer.add(inverse_bind, kFloat, "MAT4", 0)},
          {"skeleton", 1},
          {"joints", joints}};
}

void append(std::string& out, std::uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8)
    out.push_back(static_cast<char>(value >> shift & 0xff));
}

void appendChunk(std::string& out, std::string content, const char* type, char padding) {
  content.resize((content.size() + 3) / 4 * 4, padding);
  append(out, static_cast<std::uint32_t>(content.size()));
  out.append(type, 4);
  out += content;
}

}  // namespace

std::string writeGlb(const Mannequin& mannequin) {
  Buffer buffer;
  Json primitives = Json::array();
  for (std::size_t region = 0; region < mannequin.figure->looks.size(); ++region) {
    const Piece piece = makePiece(mannequin, static_cast<int>(region));
    if (!piece.indices.empty()) primitives.push_back(writePiece(piece, region, buffer));
  }
  Json skin = writeSkin(mannequin, buffer);
  const std::string name(mannequin.figure->name);
  const Json gltf{{"asset",
                   {{"version", "2.0"},
                    {"generator", "understudy-mannequin"},
                    {"copyright", "Understudy contributors, Apache-2.0"}}},
                  {"scene", 0},
                  {"scenes", {{{"name", name}, {"nodes", {0, 1}}}}},
                  {"nodes", writeNodes(mannequin)},
                  {"meshes", {{{"name", name}, {"primitives", primitives}}}},
                  {"materials", writeMaterials(*mannequin.figure)},
                  {"skins", Json::array({std::move(skin)})},
                  {"accessors", buffer.accessors()},
                  {"bufferViews", buffer.views()},
                  {"buffers", {{{"byteLength", (buffer.bytes().size() + 3) / 4 * 4}}}}};
  std::string chunks;
  appendChunk(chunks, gltf.dump(), "JSON", ' ');
  appendChunk(chunks, buffer.bytes(), "BIN\0", '\0');
  std::string file = "glTF";
  append(file, 2);
  append(file, static_cast<std::uint32_t>(12 + chunks.size()));
  return file + chunks;
}

}  // namespace understudy::mannequin
