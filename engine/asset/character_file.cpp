#include "engine/asset/character_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <utility>

#include "engine/asset/gltf_materials.h"
#include "engine/asset/gltf_model.h"
#include "engine/asset/gltf_morphs.h"
#include "engine/asset/gltf_skeleton.h"
#include "engine/asset/mesh_repair.h"
#include "engine/core/read_file.h"
#include "engine/core/text.h"

namespace understudy::asset {
namespace {

constexpr std::size_t kMaxVertices = std::size_t{1} << 23;
constexpr std::size_t kMaxIndices = std::size_t{1} << 25;
constexpr double kMaxMetres = 1e6;

constexpr std::size_t index(int value) { return static_cast<std::size_t>(value); }

bool isFinite(const glm::dmat4& matrix) {
  for (int column = 0; column < 4; ++column) {
    for (int row = 0; row < 4; ++row) {
      if (!(std::abs(matrix[column][row]) < kMaxMetres)) return false;
    }
  }
  return true;
}

bool isInvertible(const glm::dmat4& matrix) {
  if (!isFinite(matrix)) return false;
  const glm::dmat3 axes(matrix);
  const double size = glm::length(axes[0]) * glm::length(axes[1]) * glm::length(axes[2]);
  return std::abs(glm::determinant(axes)) > 1e-9 * size && size > 1e-24;
}

bool isNear(const glm::dmat4& a, const glm::dmat4& b) {
  double difference = 0.0, size = 0.0;
  for (int column = 0; column < 4; ++column) {
    for (int row = 0; row < 3; ++row) {
      difference = std::max(difference, std::abs(a[column][row] - b[column][row]));
      size = std::max(size, std::abs(b[column][row]));
    }
  }
  return difference <= 1e-4 * size;
}

/// How one mesh instance comes into the character's bind pose.
struct Binding {
  glm::dmat4 bind_from_mesh{1.0};
  std::vector<int> joints;  ///< Per skin joint: the character's joint. One entry: no skin.
  bool has_skin = false;
};

class Reader {
 public:
  explicit Reader(const GltfModel& gltf) : gltf_(gltf), morphs_(gltf) {}

  core::Result<scene::Character> read() {
    skeleton_ = makeGltfSkeleton(gltf_);
    GltfMaterials materials = makeGltfMaterials(gltf_);
    character_.name = std::filesystem::path(gltf_.path).stem().string();
    character_.skeleton = skeleton_.skeleton;
    character_.humanoid_names = skeleton_.humanoid_names;
    character_.materials = std::move(materials.materials);
    character_.images = std::move(materials.images);
    uv_use_ = std::move(materials.uv_use);
    for (const std::vector<std::string>* list :
         {&gltf_.warnings, &std::as_const(skeleton_).warnings,
          &std::as_const(materials).warnings}) {
      for (const auto& text : *list) warn(text);
    }
    for (const glm::dmat4& joint : skeleton_.world_from_joint) {
      if (!isFinite(joint)) return error("a joint lies beyond 1000 km; the scale is wrong");
    }
    if (auto result = bindSkins(); !result) return result.error();
    bindFreeJoints();
    if (auto result = readMeshes(); !result) return result.error();
    for (const glm::dmat4& matrix : joint_from_bind_) {
      character_.joint_from_bind.emplace_back(matrix);
    }
    dropPlainMaterialIfUnused();
    warnOfUnlikelySize();
    return std::move(character_);
  }

 private:
  core::Error error(const std::string& what) const {
    return core::makeError(gltf_.path + ": " + what + "; export it again");
  }
  void warn(const std::string& text) {
    if (warned_.insert(text).second) character_.warnings.push_back(text);
  }

  /// Fills joint_from_bind_ from the skins' inverse bind matrices. All skins share one bind pose;
  /// where a second skin binds a joint differently it gets a joint of its own, without motion.
  core::Result<void> bindSkins() {
    joint_from_bind_.assign(skeleton_.nodes.size(), glm::dmat4(1.0));
    std::vector<bool> is_bound(skeleton_.nodes.size(), false);
    for (std::size_t s = 0; s < gltf_.model.skins.size(); ++s) {
      const auto& skin = gltf_.model.skins[s];
      Binding binding;
      binding.has_skin = true;
      std::vector<float> matrices;
      if (skin.inverseBindMatrices >= 0)
        matrices = readFloats(gltf_.model, skin.inverseBindMatrices);
      std::vector<glm::dmat4> joint_from_mesh(skin.joints.size(), glm::dmat4(1.0));
      bool found_bind = false;
      for (std::size_t i = 0; i < skin.joints.size(); ++i) {
        const int joint = skeleton_.joint_of_node[index(skin.joints[i])];
        if (joint < 0) continue;  // In another scene: then no shown mesh should use it.
        glm::dmat4 node_from_mesh(1.0);
        for (int k = 0; k < 16 && !matrices.empty(); ++k) {
          node_from_mesh[k / 4][k % 4] = static_cast<double>(matrices[i * 16 + index(k)]);
        }
        joint_from_mesh[i] = skeleton_.joint_from_node[index(joint)] * node_from_mesh;
        if (!isFinite(joint_from_mesh[i])) {
          return error(fmt::format("skin {} has a bind matrix that is not finite", s));
        }
        const glm::dmat4 rest_from_mesh =
            skeleton_.world_from_joint[index(joint)] * joint_from_mesh[i];
        if (!found_bind && isInvertible(rest_from_mesh)) {
          binding.bind_from_mesh = rest_from_mesh;
          found_bind = true;
        }
      }
      if (!found_bind) return error(fmt::format("skin {} has only singular bind matrices", s));
      const glm::dmat4 mesh_from_bind = glm::inverse(binding.bind_from_mesh);
      for (std::size_t i = 0; i < skin.joints.size(); ++i) {
        int joint = skeleton_.joint_of_node[index(skin.joints[i])];
        const glm::dmat4 joint_from_bind = joint_from_mesh[i] * mesh_from_bind;
        if (joint >= 0 && is_bound[index(joint)] &&
            !isNear(joint_from_bind_[index(joint)], joint_from_bind)) {
          joint = addTwin(joint, s);
          is_bound.push_back(false);
        }
        if (joint >= 0 && !is_bound[index(joint)]) {
          joint_from_bind_[index(joint)] = joint_from_bind;
          is_bound[index(joint)] = true;
        }
        binding.joints.push_back(joint);
      }
      skin_bindings_.push_back(std::move(binding));
    }
    is_bound_ = std::move(is_bound);
    return {};
  }

  int addTwin(int joint, std::size_t skin) {
    anim::Skeleton& skeleton = character_.skeleton;
    skeleton.names.push_back(fmt::format("{}_skin_{}", skeleton.names[index(joint)], skin));
    skeleton.parents.push_back(joint);
    skeleton.parent_from_joint.emplace_back();
    character_.humanoid_names.emplace_back();
    joint_from_bind_.emplace_back(1.0);
    warn("skins bind the same joint differently; joints were added for the second");
    return static_cast<int>(skeleton.size()) - 1;
  }

  /// Joints that no skin uses bind in the rest pose, for meshes that hang on them.
  void bindFreeJoints() {
    for (std::size_t joint = 0; joint < skeleton_.nodes.size(); ++joint) {
      if (!is_bound_[joint]) {
        joint_from_bind_[joint] = glm::inverse(skeleton_.world_from_joint[joint]);
      }
    }
  }

  core::Result<void> readMeshes() {
    for (const int node : gltf_.order) {
      const auto& source = gltf_.model.nodes[index(node)];
      if (source.mesh < 0) continue;
      auto binding = bindingOf(node);
      if (!binding) return binding.error();
      for (const auto& primitive : gltf_.model.meshes[index(source.mesh)].primitives) {
        const std::string& mesh_name = gltf_.model.meshes[index(source.mesh)].name;
        auto result = readPrimitive(primitive, *binding,
                                    mesh_name.empty() ? source.name : mesh_name, source.mesh);
        if (!result) return result;
      }
    }
    if (character_.meshes.empty() && character_.skeleton.size() == 0) {
      return error("holds neither a mesh nor a skeleton");
    }
    return {};
  }

  core::Result<Binding> bindingOf(int node) {
    const auto& source = gltf_.model.nodes[index(node)];
    if (source.skin >= 0) {
      const Binding& binding = skin_bindings_[index(source.skin)];
      if (std::find(binding.joints.begin(), binding.joints.end(), -1) != binding.joints.end()) {
        return error(fmt::format("skin {} has joints outside the shown scene", source.skin));
      }
      return binding;
    }
    int joint = -1;
    for (int at = node; at >= 0 && joint < 0; at = gltf_.parents[index(at)]) {
      joint = skeleton_.joint_of_node[index(at)];
    }
    if (joint < 0) {
      if (character_.skeleton.size() == 0) addRoot();
      joint = 0;
      if (!skeleton_.nodes.empty()) {
        warn("a mesh without skin hangs on no joint; it is hung on the first");
      }
    }
    Binding binding;
    const glm::dmat4& world_from_node = skeleton_.world_from_node[index(node)];
    const glm::dmat4 world_from_bind =
        skeleton_.nodes.empty()
            ? glm::dmat4(1.0)
            : skeleton_.world_from_joint[index(joint)] * joint_from_bind_[index(joint)];
    if (!isFinite(world_from_node)) return error("a mesh lies beyond 1000 km; the scale is wrong");
    if (!isInvertible(world_from_bind)) return error("a joint has a singular bind matrix");
    binding.bind_from_mesh = glm::inverse(world_from_bind) * world_from_node;
    binding.joints = {joint};
    return binding;
  }

  void addRoot() {
    character_.skeleton.names = {"root"};
    character_.skeleton.parents = {anim::kNoParent};
    character_.skeleton.parent_from_joint.resize(1);
    character_.humanoid_names.resize(1);
    joint_from_bind_.assign(1, glm::dmat4(1.0));
  }

  core::Result<void> readPrimitive(const tinygltf::Primitive& primitive, const Binding& binding,
                                   const std::string& name, int mesh_index) {
    const int mode = primitive.mode == -1 ? TINYGLTF_MODE_TRIANGLES : primitive.mode;
    const auto position = primitive.attributes.find("POSITION");
    if (mode < TINYGLTF_MODE_TRIANGLES || mode > TINYGLTF_MODE_TRIANGLE_FAN) {
      warn("points and lines are not read");
      return {};
    }
    if (position == primitive.attributes.end()) {
      warn("a mesh without positions is left out");
      return {};
    }
    if (primitive.attributes.contains("COLOR_0")) warn("vertex colours are not read");
    const auto& accessor = gltf_.model.accessors[index(position->second)];
    const std::size_t count = accessor.count;
    vertices_ += count;
    if (vertices_ > kMaxVertices)
      return error(fmt::format("holds more than {} vertices", kMaxVertices));

    scene::Mesh mesh;
    mesh.name = name;
    mesh.material = primitive.material >= 0 ? primitive.material
                                            : static_cast<int>(character_.materials.size()) - 1;
    if (auto result = readIndices(primitive, mode, count, mesh.indices); !result) return result;
    if (mesh.indices.empty()) {
      warn("a mesh without triangles is left out");
      return {};
    }
    mesh.vertices.resize(count);
    if (auto result = readShape(primitive, binding, mesh); !result) return result;
    if (auto result = readInfluences(primitive, binding, mesh); !result) return result;
    auto morphs = morphs_.read(mesh_index, primitive, binding.bind_from_mesh);
    if (!morphs) return morphs.error();
    mesh.morphs = *std::move(morphs);
    finishMesh(primitive, mesh);
    character_.meshes.push_back(std::move(mesh));
    return {};
  }

  core::Result<void> readIndices(const tinygltf::Primitive& primitive, int mode, std::size_t count,
                                 std::vector<std::uint32_t>& triangles) {
    std::vector<std::uint32_t> corners;
    if (primitive.indices >= 0) {
      indices_ += gltf_.model.accessors[index(primitive.indices)].count;
      if (indices_ > kMaxIndices) return error("holds too many indices");
      corners = readIntegers(gltf_.model, primitive.indices);
    } else {
      corners.resize(count);
      for (std::size_t i = 0; i < count; ++i) corners[i] = static_cast<std::uint32_t>(i);
    }
    for (const std::uint32_t corner : corners) {
      if (corner >= count) {
        return error(fmt::format("an index is {} but the mesh has {} vertices", corner, count));
      }
    }
    if (mode == TINYGLTF_MODE_TRIANGLES) {
      corners.resize(corners.size() / 3 * 3);
      triangles = std::move(corners);
      return {};
    }
    for (std::size_t i = 2; i < corners.size(); ++i) {
      const bool fan = mode == TINYGLTF_MODE_TRIANGLE_FAN;
      const std::uint32_t a = fan ? corners[0] : corners[i - 2];
      const bool odd = !fan && i % 2 == 1;
      const std::uint32_t b = odd ? corners[i] : corners[i - 1];
      const std::uint32_t c = odd ? corners[i - 1] : corners[i];
      if (a != b && b != c && c != a) triangles.insert(triangles.end(), {a, b, c});
    }
    return {};
  }

  /// The attribute as vectors of `width` floats, empty if it is absent or of another width.
  std::vector<float> attribute(const tinygltf::Primitive& primitive, const std::string& name,
                               std::size_t width) const {
    const auto found = primitive.attributes.find(name);
    if (found == primitive.attributes.end()) return {};
    if (componentsOf(gltf_.model.accessors[index(found->second)]) != width) return {};
    return readFloats(gltf_.model, found->second);
  }

  core::Result<void> readShape(const tinygltf::Primitive& primitive, const Binding& binding,
                               scene::Mesh& mesh) {
    const std::vector<float> positions = attribute(primitive, "POSITION", 3);
    const std::vector<float> normals = attribute(primitive, "NORMAL", 3);
    const std::vector<float> tangents = attribute(primitive, "TANGENT", 4);
    const UvUse& uv_use = uv_use_[index(mesh.material)];
    const std::vector<float> uvs =
        attribute(primitive, "TEXCOORD_" + std::to_string(uv_use.set), 2);
    if (positions.empty()) return error("the positions of a mesh are no vectors of three");
    const glm::dmat3 axes(binding.bind_from_mesh);
    const double determinant = glm::determinant(axes);
    const glm::dmat3 normal_axes =
        std::abs(determinant) > 0.0 ? glm::transpose(glm::inverse(axes)) : axes;
    const auto direction = [](const glm::dmat3& matrix, const float* v,
                              const glm::vec3& otherwise) {
      const glm::dvec3 turned = matrix * glm::dvec3(v[0], v[1], v[2]);
      const double length = glm::length(turned);
      return length > 0.0 && std::isfinite(length) ? glm::vec3(turned / length) : otherwise;
    };
    for (std::size_t i = 0; i < mesh.vertices.size(); ++i) {
      scene::Vertex& vertex = mesh.vertices[i];
      const glm::dvec4 placed =
          binding.bind_from_mesh *
          glm::dvec4(positions[i * 3], positions[i * 3 + 1], positions[i * 3 + 2], 1.0);
      for (int k = 0; k < 3; ++k) {
        if (!(std::abs(placed[k]) < kMaxMetres)) {
          return error("a vertex is not finite or beyond 1000 km");
        }
      }
      vertex.position = glm::vec3(placed);
      if (!normals.empty()) vertex.normal = direction(normal_axes, &normals[i * 3], {0, 1, 0});
      if (!tangents.empty()) {
        const float side = (tangents[i * 4 + 3] < 0.0f) != (determinant < 0.0) ? -1.0f : 1.0f;
        vertex.tangent = glm::vec4(direction(axes, &tangents[i * 4], {1, 0, 0}), side);
      }
      if (!uvs.empty()) {
        const glm::vec3 uv = uv_use.image_from_mesh * glm::vec3(uvs[i * 2], uvs[i * 2 + 1], 1.0f);
        if (std::isfinite(uv.x) && std::isfinite(uv.y)) vertex.uv = glm::vec2(uv);
      }
    }
    if (determinant < 0.0) {
      for (std::size_t i = 0; i + 2 < mesh.indices.size(); i += 3) {
        std::swap(mesh.indices[i + 1], mesh.indices[i + 2]);
      }
    }
    return {};
  }

  core::Result<void> readInfluences(const tinygltf::Primitive& primitive, const Binding& binding,
                                    scene::Mesh& mesh) {
    struct Set {
      std::vector<std::uint32_t> joints;
      std::vector<float> weights;
    };
    std::vector<Set> sets;
    for (int n = 0; binding.has_skin && n < 64; ++n) {
      const auto joints = primitive.attributes.find("JOINTS_" + std::to_string(n));
      std::vector<float> weights = attribute(primitive, "WEIGHTS_" + std::to_string(n), 4);
      if (joints == primitive.attributes.end() || weights.empty() ||
          componentsOf(gltf_.model.accessors[index(joints->second)]) != 4) {
        break;
      }
      sets.push_back({readIntegers(gltf_.model, joints->second), std::move(weights)});
    }
    std::vector<std::pair<float, int>> influences;  // Weight and joint of the character.
    std::size_t reduced = 0, unweighted = 0;
    for (std::size_t i = 0; i < mesh.vertices.size(); ++i) {
      influences.clear();
      for (const Set& set : sets) {
        for (std::size_t k = i * 4; k < i * 4 + 4; ++k) {
          const float weight = set.weights[k];
          if (!(weight > 0.0f) || !std::isfinite(weight)) continue;
          if (set.joints[k] >= binding.joints.size()) {
            return error(fmt::format("a vertex follows joint {} of a skin of {}", set.joints[k],
                                     binding.joints.size()));
          }
          const int joint = binding.joints[set.joints[k]];
          const auto same = std::find_if(influences.begin(), influences.end(),
                                         [&](const auto& other) { return other.second == joint; });
          if (same == influences.end()) {
            influences.emplace_back(weight, joint);
          } else {
            same->first += weight;
          }
        }
      }
      if (influences.size() > 4) ++reduced;
      if (influences.empty()) {
        if (!sets.empty()) ++unweighted;
        influences.emplace_back(1.0f, binding.joints[0]);
      }
      storeInfluences(influences, mesh.vertices[i]);
    }
    if (reduced > 0) warn("vertices with more than four influences keep the four largest");
    if (unweighted > 0) warn("vertices without weights follow the first joint of their skin");
    if (binding.has_skin && sets.empty()) {
      warn("a skinned mesh without weights follows the first joint of its skin");
    }
    return {};
  }

  static void storeInfluences(std::vector<std::pair<float, int>>& influences,
                              scene::Vertex& vertex) {
    std::stable_sort(influences.begin(), influences.end(),
                     [](const auto& a, const auto& b) { return a.first > b.first; });
    influences.resize(std::min<std::size_t>(influences.size(), 4));
    double sum = 0.0;
    for (const auto& influence : influences) sum += static_cast<double>(influence.first);
    vertex.weights = glm::vec4(0.0f);
    for (std::size_t k = 0; k < influences.size(); ++k) {
      const int slot = static_cast<int>(k);
      vertex.weights[slot] = static_cast<float>(static_cast<double>(influences[k].first) / sum);
      vertex.joints[slot] = static_cast<std::uint16_t>(influences[k].second);
    }
  }

  void finishMesh(const tinygltf::Primitive& primitive, scene::Mesh& mesh) {
    const scene::Material& material = character_.materials[index(mesh.material)];
    if (!primitive.attributes.contains("NORMAL")) {
      computeNormals(mesh);
      warn("normals are missing; they were computed");
    }
    if (material.normal_image >= 0 && !primitive.attributes.contains("TANGENT")) {
      computeTangents(mesh);
      warn("tangents are missing for a normal map; they were computed");
    }
  }

  /// glTF is in metres, but many files are not.
  void warnOfUnlikelySize() {
    glm::vec3 low(1e30f), high(-1e30f);
    for (const auto& mesh : character_.meshes) {
      for (const auto& vertex : mesh.vertices) {
        low = glm::min(low, vertex.position);
        high = glm::max(high, vertex.position);
      }
    }
    const float largest = std::max({high.x - low.x, high.y - low.y, high.z - low.z});
    if (character_.meshes.empty() || (largest < 20.0f && largest > 0.02f)) return;
    warn(fmt::format("is {:.3g} m large; glTF counts in metres: scale it when exporting", largest));
  }

  void dropPlainMaterialIfUnused() {
    const int plain = static_cast<int>(character_.materials.size()) - 1;
    for (const auto& mesh : character_.meshes) {
      if (mesh.material == plain) return;
    }
    if (plain > 0) character_.materials.pop_back();
  }

  const GltfModel& gltf_;
  MorphReader morphs_;
  GltfSkeleton skeleton_;
  scene::Character character_;
  std::vector<UvUse> uv_use_;
  std::vector<glm::dmat4> joint_from_bind_;
  std::vector<bool> is_bound_;
  std::vector<Binding> skin_bindings_;
  std::set<std::string> warned_;
  std::size_t vertices_ = 0;
  std::size_t indices_ = 0;
};

core::Result<scene::Character> read(core::Result<GltfModel> gltf) {
  if (!gltf) return gltf.error();
  try {
    return Reader(*gltf).read();
  } catch (const std::exception& exception) {
    return core::makeError(gltf->path + ": " + exception.what() +
                           "; the file is damaged or too large");
  }
}

}  // namespace

bool isReadableCharacterKind(const std::filesystem::path& path) {
  const std::string extension = core::extensionOf(path);
  return extension == ".glb" || extension == ".gltf" || extension == ".vrm";
}

core::Error unreadableCharacterKind(const std::filesystem::path& path) {
  return core::makeError(path.string() + ": cannot read characters of kind \"" +
                         core::extensionOf(path) +
                         "\"; kinds that can be read are .glb, .gltf and .vrm");
}

core::Result<scene::Character> loadCharacter(const std::filesystem::path& path) {
  if (!isReadableCharacterKind(path)) return unreadableCharacterKind(path);
  return read(loadGltfModel(path));
}

core::Result<scene::Character> readCharacter(std::string bytes, const std::string& name,
                                             const std::string& folder) {
  return read(readGltfModel(std::move(bytes), name, folder));
}

}  // namespace understudy::asset
