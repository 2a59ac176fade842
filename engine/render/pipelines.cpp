#include "engine/render/pipelines.h"

#include <shaders/character.frag.h>
#include <shaders/character.vert.h>
#include <shaders/cluster.comp.h>
#include <shaders/contact.comp.h>
#include <shaders/floor.frag.h>
#include <shaders/floor.vert.h>
#include <shaders/latch.comp.h>
#include <shaders/line.frag.h>
#include <shaders/line.vert.h>
#include <shaders/shadow.vert.h>
#include <shaders/skin.comp.h>
#include <shaders/sky.frag.h>
#include <shaders/sky.vert.h>
#include <shaders/sphere.frag.h>
#include <shaders/sphere.vert.h>
#include <shaders/tone.frag.h>
#include <shaders/tone.vert.h>

#include <cstddef>
#include <vector>

#include "engine/scene/character.h"
#include "shaders/shared/character.h"
#include "shaders/shared/latch.h"

namespace understudy::render {

namespace {

using Words = std::span<const std::uint32_t>;

enum class VertexInput : std::uint8_t { none, position, full };
enum class Blend : std::uint8_t { none, alpha };

struct DrawPipelineSettings {
  Words vertex, fragment;
  VkPipelineLayout layout = VK_NULL_HANDLE;
  VertexInput input = VertexInput::none;
  VkPrimitiveTopology topology = VK_PRIMITIVE_TOPOLOGY_TRIANGLE_LIST;
  VkFormat color = VK_FORMAT_UNDEFINED;
  VkFormat depth = VK_FORMAT_UNDEFINED;
  VkCompareOp compare = VK_COMPARE_OP_ALWAYS;
  bool write_depth = false;
  bool depth_bias = false;
  bool choose_cull = false;  ///< Cull mode is set while recording.
  bool coverage_from_alpha = false;
  Blend blend = Blend::none;
  std::uint32_t samples = 1;
  std::array<std::int32_t, 2> constants{};  ///< Specialisation constants 0 and 1; 2 is `samples`.
  std::uint32_t scene_samples = 1;          ///< Specialisation constant 3: of the image to show.
  bool lamps = false;                       ///< Specialisation constant 4.
};

constexpr VkVertexInputBindingDescription kVertexBindings[] = {
    {0, sizeof(shaders::SkinnedVertex), VK_VERTEX_INPUT_RATE_VERTEX},
    {1, sizeof(shaders::FixedVertex), VK_VERTEX_INPUT_RATE_VERTEX}};
constexpr VkVertexInputAttributeDescription kVertexAttributes[] = {
    {0, 0, VK_FORMAT_R32G32B32_SFLOAT, offsetof(shaders::SkinnedVertex, position)},
    {1, 0, VK_FORMAT_R16G16_SNORM, offsetof(shaders::SkinnedVertex, normal)},
    {2, 0, VK_FORMAT_R16G16_SNORM, offsetof(shaders::SkinnedVertex, tangent)},
    {3, 1, VK_FORMAT_R32G32_SFLOAT, offsetof(shaders::FixedVertex, uv)},
    {4, 1, VK_FORMAT_R32G32_SFLOAT, offsetof(shaders::FixedVertex, handedness)}};

VkPipelineVertexInputStateCreateInfo vertexInput(VertexInput input) {
  VkPipelineVertexInputStateCreateInfo info{
      .sType = VK_STRUCTURE_TYPE_PIPELINE_VERTEX_INPUT_STATE_CREATE_INFO};
  if (input == VertexInput::none) return info;
  const bool full = input == VertexInput::full;
  info.vertexBindingDescriptionCount = full ? 2 : 1;
  info.pVertexBindingDescriptions = kVertexBindings;
  info.vertexAttributeDescriptionCount = full ? 5 : 1;
  info.pVertexAttributeDescriptions = kVertexAttributes;
  return info;
}

VkPipelineColorBlendAttachmentState blendState(Blend blend) {
  return {
      .blendEnable = blend == Blend::alpha ? VK_TRUE : VK_FALSE,
      .srcColorBlendFactor = VK_BLEND_FACTOR_SRC_ALPHA,
      .dstColorBlendFactor = VK_BLEND_FACTOR_ONE_MINUS_SRC_ALPHA,
      .colorBlendOp = VK_BLEND_OP_ADD,
      .srcAlphaBlendFactor = VK_BLEND_FACTOR_ONE,
      .dstAlphaBlendFactor = VK_BLEND_FACTOR_ONE_MINUS_SRC_ALPHA,
      .alphaBlendOp = VK_BLEND_OP_ADD,
      .colorWriteMask = VK_COLOR_COMPONENT_R_BIT | VK_COLOR_COMPONENT_G_BIT |
                        VK_COLOR_COMPONENT_B_BIT | VK_COLOR_COMPONENT_A_BIT,
  };
}

VkPipelineRasterizationStateCreateInfo rasterState(bool depth_bias) {
  return {.sType = VK_STRUCTURE_TYPE_PIPELINE_RASTERIZATION_STATE_CREATE_INFO,
          .polygonMode = VK_POLYGON_MODE_FILL,
          .cullMode = VK_CULL_MODE_NONE,
          .frontFace = VK_FRONT_FACE_COUNTER_CLOCKWISE,
          .depthBiasEnable = depth_bias ? VK_TRUE : VK_FALSE,
          .depthBiasConstantFactor = 1.0f,
          .depthBiasSlopeFactor = 1.75f,
          .lineWidth = 1.0f};
}

VkPipelineMultisampleStateCreateInfo multisampleState(const DrawPipelineSettings& settings) {
  return {.sType = VK_STRUCTURE_TYPE_PIPELINE_MULTISAMPLE_STATE_CREATE_INFO,
          .rasterizationSamples = static_cast<VkSampleCountFlagBits>(settings.samples),
          .alphaToCoverageEnable =
              settings.coverage_from_alpha && settings.samples > 1 ? VK_TRUE : VK_FALSE};
}

VkPipelineDepthStencilStateCreateInfo depthState(const DrawPipelineSettings& settings) {
  return {.sType = VK_STRUCTURE_TYPE_PIPELINE_DEPTH_STENCIL_STATE_CREATE_INFO,
          .depthTestEnable = settings.depth != VK_FORMAT_UNDEFINED ? VK_TRUE : VK_FALSE,
          .depthWriteEnable = settings.write_depth ? VK_TRUE : VK_FALSE,
          .depthCompareOp = settings.compare};
}

// What stands around the shaders, and the pipeline of both.
core::Result<void> makeDrawOf(gpu::Device& device, const DrawPipelineSettings& settings,
                              std::span<const VkPipelineShaderStageCreateInfo> stages,
                              gpu::Pipeline& pipeline) {
  const VkPipelineVertexInputStateCreateInfo input = vertexInput(settings.input);
  const VkPipelineInputAssemblyStateCreateInfo assembly{
      .sType = VK_STRUCTURE_TYPE_PIPELINE_INPUT_ASSEMBLY_STATE_CREATE_INFO,
      .topology = settings.topology};
  const VkPipelineViewportStateCreateInfo viewport{
      .sType = VK_STRUCTURE_TYPE_PIPELINE_VIEWPORT_STATE_CREATE_INFO,
      .viewportCount = 1,
      .scissorCount = 1};
  const VkPipelineRasterizationStateCreateInfo raster = rasterState(settings.depth_bias);
  const VkPipelineMultisampleStateCreateInfo multisample = multisampleState(settings);
  const VkPipelineDepthStencilStateCreateInfo depth = depthState(settings);
  const VkPipelineColorBlendAttachmentState attachment = blendState(settings.blend);
  const std::uint32_t colors = settings.color != VK_FORMAT_UNDEFINED ? 1 : 0;
  const VkPipelineColorBlendStateCreateInfo blending{
      .sType = VK_STRUCTURE_TYPE_PIPELINE_COLOR_BLEND_STATE_CREATE_INFO,
      .attachmentCount = colors,
      .pAttachments = &attachment};
  const VkDynamicState dynamic[] = {VK_DYNAMIC_STATE_VIEWPORT, VK_DYNAMIC_STATE_SCISSOR,
                                    VK_DYNAMIC_STATE_CULL_MODE};
  const VkPipelineDynamicStateCreateInfo dynamics{
      .sType = VK_STRUCTURE_TYPE_PIPELINE_DYNAMIC_STATE_CREATE_INFO,
      .dynamicStateCount = settings.choose_cull ? 3u : 2u,
      .pDynamicStates = dynamic};
  const VkPipelineRenderingCreateInfo rendering{
      .sType = VK_STRUCTURE_TYPE_PIPELINE_RENDERING_CREATE_INFO,
      .colorAttachmentCount = colors,
      .pColorAttachmentFormats = &settings.color,
      .depthAttachmentFormat = settings.depth};
  const VkGraphicsPipelineCreateInfo info{.sType = VK_STRUCTURE_TYPE_GRAPHICS_PIPELINE_CREATE_INFO,
                                          .pNext = &rendering,
                                          .stageCount = static_cast<std::uint32_t>(stages.size()),
                                          .pStages = stages.data(),
                                          .pVertexInputState = &input,
                                          .pInputAssemblyState = &assembly,
                                          .pViewportState = &viewport,
                                          .pRasterizationState = &raster,
                                          .pMultisampleState = &multisample,
                                          .pDepthStencilState = &depth,
                                          .pColorBlendState = &blending,
                                          .pDynamicState = &dynamics,
                                          .layout = settings.layout};
  if (!device.check(vkCreateGraphicsPipelines(device.handle, VK_NULL_HANDLE, 1, &info, nullptr,
                                              pipeline.put(device.handle)))) {
    return core::makeError("a drawing pipeline was refused by the graphics driver");
  }
  return {};
}

core::Result<void> makeDraw(gpu::Device& device, const DrawPipelineSettings& settings,
                            gpu::Pipeline& pipeline) {
  auto vertex = gpu::makeShader(device, settings.vertex);
  if (!vertex) return vertex.error();
  gpu::ShaderModule fragment;
  if (!settings.fragment.empty()) {
    auto made = gpu::makeShader(device, settings.fragment);
    if (!made) return made.error();
    fragment = std::move(*made);
  }
  const VkSpecializationMapEntry entries[] = {
      {0, 0, 4}, {1, 4, 4}, {2, 8, 4}, {3, 12, 4}, {4, 16, 4}};
  const std::int32_t values[] = {
      settings.constants[0], settings.constants[1], static_cast<std::int32_t>(settings.samples),
      static_cast<std::int32_t>(settings.scene_samples), settings.lamps ? 1 : 0};
  const VkSpecializationInfo constants{5, entries, sizeof values, values};
  VkPipelineShaderStageCreateInfo stages[2];
  stages[0] = {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
               .stage = VK_SHADER_STAGE_VERTEX_BIT,
               .module = vertex->get(),
               .pName = "main",
               .pSpecializationInfo = &constants};
  stages[1] = stages[0];
  stages[1].stage = VK_SHADER_STAGE_FRAGMENT_BIT;
  stages[1].module = fragment.get();
  return makeDrawOf(device, settings, std::span(stages, fragment ? 2 : 1), pipeline);
}

core::Result<void> makeCompute(gpu::Device& device, Words words, VkPipelineLayout layout,
                               gpu::Pipeline& pipeline) {
  auto shader = gpu::makeShader(device, words);
  if (!shader) return shader.error();
  const VkComputePipelineCreateInfo info{
      .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
      .stage = {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                .module = shader->get(),
                .pName = "main"},
      .layout = layout};
  if (!device.check(vkCreateComputePipelines(device.handle, VK_NULL_HANDLE, 1, &info, nullptr,
                                             pipeline.put(device.handle)))) {
    return core::makeError("a compute pipeline was refused by the graphics driver");
  }
  return {};
}

core::Result<void> makeSetLayout(gpu::Device& device,
                                 std::span<const VkDescriptorSetLayoutBinding> bindings,
                                 gpu::DescriptorSetLayout& layout) {
  const VkDescriptorSetLayoutCreateInfo info{
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
      .bindingCount = static_cast<std::uint32_t>(bindings.size()),
      .pBindings = bindings.data()};
  if (!device.check(
          vkCreateDescriptorSetLayout(device.handle, &info, nullptr, layout.put(device.handle)))) {
    return core::makeError("a descriptor layout was refused by the graphics driver");
  }
  return {};
}

core::Result<void> makeLayout(gpu::Device& device, std::span<const VkDescriptorSetLayout> sets,
                              std::uint32_t push_bytes, gpu::PipelineLayout& layout) {
  const VkPushConstantRange range{VK_SHADER_STAGE_COMPUTE_BIT, 0, push_bytes};
  const VkPipelineLayoutCreateInfo info{.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
                                        .setLayoutCount = static_cast<std::uint32_t>(sets.size()),
                                        .pSetLayouts = sets.data(),
                                        .pushConstantRangeCount = push_bytes > 0 ? 1u : 0u,
                                        .pPushConstantRanges = &range};
  if (!device.check(
          vkCreatePipelineLayout(device.handle, &info, nullptr, layout.put(device.handle)))) {
    return core::makeError("a pipeline layout was refused by the graphics driver");
  }
  return {};
}

core::Result<void> makeLayouts(gpu::Device& device, Pipelines& made) {
  constexpr VkShaderStageFlags kAll =
      VK_SHADER_STAGE_VERTEX_BIT | VK_SHADER_STAGE_FRAGMENT_BIT | VK_SHADER_STAGE_COMPUTE_BIT;
  constexpr VkDescriptorType kSampled = VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER;
  constexpr VkDescriptorType kStorage = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
  const VkDescriptorSetLayoutBinding frame[kFrameBindingCount] = {
      {kBindFrame, VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER, 1, kAll},
      {kBindShadowCompare, kSampled, 1, VK_SHADER_STAGE_FRAGMENT_BIT},
      {kBindShadowDepth, kSampled, 1, VK_SHADER_STAGE_FRAGMENT_BIT},
      {kBindContact, kSampled, 1, VK_SHADER_STAGE_FRAGMENT_BIT},
      {kBindContactStore, VK_DESCRIPTOR_TYPE_STORAGE_IMAGE, 1, VK_SHADER_STAGE_COMPUTE_BIT},
      {kBindBounds, kStorage, 1, VK_SHADER_STAGE_COMPUTE_BIT},
      {kBindOccluders, kStorage, 1, VK_SHADER_STAGE_COMPUTE_BIT},
      {kBindReflectance, kSampled, 1, VK_SHADER_STAGE_FRAGMENT_BIT},
      {kBindSpheres, kStorage, 1, VK_SHADER_STAGE_VERTEX_BIT},
      {kBindLines, kStorage, 1, VK_SHADER_STAGE_VERTEX_BIT},
      {kBindEnvironment, VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER, 1, VK_SHADER_STAGE_FRAGMENT_BIT},
      {kBindEnvironmentMap, kSampled, 1, VK_SHADER_STAGE_FRAGMENT_BIT},
      {kBindLamps, kStorage, 1, VK_SHADER_STAGE_FRAGMENT_BIT | VK_SHADER_STAGE_COMPUTE_BIT},
      {kBindClusters, kStorage, 1, VK_SHADER_STAGE_FRAGMENT_BIT | VK_SHADER_STAGE_COMPUTE_BIT}};
  const VkDescriptorSetLayoutBinding material[] = {
      {0, VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER, 1, VK_SHADER_STAGE_FRAGMENT_BIT},
      {1, kSampled, 1, VK_SHADER_STAGE_FRAGMENT_BIT},
      {2, kSampled, 1, VK_SHADER_STAGE_FRAGMENT_BIT},
      {3, kSampled, 1, VK_SHADER_STAGE_FRAGMENT_BIT},
      {4, kSampled, 1, VK_SHADER_STAGE_FRAGMENT_BIT}};
  const VkDescriptorSetLayoutBinding image[] = {{0, kSampled, 1, VK_SHADER_STAGE_FRAGMENT_BIT},
                                                {1, kSampled, 1, VK_SHADER_STAGE_FRAGMENT_BIT}};
  if (auto done = makeSetLayout(device, frame, made.frame_layout); !done) return done;
  if (auto done = makeSetLayout(device, material, made.material_layout); !done) return done;
  if (auto done = makeSetLayout(device, image, made.image_layout); !done) return done;

  const VkDescriptorSetLayout character[] = {made.frame_layout.get(), made.material_layout.get()};
  const VkDescriptorSetLayout tone[] = {made.frame_layout.get(), made.image_layout.get()};
  if (auto done = makeLayout(device, {}, sizeof(shaders::LatchPush), made.latch_pipeline_layout);
      !done) {
    return done;
  }
  if (auto done = makeLayout(device, {}, sizeof(shaders::SkinPush), made.skin_pipeline_layout);
      !done) {
    return done;
  }
  if (auto done = makeLayout(device, std::span(character, 1), 0, made.frame_pipeline_layout);
      !done) {
    return done;
  }
  if (auto done = makeLayout(device, character, 0, made.character_pipeline_layout); !done) {
    return done;
  }
  return makeLayout(device, tone, 0, made.tone_pipeline_layout);
}

core::Result<void> makeCharacterPipelines(gpu::Device& device, const QualitySettings& quality,
                                          bool lamps, Pipelines& made) {
  for (std::size_t mirrored = 0; mirrored < 2; ++mirrored) {
    for (std::size_t mode = 0; mode < 3; ++mode) {
      const bool blended = mode == static_cast<std::size_t>(scene::AlphaMode::blend);
      const DrawPipelineSettings settings{
          .vertex = k_character_vert,
          .fragment = k_character_frag,
          .layout = made.character_pipeline_layout.get(),
          .input = VertexInput::full,
          .color = kSceneFormat,
          .depth = kDepthFormat,
          .compare = VK_COMPARE_OP_GREATER_OR_EQUAL,
          .write_depth = !blended,
          .choose_cull = true,
          .coverage_from_alpha =
              mode == static_cast<std::size_t>(scene::AlphaMode::mask) && mirrored == 0,
          .blend = blended || mirrored == 1 ? Blend::alpha : Blend::none,
          .samples = quality.samples,
          .constants = {static_cast<std::int32_t>(mirrored), static_cast<std::int32_t>(mode)},
          .lamps = lamps};
      auto& variants = mirrored == 1 ? made.mirrored : made.character;
      auto& pipeline = variants[lamps ? 1 : 0][mode];
      if (auto done = makeDraw(device, settings, pipeline); !done) return done;
    }
  }
  return {};
}

core::Result<void> makeStagePipelines(gpu::Device& device, const QualitySettings& quality,
                                      Pipelines& made) {
  DrawPipelineSettings settings{
      .vertex = k_sky_vert,
      .fragment = k_sky_frag,
      .layout = made.frame_pipeline_layout.get(),
      .color = kSceneFormat,
      .depth = kDepthFormat,
      .compare = VK_COMPARE_OP_GREATER_OR_EQUAL,
      .samples = quality.samples,
      .constants = {quality.floor_reflection ? 1 : 0, quality.fine_environment ? 1 : 0}};
  if (auto done = makeDraw(device, settings, made.sky); !done) return done;

  settings.vertex = k_floor_vert;
  settings.fragment = k_floor_frag;
  settings.topology = VK_PRIMITIVE_TOPOLOGY_TRIANGLE_STRIP;
  settings.blend = quality.floor_reflection ? Blend::alpha : Blend::none;
  settings.write_depth = true;
  settings.choose_cull = true;
  for (std::size_t grid = 0; grid < 2; ++grid) {
    settings.constants = {static_cast<std::int32_t>(grid), quality.fine_environment ? 1 : 0};
    for (std::size_t lamps = 0; lamps < 2; ++lamps) {
      settings.lamps = lamps == 1;
      if (auto done = makeDraw(device, settings, made.floor[lamps][grid]); !done) return done;
    }
  }
  settings.lamps = false;

  settings.write_depth = false;
  settings.choose_cull = false;
  settings.blend = Blend::alpha;
  settings.vertex = k_sphere_vert;
  settings.fragment = k_sphere_frag;
  if (auto done = makeDraw(device, settings, made.sphere); !done) return done;
  settings.vertex = k_line_vert;
  settings.fragment = k_line_frag;
  return makeDraw(device, settings, made.line);
}

}  // namespace

core::Result<Pipelines> makePipelines(gpu::Device& device, const RenderSettings& settings) {
  const QualitySettings& quality = settings.quality;
  Pipelines made;
  if (auto done = makeLayouts(device, made); !done) return done.error();
  if (auto done = makeCompute(device, k_latch_comp, made.latch_pipeline_layout.get(), made.latch);
      !done) {
    return done.error();
  }
  if (auto done = makeCompute(device, k_skin_comp, made.skin_pipeline_layout.get(), made.skin);
      !done) {
    return done.error();
  }
  if (auto done =
          makeCompute(device, k_contact_comp, made.frame_pipeline_layout.get(), made.contact);
      !done) {
    return done.error();
  }
  if (auto done =
          makeCompute(device, k_cluster_comp, made.frame_pipeline_layout.get(), made.cluster);
      !done) {
    return done.error();
  }
  const DrawPipelineSettings shadow{.vertex = k_shadow_vert,
                                    .layout = made.frame_pipeline_layout.get(),
                                    .input = VertexInput::position,
                                    .depth = kDepthFormat,
                                    .compare = VK_COMPARE_OP_LESS_OR_EQUAL,
                                    .write_depth = true,
                                    .depth_bias = true};
  if (auto done = makeDraw(device, shadow, made.shadow); !done) return done.error();
  for (const bool lamps : {false, true}) {
    if (auto done = makeCharacterPipelines(device, quality, lamps, made); !done) {
      return done.error();
    }
  }
  if (auto done = makeStagePipelines(device, quality, made); !done) return done.error();
  for (std::size_t strip = 0; strip < 2; ++strip) {
    const DrawPipelineSettings tone{
        .vertex = k_tone_vert,
        .fragment = k_tone_frag,
        .layout = made.tone_pipeline_layout.get(),
        .color = kColorFormat,
        .constants = {static_cast<std::int32_t>(strip),
                      static_cast<std::int32_t>(settings.view_transform)},
        .scene_samples = quality.samples};
    if (auto done = makeDraw(device, tone, made.tone[strip]); !done) return done.error();
  }
  return made;
}

}  // namespace understudy::render
