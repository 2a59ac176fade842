#pragma once

#include <vulkan/vulkan.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "engine/core/result.h"
#include "engine/gpu/device.h"

namespace understudy::gpu {

/// Owner of one Vulkan handle that vkDestroy... takes. Empty after a move.
template <class Handle, void (*destroy)(VkDevice, Handle, const VkAllocationCallbacks*)>
class Owned {
 public:
  Owned() = default;
  Owned(VkDevice device, Handle handle) : device_(device), handle_(handle) {}
  Owned(Owned&& other) noexcept
      : device_(other.device_), handle_(std::exchange(other.handle_, Handle{})) {}
  Owned& operator=(Owned&& other) noexcept {
    std::swap(device_, other.device_);
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Owned() {
    if (handle_ != VK_NULL_HANDLE) destroy(device_, handle_, nullptr);
  }

  Handle get() const { return handle_; }
  /// Address for vkCreate...
  Handle* put(VkDevice device) {
    *this = Owned();
    device_ = device;
    return &handle_;
  }
  explicit operator bool() const { return handle_ != VK_NULL_HANDLE; }

 private:
  VkDevice device_ = VK_NULL_HANDLE;
  Handle handle_ = VK_NULL_HANDLE;
};

using Pipeline = Owned<VkPipeline, vkDestroyPipeline>;
using PipelineLayout = Owned<VkPipelineLayout, vkDestroyPipelineLayout>;
using DescriptorSetLayout = Owned<VkDescriptorSetLayout, vkDestroyDescriptorSetLayout>;
using DescriptorPool = Owned<VkDescriptorPool, vkDestroyDescriptorPool>;
using Sampler = Owned<VkSampler, vkDestroySampler>;
using Semaphore = Owned<VkSemaphore, vkDestroySemaphore>;
using CommandPool = Owned<VkCommandPool, vkDestroyCommandPool>;
using QueryPool = Owned<VkQueryPool, vkDestroyQueryPool>;
using ShaderModule = Owned<VkShaderModule, vkDestroyShaderModule>;

/// A buffer and its memory.
class Buffer {
 public:
  Buffer() = default;
  /// A shader's address is made where usage has VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT.
  static core::Result<Buffer> create(Device& device, VkDeviceSize size, VkBufferUsageFlags usage,
                                     MemoryUse use);
  /// A buffer over the program's own memory, which the device reads and writes in place: coherent,
  /// and aligned with its size to DeviceFeatures::host_memory_alignment. The memory outlives the
  /// buffer. Fails where the device cannot.
  static core::Result<Buffer> import(Device& device, std::span<std::byte> memory,
                                     VkBufferUsageFlags usage);
  Buffer(Buffer&& other) noexcept { swap(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Buffer();

  VkBuffer get() const { return handle_; }
  VkDeviceSize size() const { return size_; }
  VkDeviceAddress address() const { return address_; }
  /// Host address; null for MemoryUse::device where the host cannot see it.
  std::byte* mapped() const { return static_cast<std::byte*>(allocation_.mapped); }

 private:
  void swap(Buffer& other) noexcept;
  Device* device_ = nullptr;
  VkBuffer handle_ = VK_NULL_HANDLE;
  VkDeviceSize size_ = 0;
  VkDeviceAddress address_ = 0;
  Allocation allocation_;
  VkDeviceMemory imported_ = VK_NULL_HANDLE;
};

struct ImageSettings {
  std::uint32_t width = 1, height = 1;
  VkFormat format = VK_FORMAT_R8G8B8A8_UNORM;
  VkImageUsageFlags usage = 0;
  std::uint32_t samples = 1, mip_levels = 1;
};

/// A 2D image, its memory and a view of all its levels.
class Image {
 public:
  Image() = default;
  static core::Result<Image> create(Device& device, const ImageSettings& settings);
  Image(Image&& other) noexcept { swap(other); }
  Image& operator=(Image&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Image();

  VkImage get() const { return handle_; }
  VkImageView view() const { return view_; }
  const ImageSettings& settings() const { return settings_; }

 private:
  void swap(Image& other) noexcept;
  Device* device_ = nullptr;
  VkImage handle_ = VK_NULL_HANDLE;
  VkImageView view_ = VK_NULL_HANDLE;
  ImageSettings settings_;
  Allocation allocation_;
};

/// Copies bytes into a buffer through a staging buffer and waits.
core::Result<void> upload(Device& device, const Buffer& buffer, std::span<const std::byte> bytes);

/// Fills level 0 of an RGBA8 image, makes its other levels by halving, waits, and leaves it in
/// SHADER_READ_ONLY_OPTIMAL. The image's usage needs transfer source and destination.
core::Result<void> uploadImage(Device& device, const Image& image,
                               std::span<const std::byte> texels);

/// Fills each level of an image, level 0 first, waits, and leaves it in SHADER_READ_ONLY_OPTIMAL.
/// As many spans as the image has levels, each of its level's exact size. The image's usage needs
/// transfer destination.
core::Result<void> uploadLevels(Device& device, const Image& image,
                                std::span<const std::span<const std::byte>> levels);

/// Compiled SPIR-V as a module.
core::Result<ShaderModule> makeShader(Device& device, std::span<const std::uint32_t> words);

/// A memory barrier between two kinds of work.
struct Dependency {
  VkPipelineStageFlags2 after = 0;
  VkAccessFlags2 after_access = 0;
  VkPipelineStageFlags2 before = 0;
  VkAccessFlags2 before_access = 0;
};

void recordBarrier(VkCommandBuffer commands, const Dependency& dependency);

/// The same for one image, with its change of layout.
void recordBarrier(VkCommandBuffer commands, const Dependency& dependency, VkImage image,
                   VkImageLayout from, VkImageLayout to,
                   VkImageAspectFlags aspect = VK_IMAGE_ASPECT_COLOR_BIT);

/// Sets viewport and scissor to the whole target.
void recordViewport(VkCommandBuffer commands, std::uint32_t width, std::uint32_t height);

}  // namespace understudy::gpu
