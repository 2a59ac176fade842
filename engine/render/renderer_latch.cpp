#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstring>

#include "engine/render/renderer_impl.h"
#include "shaders/shared/frame.h"

namespace understudy::render {

namespace {

const glm::vec3 kToKey = glm::normalize(glm::vec3(-0.55f, 0.90f, 0.606f));
const glm::vec3 kKeyColor(3.55f, 3.30f, 2.98f);
const glm::vec3 kFloorAmbient(0.36f, 0.375f, 0.395f);
constexpr float kKeyTangent = 0.055f;
constexpr float kExposure = 0.92f;

/// A palette of the right size whose places are numbers: one bad pose must not spoil the light of
/// the whole stage.
bool showable(std::span<const glm::mat4> palette, std::size_t joint_count) {
  if (palette.empty()) return false;
  assert(palette.size() == joint_count && "palette of another model");
  return palette.size() == joint_count &&
         std::all_of(palette.begin(), palette.end(), [](const glm::mat4& m) {
           float sum = 0.0f;
           for (int column = 0; column < 4; ++column) {
             sum += m[column].x + m[column].y + m[column].z;
           }
           return std::abs(sum) < 1e6f;  // Also false for what is not a number.
         });
}

float presenceOf(const FrameContent& content, std::size_t performer) {
  if (performer >= content.presence.size()) return 1.0f;
  return std::clamp(content.presence[performer], 0.0f, 1.0f);
}

}  // namespace

bool Renderer::Impl::waitFor(std::uint64_t value) {
  if (value == 0) return !device.lost();
  const VkSemaphore semaphore = timeline.get();
  const VkSemaphoreWaitInfo info{.sType = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO,
                                 .semaphoreCount = 1,
                                 .pSemaphores = &semaphore,
                                 .pValues = &value};
  return device.check(vkWaitSemaphores(device.handle, &info, UINT64_MAX)) && !device.lost();
}

void Renderer::Impl::latchPalettes(FrameSlot& slot, const FrameContent& content) {
  auto* rows = reinterpret_cast<shaders::JointRows*>(slot.palette.mapped());
  auto* bounds = reinterpret_cast<shaders::PerformerBounds*>(slot.bounds.mapped());
  auto* occluders = reinterpret_cast<shaders::Occluder*>(slot.occluders.mapped());
  casters.clear();
  std::uint32_t visible = 0, sticks = 0;
  for (std::size_t i = 0; i < cast.size(); ++i) {
    const Performer& performer = cast[i];
    shaders::JointRows* palette = rows + performer.palette_offset;
    const float presence = presenceOf(content, i);
    if (i >= content.palettes.size() || !(presence > 0.0f) ||
        !showable(content.palettes[i], performer.joint_count)) {
      // All vertices fall into one point: nothing is drawn.
      std::fill_n(palette, performer.joint_count, shaders::JointRows{});
      continue;
    }
    const std::span<const glm::mat4> world_from_bind = content.palettes[i];
    const std::vector<JointShape>& shapes = models[performer.model].shapes;
    shaders::PerformerBounds around{.first_occluder = sticks};
    glm::vec3 low(1e30f), high(-1e30f);
    for (std::size_t joint = 0; joint < performer.joint_count; ++joint) {
      const glm::mat4& m = world_from_bind[joint];
      shaders::JointRows packed;
      for (int row = 0; row < 3; ++row) {
        packed.row[row] = {m[0][row], m[1][row], m[2][row], m[3][row]};
      }
      palette[joint] = packed;
      const JointShape& shape = shapes[joint];
      if (shape.reach < 0.0f) continue;
      const float scale = std::max({glm::length(glm::vec3(m[0])), glm::length(glm::vec3(m[1])),
                                    glm::length(glm::vec3(m[2]))});
      const CasterBall ball{glm::vec3(m * glm::vec4(shape.centre, 1.0f)), shape.reach * scale};
      casters.push_back(ball);
      low = glm::min(low, ball.centre - ball.radius);
      high = glm::max(high, ball.centre + ball.radius);
      if (shape.radius <= 0.0f) continue;
      const shaders::Occluder stick{.from = glm::vec3(m * glm::vec4(shape.from, 1.0f)),
                                    .radius = shape.radius * scale,
                                    .to = glm::vec3(m * glm::vec4(shape.to, 1.0f)),
                                    .strength = 0.75f * presence};
      // What is thin or far above the floor takes no light from it.
      const float height = std::max(std::min(stick.from.y, stick.to.y), 0.0f);
      if (stick.radius < 0.12f * height || stick.radius < 0.015f) continue;
      occluders[sticks++] = stick;
    }
    around.center = 0.5f * (low + high);
    around.radius = 0.5f * glm::length(high - low);
    around.occluder_count = sticks - around.first_occluder;
    bounds[visible++] = around;
  }
  latchUniforms(slot, content, visible);
}

void Renderer::Impl::latchUniforms(FrameSlot& slot, const FrameContent& content,
                                   std::uint32_t visible) {
  const scene::View& view = content.view;
  const float aspect =
      static_cast<float>(settings.width_px) / static_cast<float>(settings.height_px);
  const float tangent = std::tan(0.5f * view.vertical_fov);
  const glm::mat4 view_from_world = scene::viewFromWorld(view);
  const glm::mat3 world_from_view = glm::transpose(glm::mat3(view_from_world));
  const ShadowFit shadow = fitShadow(casters, kToKey, settings.quality.shadow_size_px);
  glm::vec2 low(1e30f), high(-1e30f);
  for (const CasterBall& ball : casters) {
    low = glm::min(low, glm::vec2(ball.centre.x, ball.centre.z) - ball.radius);
    high = glm::max(high, glm::vec2(ball.centre.x, ball.centre.z) + ball.radius);
  }
  const float side = std::max(high.x - low.x, high.y - low.y) + 0.8f;
  shaders::FrameUniforms uniforms{
      .clip_from_world = scene::clipFromView(view, aspect) * view_from_world,
      .shadow_from_world = shadow.shadow_from_world,
      .eye = view.eye,
      .exposure = kExposure,
      .view_right = world_from_view[0] * (tangent * aspect),
      .pixel_tangent = 2.0f * tangent / static_cast<float>(settings.height_px),
      .view_up = world_from_view[1] * tangent,
      .shadow_metres = std::max(shadow.metres, 1.0f),
      .view_forward = -world_from_view[2],
      .shadow_range = shadow.range,
      .to_key = kToKey,
      .key_tangent = kKeyTangent,
      .key_color = kKeyColor,
      .floor_reflection = settings.quality.floor_reflection ? 1.0f : 0.0f,
      .size_px = {settings.width_px, settings.height_px},
      .contact_origin = casters.empty() ? glm::vec2(0.0f) : 0.5f * (low + high) - 0.5f * side,
      .contact_scale = casters.empty() ? 0.0f : 1.0f / side,
      .shadow_taps = casters.empty() ? 0u : settings.quality.shadow_taps,
      .sequence = static_cast<std::uint32_t>(content.sequence),
      .performer_count = visible,
      .floor_ambient = kFloorAmbient};
  for (std::size_t i = 0; i < shaders::kMostPerformers; ++i)
    uniforms.presence[i] = presenceOf(content, i);
  std::memcpy(slot.uniforms.mapped(), &uniforms, sizeof uniforms);
}

void Renderer::Impl::latchOverlay(FrameSlot& slot, const FrameContent& content) {
  std::uint32_t spheres = 0, lines = 0;
  if (content.overlay != nullptr) {
    const Overlay& overlay = *content.overlay;
    spheres = static_cast<std::uint32_t>(
        std::min<std::size_t>(overlay.spheres.size(), settings.max_spheres));
    lines =
        static_cast<std::uint32_t>(std::min<std::size_t>(overlay.lines.size(), settings.max_lines));
    std::copy_n(overlay.spheres.begin(), spheres,
                reinterpret_cast<shaders::OverlaySphere*>(slot.spheres.mapped()));
    std::copy_n(overlay.lines.begin(), lines,
                reinterpret_cast<shaders::OverlayLine*>(slot.lines.mapped()));
  }
  const VkDrawIndirectCommand draws[kOverlayDrawCount] = {{4, spheres, 0, 0}, {4, lines, 0, 0}};
  std::memcpy(slot.draws.mapped(), draws, sizeof draws);
}

void Renderer::Impl::readTimes(FrameSlot& slot) {
  RenderedImage& image = slot.image;
  image.gpu = {};
  image.gpu_clock = false;
  image.gpu_finished = core::Clock::now();
  if (!device.features.timestamps) return;
  std::uint64_t at[kMarkCount] = {};
  if (!device.check(vkGetQueryPoolResults(device.handle, slot.queries.get(), 0, kMarkCount,
                                          sizeof at, at, sizeof at[0],
                                          VK_QUERY_RESULT_64_BIT | VK_QUERY_RESULT_WAIT_BIT))) {
    return;
  }
  const double tick_us = static_cast<double>(device.properties.limits.timestampPeriod) * 1e-3;
  const auto span = [&](Mark from, Mark to) {
    return at[to] > at[from] ? static_cast<double>(at[to] - at[from]) * tick_us : 0.0;
  };
  image.gpu = {.skin_us = span(kMarkBegin, kMarkSkinned),
               .contact_us = span(kMarkSkinned, kMarkContact),
               .shadow_us = span(kMarkContact, kMarkShadowed),
               .scene_us = span(kMarkShadowed, kMarkShaded),
               .tone_us = span(kMarkShaded, kMarkToned),
               .readback_us = span(kMarkToned, kMarkCopied),
               .total_us = span(kMarkBegin, kMarkEnd)};
  if (!device.features.calibrated_timestamps) return;
  image.gpu_clock = true;
  image.gpu_finished = std::min(device.hostTime(at[kMarkEnd]), image.gpu_finished);
}

}  // namespace understudy::render
