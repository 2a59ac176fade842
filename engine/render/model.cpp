#include "engine/render/model.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <glm/gtc/packing.hpp>

#include "engine/render/sky_exposure.h"

namespace understudy::render {

namespace {

bool finite(const glm::vec3& v) {
  return std::isfinite(v.x) && std::isfinite(v.y) && std::isfinite(v.z);
}

core::Result<void> checkMesh(const scene::Character& character, const scene::Mesh& mesh) {
  const auto fail = [&](const std::string& why) {
    return core::makeError(
        fmt::format("character \"{}\", mesh \"{}\": {}", character.name, mesh.name, why));
  };
  if (mesh.indices.size() % 3 != 0) return fail("its index count is no multiple of three");
  if (mesh.material < 0 || static_cast<std::size_t>(mesh.material) >= character.materials.size()) {
    return fail(fmt::format("material {} does not exist", mesh.material));
  }
  for (const std::uint32_t index : mesh.indices) {
    if (index >= mesh.vertices.size()) return fail(fmt::format("vertex {} does not exist", index));
  }
  for (const scene::Vertex& vertex : mesh.vertices) {
    if (!finite(vertex.position)) return fail("a vertex position is not a number");
    for (int i = 0; i < 4; ++i) {
      if (vertex.joints[i] >= character.skeleton.size()) {
        return fail(fmt::format("joint {} does not exist", vertex.joints[i]));
      }
    }
  }
  return {};
}

core::Result<void> checkCharacter(const scene::Character& character) {
  for (const scene::Image& image : character.images) {
    if (image.width == 0 || image.height == 0 || image.width > 16384 || image.height > 16384 ||
        image.rgba.size() != std::size_t{4} * image.width * image.height) {
      return core::makeError(fmt::format("character \"{}\": an image of {} x {} px has {} bytes",
                                         character.name, image.width, image.height,
                                         image.rgba.size()));
    }
  }
  std::size_t vertices = 0;
  for (const scene::Mesh& mesh : character.meshes) {
    if (auto checked = checkMesh(character, mesh); !checked) return checked;
    vertices += mesh.vertices.size();
  }
  if (vertices == 0) {
    return core::makeError(fmt::format("character \"{}\" has no vertices", character.name));
  }
  return {};
}

glm::vec3 unitOr(const glm::vec3& v, const glm::vec3& fallback) {
  const float size = glm::length(v);
  return finite(v) && size > 1e-12f ? v / size : fallback;
}

shaders::BindVertex bindVertex(const scene::Vertex& vertex) {
  const glm::vec3 normal = unitOr(vertex.normal, {0.0f, 1.0f, 0.0f});
  const glm::vec3 beside =
      std::abs(normal.x) < 0.7f ? glm::vec3(1.0f, 0.0f, 0.0f) : glm::vec3(0.0f, 1.0f, 0.0f);
  return {
      .position = vertex.position,
      .normal = normal,
      .tangent = unitOr(glm::vec3(vertex.tangent), beside),
      .joints01 = static_cast<std::uint32_t>(vertex.joints.x) |
                  static_cast<std::uint32_t>(vertex.joints.y) << 16,
      .joints23 = static_cast<std::uint32_t>(vertex.joints.z) |
                  static_cast<std::uint32_t>(vertex.joints.w) << 16,
      .weights = vertex.weights,
  };
}

/// The character's geometry in one piece.
struct Geometry {
  std::vector<shaders::BindVertex> bind;
  std::vector<shaders::FixedVertex> fixed;
  std::vector<std::uint32_t> indices;
  std::vector<ModelPart> parts;
};

Geometry joinMeshes(const scene::Character& character) {
  std::vector<const scene::Mesh*> order;
  for (const scene::Mesh& mesh : character.meshes) order.push_back(&mesh);
  const auto rank = [&](const scene::Mesh* mesh) {
    const auto& material = character.materials[static_cast<std::size_t>(mesh->material)];
    return std::pair(material.alpha_mode, mesh->material);
  };
  std::stable_sort(order.begin(), order.end(),
                   [&](const scene::Mesh* a, const scene::Mesh* b) { return rank(a) < rank(b); });
  Geometry all;
  for (const scene::Mesh* mesh : order) {
    const auto base = static_cast<std::uint32_t>(all.bind.size());
    for (const scene::Vertex& vertex : mesh->vertices) {
      all.bind.push_back(bindVertex(vertex));
      all.fixed.push_back({.uv = vertex.uv,
                           .handedness = vertex.tangent.w < 0.0f ? -1.0f : 1.0f,
                           .exposure = 1.0f});
    }
    const auto material = static_cast<std::uint32_t>(mesh->material);
    if (all.parts.empty() || all.parts.back().material != material) {
      all.parts.push_back(
          {.first_index = static_cast<std::uint32_t>(all.indices.size()), .material = material});
    }
    for (const std::uint32_t index : mesh->indices) all.indices.push_back(base + index);
    all.parts.back().index_count += static_cast<std::uint32_t>(mesh->indices.size());
  }
  return all;
}

core::Result<gpu::Image> makeTexture(gpu::Device& device, const scene::Image& source) {
  auto image = gpu::Image::create(
      device, {.width = source.width,
               .height = source.height,
               .format = source.srgb ? VK_FORMAT_R8G8B8A8_SRGB : VK_FORMAT_R8G8B8A8_UNORM,
               .usage = VK_IMAGE_USAGE_SAMPLED_BIT | VK_IMAGE_USAGE_TRANSFER_SRC_BIT |
                        VK_IMAGE_USAGE_TRANSFER_DST_BIT,
               .mip_levels = static_cast<std::uint32_t>(
                   std::bit_width(std::max(source.width, source.height)))});
  if (!image) return image.error();
  if (auto done = gpu::uploadImage(device, *image, std::as_bytes(std::span(source.rgba))); !done) {
    return done.error();
  }
  return image;
}

template <class T>
core::Result<gpu::Buffer> makeBuffer(gpu::Device& device, const std::vector<T>& content,
                                     VkBufferUsageFlags usage) {
  const auto bytes = std::as_bytes(std::span(content));
  auto buffer = gpu::Buffer::create(device, bytes.size(), usage | VK_BUFFER_USAGE_TRANSFER_DST_BIT,
                                    gpu::MemoryUse::device);
  if (!buffer) return buffer.error();
  if (auto done = gpu::upload(device, *buffer, bytes); !done) return done.error();
  return buffer;
}

/// Offset between materials in their uniform buffer.
VkDeviceSize materialStride(const gpu::Device& device) {
  const VkDeviceSize alignment = device.properties.limits.minUniformBufferOffsetAlignment;
  return (sizeof(shaders::MaterialUniforms) + alignment - 1) / alignment * alignment;
}

core::Result<void> makeMaterialUniforms(gpu::Device& device, const scene::Character& character,
                                        Model& model) {
  const VkDeviceSize stride = materialStride(device);
  std::vector<std::byte> bytes(character.materials.size() * stride);
  for (std::size_t i = 0; i < character.materials.size(); ++i) {
    const scene::Material& material = character.materials[i];
    const shaders::MaterialUniforms uniforms{
        .base_color = material.base_color,
        .emissive = material.emissive,
        .normal_scale = material.normal_scale,
        .metallic = material.metallic,
        .roughness = material.roughness,
        .alpha_cutoff = material.alpha_cutoff,
        .has_normal_map = material.normal_image >= 0 ? 1u : 0u,
    };
    std::memcpy(bytes.data() + i * stride, &uniforms, sizeof uniforms);
  }
  auto buffer = makeBuffer(device, bytes, VK_BUFFER_USAGE_UNIFORM_BUFFER_BIT);
  if (!buffer) return buffer.error();
  model.material_uniforms = std::move(*buffer);
  return {};
}

core::Result<void> makeMaterialSets(const ModelContext& context, const scene::Character& character,
                                    Model& model) {
  gpu::Device& device = context.device;
  const auto count = static_cast<std::uint32_t>(character.materials.size());
  const VkDescriptorPoolSize sizes[] = {{VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER, count},
                                        {VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER, 4 * count}};
  const VkDescriptorPoolCreateInfo pool{.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
                                        .maxSets = count,
                                        .poolSizeCount = 2,
                                        .pPoolSizes = sizes};
  if (!device.check(
          vkCreateDescriptorPool(device.handle, &pool, nullptr, model.sets.put(device.handle)))) {
    return core::makeError("the device has no room for the character's materials");
  }
  const auto view = [&](int image, const gpu::Image& fallback) {
    const bool exists = image >= 0 && static_cast<std::size_t>(image) < model.images.size();
    return exists ? model.images[static_cast<std::size_t>(image)].view() : fallback.view();
  };
  for (std::uint32_t i = 0; i < count; ++i) {
    const scene::Material& material = character.materials[i];
    ModelMaterial made{.alpha_mode = material.alpha_mode, .double_sided = material.double_sided};
    const VkDescriptorSetAllocateInfo allocate{
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
        .descriptorPool = model.sets.get(),
        .descriptorSetCount = 1,
        .pSetLayouts = &context.material_layout};
    if (!device.check(vkAllocateDescriptorSets(device.handle, &allocate, &made.set))) {
      return core::makeError("the device has no room for the character's materials");
    }
    const VkDescriptorBufferInfo uniforms{model.material_uniforms.get(), i * materialStride(device),
                                          sizeof(shaders::MaterialUniforms)};
    const VkImageView views[4] = {view(material.base_color_image, context.white),
                                  view(material.metallic_roughness_image, context.white),
                                  view(material.normal_image, context.flat_normal),
                                  view(material.emissive_image, context.white)};
    VkDescriptorImageInfo images[4];
    VkWriteDescriptorSet writes[5];
    writes[0] = {.sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
                 .dstSet = made.set,
                 .descriptorCount = 1,
                 .descriptorType = VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER,
                 .pBufferInfo = &uniforms};
    for (std::uint32_t k = 0; k < 4; ++k) {
      images[k] = {context.sampler, views[k], VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL};
      writes[k + 1] = {.sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
                       .dstSet = made.set,
                       .dstBinding = k + 1,
                       .descriptorCount = 1,
                       .descriptorType = VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER,
                       .pImageInfo = &images[k]};
    }
    vkUpdateDescriptorSets(device.handle, 5, writes, 0, nullptr);
    model.materials.push_back(made);
  }
  return {};
}

core::Result<void> uploadGeometry(gpu::Device& device, const Geometry& geometry, Model& model) {
  constexpr VkBufferUsageFlags kByAddress =
      VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT;
  auto bind = makeBuffer(device, geometry.bind, kByAddress);
  if (!bind) return bind.error();
  auto flesh = makeBuffer(device, model.shapes, kByAddress);
  if (!flesh) return flesh.error();
  model.flesh = std::move(*flesh);
  auto fixed = makeBuffer(device, geometry.fixed, VK_BUFFER_USAGE_VERTEX_BUFFER_BIT);
  if (!fixed) return fixed.error();
  auto indices = makeBuffer(device, geometry.indices, VK_BUFFER_USAGE_INDEX_BUFFER_BIT);
  if (!indices) return indices.error();
  model.bind_vertices = std::move(*bind);
  model.fixed_vertices = std::move(*fixed);
  model.indices = std::move(*indices);
  return {};
}

}  // namespace

core::Result<Model> makeModel(const ModelContext& context, const scene::Character& character) {
  if (auto checked = checkCharacter(character); !checked) return checked.error();
  Geometry geometry = joinMeshes(character);
  fillSkyExposure(geometry.bind, geometry.indices, geometry.fixed);
  Model model;
  model.parts = geometry.parts;
  model.vertex_count = static_cast<std::uint32_t>(geometry.bind.size());
  model.shapes = jointShapes(geometry.bind, character.skeleton.size());
  if (auto done = uploadGeometry(context.device, geometry, model); !done) return done.error();
  for (const scene::Image& source : character.images) {
    auto image = makeTexture(context.device, source);
    if (!image) return image.error();
    model.images.push_back(std::move(*image));
  }
  if (auto done = makeMaterialUniforms(context.device, character, model); !done) {
    return done.error();
  }
  if (auto done = makeMaterialSets(context, character, model); !done) return done.error();
  return model;
}

}  // namespace understudy::render
