#include "engine/gpu/resources.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cstring>

namespace understudy::gpu {

namespace {

VkDeviceAddress addressOf(const Device& device, VkBuffer buffer, VkBufferUsageFlags usage) {
  if ((usage & VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT) == 0) return 0;
  const VkBufferDeviceAddressInfo info{.sType = VK_STRUCTURE_TYPE_BUFFER_DEVICE_ADDRESS_INFO,
                                       .buffer = buffer};
  return vkGetBufferDeviceAddress(device.handle, &info);
}

// First memory type of these that the host need not flush; -1 = there is none.
int coherentType(const Device& device, std::uint32_t types) {
  VkPhysicalDeviceMemoryProperties memory{};
  vkGetPhysicalDeviceMemoryProperties(device.physical, &memory);
  for (std::uint32_t i = 0; i < memory.memoryTypeCount; ++i) {
    const bool coherent =
        (memory.memoryTypes[i].propertyFlags & VK_MEMORY_PROPERTY_HOST_COHERENT_BIT) != 0;
    if ((types & (1u << i)) != 0 && coherent) return static_cast<int>(i);
  }
  return -1;
}

}  // namespace

core::Result<Buffer> Buffer::create(Device& device, VkDeviceSize size, VkBufferUsageFlags usage,
                                    MemoryUse use) {
  Buffer buffer;
  buffer.device_ = &device;
  buffer.size_ = std::max<VkDeviceSize>(size, 16);
  const VkBufferCreateInfo info{
      .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO, .size = buffer.size_, .usage = usage};
  if (!device.check(vkCreateBuffer(device.handle, &info, nullptr, &buffer.handle_))) {
    return core::makeError(fmt::format("a buffer of {} bytes could not be made", buffer.size_));
  }
  VkMemoryRequirements needs{};
  vkGetBufferMemoryRequirements(device.handle, buffer.handle_, &needs);
  auto allocation = device.memory.allocate(needs, use, false);
  if (!allocation) return allocation.error();
  buffer.allocation_ = *allocation;
  if (!device.check(vkBindBufferMemory(device.handle, buffer.handle_, buffer.allocation_.memory,
                                       buffer.allocation_.offset))) {
    return core::makeError("a buffer could not be bound to its memory");
  }
  buffer.address_ = addressOf(device, buffer.handle_, usage);
  return buffer;
}

core::Result<Buffer> Buffer::import(Device& device, std::span<std::byte> memory,
                                    VkBufferUsageFlags usage) {
  const VkDeviceSize alignment = device.features.host_memory_alignment;
  const auto fails = [&](const char* why) {
    return core::makeError(
        fmt::format("{} bytes of memory cannot be shared with the device: {}", memory.size(), why));
  };
  if (alignment == 0) return fails("it does not support VK_EXT_external_memory_host");
  if (memory.empty() || memory.size() % alignment != 0 ||
      reinterpret_cast<std::uintptr_t>(memory.data()) % alignment != 0) {
    return fails("address and size are not whole multiples of the device's alignment");
  }
  Buffer buffer;
  buffer.device_ = &device;
  buffer.size_ = memory.size();
  const VkExternalMemoryBufferCreateInfo external{
      .sType = VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_BUFFER_CREATE_INFO,
      .handleTypes = VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT};
  const VkBufferCreateInfo info{.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
                                .pNext = &external,
                                .size = buffer.size_,
                                .usage = usage};
  if (!device.check(vkCreateBuffer(device.handle, &info, nullptr, &buffer.handle_)))
    return fails("no buffer could be made");
  VkMemoryRequirements needs{};
  vkGetBufferMemoryRequirements(device.handle, buffer.handle_, &needs);
  const int type =
      coherentType(device, needs.memoryTypeBits & device.hostMemoryTypes(memory.data()));
  if (type < 0 || needs.size > memory.size()) return fails("no kind of memory fits");
  const VkMemoryAllocateFlagsInfo flags{.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO,
                                        .flags = VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT};
  const VkImportMemoryHostPointerInfoEXT source{
      .sType = VK_STRUCTURE_TYPE_IMPORT_MEMORY_HOST_POINTER_INFO_EXT,
      .pNext = &flags,
      .handleType = VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT,
      .pHostPointer = memory.data()};
  const VkMemoryAllocateInfo allocate{.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
                                      .pNext = &source,
                                      .allocationSize = memory.size(),
                                      .memoryTypeIndex = static_cast<std::uint32_t>(type)};
  if (!device.check(vkAllocateMemory(device.handle, &allocate, nullptr, &buffer.imported_)) ||
      !device.check(vkBindBufferMemory(device.handle, buffer.handle_, buffer.imported_, 0))) {
    return fails("the driver refused it");
  }
  buffer.allocation_.mapped = memory.data();
  buffer.address_ = addressOf(device, buffer.handle_, usage);
  return buffer;
}

Buffer::~Buffer() {
  if (device_ == nullptr) return;
  if (handle_ != VK_NULL_HANDLE) vkDestroyBuffer(device_->handle, handle_, nullptr);
  if (imported_ != VK_NULL_HANDLE) {
    vkFreeMemory(device_->handle, imported_, nullptr);
  } else {
    device_->memory.free(allocation_);
  }
}

void Buffer::swap(Buffer& other) noexcept {
  std::swap(device_, other.device_);
  std::swap(handle_, other.handle_);
  std::swap(size_, other.size_);
  std::swap(address_, other.address_);
  std::swap(allocation_, other.allocation_);
  std::swap(imported_, other.imported_);
}

core::Result<Image> Image::create(Device& device, const ImageSettings& settings) {
  Image image;
  image.device_ = &device;
  image.settings_ = settings;
  const VkImageCreateInfo info{
      .sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
      .imageType = VK_IMAGE_TYPE_2D,
      .format = settings.format,
      .extent = {settings.width, settings.height, 1},
      .mipLevels = settings.mip_levels,
      .arrayLayers = 1,
      .samples = static_cast<VkSampleCountFlagBits>(settings.samples),
      .tiling = VK_IMAGE_TILING_OPTIMAL,
      .usage = settings.usage,
  };
  const auto failure = [&](const char* what) {
    return core::makeError(fmt::format("an image of {} x {} px could not be {}", settings.width,
                                       settings.height, what));
  };
  if (!device.check(vkCreateImage(device.handle, &info, nullptr, &image.handle_))) {
    return failure("made");
  }
  VkMemoryRequirements needs{};
  vkGetImageMemoryRequirements(device.handle, image.handle_, &needs);
  auto allocation = device.memory.allocate(needs, MemoryUse::device, true);
  if (!allocation) return allocation.error();
  image.allocation_ = *allocation;
  if (!device.check(vkBindImageMemory(device.handle, image.handle_, image.allocation_.memory,
                                      image.allocation_.offset))) {
    return failure("bound to its memory");
  }
  const bool is_depth = settings.format == VK_FORMAT_D32_SFLOAT;
  const VkImageViewCreateInfo view{
      .sType = VK_STRUCTURE_TYPE_IMAGE_VIEW_CREATE_INFO,
      .image = image.handle_,
      .viewType = VK_IMAGE_VIEW_TYPE_2D,
      .format = settings.format,
      .subresourceRange = {is_depth ? VkImageAspectFlags{VK_IMAGE_ASPECT_DEPTH_BIT}
                                    : VkImageAspectFlags{VK_IMAGE_ASPECT_COLOR_BIT},
                           0, settings.mip_levels, 0, 1},
  };
  if (!device.check(vkCreateImageView(device.handle, &view, nullptr, &image.view_))) {
    return failure("viewed");
  }
  return image;
}

Image::~Image() {
  if (device_ == nullptr) return;
  if (view_ != VK_NULL_HANDLE) vkDestroyImageView(device_->handle, view_, nullptr);
  if (handle_ != VK_NULL_HANDLE) vkDestroyImage(device_->handle, handle_, nullptr);
  device_->memory.free(allocation_);
}

void Image::swap(Image& other) noexcept {
  std::swap(device_, other.device_);
  std::swap(handle_, other.handle_);
  std::swap(view_, other.view_);
  std::swap(settings_, other.settings_);
  std::swap(allocation_, other.allocation_);
}

core::Result<void> upload(Device& device, const Buffer& buffer, std::span<const std::byte> bytes) {
  if (bytes.empty()) return {};
  auto staging =
      Buffer::create(device, bytes.size(), VK_BUFFER_USAGE_TRANSFER_SRC_BIT, MemoryUse::upload);
  if (!staging) return staging.error();
  std::memcpy(staging->mapped(), bytes.data(), bytes.size());
  return device.runOnce([&](VkCommandBuffer commands) {
    const VkBufferCopy region{.size = bytes.size()};
    vkCmdCopyBuffer(commands, staging->get(), buffer.get(), 1, &region);
  });
}

namespace {

/// Fills each level from the one before it; levels end in TRANSFER_SRC_OPTIMAL.
void recordMipLevels(VkCommandBuffer commands, const Image& image) {
  const ImageSettings& settings = image.settings();
  const auto toSource = [&](std::uint32_t level) {
    const VkImageMemoryBarrier2 barrier{
        .sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER_2,
        .srcStageMask = VK_PIPELINE_STAGE_2_ALL_TRANSFER_BIT,
        .srcAccessMask = VK_ACCESS_2_TRANSFER_WRITE_BIT,
        .dstStageMask = VK_PIPELINE_STAGE_2_ALL_TRANSFER_BIT,
        .dstAccessMask = VK_ACCESS_2_TRANSFER_READ_BIT,
        .oldLayout = VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL,
        .newLayout = VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL,
        .image = image.get(),
        .subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, level, 1, 0, 1},
    };
    const VkDependencyInfo info{.sType = VK_STRUCTURE_TYPE_DEPENDENCY_INFO,
                                .imageMemoryBarrierCount = 1,
                                .pImageMemoryBarriers = &barrier};
    vkCmdPipelineBarrier2(commands, &info);
  };
  const auto side = [](std::uint32_t size, std::uint32_t level) {
    return static_cast<std::int32_t>(std::max(1u, size >> level));
  };
  toSource(0);
  for (std::uint32_t level = 1; level < settings.mip_levels; ++level) {
    const VkImageBlit region{
        .srcSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, level - 1, 0, 1},
        .srcOffsets = {{0, 0, 0},
                       {side(settings.width, level - 1), side(settings.height, level - 1), 1}},
        .dstSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, level, 0, 1},
        .dstOffsets = {{0, 0, 0}, {side(settings.width, level), side(settings.height, level), 1}},
    };
    vkCmdBlitImage(commands, image.get(), VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL, image.get(),
                   VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, 1, &region, VK_FILTER_LINEAR);
    toSource(level);
  }
}

}  // namespace

core::Result<void> uploadImage(Device& device, const Image& image,
                               std::span<const std::byte> texels) {
  const ImageSettings& settings = image.settings();
  auto staging =
      Buffer::create(device, texels.size(), VK_BUFFER_USAGE_TRANSFER_SRC_BIT, MemoryUse::upload);
  if (!staging) return staging.error();
  std::memcpy(staging->mapped(), texels.data(), texels.size());
  return device.runOnce([&](VkCommandBuffer commands) {
    recordBarrier(commands,
                  {.before = VK_PIPELINE_STAGE_2_ALL_TRANSFER_BIT,
                   .before_access = VK_ACCESS_2_TRANSFER_WRITE_BIT},
                  image.get(), VK_IMAGE_LAYOUT_UNDEFINED, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL);
    const VkBufferImageCopy region{
        .imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1},
        .imageExtent = {settings.width, settings.height, 1},
    };
    vkCmdCopyBufferToImage(commands, staging->get(), image.get(),
                           VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, 1, &region);
    recordMipLevels(commands, image);
    recordBarrier(commands,
                  {.after = VK_PIPELINE_STAGE_2_ALL_TRANSFER_BIT,
                   .after_access = VK_ACCESS_2_TRANSFER_READ_BIT,
                   .before = VK_PIPELINE_STAGE_2_FRAGMENT_SHADER_BIT,
                   .before_access = VK_ACCESS_2_SHADER_SAMPLED_READ_BIT},
                  image.get(), VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL,
                  VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL);
  });
}

core::Result<void> uploadLevels(Device& device, const Image& image,
                                std::span<const std::span<const std::byte>> levels) {
  const ImageSettings& settings = image.settings();
  assert(levels.size() == settings.mip_levels && "a span for each level");
  VkDeviceSize bytes = 0;
  for (const auto& level : levels) bytes += level.size();
  auto staging = Buffer::create(device, bytes, VK_BUFFER_USAGE_TRANSFER_SRC_BIT, MemoryUse::upload);
  if (!staging) return staging.error();
  std::vector<VkBufferImageCopy> regions;
  VkDeviceSize offset = 0;
  for (std::uint32_t i = 0; i < levels.size(); ++i) {
    std::memcpy(staging->mapped() + offset, levels[i].data(), levels[i].size());
    regions.push_back({.bufferOffset = offset,
                       .imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, i, 0, 1},
                       .imageExtent = {std::max(1u, settings.width >> i),
                                       std::max(1u, settings.height >> i), 1}});
    offset += levels[i].size();
  }
  return device.runOnce([&](VkCommandBuffer commands) {
    recordBarrier(commands,
                  {.before = VK_PIPELINE_STAGE_2_ALL_TRANSFER_BIT,
                   .before_access = VK_ACCESS_2_TRANSFER_WRITE_BIT},
                  image.get(), VK_IMAGE_LAYOUT_UNDEFINED, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL);
    vkCmdCopyBufferToImage(commands, staging->get(), image.get(),
                           VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL,
                           static_cast<std::uint32_t>(regions.size()), regions.data());
    recordBarrier(commands,
                  {.after = VK_PIPELINE_STAGE_2_ALL_TRANSFER_BIT,
                   .after_access = VK_ACCESS_2_TRANSFER_WRITE_BIT,
                   .before = VK_PIPELINE_STAGE_2_FRAGMENT_SHADER_BIT,
                   .before_access = VK_ACCESS_2_SHADER_SAMPLED_READ_BIT},
                  image.get(), VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL,
                  VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL);
  });
}

core::Result<ShaderModule> makeShader(Device& device, std::span<const std::uint32_t> words) {
  const VkShaderModuleCreateInfo info{.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
                                      .codeSize = words.size_bytes(),
                                      .pCode = words.data()};
  ShaderModule shader;
  if (!device.check(
          vkCreateShaderModule(device.handle, &info, nullptr, shader.put(device.handle)))) {
    return core::makeError("a shader was refused by the graphics driver");
  }
  return shader;
}

void recordBarrier(VkCommandBuffer commands, const Dependency& dependency) {
  const VkMemoryBarrier2 barrier{
      .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER_2,
      .srcStageMask = dependency.after,
      .srcAccessMask = dependency.after_access,
      .dstStageMask = dependency.before,
      .dstAccessMask = dependency.before_access,
  };
  const VkDependencyInfo info{.sType = VK_STRUCTURE_TYPE_DEPENDENCY_INFO,
                              .memoryBarrierCount = 1,
                              .pMemoryBarriers = &barrier};
  vkCmdPipelineBarrier2(commands, &info);
}

void recordBarrier(VkCommandBuffer commands, const Dependency& dependency, VkImage image,
                   VkImageLayout from, VkImageLayout to, VkImageAspectFlags aspect) {
  const VkImageMemoryBarrier2 barrier{
      .sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER_2,
      .srcStageMask = dependency.after,
      .srcAccessMask = dependency.after_access,
      .dstStageMask = dependency.before,
      .dstAccessMask = dependency.before_access,
      .oldLayout = from,
      .newLayout = to,
      .image = image,
      .subresourceRange = {aspect, 0, VK_REMAINING_MIP_LEVELS, 0, VK_REMAINING_ARRAY_LAYERS},
  };
  const VkDependencyInfo info{.sType = VK_STRUCTURE_TYPE_DEPENDENCY_INFO,
                              .imageMemoryBarrierCount = 1,
                              .pImageMemoryBarriers = &barrier};
  vkCmdPipelineBarrier2(commands, &info);
}

void recordViewport(VkCommandBuffer commands, std::uint32_t width, std::uint32_t height) {
  const VkViewport viewport{0.0f, 0.0f, static_cast<float>(width), static_cast<float>(height),
                            0.0f, 1.0f};
  const VkRect2D scissor{{0, 0}, {width, height}};
  vkCmdSetViewport(commands, 0, 1, &viewport);
  vkCmdSetScissor(commands, 0, 1, &scissor);
}

}  // namespace understudy::gpu
