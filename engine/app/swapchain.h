#pragma once

#include <vulkan/vulkan.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "engine/app/window.h"
#include "engine/core/result.h"
#include "engine/gpu/device.h"

namespace understudy::app {

struct SwapchainSettings {
  bool vsync = false;  ///< Waits for the display; otherwise the newest image is shown at once.
};

/// An image of the swapchain to be drawn in this frame.
struct PresentTarget {
  std::uint32_t index = 0;
  VkImage image = VK_NULL_HANDLE;
  VkImageView view = VK_NULL_HANDLE;      ///< UNORM: values are written as they are.
  VkSemaphore acquired = VK_NULL_HANDLE;  ///< To be waited for by the submission.
  VkSemaphore rendered = VK_NULL_HANDLE;  ///< To be signalled by the submission.
  std::uint32_t width_px = 0, height_px = 0;
};

/// The images of a window. Out of date and suboptimal are states that it handles itself.
class Swapchain {
 public:
  static core::Result<std::unique_ptr<Swapchain>> create(gpu::Device& device, const Window& window,
                                                         const SwapchainSettings& settings);
  ~Swapchain();
  Swapchain(const Swapchain&) = delete;
  Swapchain& operator=(const Swapchain&) = delete;

  /// The next image, in the window's present size; the chain is made anew where the window has
  /// changed. Nothing while the window is minimised, when no image comes free for a tenth of a
  /// second, or when the device is lost.
  std::optional<PresentTarget> acquire();

  /// Copies an image (layout GENERAL, any size) to the target and leaves the target ready for
  /// drawing: layout COLOR_ATTACHMENT_OPTIMAL.
  void recordCopy(VkCommandBuffer commands, const PresentTarget& target, VkImage image,
                  std::uint32_t width_px, std::uint32_t height_px) const;
  /// Makes the target presentable: the last command on it.
  void recordReady(VkCommandBuffer commands, const PresentTarget& target) const;

  /// Shows the target after its `rendered` semaphore.
  void present(const PresentTarget& target);

  void setVsync(bool vsync);
  bool vsync() const { return settings_.vsync; }
  VkFormat format() const { return format_; }
  /// How often the chain was made anew.
  std::uint64_t rebuilds() const { return rebuilds_; }

 private:
  Swapchain(gpu::Device& device, const Window& window, const SwapchainSettings& settings);
  core::Result<void> chooseFormat();
  bool rebuild();
  void destroyViews();

  gpu::Device& device_;
  const Window& window_;
  SwapchainSettings settings_;
  VkSurfaceKHR surface_ = VK_NULL_HANDLE;
  VkSwapchainKHR swapchain_ = VK_NULL_HANDLE;
  VkFormat format_ = VK_FORMAT_UNDEFINED;  ///< Of the views.
  VkColorSpaceKHR color_space_{};
  VkExtent2D extent_{};
  bool stale_ = true;
  std::uint64_t rebuilds_ = 0;
  std::size_t next_acquired_ = 0;
  std::vector<VkImage> images_;
  std::vector<VkImageView> views_;
  std::vector<VkSemaphore> acquired_;
  std::vector<VkSemaphore> rendered_;
};

}  // namespace understudy::app
