#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

namespace understudy::take {

/// Records of bytes from one thread to another, without locks: one thread pushes, one pops. A full
/// ring refuses; nothing is overwritten.
class ByteRing {
 public:
  /// Holds at least `bytes`, which are touched at once.
  explicit ByteRing(std::size_t bytes)
      : bytes_(std::bit_ceil(std::max<std::size_t>(bytes, 4096))), mask_(bytes_.size() - 1) {}

  /// Keeps head and body as one record; false if there is no room.
  bool push(std::span<const std::byte> head, std::span<const std::byte> body) {
    const auto size = static_cast<std::uint32_t>(head.size() + body.size());
    const std::uint64_t tail = tail_.load(std::memory_order_relaxed);
    const std::uint64_t used = tail - head_.load(std::memory_order_acquire);
    if (used + sizeof size + size > bytes_.size()) return false;
    write(tail, std::as_bytes(std::span(&size, 1)));
    write(tail + sizeof size, head);
    write(tail + sizeof size + head.size(), body);
    tail_.store(tail + sizeof size + size, std::memory_order_release);
    return true;
  }

  /// Moves the oldest record into `record`; false if there is none.
  bool pop(std::vector<std::byte>& record) {
    const std::uint64_t head = head_.load(std::memory_order_relaxed);
    if (head == tail_.load(std::memory_order_acquire)) return false;
    std::uint32_t size = 0;
    read(head, std::as_writable_bytes(std::span(&size, 1)));
    record.resize(size);
    read(head + sizeof size, record);
    head_.store(head + sizeof size + size, std::memory_order_release);
    return true;
  }

 private:
  void write(std::uint64_t at, std::span<const std::byte> from) {
    const std::size_t start = at & mask_, first = std::min(from.size(), bytes_.size() - start);
    std::copy_n(from.begin(), first, bytes_.begin() + static_cast<std::ptrdiff_t>(start));
    std::copy(from.begin() + static_cast<std::ptrdiff_t>(first), from.end(), bytes_.begin());
  }
  void read(std::uint64_t at, std::span<std::byte> to) const {
    const std::size_t start = at & mask_, first = std::min(to.size(), bytes_.size() - start);
    std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(start), first, to.begin());
    std::copy_n(bytes_.begin(), to.size() - first, to.begin() + static_cast<std::ptrdiff_t>(first));
  }

  std::vector<std::byte> bytes_;
  std::size_t mask_;
  // Each on a cache line of its own: the threads do not disturb each other.
  alignas(64) std::atomic<std::uint64_t> head_{0};
  alignas(64) std::atomic<std::uint64_t> tail_{0};
};

}  // namespace understudy::take
