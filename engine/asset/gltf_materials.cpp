#include "engine/asset/gltf_materials.h"

#include <stb/stb_image.h>

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <utility>

namespace understudy::asset {
namespace {

constexpr int kMaxImageSide = 8192;
constexpr std::size_t kMaxPixelsTogether = std::size_t{128} << 20;

float unitInterval(double value) {
  return std::isfinite(value) ? static_cast<float>(std::clamp(value, 0.0, 1.0)) : 0.0f;
}

float positive(double value, double largest) {
  return std::isfinite(value) ? static_cast<float>(std::clamp(value, 0.0, largest)) : 0.0f;
}

glm::vec4 colour(const std::vector<double>& numbers) {
  glm::vec4 value(1.0f);
  for (std::size_t i = 0; i < std::min<std::size_t>(4, numbers.size()); ++i) {
    value[static_cast<int>(i)] = unitInterval(numbers[i]);
  }
  return value;
}

double numberOr(const tinygltf::Value& object, const char* key, double otherwise) {
  if (!object.IsObject() || !object.Has(key) || !object.Get(key).IsNumber()) return otherwise;
  return object.Get(key).GetNumberAsDouble();
}

glm::vec3 tripleOr(const tinygltf::Value& object, const char* key, float otherwise,
                   double largest) {
  if (!object.IsObject() || !object.Has(key) || object.Get(key).ArrayLen() != 3) {
    return glm::vec3(otherwise);
  }
  glm::vec3 value(otherwise);
  for (int i = 0; i < 3; ++i) {
    const auto& number = object.Get(key).Get(i);
    if (number.IsNumber()) value[i] = positive(number.GetNumberAsDouble(), largest);
  }
  return value;
}

glm::dvec2 pairOr(const tinygltf::Value& object, const char* key, glm::dvec2 otherwise) {
  if (!object.IsObject() || !object.Has(key)) return otherwise;
  const auto& pair = object.Get(key);
  if (pair.ArrayLen() != 2 || !pair.Get(0).IsNumber() || !pair.Get(1).IsNumber()) return otherwise;
  return {pair.Get(0).GetNumberAsDouble(), pair.Get(1).GetNumberAsDouble()};
}

/// One texture of a material, as any of tinygltf's texture structs tells it.
struct TextureUse {
  int texture = -1;
  UvUse uv;
};

void applyTransform(const tinygltf::ExtensionMap& extensions, TextureUse& use) {
  const auto found = extensions.find("KHR_texture_transform");
  if (found == extensions.end()) return;
  const glm::dvec2 offset = pairOr(found->second, "offset", {0.0, 0.0});
  const glm::dvec2 scale = pairOr(found->second, "scale", {1.0, 1.0});
  const double turn = numberOr(found->second, "rotation", 0.0);
  const double c = std::cos(turn), s = std::sin(turn);
  // Translation * rotation * scale, as the extension defines it (columns).
  use.uv.image_from_mesh = glm::mat3(glm::dmat3(c * scale.x, -s * scale.x, 0.0, s * scale.y,
                                                c * scale.y, 0.0, offset.x, offset.y, 1.0));
  use.uv.set = static_cast<int>(
      std::clamp(numberOr(found->second, "texCoord", static_cast<double>(use.uv.set)), 0.0, 15.0));
}

template <class Info>
TextureUse textureUse(const Info& info) {
  TextureUse use{info.index, {std::clamp(info.texCoord, 0, 15), glm::mat3(1.0f)}};
  applyTransform(info.extensions, use);
  return use;
}

class Reader {
 public:
  explicit Reader(const GltfModel& gltf) : gltf_(gltf) {}

  GltfMaterials read() {
    for (const auto& material : gltf_.model.materials) readMaterial(material);
    scene::Material plain;
    plain.name = "default";
    result_.materials.push_back(plain);
    result_.uv_use.emplace_back();
    return std::move(result_);
  }

 private:
  void readMaterial(const tinygltf::Material& source) {
    scene::Material material;
    material.name = source.name;
    const auto& pbr = source.pbrMetallicRoughness;
    if (pbr.baseColorFactor.size() == 4) material.base_color = colour(pbr.baseColorFactor);
    material.metallic = unitInterval(pbr.metallicFactor);
    material.roughness = unitInterval(pbr.roughnessFactor);
    if (source.emissiveFactor.size() == 3)
      material.emissive = glm::vec3(colour(source.emissiveFactor));
    material.normal_scale = positive(source.normalTexture.scale, 100.0);
    material.alpha_mode = source.alphaMode == "MASK"    ? scene::AlphaMode::mask
                          : source.alphaMode == "BLEND" ? scene::AlphaMode::blend
                                                        : scene::AlphaMode::opaque;
    material.alpha_cutoff = unitInterval(source.alphaCutoff);
    material.double_sided = source.doubleSided;

    TextureUse base = textureUse(pbr.baseColorTexture);
    TextureUse metal = textureUse(pbr.metallicRoughnessTexture);
    readExtensions(source, material, base, metal);
    const TextureUse normal = textureUse(source.normalTexture);
    const TextureUse emissive = textureUse(source.emissiveTexture);
    // One set of coordinates serves all textures of a material: that of the first there is.
    std::optional<UvUse> uv;
    struct Slot {
      const TextureUse& use;
      bool srgb;
      int& image;
    };
    for (const Slot& slot :
         {Slot{base, true, material.base_color_image}, Slot{normal, false, material.normal_image},
          Slot{metal, false, material.metallic_roughness_image},
          Slot{emissive, true, material.emissive_image}}) {
      slot.image = imageOf(slot.use.texture, slot.srgb);
      if (slot.image < 0) continue;
      if (!uv) uv = slot.use.uv;
      if (uv->set != slot.use.uv.set || uv->image_from_mesh != slot.use.uv.image_from_mesh) {
        result_.warnings.push_back(
            "material \"" + source.name +
            "\" places its textures differently; all are placed as the first");
      }
    }
    result_.materials.push_back(material);
    result_.uv_use.push_back(uv.value_or(UvUse{}));
  }

  /// What older and simpler shading models say, in terms of ours.
  void readExtensions(const tinygltf::Material& source, scene::Material& material, TextureUse& base,
                      TextureUse& metal) {
    const auto& extensions = source.extensions;
    if (const auto gloss = extensions.find("KHR_materials_pbrSpecularGlossiness");
        gloss != extensions.end()) {
      const tinygltf::Value& value = gloss->second;
      material.metallic = 0.0f;
      material.roughness = 1.0f - unitInterval(numberOr(value, "glossinessFactor", 1.0));
      metal.texture = -1;
      if (value.Has("diffuseFactor") && value.Get("diffuseFactor").ArrayLen() == 4) {
        for (int i = 0; i < 4; ++i) {
          const auto& channel = value.Get("diffuseFactor").Get(i);
          if (channel.IsNumber()) {
            material.base_color[i] = unitInterval(channel.GetNumberAsDouble());
          }
        }
      }
      if (value.Has("diffuseTexture")) {
        const double number = numberOr(value.Get("diffuseTexture"), "index", -1.0);
        const double count = static_cast<double>(gltf_.model.textures.size());
        if (number >= 0.0 && number < count) base.texture = static_cast<int>(number);
      }
    }
    if (extensions.contains("KHR_materials_unlit")) {
      material.unlit = true;
      material.metallic = 0.0f;
      material.roughness = 1.0f;
    }
    if (const auto strength = extensions.find("KHR_materials_emissive_strength");
        strength != extensions.end()) {
      material.emissive_strength =
          positive(numberOr(strength->second, "emissiveStrength", 1.0), 1e4);
      material.emissive *= material.emissive_strength;
    }
    readLayers(extensions, material);
    readMtoon(source, material);
  }

  /// What lies over or under the plain surface: factors only, their textures are not read.
  void readLayers(const tinygltf::ExtensionMap& extensions, scene::Material& material) {
    const auto of = [&](const char* name) -> const tinygltf::Value* {
      const auto found = extensions.find(name);
      return found == extensions.end() ? nullptr : &found->second;
    };
    if (const auto* ior = of("KHR_materials_ior")) {
      const float value = positive(numberOr(*ior, "ior", 1.5), 5.0);
      material.ior = value == 0.0f ? 0.0f : std::max(value, 1.0f);
    }
    if (const auto* specular = of("KHR_materials_specular")) {
      material.specular = unitInterval(numberOr(*specular, "specularFactor", 1.0));
      material.specular_color = tripleOr(*specular, "specularColorFactor", 1.0f, 16.0);
      warnOfTexture(*specular, {"specularTexture", "specularColorTexture"}, material.name);
    }
    if (const auto* coat = of("KHR_materials_clearcoat")) {
      material.clearcoat = unitInterval(numberOr(*coat, "clearcoatFactor", 0.0));
      material.clearcoat_roughness = unitInterval(numberOr(*coat, "clearcoatRoughnessFactor", 0.0));
      warnOfTexture(*coat, {"clearcoatTexture", "clearcoatRoughnessTexture"}, material.name);
    }
    if (const auto* sheen = of("KHR_materials_sheen")) {
      material.sheen_color = tripleOr(*sheen, "sheenColorFactor", 0.0f, 1.0);
      material.sheen_roughness = unitInterval(numberOr(*sheen, "sheenRoughnessFactor", 0.0));
      warnOfTexture(*sheen, {"sheenColorTexture", "sheenRoughnessTexture"}, material.name);
    }
    if (const auto* transmission = of("KHR_materials_transmission")) {
      material.transmission = unitInterval(numberOr(*transmission, "transmissionFactor", 0.0));
      warnOfTexture(*transmission, {"transmissionTexture"}, material.name);
    }
  }

  void warnOfTexture(const tinygltf::Value& extension, std::initializer_list<const char*> keys,
                     const std::string& material) {
    for (const char* key : keys) {
      if (!extension.IsObject() || !extension.Has(key)) continue;
      result_.warnings.push_back("material \"" + material + "\": " + key +
                                 " is not read; its factor holds everywhere");
    }
  }

  /// VRM's cartoon shading is shown as a plain rough surface.
  void readMtoon(const tinygltf::Material& source, scene::Material& material) {
    bool mtoon = source.extensions.contains("VRMC_materials_mtoon");
    const auto vrm = gltf_.model.extensions.find("VRM");
    if (vrm != gltf_.model.extensions.end() && vrm->second.Has("materialProperties")) {
      const tinygltf::Value& list = vrm->second.Get("materialProperties");
      const auto number = static_cast<std::size_t>(&source - gltf_.model.materials.data());
      if (number < list.ArrayLen()) {
        const tinygltf::Value& entry = list.Get(static_cast<int>(number));
        mtoon =
            mtoon || (entry.IsObject() && entry.Has("shader") && entry.Get("shader").IsString() &&
                      entry.Get("shader").Get<std::string>() == "VRM/MToon");
      }
    }
    if (!mtoon) return;
    material.unlit = false;
    material.metallic = 0.0f;
    material.roughness = 0.9f;
  }

  /// Index of the decoded image of a texture, -1 if there is none.
  int imageOf(int texture, bool srgb) {
    if (texture < 0) return -1;
    const int source = gltf_.model.textures[static_cast<std::size_t>(texture)].source;
    if (source < 0) {
      const auto& extensions = gltf_.model.textures[static_cast<std::size_t>(texture)].extensions;
      const char* kind = extensions.contains("KHR_texture_basisu") ? " is KTX2"
                         : extensions.contains("EXT_texture_webp") ? " is WebP"
                                                                   : " has no PNG or JPEG image";
      result_.warnings.push_back(gltf_.path + ": texture " + std::to_string(texture) + kind +
                                 " and is left out; convert its image to PNG or JPEG");
      return -1;
    }
    const auto key = std::pair(source, srgb);
    if (const auto known = decoded_.find(key); known != decoded_.end()) return known->second;
    return decoded_[key] = decode(source, srgb);
  }

  int decode(int source, bool srgb) {
    const std::string_view bytes = imageBytes(gltf_, source);
    const auto fail = [&](const std::string& why) {
      result_.warnings.push_back(gltf_.path + ": image " + std::to_string(source) + " " + why +
                                 "; it is left out");
      return -1;
    };
    if (bytes.empty()) return fail("was not found");
    if (bytes.starts_with("\xABKTX ")) return fail("is KTX2; convert it to PNG or JPEG");
    const auto* data = reinterpret_cast<const stbi_uc*>(bytes.data());
    const int size = static_cast<int>(std::min<std::size_t>(bytes.size(), 0x7fffffff));
    int width = 0, height = 0, channels = 0;
    if (!stbi_info_from_memory(data, size, &width, &height, &channels) || width <= 0 ||
        height <= 0) {
      return fail("is no PNG or JPEG");
    }
    if (width > kMaxImageSide || height > kMaxImageSide) return fail("is larger than 8192 pixels");
    pixels_ += static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
    if (pixels_ > kMaxPixelsTogether) return fail("is too much together with the others");
    const std::unique_ptr<stbi_uc, void (*)(void*)> pixels(
        stbi_load_from_memory(data, size, &width, &height, &channels, 4), &stbi_image_free);
    if (!pixels) return fail("cannot be decoded");
    scene::Image image;
    image.width = static_cast<std::uint32_t>(width);
    image.height = static_cast<std::uint32_t>(height);
    image.srgb = srgb;
    image.rgba.assign(pixels.get(), pixels.get() + std::size_t{4} * image.width * image.height);
    result_.images.push_back(std::move(image));
    return static_cast<int>(result_.images.size()) - 1;
  }

  const GltfModel& gltf_;
  GltfMaterials result_;
  std::map<std::pair<int, bool>, int> decoded_;
  std::size_t pixels_ = 0;
};

}  // namespace

GltfMaterials makeGltfMaterials(const GltfModel& gltf) { return Reader(gltf).read(); }

}  // namespace understudy::asset
