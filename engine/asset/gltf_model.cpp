#include "engine/asset/gltf_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <type_traits>

#include "engine/asset/gltf_meshopt.h"
#include "engine/core/read_file.h"

namespace understudy::asset {
namespace {

constexpr std::size_t kMaxNesting = 200;
constexpr std::size_t kMaxFileBytes = std::size_t{1} << 30;
constexpr std::size_t kMaxElementsWithoutBytes = std::size_t{1} << 22;
constexpr std::size_t kMaxNodes = 65535;

template <class T>
const T& at(const std::vector<T>& values, int index) {
  return values[static_cast<std::size_t>(index)];
}

template <class T>
bool contains(const std::vector<T>& values, int index) {
  return index >= 0 && static_cast<std::size_t>(index) < values.size();
}

/// Deepest nesting of braces and brackets outside strings: the parser recurses on it.
std::size_t deepestNesting(std::string_view json) {
  std::size_t depth = 0, deepest = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      deepest = std::max(deepest, ++depth);
    } else if ((c == '}' || c == ']') && depth > 0) {
      --depth;
    }
  }
  return deepest;
}

// tinygltf's callbacks. Only ordinary files of a sane size are opened: a glTF may name anything.
bool isOrdinaryFile(const std::string& path, void*) {
  std::error_code failure;
  return std::filesystem::is_regular_file(path, failure) &&
         std::filesystem::file_size(path, failure) <= kMaxFileBytes && !failure;
}

std::string sameFilePath(const std::string& path, void*) { return path; }

bool readOrdinaryFile(std::vector<unsigned char>* bytes, std::string* error,
                      const std::string& path, void*) {
  const auto content = core::readFile(path);
  if (!content) {
    *error = content.error().message;
    return false;
  }
  bytes->assign(content->begin(), content->end());
  return true;
}

bool refuseToWrite(std::string*, const std::string&, const std::vector<unsigned char>&, void*) {
  return false;
}

/// Keeps the encoded bytes of images that are files or data URIs. Those in buffer views arrive
/// unchecked and are taken from the checked view later.
bool keepImageBytes(tinygltf::Image* image, int index, std::string*, std::string*, int, int,
                    const unsigned char* bytes, int size, void* user) {
  auto& kept = *static_cast<std::vector<std::string>*>(user);
  if (image->bufferView >= 0 || index < 0 || size < 0) return true;
  kept.resize(std::max(kept.size(), static_cast<std::size_t>(index) + 1));
  kept[static_cast<std::size_t>(index)].assign(reinterpret_cast<const char*>(bytes),
                                               static_cast<std::size_t>(size));
  return true;
}

/// Checks a parsed model; see GltfModel for what holds afterwards.
class Checker {
 public:
  explicit Checker(GltfModel& gltf) : gltf_(gltf), model_(gltf.model) {}

  core::Result<void> run() {
    for (const auto check :
         {&Checker::checkExtensions, &Checker::checkBufferViews, &Checker::checkAccessors,
          &Checker::checkMeshes, &Checker::checkMaterials, &Checker::checkNodes,
          &Checker::orderNodes, &Checker::checkSkins, &Checker::checkAnimations}) {
      if (auto result = (this->*check)(); !result) return result;
    }
    gltf_.image_files.resize(model_.images.size());
    return {};
  }

 private:
  template <class... Args>
  core::Error error(fmt::format_string<Args...> format, Args&&... args) const {
    return core::makeError(gltf_.path + ": " + fmt::format(format, std::forward<Args>(args)...) +
                           "; export it again");
  }

  core::Result<void> checkExtensions() {
    for (const std::string& name : model_.extensionsRequired) {
      if (name == "KHR_draco_mesh_compression") {
        return core::makeError(gltf_.path + ": needs the extension " + name +
                               ", which is not supported; export it without compression");
      }
      static constexpr std::array<std::string_view, 6> kKnown = {
          "KHR_mesh_quantization",   "KHR_texture_transform", "KHR_lights_punctual",
          "EXT_meshopt_compression", "KHR_texture_basisu",    "VRM"};
      if (std::find(kKnown.begin(), kKnown.end(), name) == kKnown.end() &&
          !name.starts_with("KHR_materials_") && !name.starts_with("VRMC_")) {
        gltf_.warnings.push_back("needs the extension " + name.substr(0, 60) +
                                 ", which is not supported; the rest is read");
      }
    }
    return {};
  }

  core::Result<void> checkBufferViews() {
    for (std::size_t i = 0; i < model_.bufferViews.size(); ++i) {
      const auto& view = model_.bufferViews[i];
      if (!contains(model_.buffers, view.buffer)) {
        return error("buffer view {} names buffer {}, which does not exist", i, view.buffer);
      }
      const std::size_t size = at(model_.buffers, view.buffer).data.size();
      if (view.byteOffset > size || view.byteLength > size - view.byteOffset) {
        return error("buffer view {} reaches beyond buffer {} of {} bytes", i, view.buffer, size);
      }
    }
    return {};
  }

  /// True if `count` elements fit into a buffer view.
  bool fits(const tinygltf::BufferView& view, std::size_t offset, std::size_t count,
            std::size_t stride, std::size_t element) const {
    if (offset > view.byteLength || element > view.byteLength - offset) return false;
    return (view.byteLength - offset - element) / stride >= count - 1;
  }

  core::Result<void> checkAccessors() {
    for (std::size_t i = 0; i < model_.accessors.size(); ++i) {
      const auto& accessor = model_.accessors[i];
      const int component =
          tinygltf::GetComponentSizeInBytes(static_cast<std::uint32_t>(accessor.componentType));
      const int components =
          tinygltf::GetNumComponentsInType(static_cast<std::uint32_t>(accessor.type));
      if (component <= 0 || component > 4 || components <= 0) {
        return error("accessor {} is of an unknown type", i);
      }
      if (accessor.count == 0) return error("accessor {} is empty", i);
      const std::size_t element =
          static_cast<std::size_t>(component) * static_cast<std::size_t>(components);
      if (accessor.bufferView == -1) {
        if (accessor.count > kMaxElementsWithoutBytes) {
          return error("accessor {} claims {} elements without bytes", i, accessor.count);
        }
      } else {
        if (!contains(model_.bufferViews, accessor.bufferView)) {
          return error("accessor {} names buffer view {}, which does not exist", i,
                       accessor.bufferView);
        }
        const auto& view = at(model_.bufferViews, accessor.bufferView);
        const std::size_t stride = view.byteStride == 0 ? element : view.byteStride;
        if (stride < element) return error("accessor {} has a stride below its element", i);
        if (!fits(view, accessor.byteOffset, accessor.count, stride, element)) {
          return error("accessor {} of {} elements reaches beyond its buffer view {} of {} bytes",
                       i, accessor.count, accessor.bufferView, view.byteLength);
        }
      }
      if (accessor.sparse.isSparse) {
        if (auto result = checkSparse(i, accessor, element); !result) return result;
      }
    }
    return {};
  }

  core::Result<void> checkSparse(std::size_t i, const tinygltf::Accessor& accessor,
                                 std::size_t element) {
    const auto& sparse = accessor.sparse;
    const int type = sparse.indices.componentType;
    const std::size_t index_size = type == TINYGLTF_COMPONENT_TYPE_UNSIGNED_BYTE    ? 1
                                   : type == TINYGLTF_COMPONENT_TYPE_UNSIGNED_SHORT ? 2
                                   : type == TINYGLTF_COMPONENT_TYPE_UNSIGNED_INT   ? 4
                                                                                    : 0;
    const bool sound = index_size > 0 && sparse.count > 0 &&
                       static_cast<std::size_t>(sparse.count) <= accessor.count &&
                       contains(model_.bufferViews, sparse.indices.bufferView) &&
                       contains(model_.bufferViews, sparse.values.bufferView) &&
                       sparse.indices.byteOffset >= 0 && sparse.values.byteOffset >= 0 &&
                       fits(at(model_.bufferViews, sparse.indices.bufferView),
                            static_cast<std::size_t>(sparse.indices.byteOffset),
                            static_cast<std::size_t>(sparse.count), index_size, index_size) &&
                       fits(at(model_.bufferViews, sparse.values.bufferView),
                            static_cast<std::size_t>(sparse.values.byteOffset),
                            static_cast<std::size_t>(sparse.count), element, element);
    if (!sound) return error("the sparse part of accessor {} points outside its data", i);
    return {};
  }

  core::Result<void> checkMeshes() {
    for (std::size_t m = 0; m < model_.meshes.size(); ++m) {
      for (const auto& primitive : model_.meshes[m].primitives) {
        if (primitive.material != -1 && !contains(model_.materials, primitive.material)) {
          return error("mesh {} names material {}, which does not exist", m, primitive.material);
        }
        if (primitive.extensions.contains("KHR_draco_mesh_compression")) {
          const auto position = primitive.attributes.find("POSITION");
          if (position != primitive.attributes.end() &&
              contains(model_.accessors, position->second) &&
              at(model_.accessors, position->second).bufferView == -1) {
            return core::makeError(gltf_.path +
                                   ": is compressed with KHR_draco_mesh_compression, which is not "
                                   "supported; export it without compression");
          }
        }
        std::size_t count = 0;
        for (const auto& [name, index] : primitive.attributes) {
          if (!contains(model_.accessors, index)) {
            return error("{} of mesh {} names accessor {}, which does not exist",
                         name.substr(0, 40), m, index);
          }
          const std::size_t here = at(model_.accessors, index).count;
          if (count == 0) count = here;
          if (here != count) {
            return error("mesh {} has {} of one attribute and {} of another", m, count, here);
          }
        }
        for (const auto& target : primitive.targets) {
          if (auto result = checkTarget(m, target, count); !result) return result;
        }
        if (primitive.indices == -1) continue;
        if (!contains(model_.accessors, primitive.indices)) {
          return error("mesh {} names accessor {} for its indices, which does not exist", m,
                       primitive.indices);
        }
        const auto& indices = at(model_.accessors, primitive.indices);
        if (indices.type != TINYGLTF_TYPE_SCALAR ||
            indices.componentType == TINYGLTF_COMPONENT_TYPE_FLOAT) {
          return error("the indices of mesh {} are no integers", m);
        }
      }
    }
    return {};
  }

  core::Result<void> checkTarget(std::size_t m, const std::map<std::string, int>& target,
                                 std::size_t count) {
    for (const auto& [name, index] : target) {
      if (!contains(model_.accessors, index)) {
        return error("a morph target of mesh {} names accessor {}, which does not exist", m, index);
      }
      if (name != "POSITION" && name != "NORMAL" && name != "TANGENT") continue;
      const auto& accessor = at(model_.accessors, index);
      if (accessor.type != TINYGLTF_TYPE_VEC3 || accessor.count != count) {
        return error(
            "a morph target of mesh {} does not have three numbers for each of its {} "
            "vertices",
            m, count);
      }
    }
    return {};
  }

  core::Result<void> checkMaterials() {
    for (std::size_t t = 0; t < model_.textures.size(); ++t) {
      const int source = model_.textures[t].source;
      if (source != -1 && !contains(model_.images, source)) {
        return error("texture {} names image {}, which does not exist", t, source);
      }
    }
    for (std::size_t m = 0; m < model_.materials.size(); ++m) {
      const auto& material = model_.materials[m];
      for (const int texture : {material.pbrMetallicRoughness.baseColorTexture.index,
                                material.pbrMetallicRoughness.metallicRoughnessTexture.index,
                                material.normalTexture.index, material.emissiveTexture.index,
                                material.occlusionTexture.index}) {
        if (texture != -1 && !contains(model_.textures, texture)) {
          return error("material {} names texture {}, which does not exist", m, texture);
        }
      }
    }
    return {};
  }

  core::Result<void> checkNodes() {
    const std::size_t count = model_.nodes.size();
    if (count > kMaxNodes) return error("{} nodes are more than {}", count, kMaxNodes);
    gltf_.parents.assign(count, -1);
    for (std::size_t n = 0; n < count; ++n) {
      const auto& node = model_.nodes[n];
      if (node.mesh != -1 && !contains(model_.meshes, node.mesh)) {
        return error("node {} names mesh {}, which does not exist", n, node.mesh);
      }
      if (node.skin != -1 && !contains(model_.skins, node.skin)) {
        return error("node {} names skin {}, which does not exist", n, node.skin);
      }
      for (const int child : node.children) {
        if (!contains(model_.nodes, child)) {
          return error("node {} names child {}, which does not exist", n, child);
        }
        int& parent = gltf_.parents[static_cast<std::size_t>(child)];
        if (parent != -1) return error("node {} has two parents", child);
        parent = static_cast<int>(n);
      }
      for (const auto* numbers : {&node.translation, &node.rotation, &node.scale, &node.matrix}) {
        for (const double value : *numbers) {
          if (!std::isfinite(value) || std::abs(value) > 1e9) {
            return error("the transform of node {} is not finite", n);
          }
        }
      }
    }
    return {};
  }

  /// Fills `order` from the roots of the shown scene. As no node has two parents, whatever is not
  /// reached from any root lies on a cycle.
  core::Result<void> orderNodes() {
    std::vector<int> roots;
    for (std::size_t n = 0; n < model_.nodes.size(); ++n) {
      if (gltf_.parents[n] == -1) roots.push_back(static_cast<int>(n));
    }
    const auto reachable = [&](const std::vector<int>& from) {
      std::vector<int> reached;
      std::vector<int> open(from.rbegin(), from.rend());
      while (!open.empty()) {
        const int node = open.back();
        open.pop_back();
        reached.push_back(node);
        const auto& children = at(model_.nodes, node).children;
        open.insert(open.end(), children.rbegin(), children.rend());
      }
      return reached;
    };
    gltf_.order = reachable(roots);
    if (gltf_.order.size() != model_.nodes.size()) return error("the nodes form a cycle");
    if (model_.scenes.empty()) return {};
    const int shown = model_.defaultScene == -1 ? 0 : model_.defaultScene;
    if (!contains(model_.scenes, shown)) return error("scene {} does not exist", shown);
    std::vector<bool> seen(model_.nodes.size(), false);
    std::vector<int> scene_roots;
    for (const int root : at(model_.scenes, shown).nodes) {
      if (!contains(model_.nodes, root)) {
        return error("scene {} names node {}, which does not exist", shown, root);
      }
      if (at(gltf_.parents, root) != -1 || seen[static_cast<std::size_t>(root)]) {
        return error("scene {} names node {}, which is no root", shown, root);
      }
      seen[static_cast<std::size_t>(root)] = true;
      scene_roots.push_back(root);
    }
    if (!scene_roots.empty()) gltf_.order = reachable(scene_roots);
    return {};
  }

  core::Result<void> checkSkins() {
    for (std::size_t s = 0; s < model_.skins.size(); ++s) {
      const auto& skin = model_.skins[s];
      std::vector<bool> seen(model_.nodes.size(), false);
      if (skin.joints.empty()) return error("skin {} has no joints", s);
      for (const int joint : skin.joints) {
        if (!contains(model_.nodes, joint)) {
          return error("skin {} names node {}, which does not exist", s, joint);
        }
        if (seen[static_cast<std::size_t>(joint)]) {
          return error("skin {} names node {} twice", s, joint);
        }
        seen[static_cast<std::size_t>(joint)] = true;
      }
      if (skin.inverseBindMatrices == -1) continue;
      if (!contains(model_.accessors, skin.inverseBindMatrices)) {
        return error("skin {} names accessor {}, which does not exist", s,
                     skin.inverseBindMatrices);
      }
      const auto& matrices = at(model_.accessors, skin.inverseBindMatrices);
      if (matrices.type != TINYGLTF_TYPE_MAT4 ||
          matrices.componentType != TINYGLTF_COMPONENT_TYPE_FLOAT ||
          matrices.count < skin.joints.size()) {
        return error("skin {} has {} joints but not as many bind matrices", s, skin.joints.size());
      }
    }
    return {};
  }

  core::Result<void> checkAnimations() {
    for (std::size_t a = 0; a < model_.animations.size(); ++a) {
      const auto& animation = model_.animations[a];
      for (const auto& sampler : animation.samplers) {
        if (!contains(model_.accessors, sampler.input) ||
            !contains(model_.accessors, sampler.output)) {
          return error("animation {} names an accessor that does not exist", a);
        }
        const auto& input = at(model_.accessors, sampler.input);
        if (input.type != TINYGLTF_TYPE_SCALAR ||
            input.componentType != TINYGLTF_COMPONENT_TYPE_FLOAT) {
          return error("the key times of animation {} are no floats", a);
        }
      }
      for (const auto& channel : animation.channels) {
        if (!contains(animation.samplers, channel.sampler)) {
          return error("animation {} names sampler {}, which does not exist", a, channel.sampler);
        }
        if (channel.target_node != -1 && !contains(model_.nodes, channel.target_node)) {
          return error("animation {} names node {}, which does not exist", a, channel.target_node);
        }
        if (channel.target_path == "weights") continue;
        const auto& sampler = at(animation.samplers, channel.sampler);
        const std::size_t keys = at(model_.accessors, sampler.input).count;
        const auto& output = at(model_.accessors, sampler.output);
        const std::size_t per_key = sampler.interpolation == "CUBICSPLINE" ? 3 : 1;
        const bool rotates = channel.target_path == "rotation";
        if (output.count != keys * per_key ||
            output.type != (rotates ? TINYGLTF_TYPE_VEC4 : TINYGLTF_TYPE_VEC3)) {
          return error("animation {} does not have one value for each key", a);
        }
      }
    }
    return {};
  }

  GltfModel& gltf_;
  tinygltf::Model& model_;
};

std::string firstLine(const std::string& text) {
  std::string line = text.substr(0, std::min(text.find('\n'), std::size_t{160}));
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < 32) c = ' ';
  }
  return line.empty() ? "no glTF" : line;
}

/// The JSON part of the file, for the nesting check.
std::string_view jsonPart(std::string_view bytes) {
  if (!bytes.starts_with("glTF") || bytes.size() < 20) return bytes;
  std::uint32_t length = 0;
  std::memcpy(&length, bytes.data() + 12, 4);
  return bytes.substr(20, length);
}

/// Calls `set(index, value)` for each component of each element, read as `T`.
template <class T, class Set>
void forEachComponent(const unsigned char* bytes, std::size_t count, std::size_t stride,
                      std::size_t components, Set set) {
  for (std::size_t element = 0; element < count; ++element) {
    for (std::size_t c = 0; c < components; ++c) {
      T value;
      std::memcpy(&value, bytes + element * stride + c * sizeof(T), sizeof(T));
      set(element * components + c, value);
    }
  }
}

template <class Set>
void readComponents(const unsigned char* bytes, std::size_t count, std::size_t stride,
                    std::size_t components, int type, Set set) {
  switch (type) {
    case TINYGLTF_COMPONENT_TYPE_BYTE:
      return forEachComponent<std::int8_t>(bytes, count, stride, components, set);
    case TINYGLTF_COMPONENT_TYPE_UNSIGNED_BYTE:
      return forEachComponent<std::uint8_t>(bytes, count, stride, components, set);
    case TINYGLTF_COMPONENT_TYPE_SHORT:
      return forEachComponent<std::int16_t>(bytes, count, stride, components, set);
    case TINYGLTF_COMPONENT_TYPE_UNSIGNED_SHORT:
      return forEachComponent<std::uint16_t>(bytes, count, stride, components, set);
    case TINYGLTF_COMPONENT_TYPE_INT:
      return forEachComponent<std::int32_t>(bytes, count, stride, components, set);
    case TINYGLTF_COMPONENT_TYPE_UNSIGNED_INT:
      return forEachComponent<std::uint32_t>(bytes, count, stride, components, set);
    default:
      return forEachComponent<float>(bytes, count, stride, components, set);
  }
}

const unsigned char* bytesOf(const tinygltf::Model& model, int view_index, std::size_t offset) {
  const auto& view = at(model.bufferViews, view_index);
  return at(model.buffers, view.buffer).data.data() + view.byteOffset + offset;
}

template <class T, class Convert>
std::vector<T> readAccessor(const tinygltf::Model& model, int index, Convert convert) {
  const auto& accessor = at(model.accessors, index);
  const std::size_t components = componentsOf(accessor);
  const std::size_t element =
      components * static_cast<std::size_t>(tinygltf::GetComponentSizeInBytes(
                       static_cast<std::uint32_t>(accessor.componentType)));
  std::vector<T> values(accessor.count * components, T{});
  const auto store = [&](std::size_t i, auto value) { values[i] = convert(value); };
  if (accessor.bufferView >= 0) {
    const std::size_t stride = at(model.bufferViews, accessor.bufferView).byteStride;
    readComponents(bytesOf(model, accessor.bufferView, accessor.byteOffset), accessor.count,
                   stride == 0 ? element : stride, components, accessor.componentType, store);
  }
  if (!accessor.sparse.isSparse) return values;

  const auto& sparse = accessor.sparse;
  const std::size_t count = static_cast<std::size_t>(sparse.count);
  std::vector<std::size_t> targets(count);
  const std::size_t index_size = static_cast<std::size_t>(
      tinygltf::GetComponentSizeInBytes(static_cast<std::uint32_t>(sparse.indices.componentType)));
  readComponents(bytesOf(model, sparse.indices.bufferView,
                         static_cast<std::size_t>(sparse.indices.byteOffset)),
                 count, index_size, 1, sparse.indices.componentType,
                 [&](std::size_t i, auto value) { targets[i] = static_cast<std::size_t>(value); });
  readComponents(
      bytesOf(model, sparse.values.bufferView, static_cast<std::size_t>(sparse.values.byteOffset)),
      count, element, components, accessor.componentType, [&](std::size_t i, auto value) {
        const std::size_t target = targets[i / components];
        if (target < accessor.count) {
          values[target * components + i % components] = convert(value);
        }
      });
  return values;
}

template <class T>
float toFloat(T value, bool normalized) {
  if constexpr (std::is_floating_point_v<T>) {
    return value;
  } else {
    if (!normalized) return static_cast<float>(value);
    const double full = static_cast<double>(std::numeric_limits<T>::max());
    return static_cast<float>(std::max(static_cast<double>(value) / full, -1.0));
  }
}

}  // namespace

std::size_t componentsOf(const tinygltf::Accessor& accessor) {
  return static_cast<std::size_t>(
      tinygltf::GetNumComponentsInType(static_cast<std::uint32_t>(accessor.type)));
}

std::string_view imageBytes(const GltfModel& gltf, int image) {
  const int index = at(gltf.model.images, image).bufferView;
  if (index < 0) return at(gltf.image_files, image);
  return {reinterpret_cast<const char*>(bytesOf(gltf.model, index, 0)),
          at(gltf.model.bufferViews, index).byteLength};
}

std::vector<float> readFloats(const tinygltf::Model& model, int accessor) {
  const bool normalized = at(model.accessors, accessor).normalized;
  return readAccessor<float>(model, accessor,
                             [&](auto value) { return toFloat(value, normalized); });
}

std::vector<std::uint32_t> readIntegers(const tinygltf::Model& model, int accessor) {
  return readAccessor<std::uint32_t>(model, accessor, [](auto value) {
    if constexpr (std::is_floating_point_v<decltype(value)>) {
      return std::uint32_t{0};
    } else {
      return static_cast<std::uint32_t>(value);
    }
  });
}

core::Result<GltfModel> readGltfModel(std::string bytes, const std::string& name,
                                      const std::string& folder) {
  GltfModel gltf;
  gltf.path = name;
  if (bytes.size() > kMaxFileBytes) {
    return core::makeError(name + ": is larger than 1 GiB; split it");
  }
  if (deepestNesting(jsonPart(bytes)) > kMaxNesting) {
    return core::makeError(name + ": its JSON is nested deeper than " +
                           std::to_string(kMaxNesting) + "; this is no sound glTF");
  }
  const auto packed = takePackedViews(bytes, name);
  if (!packed) return packed.error();
  tinygltf::TinyGLTF parser;
  parser.SetFsCallbacks(
      {&isOrdinaryFile, &sameFilePath, &readOrdinaryFile, &refuseToWrite, nullptr});
  parser.SetImageLoader(&keepImageBytes, &gltf.image_files);
  std::string failure, warning;
  const unsigned size = static_cast<unsigned>(bytes.size());
  const bool binary = bytes.starts_with("glTF");
  // The parser forgets the second chunk's header in its size check and may read 8 bytes too many.
  bytes.append(16, '\0');
  bool parsed = false;
  try {
    parsed = binary ? parser.LoadBinaryFromMemory(
                          &gltf.model, &failure, &warning,
                          reinterpret_cast<const unsigned char*>(bytes.data()), size, folder)
                    : parser.LoadASCIIFromString(&gltf.model, &failure, &warning, bytes.data(),
                                                 size, folder);
    if (!parsed) {
      return core::makeError(name + ": " + firstLine(failure) +
                             "; check that this is glTF 2.0 and complete");
    }
    if (!warning.empty()) gltf.warnings.push_back(firstLine(warning));
    if (auto result = unpackViews(*packed, gltf); !result) return result.error();
    if (auto result = Checker(gltf).run(); !result) return result.error();
  } catch (const std::exception& exception) {
    return core::makeError(name + ": " + firstLine(exception.what()) +
                           "; check that this is glTF 2.0 and complete");
  }
  return gltf;
}

core::Result<GltfModel> loadGltfModel(const std::filesystem::path& path) {
  auto bytes = core::readFile(path);
  if (!bytes) return bytes.error();
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  return readGltfModel(*std::move(bytes), path.string(), folder.string());
}

}  // namespace understudy::asset
