#include "engine/gpu/device.h"

#include <doctest/doctest.h>

#include <cstring>
#include <random>
#include <vector>

#include "engine/gpu/resources.h"
#include "tests/support/gpu.h"

using namespace understudy;

TEST_SUITE("gpu/device") {
  TEST_CASE("a device that nobody has is refused with the reason for each one seen") {
    test::CheckedDevice any;
    if (!any) return;
    const auto none = gpu::Device::create({.name = "no such card"});
    REQUIRE_FALSE(none);
    CHECK(none.error().message.find(any->name) != std::string::npos);
    CHECK(none.error().message.find("no such card") != std::string::npos);
    CHECK(none.error().message.find('\n') == std::string::npos);
  }

  TEST_CASE("software devices can be refused") {
    test::CheckedDevice any;
    if (!any || !any->features.software) return;
    const auto hard = gpu::Device::create({.allow_software = false});
    if (hard) return;  // A machine with a card beside the software device.
    CHECK(hard.error().message.find("software") != std::string::npos);
  }

  TEST_CASE("bytes that were uploaded come back") {
    test::CheckedDevice device;
    if (!device) return;
    std::vector<std::byte> bytes(100'003);
    std::mt19937 random(5);
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random() & 255u);
    auto source = gpu::Buffer::create(
        *device, bytes.size(), VK_BUFFER_USAGE_TRANSFER_DST_BIT | VK_BUFFER_USAGE_TRANSFER_SRC_BIT,
        gpu::MemoryUse::device);
    auto back = gpu::Buffer::create(*device, bytes.size(), VK_BUFFER_USAGE_TRANSFER_DST_BIT,
                                    gpu::MemoryUse::readback);
    REQUIRE(source);
    REQUIRE(back);
    REQUIRE(gpu::upload(*device, *source, bytes));
    REQUIRE(device->runOnce([&](VkCommandBuffer commands) {
      const VkBufferCopy region{.size = bytes.size()};
      vkCmdCopyBuffer(commands, source->get(), back->get(), 1, &region);
    }));
    CHECK(std::memcmp(back->mapped(), bytes.data(), bytes.size()) == 0);
  }

  TEST_CASE("a mistake is counted and its text can be read") {
    auto made = gpu::Device::create({.validation = true});
    if (!made) return;
    gpu::Device& device = **made;
    // The destination was not made to be copied to.
    auto source =
        gpu::Buffer::create(device, 64, VK_BUFFER_USAGE_TRANSFER_SRC_BIT, gpu::MemoryUse::device);
    auto target =
        gpu::Buffer::create(device, 64, VK_BUFFER_USAGE_VERTEX_BUFFER_BIT, gpu::MemoryUse::device);
    REQUIRE(source);
    REQUIRE(target);
    (void)device.runOnce([&](VkCommandBuffer commands) {
      const VkBufferCopy region{.size = 32};
      vkCmdCopyBuffer(commands, source->get(), target->get(), 1, &region);
    });
    REQUIRE(device.messageCount() > 0);
    CHECK_FALSE(device.messages().front().empty());
  }

  TEST_CASE("a lost device is a state, and the first failure is kept") {
    auto made = gpu::Device::create();
    if (!made) return;
    gpu::Device& device = **made;
    CHECK(device.check(VK_SUCCESS));
    CHECK_FALSE(device.lost());
    CHECK_FALSE(device.check(VK_ERROR_OUT_OF_HOST_MEMORY));
    CHECK_FALSE(device.lost());
    CHECK_FALSE(device.check(VK_ERROR_DEVICE_LOST));
    CHECK(device.lost());
    CHECK(device.firstFailure().find("out of memory") != std::string::npos);
    CHECK(device.firstFailure().find("device_test.cpp:") != std::string::npos);
  }

  TEST_CASE("a GPU instant on the host's clock lies between the host's instants around it") {
    test::CheckedDevice device;
    if (!device || !device->features.calibrated_timestamps) return;
    gpu::QueryPool pool;
    const VkQueryPoolCreateInfo info{.sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO,
                                     .queryType = VK_QUERY_TYPE_TIMESTAMP,
                                     .queryCount = 1};
    REQUIRE(
        device->check(vkCreateQueryPool(device->handle, &info, nullptr, pool.put(device->handle))));
    vkResetQueryPool(device->handle, pool.get(), 0, 1);
    const core::Time before = core::Clock::now();
    REQUIRE(device->runOnce([&](VkCommandBuffer commands) {
      vkCmdWriteTimestamp2(commands, VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT, pool.get(), 0);
    }));
    const core::Time after = core::Clock::now();
    std::uint64_t stamp = 0;
    REQUIRE(device->check(vkGetQueryPoolResults(device->handle, pool.get(), 0, 1, 8, &stamp, 8,
                                                VK_QUERY_RESULT_64_BIT)));
    const auto slack = std::chrono::microseconds(200);
    CHECK(device->hostTime(stamp) > before - slack);
    CHECK(device->hostTime(stamp) < after + slack);
  }
}

TEST_SUITE("gpu/memory") {
  TEST_CASE("pieces never overlap, respect their alignment and all come back") {
    test::CheckedDevice device;
    if (!device) return;
    const VkDeviceSize used = device->memory.usedBytes();
    const VkDeviceSize reserved = device->memory.reservedBytes();
    struct Piece {
      gpu::Allocation allocation;
      VkDeviceSize size;
    };
    std::vector<Piece> pieces;
    std::mt19937 random(7);
    for (int step = 0; step < 2000; ++step) {
      if (pieces.size() > 40 || (!pieces.empty() && random() % 3 == 0)) {
        const std::size_t victim = random() % pieces.size();
        device->memory.free(pieces[victim].allocation);
        pieces[victim] = pieces.back();
        pieces.pop_back();
        continue;
      }
      const VkDeviceSize alignment = VkDeviceSize{1} << (random() % 13);
      const VkMemoryRequirements needs{
          .size = 1 + random() % 3'000'000, .alignment = alignment, .memoryTypeBits = ~0u};
      auto made = device->memory.allocate(needs, gpu::MemoryUse::upload, false);
      REQUIRE(made);
      CHECK(made->offset % alignment == 0);
      CHECK(made->mapped != nullptr);
      for (const Piece& other : pieces) {
        const bool apart = other.allocation.memory != made->memory ||
                           other.allocation.offset + other.size <= made->offset ||
                           made->offset + needs.size <= other.allocation.offset;
        CHECK(apart);
      }
      pieces.push_back({*made, needs.size});
    }
    for (const Piece& piece : pieces) device->memory.free(piece.allocation);
    CHECK(device->memory.usedBytes() == used);
    CHECK(device->memory.reservedBytes() == reserved);
  }

  TEST_CASE("more memory than there is gives an error that says so") {
    test::CheckedDevice device;
    if (!device) return;
    const VkMemoryRequirements needs{
        .size = VkDeviceSize{1} << 50, .alignment = 16, .memoryTypeBits = ~0u};
    const auto made = device->memory.allocate(needs, gpu::MemoryUse::device, false);
    REQUIRE_FALSE(made);
    CHECK(made.error().message.find("memory is full") != std::string::npos);
  }
}
