#pragma once

#include <doctest/doctest.h>

#include <cstdio>
#include <memory>
#include <span>
#include <vector>

#include "engine/gpu/device.h"

namespace understudy::test {

/// A device with core and synchronisation validation, or nothing where there is no Vulkan device;
/// then the test says so and passes. Its destructor fails the test on any validation message.
class CheckedDevice {
 public:
  CheckedDevice() {
    auto made = gpu::Device::create({.validation = true});
    if (!made) {
      std::fprintf(stderr, "SKIPPED: %s\n", made.error().message.c_str());
      return;
    }
    device_ = std::move(*made);
  }
  ~CheckedDevice() {
    if (device_ == nullptr) return;
    device_->waitIdle();
    for (const std::string& message : device_->messages()) {
      FAIL_CHECK("Vulkan validation: " << message);
    }
    CHECK(device_->firstFailure() == "");
  }
  explicit operator bool() const { return device_ != nullptr; }
  gpu::Device& operator*() { return *device_; }
  gpu::Device* operator->() { return device_.get(); }

 private:
  std::unique_ptr<gpu::Device> device_;
};

/// One pixel of an image with rows from the top.
struct Pixel {
  int r = 0, g = 0, b = 0;
  int sum() const { return r + g + b; }
};

inline Pixel pixelAt(std::span<const std::uint8_t> rgba, std::uint32_t width, int x, int y) {
  const std::size_t i = 4 * (static_cast<std::size_t>(y) * width + static_cast<std::size_t>(x));
  return {rgba[i], rgba[i + 1], rgba[i + 2]};
}

inline std::vector<std::uint8_t> copyOf(std::span<const std::uint8_t> bytes) {
  return {bytes.begin(), bytes.end()};
}

}  // namespace understudy::test
