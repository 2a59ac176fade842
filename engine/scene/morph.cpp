#include "engine/scene/morph.h"

#include <algorithm>
#include <cctype>
#include <string>

namespace understudy::scene {
namespace {

constexpr std::array<std::string_view, kArkitCount> kNames = {
    "browDownLeft",      "browDownRight",      "browInnerUp",         "browOuterUpLeft",
    "browOuterUpRight",  "cheekPuff",          "cheekSquintLeft",     "cheekSquintRight",
    "eyeBlinkLeft",      "eyeBlinkRight",      "eyeLookDownLeft",     "eyeLookDownRight",
    "eyeLookInLeft",     "eyeLookInRight",     "eyeLookOutLeft",      "eyeLookOutRight",
    "eyeLookUpLeft",     "eyeLookUpRight",     "eyeSquintLeft",       "eyeSquintRight",
    "eyeWideLeft",       "eyeWideRight",       "jawForward",          "jawLeft",
    "jawOpen",           "jawRight",           "mouthClose",          "mouthDimpleLeft",
    "mouthDimpleRight",  "mouthFrownLeft",     "mouthFrownRight",     "mouthFunnel",
    "mouthLeft",         "mouthLowerDownLeft", "mouthLowerDownRight", "mouthPressLeft",
    "mouthPressRight",   "mouthPucker",        "mouthRight",          "mouthRollLower",
    "mouthRollUpper",    "mouthShrugLower",    "mouthShrugUpper",     "mouthSmileLeft",
    "mouthSmileRight",   "mouthStretchLeft",   "mouthStretchRight",   "mouthUpperUpLeft",
    "mouthUpperUpRight", "noseSneerLeft",      "noseSneerRight",      "tongueOut"};

/// Letters alone, small; "_L" and "_R" at the end written out.
std::string plain(std::string_view name) {
  if (const std::size_t prefix = name.find_last_of(".:"); prefix != std::string_view::npos) {
    name.remove_prefix(prefix + 1);
  }
  std::string_view side;
  if (name.ends_with("_L") || name.ends_with("_l")) side = "left";
  if (name.ends_with("_R") || name.ends_with("_r")) side = "right";
  if (!side.empty()) name.remove_suffix(2);
  std::string letters;
  for (const char c : name) {
    if (c == '_' || c == '-' || c == ' ') continue;
    letters += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return letters.append(side);
}

glm::vec3 unitOr(const glm::vec3& v, const glm::vec3& otherwise) {
  const float length = glm::length(v);
  return length > 1e-12f ? v / length : otherwise;
}

}  // namespace

const std::array<std::string_view, kArkitCount>& arkitNames() { return kNames; }

int arkitIndex(std::string_view name) {
  if (name.size() > 128) return -1;
  const std::string wanted = plain(name);
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (plain(kNames[i]) == wanted) return static_cast<int>(i);
  }
  return -1;
}

int arkitOfVrmExpression(std::string_view preset) {
  struct Preset {
    std::string_view vrm, arkit;
  };
  // Vowels by the shape of the lips; VRM 0 writes blink_l where VRM 1 writes blinkLeft.
  static constexpr std::array<Preset, 8> kPresets = {{{"blinkleft", "eyeBlinkLeft"},
                                                      {"blinkright", "eyeBlinkRight"},
                                                      {"aa", "jawOpen"},
                                                      {"a", "jawOpen"},
                                                      {"ou", "mouthPucker"},
                                                      {"u", "mouthPucker"},
                                                      {"oh", "mouthFunnel"},
                                                      {"o", "mouthFunnel"}}};
  const std::string wanted = plain(preset);
  for (const Preset& entry : kPresets) {
    if (entry.vrm == wanted) return arkitIndex(entry.arkit);
  }
  return -1;
}

void applyMorphs(const Mesh& mesh, std::span<const float> weights, std::vector<Vertex>& vertices) {
  vertices.assign(mesh.vertices.begin(), mesh.vertices.end());
  const std::size_t count = std::min(weights.size(), mesh.morphs.size());
  bool moved = false;
  for (std::size_t shape = 0; shape < count; ++shape) {
    const float weight = weights[shape];
    if (weight == 0.0f) continue;
    moved = true;
    for (const MorphDelta& delta : mesh.morphs[shape].deltas) {
      Vertex& vertex = vertices[delta.vertex];
      vertex.position += weight * delta.position;
      vertex.normal += weight * delta.normal;
      vertex.tangent += glm::vec4(weight * delta.tangent, 0.0f);
    }
  }
  if (!moved) return;
  for (std::size_t i = 0; i < vertices.size(); ++i) {
    const Vertex& rest = mesh.vertices[i];
    if (vertices[i].normal != rest.normal) {
      vertices[i].normal = unitOr(vertices[i].normal, rest.normal);
    }
    if (vertices[i].tangent != rest.tangent) {
      const glm::vec3 tangent = unitOr(glm::vec3(vertices[i].tangent), glm::vec3(rest.tangent));
      vertices[i].tangent = glm::vec4(tangent, rest.tangent.w);
    }
  }
}

void morphWeights(const Mesh& mesh, std::span<const float, kArkitCount> face,
                  std::vector<float>& weights) {
  weights.clear();
  for (const MorphTarget& target : mesh.morphs) {
    weights.push_back(target.arkit >= 0 ? face[static_cast<std::size_t>(target.arkit)]
                                        : target.rest_weight);
  }
}

}  // namespace understudy::scene
