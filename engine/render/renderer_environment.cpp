#include <cmath>
#include <cstring>

#include "engine/render/environment_light.h"
#include "engine/render/renderer_impl.h"
#include "shaders/shared/environment.h"

namespace understudy::render {

namespace {

constexpr float kMostSunRadiance = 4000.0f;  // Bright enough to be white at any exposure in use.

core::Result<void> makeMap(gpu::Device& device, const EnvironmentLight& light, gpu::Image& image) {
  auto made = gpu::Image::create(
      device, {.width = light.side_px,
               .height = light.side_px,
               .format = kEnvironmentFormat,
               .usage = VK_IMAGE_USAGE_SAMPLED_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT,
               .mip_levels = static_cast<std::uint32_t>(light.levels.size())});
  if (!made) return made.error();
  image = std::move(*made);
  std::vector<std::span<const std::byte>> bytes;
  for (const auto& level : light.levels) bytes.push_back(std::as_bytes(std::span(level)));
  return gpu::uploadLevels(device, image, bytes);
}

shaders::EnvironmentUniforms uniformsOf(const scene::Environment& environment,
                                        const EnvironmentLight& light) {
  const scene::StageFloor& floor = environment.floor;
  const float cosine = std::cos(0.5f * environment.key.angular_size);
  const float solid_angle = 2.0f * 3.14159265f * std::max(1.0f - cosine, 1e-7f);
  const glm::vec3 disk = environment.key.irradiance / solid_angle;
  const float most = std::max({disk.x, disk.y, disk.z, 1e-6f});
  shaders::EnvironmentUniforms uniforms{
      .floor_color = floor.color,
      .floor_reflection = floor.reflection,
      .sun_radiance = environment.key.visible ? disk * std::min(1.0f, kMostSunRadiance / most)
                                              : glm::vec3(0.0f),
      .sun_cosine = cosine,
      .floor_roughness = floor.roughness,
      .floor_fade_near = floor.fade_near,
      .floor_fade_far = floor.fade_far,
      .key_falloff = environment.key.falloff,
      .sharp_level = static_cast<float>(light.sharp_level),
      .rough_levels = static_cast<float>(light.levels.size() - 1 - light.sharp_level)};
  for (int i = 0; i < 9; ++i) {
    uniforms.irradiance[i] = glm::vec4(light.irradiance[static_cast<std::size_t>(i)], 0.0f);
  }
  return uniforms;
}

}  // namespace

core::Result<void> Renderer::Impl::setEnvironment(const scene::Environment& environment) {
  if (auto fine = check(environment); !fine) return fine;
  const EnvironmentLight prefiltered = makeEnvironmentLight(environment);
  device.waitIdle();
  gpu::Image map;
  if (auto done = makeMap(device, prefiltered, map); !done) return done;
  const shaders::EnvironmentUniforms uniforms = uniformsOf(environment, prefiltered);
  auto buffer = gpu::Buffer::create(device, sizeof uniforms, VK_BUFFER_USAGE_UNIFORM_BUFFER_BIT,
                                    gpu::MemoryUse::upload);
  if (!buffer) return buffer.error();
  std::memcpy(buffer->mapped(), &uniforms, sizeof uniforms);
  environment_map = std::move(map);
  environment_uniforms = std::move(*buffer);
  light = {.to_key = environment.key.to_light,
           .key_color = environment.key.irradiance,
           .key_tangent = std::tan(0.5f * environment.key.angular_size),
           .floor_ambient = irradianceOverPi(prefiltered.irradiance, {0.0f, 1.0f, 0.0f}),
           .exposure = std::exp2(environment.exposure_ev + settings.exposure_ev)};
  return {};
}

}  // namespace understudy::render
