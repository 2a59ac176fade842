#include <algorithm>
#include <cassert>
#include <chrono>
#include <cmath>
#include <cstring>

#include "engine/render/renderer_impl.h"
#include "shaders/shared/latch.h"

namespace understudy::render {

namespace {

const glm::vec3 kToKey = glm::normalize(glm::vec3(-0.55f, 0.90f, 0.606f));
const glm::vec3 kKeyColor(3.55f, 3.30f, 2.98f);
const glm::vec3 kFloorAmbient(0.36f, 0.375f, 0.395f);
constexpr float kKeyTangent = 0.055f;
constexpr float kExposure = 0.92f;

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

// The pose that the caller gives is put where the GPU takes poses from.
void Renderer::Impl::latchPoses(FrameSlot& slot, const FrameContent& content) {
  published.clear();
  for (std::size_t i = 0; i < cast.size(); ++i) {
    anim::PublishedSubject subject{.presence = 1.0f};
    if (i < content.presence.size()) subject.presence = content.presence[i];
    if (i < content.palettes.size()) subject.world_from_bind = content.palettes[i];
    assert((subject.world_from_bind.empty() ||
            subject.world_from_bind.size() == cast[i].joint_count) &&
           "palette of another model");
    if (subject.world_from_bind.size() != cast[i].joint_count) subject.world_from_bind = {};
    published.push_back(subject);
  }
  slot.poses->publish({.sequence = content.sequence, .exposed = content.exposed}, published);
}

void Renderer::Impl::latchInput(FrameSlot& slot, const FrameContent& content) {
  const scene::View& view = content.view;
  const float aspect =
      static_cast<float>(settings.width_px) / static_cast<float>(settings.height_px);
  const float tangent = std::tan(0.5f * view.vertical_fov);
  const glm::mat4 view_from_world = scene::viewFromWorld(view);
  const glm::mat3 world_from_view = glm::transpose(glm::mat3(view_from_world));
  const glm::mat4 clip_from_view = scene::clipFromView(view, aspect);
  const glm::vec3 light_right = glm::normalize(glm::cross(glm::vec3(0.0f, 0.0f, -1.0f), kToKey));
  const bool newest = content.newest && pose_memory != nullptr;
  const auto seen =
      static_cast<std::uint64_t>(std::chrono::nanoseconds(content.seen.time_since_epoch()).count());
  const shaders::LatchInput input{
      .poses = newest ? pose_memory->address() : slot.own_poses.address(),
      .cameras = camera_memory != nullptr ? camera_memory->address() : VkDeviceAddress{0},
      .follow_camera = content.tracked_camera && camera_memory != nullptr ? 1u : 0u,
      .member_count = static_cast<std::uint32_t>(cast.size()),
      .joint_count = joint_count,
      .shadow_size_px = settings.quality.shadow_size_px,
      .seen_low = static_cast<std::uint32_t>(seen),
      .seen_high = static_cast<std::uint32_t>(seen >> 32),
      .clip_from_view = clip_from_view,
      .tangents = {tangent * aspect, tangent},
      .light_right = light_right,
      .light_up = glm::cross(kToKey, light_right),
      .frame = {.clip_from_world = clip_from_view * view_from_world,
                .shadow_from_world = glm::mat4(1.0f),
                .eye = view.eye,
                .exposure = kExposure,
                .view_right = world_from_view[0] * (tangent * aspect),
                .pixel_tangent = 2.0f * tangent / static_cast<float>(settings.height_px),
                .view_up = world_from_view[1] * tangent,
                .shadow_metres = 1.0f,
                .view_forward = -world_from_view[2],
                .shadow_range = 1.0f,
                .to_key = kToKey,
                .key_tangent = kKeyTangent,
                .key_color = kKeyColor,
                .floor_reflection = settings.quality.floor_reflection ? 1.0f : 0.0f,
                .size_px = {settings.width_px, settings.height_px},
                .shadow_taps = settings.quality.shadow_taps,
                .floor_ambient = kFloorAmbient}};
  std::memcpy(slot.input.mapped(), &input, sizeof input);
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

void Renderer::Impl::readRecord(FrameSlot& slot) {
  shaders::LatchRecord record;
  std::memcpy(&record, slot.record.mapped(), sizeof record);
  RenderedImage& image = slot.image;
  const auto join = [](std::uint32_t low, std::uint32_t high) {
    return std::uint64_t{high} << 32 | low;
  };
  image.sequence = join(record.sequence_low, record.sequence_high);
  image.publication = record.number;
  image.camera_publication = record.camera_number;
  image.exposed = core::Time(
      core::Duration(static_cast<std::int64_t>(join(record.exposed_low, record.exposed_high))));
  image.abandoned = record.abandoned != 0;
}

void Renderer::Impl::readTimes(FrameSlot& slot) {
  RenderedImage& image = slot.image;
  image.gpu = {};
  image.gpu_clock = false;
  image.gpu_finished = core::Clock::now();
  if (!device.features.timestamps) return;
  const Mark last = slot.has_tail ? kMarkEnd : kMarkToned;
  std::uint64_t at[kMarkCount] = {};
  std::memcpy(at, slot.times.mapped(), sizeof at);
  const double tick_us = static_cast<double>(device.properties.limits.timestampPeriod) * 1e-3;
  const auto span = [&](Mark from, Mark to) {
    return at[to] > at[from] ? static_cast<double>(at[to] - at[from]) * tick_us : 0.0;
  };
  image.gpu = {.latch_us = span(kMarkBegin, kMarkLatched),
               .skin_us = span(kMarkLatched, kMarkSkinned),
               .contact_us = span(kMarkSkinned, kMarkContact),
               .shadow_us = span(kMarkContact, kMarkShadowed),
               .scene_us = span(kMarkShadowed, kMarkShaded),
               .tone_us = span(kMarkShaded, kMarkToned),
               .tail_us = slot.has_tail ? span(kMarkToned, kMarkEnd) : 0.0,
               .total_us = span(kMarkBegin, last)};
  if (!device.features.calibrated_timestamps) return;
  image.gpu_clock = true;
  image.latched = std::min(device.hostTime(at[kMarkLatched]), image.gpu_finished);
  image.gpu_finished = std::clamp(device.hostTime(at[last]), image.latched, image.gpu_finished);
}

}  // namespace understudy::render
