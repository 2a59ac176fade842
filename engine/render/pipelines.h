#pragma once

#include <array>

#include "engine/gpu/resources.h"
#include "engine/render/render_settings.h"

namespace understudy::render {

inline constexpr VkFormat kSceneFormat = VK_FORMAT_R16G16B16A16_SFLOAT;
inline constexpr VkFormat kDepthFormat = VK_FORMAT_D32_SFLOAT;
inline constexpr VkFormat kColorFormat = VK_FORMAT_R8G8B8A8_UNORM;
inline constexpr VkFormat kContactFormat = VK_FORMAT_R16G16B16A16_SFLOAT;
// Software devices unpack shared exponents slowly.
inline constexpr VkFormat kEnvironmentFormat = VK_FORMAT_R16G16B16A16_SFLOAT;
inline constexpr VkFormat kReflectanceFormat = VK_FORMAT_R16G16_UNORM;

/// Bindings of set 0, which every pass but skinning has. Written out in
/// shaders/scene_bindings.glsl.
enum FrameBinding : std::uint32_t {
  kBindFrame,
  kBindShadowCompare,
  kBindShadowDepth,
  kBindContact,
  kBindContactStore,
  kBindBounds,
  kBindOccluders,
  kBindReflectance,
  kBindSpheres,
  kBindLines,
  kBindEnvironment,     ///< shaders::EnvironmentUniforms.
  kBindEnvironmentMap,  ///< EnvironmentLight::levels.
  kBindLamps,           ///< shaders::LampTable.
  kBindClusters,        ///< kLightWords of bits for each cluster.
  kFrameBindingCount
};

/// All pipelines of the renderer and the layouts they share. Made once, before the first frame.
struct Pipelines {
  gpu::DescriptorSetLayout frame_layout;     ///< Set 0.
  gpu::DescriptorSetLayout material_layout;  ///< Set 1 of characters.
  gpu::DescriptorSetLayout image_layout;     ///< Set 1 of the tone map: the scene, and its samples.
  gpu::PipelineLayout latch_pipeline_layout;  ///< Addresses alone.
  gpu::PipelineLayout skin_pipeline_layout;   ///< Addresses alone.
  gpu::PipelineLayout frame_pipeline_layout;  ///< Set 0 alone.
  gpu::PipelineLayout character_pipeline_layout;
  gpu::PipelineLayout tone_pipeline_layout;

  gpu::Pipeline latch, skin, contact, cluster, shadow;
  /// Without and with lamps: a shader that may meet some costs more where there are none.
  std::array<std::array<gpu::Pipeline, 3>, 2> character;  ///< By scene::AlphaMode.
  std::array<std::array<gpu::Pipeline, 3>, 2> mirrored;   ///< The same, seen in the floor.
  gpu::Pipeline sky;
  std::array<std::array<gpu::Pipeline, 2>, 2> floor;  ///< Each without and with the grid.
  gpu::Pipeline sphere, line;
  std::array<gpu::Pipeline, 2> tone;  ///< Without and with the sequence strip.
};

core::Result<Pipelines> makePipelines(gpu::Device& device, const RenderSettings& settings);

}  // namespace understudy::render
