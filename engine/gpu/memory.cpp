#include "engine/gpu/memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>

namespace understudy::gpu {

namespace {

constexpr VkDeviceSize kBlockBytes = VkDeviceSize{32} << 20;
constexpr VkMemoryPropertyFlags kMapped =
    VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;

VkDeviceSize alignUp(VkDeviceSize value, VkDeviceSize alignment) {
  return (value + alignment - 1) / alignment * alignment;
}

}  // namespace

void MemoryPool::init(VkPhysicalDevice physical, VkDevice device) {
  device_ = device;
  vkGetPhysicalDeviceMemoryProperties(physical, &properties_);
}

void MemoryPool::destroy() {
  assert(used_ == 0 && "buffers and images must go before their device");
  for (const Block& block : blocks_) {
    if (block.memory != VK_NULL_HANDLE) vkFreeMemory(device_, block.memory, nullptr);
  }
  blocks_.clear();
}

int MemoryPool::findType(std::uint32_t allowed, MemoryUse use) const {
  VkMemoryPropertyFlags required = 0, wanted = 0;
  switch (use) {
    case MemoryUse::device:
      wanted = VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT;
      break;
    case MemoryUse::upload:
      required = kMapped;
      wanted = VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT;
      break;
    case MemoryUse::readback:
      required = kMapped;
      wanted = VK_MEMORY_PROPERTY_HOST_CACHED_BIT;
      break;
  }
  int fallback = -1;
  for (std::uint32_t i = 0; i < properties_.memoryTypeCount; ++i) {
    const VkMemoryPropertyFlags flags = properties_.memoryTypes[i].propertyFlags;
    if ((allowed & (1u << i)) == 0 || (flags & required) != required) continue;
    // The small host-visible window of a card without a resizable BAR is left to palettes.
    if ((flags & wanted) == wanted) return static_cast<int>(i);
    if (fallback < 0) fallback = static_cast<int>(i);
  }
  return fallback;
}

bool MemoryPool::take(Block& block, VkDeviceSize size, VkDeviceSize alignment,
                      VkDeviceSize& offset) {
  for (std::size_t i = 0; i < block.gaps.size(); ++i) {
    const Gap gap = block.gaps[i];
    const VkDeviceSize start = alignUp(gap.offset, alignment);
    if (start + size > gap.offset + gap.size) continue;
    block.gaps.erase(block.gaps.begin() + static_cast<std::ptrdiff_t>(i));
    const VkDeviceSize end = start + size, gap_end = gap.offset + gap.size;
    auto at = block.gaps.begin() + static_cast<std::ptrdiff_t>(i);
    if (end < gap_end) at = block.gaps.insert(at, Gap{end, gap_end - end});
    if (start > gap.offset) block.gaps.insert(at, Gap{gap.offset, start - gap.offset});
    offset = start;
    return true;
  }
  return false;
}

core::Result<std::uint32_t> MemoryPool::addBlock(std::uint32_t type, VkDeviceSize size,
                                                 bool image) {
  Block block{.size = size, .type = type, .image = image};
  const VkMemoryAllocateFlagsInfo flags{
      .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO,
      .flags = VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT,
  };
  const VkMemoryAllocateInfo info{
      .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
      .pNext = image ? nullptr : &flags,
      .allocationSize = size,
      .memoryTypeIndex = type,
  };
  const VkDeviceSize heap = properties_.memoryHeaps[properties_.memoryTypes[type].heapIndex].size;
  if (size > heap || vkAllocateMemory(device_, &info, nullptr, &block.memory) != VK_SUCCESS) {
    return core::makeError(
        fmt::format("graphics memory is full: {} MiB more were refused by the device; make the "
                    "image smaller or load fewer characters",
                    size >> 20));
  }
  const bool visible = (properties_.memoryTypes[type].propertyFlags & kMapped) == kMapped;
  if (visible &&
      vkMapMemory(device_, block.memory, 0, VK_WHOLE_SIZE, 0, &block.mapped) != VK_SUCCESS) {
    vkFreeMemory(device_, block.memory, nullptr);
    return core::makeError("graphics memory could not be mapped into the program's memory");
  }
  block.gaps.push_back({0, size});
  for (std::uint32_t i = 0; i < blocks_.size(); ++i) {
    if (blocks_[i].memory == VK_NULL_HANDLE) {
      blocks_[i] = std::move(block);
      return i;
    }
  }
  blocks_.push_back(std::move(block));
  return static_cast<std::uint32_t>(blocks_.size() - 1);
}

core::Result<Allocation> MemoryPool::allocate(const VkMemoryRequirements& needs, MemoryUse use,
                                              bool image) {
  const std::lock_guard lock(mutex_);
  const int found = findType(needs.memoryTypeBits, use);
  if (found < 0) return core::makeError("the device has no memory of the kind that is needed");
  const auto type = static_cast<std::uint32_t>(found);
  VkDeviceSize offset = 0;
  std::uint32_t index = 0;
  for (; index < blocks_.size(); ++index) {
    Block& block = blocks_[index];
    if (block.memory == VK_NULL_HANDLE || block.type != type || block.image != image) continue;
    if (take(block, needs.size, needs.alignment, offset)) break;
  }
  if (index == blocks_.size()) {
    auto added = addBlock(type, std::max(kBlockBytes, needs.size), image);
    if (!added) return added.error();
    index = *added;
    if (!take(blocks_[index], needs.size, needs.alignment, offset)) {
      return core::makeError("graphics memory could not be divided");
    }
  }
  const Block& block = blocks_[index];
  used_ += needs.size;
  return Allocation{
      .memory = block.memory,
      .offset = offset,
      .size = needs.size,
      .mapped = block.mapped == nullptr ? nullptr : static_cast<std::byte*>(block.mapped) + offset,
      .block = index,
  };
}

void MemoryPool::free(const Allocation& allocation) {
  if (allocation.memory == VK_NULL_HANDLE) return;
  const std::lock_guard lock(mutex_);
  Block& block = blocks_[allocation.block];
  used_ -= allocation.size;
  auto next = std::find_if(block.gaps.begin(), block.gaps.end(),
                           [&](const Gap& gap) { return gap.offset > allocation.offset; });
  next = block.gaps.insert(next, Gap{allocation.offset, allocation.size});
  for (std::size_t i = 0; i + 1 < block.gaps.size();) {
    Gap& gap = block.gaps[i];
    // The bytes skipped for alignment were returned as gaps of their own, so neighbours touch.
    if (gap.offset + gap.size == block.gaps[i + 1].offset) {
      gap.size += block.gaps[i + 1].size;
      block.gaps.erase(block.gaps.begin() + static_cast<std::ptrdiff_t>(i) + 1);
    } else {
      ++i;
    }
  }
  if (block.gaps.size() == 1 && block.gaps[0].size == block.size) {
    vkFreeMemory(device_, block.memory, nullptr);
    block = Block{};
  }
}

VkDeviceSize MemoryPool::usedBytes() const {
  const std::lock_guard lock(mutex_);
  return used_;
}

VkDeviceSize MemoryPool::reservedBytes() const {
  const std::lock_guard lock(mutex_);
  VkDeviceSize sum = 0;
  for (const Block& block : blocks_) sum += block.size;
  return sum;
}

}  // namespace understudy::gpu
