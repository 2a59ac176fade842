#pragma once

#include <vulkan/vulkan.h>

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

#include "engine/core/result.h"

namespace understudy::gpu {

/// A piece of device memory.
struct Allocation {
  VkDeviceMemory memory = VK_NULL_HANDLE;
  VkDeviceSize offset = 0, size = 0;
  void* mapped = nullptr;   ///< Host address of the piece; null where the host cannot see it.
  std::uint32_t block = 0;  ///< Index in the pool.
};

/// What the memory is for; decides the memory type.
enum class MemoryUse : std::uint8_t {
  device,    ///< Read and written by the GPU.
  upload,    ///< Written by the host, read by the GPU: mapped, coherent, near the GPU if possible.
  readback,  ///< Written by the GPU, read by the host: mapped, coherent, cached if possible.
};

/// Hands out pieces of large blocks, first fit; buffers and images live in separate blocks. Any
/// thread; not for the loop.
class MemoryPool {
 public:
  void init(VkPhysicalDevice physical, VkDevice device);
  /// Gives all blocks back; every piece must have been freed.
  void destroy();

  core::Result<Allocation> allocate(const VkMemoryRequirements& needs, MemoryUse use, bool image);
  void free(const Allocation& allocation);

  /// Bytes handed out at present, and bytes of all blocks.
  VkDeviceSize usedBytes() const;
  VkDeviceSize reservedBytes() const;

 private:
  struct Gap {
    VkDeviceSize offset, size;
  };
  struct Block {
    VkDeviceMemory memory = VK_NULL_HANDLE;
    VkDeviceSize size = 0;
    std::uint32_t type = 0;
    bool image = false;
    void* mapped = nullptr;
    std::vector<Gap> gaps;  ///< Sorted by offset, never adjacent.
  };
  int findType(std::uint32_t allowed, MemoryUse use) const;
  core::Result<std::uint32_t> addBlock(std::uint32_t type, VkDeviceSize size, bool image);
  static bool take(Block& block, VkDeviceSize size, VkDeviceSize alignment, VkDeviceSize& offset);

  VkDevice device_ = VK_NULL_HANDLE;
  VkPhysicalDeviceMemoryProperties properties_{};
  mutable std::mutex mutex_;
  std::vector<Block> blocks_;
  VkDeviceSize used_ = 0;
};

}  // namespace understudy::gpu
