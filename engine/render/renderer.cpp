#include "engine/render/renderer.h"

#include <algorithm>
#include <cassert>

#include "engine/render/renderer_impl.h"

namespace understudy::render {

Renderer::Renderer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Renderer::~Renderer() = default;

core::Result<std::unique_ptr<Renderer>> Renderer::create(gpu::Device& device,
                                                         const RenderSettings& settings) {
  auto impl = std::make_unique<Impl>(device, settings);
  if (auto made = impl->create(); !made) return made.error();
  return std::unique_ptr<Renderer>(new Renderer(std::move(impl)));
}

core::Result<ModelId> Renderer::addModel(const scene::Character& character) {
  Impl& self = *impl_;
  const ModelContext context{.device = self.device,
                             .material_layout = self.pipelines.material_layout.get(),
                             .sampler = self.texture_sampler.get(),
                             .white = self.white,
                             .flat_normal = self.flat_normal};
  auto model = makeModel(context, character);
  if (!model) return model.error();
  self.models.push_back(std::move(*model));
  return static_cast<ModelId>(self.models.size() - 1);
}

core::Result<void> Renderer::setCast(std::span<const ModelId> models) {
  return impl_->setCast(models);
}

core::Result<void> Renderer::setEnvironment(const scene::Environment& environment) {
  if (auto done = impl_->setEnvironment(environment); !done) return done;
  for (FrameSlot& slot : impl_->slots) {
    impl_->writeSlotSet(slot);
    slot.recorded.reset();
  }
  return {};
}

std::size_t Renderer::jointCount(ModelId model) const { return impl_->models[model].shapes.size(); }

core::Result<void> Renderer::resize(std::uint32_t width_px, std::uint32_t height_px) {
  Impl& self = *impl_;
  if (width_px == self.settings.width_px && height_px == self.settings.height_px) return {};
  RenderSettings settings = self.settings;
  settings.width_px = width_px;
  settings.height_px = height_px;
  if (auto fine = check(settings); !fine) return fine;
  self.device.waitIdle();
  self.settings = settings;
  if (auto done = self.createTargets(); !done) return done;
  self.writeToneSet();
  for (FrameSlot& slot : self.slots) slot.recorded.reset();
  return self.resizeReadback();
}

bool Renderer::beginFrame(const FrameOptions& options) {
  Impl& self = *impl_;
  assert(!self.recording && "submit the frame before");
  self.open = self.frame % self.slots.size();
  FrameSlot& slot = self.slots[self.open];
  if (!self.waitFor(slot.submitted)) return false;
  self.retired.reset();
  if (slot.submitted > 0) {
    self.collect(slot);
    self.retired = slot.image;
  }
  vkResetQueryPool(self.device.handle, slot.queries.get(), 0, kMarkCount);
  if (!self.recordFrame(slot, {.characters = options.characters,
                               .grid = options.grid,
                               .lamps = options.lamps,
                               .sequence_strip = options.sequence_strip})) {
    return false;
  }
  self.recording = true;
  self.latched = false;
  slot.has_tail = false;
  slot.has_readback = options.readback;
  slot.has_linear = options.linear_readback && self.settings.linear_readback;
  if (options.readback) self.recordReadback(slot);
  if (slot.has_linear) self.recordLinearReadback(slot);
  return true;
}

const std::optional<RenderedImage>& Renderer::retired() const { return impl_->retired; }

VkCommandBuffer Renderer::commands() { return impl_->openTail(impl_->slots[impl_->open]); }

void Renderer::followPoses(const gpu::Buffer* memory) { impl_->pose_memory = memory; }

void Renderer::followCamera(const gpu::Buffer* memory) { impl_->camera_memory = memory; }

void Renderer::latch(const FrameContent& content) {
  Impl& self = *impl_;
  assert((self.recording || self.gateClosed()) && "beginFrame first");
  FrameSlot& slot = self.slots[self.open];
  assert((content.lights.empty() || (slot.recorded && slot.recorded->lamps)) &&
         "FrameOptions::lamps");
  slot.image.latched = core::Clock::now();
  if (!content.newest || self.pose_memory == nullptr) self.latchPoses(slot, content);
  self.latchInput(slot, content);
  self.latchLights(slot, content);
  self.latchOverlay(slot, content);
  self.latched = true;
}

bool Renderer::openGate() { return impl_->openGate(); }

bool Renderer::submit(const SubmitLinks& links) {
  Impl& self = *impl_;
  if (!self.recording) return false;
  assert((self.latched || links.gated) && "latch what the frame shows before it is sent");
  self.recording = false;
  FrameSlot& slot = self.slots[self.open];
  if (slot.has_tail) {
    self.mark(slot, slot.tail, kMarkEnd);
    self.recordTimes(slot, slot.tail, kMarkEnd, kMarkEnd);
    if (!self.device.check(vkEndCommandBuffer(slot.tail))) return false;
  }
  const std::uint64_t value = ++self.frame;
  const VkCommandBufferSubmitInfo commands[] = {
      {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_SUBMIT_INFO, .commandBuffer = slot.scene},
      {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_SUBMIT_INFO, .commandBuffer = slot.tail}};
  VkSemaphoreSubmitInfo waits[2];
  std::uint32_t wait_count = 0;
  if (links.wait != VK_NULL_HANDLE) {
    waits[wait_count++] = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_SUBMIT_INFO,
                           .semaphore = links.wait,
                           .stageMask = VK_PIPELINE_STAGE_2_ALL_TRANSFER_BIT |
                                        VK_PIPELINE_STAGE_2_COLOR_ATTACHMENT_OUTPUT_BIT};
  }
  if (links.gated) {
    waits[wait_count++] = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_SUBMIT_INFO,
                           .semaphore = self.gate.get(),
                           .value = value,
                           .stageMask = VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT};
  }
  const VkSemaphoreSubmitInfo signals[] = {{.sType = VK_STRUCTURE_TYPE_SEMAPHORE_SUBMIT_INFO,
                                            .semaphore = self.timeline.get(),
                                            .value = value,
                                            .stageMask = VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT},
                                           {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_SUBMIT_INFO,
                                            .semaphore = links.signal,
                                            .stageMask = VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT}};
  const VkSubmitInfo2 submit{.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO_2,
                             .waitSemaphoreInfoCount = wait_count,
                             .pWaitSemaphoreInfos = waits,
                             .commandBufferInfoCount = slot.has_tail ? 2u : 1u,
                             .pCommandBufferInfos = commands,
                             .signalSemaphoreInfoCount = links.signal != VK_NULL_HANDLE ? 2u : 1u,
                             .pSignalSemaphoreInfos = signals};
  const bool sent =
      self.device.check(vkQueueSubmit2(self.device.queue, 1, &submit, VK_NULL_HANDLE));
  if (!sent) {
    --self.frame;
    return false;
  }
  slot.submitted = value;
  if (links.gated) self.gated = value;
  slot.image.frame = value;
  slot.image.width_px = self.settings.width_px;
  slot.image.height_px = self.settings.height_px;
  slot.image.submitted = core::Clock::now();
  return true;
}

bool Renderer::finished() const {
  const Impl& self = *impl_;
  std::uint64_t value = 0;
  return self.device.check(
             vkGetSemaphoreCounterValue(self.device.handle, self.timeline.get(), &value)) &&
         value >= self.frame;
}

std::optional<RenderedImage> Renderer::wait() {
  Impl& self = *impl_;
  assert(!self.gateClosed() && "open the gate first");
  if (self.frame == 0 || !self.waitFor(self.frame)) return std::nullopt;
  FrameSlot& slot = self.slots[(self.frame - 1) % self.slots.size()];
  self.collect(slot);
  return slot.image;
}

std::optional<RenderedImage> Renderer::render(const FrameContent& content, FrameOptions options) {
  options.readback = true;
  options.lamps = options.lamps || !content.lights.empty();
  if (!beginFrame(options)) return std::nullopt;
  latch(content);
  if (!submit()) return std::nullopt;
  return wait();
}

VkImage Renderer::image() const { return impl_->targets.color.get(); }
VkImageView Renderer::imageView() const { return impl_->targets.color.view(); }
std::uint32_t Renderer::widthPx() const { return impl_->settings.width_px; }
std::uint32_t Renderer::heightPx() const { return impl_->settings.height_px; }

void Renderer::Impl::collect(FrameSlot& slot) {
  if (slot.collected == slot.submitted) return;
  slot.collected = slot.submitted;
  readRecord(slot);
  readTimes(slot);
  slot.image.rgba = {};
  if (slot.has_readback) {
    slot.image.rgba = {reinterpret_cast<const std::uint8_t*>(slot.readback.mapped()),
                       std::size_t{4} * slot.image.width_px * slot.image.height_px};
  }
  slot.image.linear = {};
  if (slot.has_linear) {
    slot.image.linear = {reinterpret_cast<const std::uint16_t*>(slot.linear_readback.mapped()),
                         std::size_t{4} * slot.image.width_px * slot.image.height_px};
  }
}

bool Renderer::Impl::openGate() {
  if (!gateClosed()) return true;
  const VkSemaphoreSignalInfo info{
      .sType = VK_STRUCTURE_TYPE_SEMAPHORE_SIGNAL_INFO, .semaphore = gate.get(), .value = gated};
  opened = gated;
  return device.check(vkSignalSemaphore(device.handle, &info));
}

}  // namespace understudy::render
