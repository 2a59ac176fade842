#pragma once

#include <vulkan/vulkan.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <source_location>
#include <string>
#include <vector>

#include "engine/core/result.h"
#include "engine/core/time.h"
#include "engine/gpu/memory.h"

namespace understudy::gpu {

/// How a device is chosen.
struct DeviceSettings {
  bool validation = false;     ///< Core and synchronisation validation; messages are counted.
  std::string name;            ///< Only devices whose name contains this; empty = any.
  bool allow_software = true;  ///< Devices of type CPU, such as lavapipe, may be taken.

  /// Instance extensions a window needs; empty = no surface is ever made.
  std::vector<const char*> instance_extensions;
  /// True if the queue family can present to the window system; empty = not asked.
  std::function<bool(VkInstance, VkPhysicalDevice, std::uint32_t family)> can_present;
};

/// What the chosen device has beyond the required profile.
struct DeviceFeatures {
  bool swapchain = false;
  bool calibrated_timestamps = false;  ///< With CLOCK_MONOTONIC as a domain.
  bool timestamps = false;
  bool software = false;    ///< The device is the CPU.
  bool anisotropy = false;  ///< Anisotropic texture filtering.
  /// Alignment of the program's own memory that the device can read in place, bytes; 0 = it cannot.
  VkDeviceSize host_memory_alignment = 0;
};

/// A Vulkan 1.3 device with one queue that does graphics, compute and transfer. Handles are open to
/// all; it outlives everything made from it.
///
/// Required of the device: dynamicRendering, synchronization2, maintenance4, timelineSemaphore,
/// bufferDeviceAddress, hostQueryReset, scalarBlockLayout. Discrete GPUs are taken before
/// integrated, virtual and software ones. Needs no display.
class Device {
 public:
  /// The error lists every device that was seen and why it was refused.
  static core::Result<std::unique_ptr<Device>> create(const DeviceSettings& settings = {});
  ~Device();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  VkInstance instance = VK_NULL_HANDLE;
  VkPhysicalDevice physical = VK_NULL_HANDLE;
  VkDevice handle = VK_NULL_HANDLE;
  VkQueue queue = VK_NULL_HANDLE;
  std::uint32_t queue_family = 0;
  VkPhysicalDeviceProperties properties{};
  DeviceFeatures features;
  std::string name;    ///< As the driver gives it.
  std::string driver;  ///< Driver name and version.
  MemoryPool memory;   ///< All buffers and images of the device live here.

  /// True if the call succeeded. Any failure after start-up is kept as the first failure; a lost
  /// device also sets lost(). Any thread.
  bool check(VkResult result, std::source_location where = std::source_location::current());

  /// The device is gone: stop drawing, make everything anew.
  bool lost() const { return lost_.load(std::memory_order_relaxed); }

  /// The first call that failed, "file:line: VkResult", or empty.
  std::string firstFailure() const;

  /// Validation messages so far (errors and warnings), and their text.
  std::size_t messageCount() const;
  std::vector<std::string> messages() const;

  /// Converts a GPU timestamp to the host's clock; only with features.calibrated_timestamps. Joins
  /// the clocks anew at every call.
  core::Time hostTime(std::uint64_t gpu_timestamp) const;

  /// Memory types that can take in the program's own memory at this address, as bits; 0 = none.
  std::uint32_t hostMemoryTypes(const void* memory) const;

  /// Runs commands once and waits for them; for uploads.
  core::Result<void> runOnce(const std::function<void(VkCommandBuffer)>& record);

  /// Waits until the queue is idle; true unless the device is lost.
  bool waitIdle();

  /// Names a handle for validation messages and debuggers.
  void setName(VkObjectType type, std::uint64_t object, const char* text) const;

 private:
  struct Messages;
  Device();
  core::Result<void> createInstance(const DeviceSettings& settings);
  core::Result<void> choosePhysical(const DeviceSettings& settings);
  core::Result<void> createLogical(const DeviceSettings& settings);

  std::unique_ptr<Messages> messages_;
  VkDebugUtilsMessengerEXT messenger_ = VK_NULL_HANDLE;
  VkCommandPool once_pool_ = VK_NULL_HANDLE;
  PFN_vkGetCalibratedTimestampsEXT get_calibrated_timestamps_ = nullptr;
  PFN_vkGetMemoryHostPointerPropertiesEXT get_host_pointer_properties_ = nullptr;
  PFN_vkSetDebugUtilsObjectNameEXT set_object_name_ = nullptr;
  std::atomic<bool> lost_{false};
  mutable std::mutex failure_mutex_;
  std::string first_failure_;
};

}  // namespace understudy::gpu
