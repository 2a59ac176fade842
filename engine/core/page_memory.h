#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <span>

namespace understudy::core {

/// Zeroed memory that fills whole pages, so that devices can read it in place. It stays where it
/// is when the owner is moved.
class PageMemory {
 public:
  static constexpr std::size_t kAlignment = 65536;  ///< The most that a Vulkan device asks for.

  PageMemory() = default;
  /// At least that many bytes; rounded up to whole multiples of kAlignment.
  explicit PageMemory(std::size_t bytes)
      : size_((bytes + kAlignment - 1) / kAlignment * kAlignment),
        memory_(static_cast<std::byte*>(std::aligned_alloc(kAlignment, size_))) {
    if (memory_ == nullptr && size_ > 0) throw std::bad_alloc();
    std::memset(memory_.get(), 0, size_);
  }

  std::span<std::byte> bytes() const { return {memory_.get(), size_}; }

 private:
  struct Free {
    void operator()(std::byte* memory) const { std::free(memory); }
  };
  std::size_t size_ = 0;
  std::unique_ptr<std::byte, Free> memory_;
};

}  // namespace understudy::core
