#define GLFW_INCLUDE_NONE
#include "engine/app/swapchain.h"

#include <GLFW/glfw3.h>

#include <algorithm>
#include <array>

#include "engine/gpu/resources.h"

namespace understudy::app {

namespace {

constexpr std::uint64_t kAcquireTimeoutNs = 100'000'000;

VkPresentModeKHR choosePresentMode(gpu::Device& device, VkSurfaceKHR surface, bool vsync) {
  if (vsync) return VK_PRESENT_MODE_FIFO_KHR;
  std::array<VkPresentModeKHR, 16> modes{};
  auto count = static_cast<std::uint32_t>(modes.size());
  vkGetPhysicalDeviceSurfacePresentModesKHR(device.physical, surface, &count, modes.data());
  const auto has = [&](VkPresentModeKHR mode) {
    return std::find(modes.begin(), modes.begin() + count, mode) != modes.begin() + count;
  };
  // Mailbox shows the newest image without tearing.
  if (has(VK_PRESENT_MODE_MAILBOX_KHR)) return VK_PRESENT_MODE_MAILBOX_KHR;
  return has(VK_PRESENT_MODE_IMMEDIATE_KHR) ? VK_PRESENT_MODE_IMMEDIATE_KHR
                                            : VK_PRESENT_MODE_FIFO_KHR;
}

bool makeSemaphores(gpu::Device& device, std::size_t count, std::vector<VkSemaphore>& semaphores) {
  const VkSemaphoreCreateInfo info{.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO};
  while (semaphores.size() < count) {
    VkSemaphore semaphore = VK_NULL_HANDLE;
    if (!device.check(vkCreateSemaphore(device.handle, &info, nullptr, &semaphore))) return false;
    semaphores.push_back(semaphore);
  }
  return true;
}

}  // namespace

Swapchain::Swapchain(gpu::Device& device, const Window& window, const SwapchainSettings& settings)
    : device_(device), window_(window), settings_(settings) {}

core::Result<std::unique_ptr<Swapchain>> Swapchain::create(gpu::Device& device,
                                                           const Window& window,
                                                           const SwapchainSettings& settings) {
  if (!device.features.swapchain) {
    return core::makeError("the graphics device was opened without a window");
  }
  std::unique_ptr<Swapchain> made(new Swapchain(device, window, settings));
  if (!device.check(
          glfwCreateWindowSurface(device.instance, window.handle(), nullptr, &made->surface_))) {
    return core::makeError("the window has no surface to draw on: " + device.firstFailure());
  }
  VkBool32 supported = VK_FALSE;
  vkGetPhysicalDeviceSurfaceSupportKHR(device.physical, device.queue_family, made->surface_,
                                       &supported);
  if (supported == VK_FALSE) {
    return core::makeError(device.name + " cannot present to this window");
  }
  if (auto chosen = made->chooseFormat(); !chosen) return chosen.error();
  return made;
}

Swapchain::~Swapchain() {
  device_.waitIdle();
  destroyViews();
  for (VkSemaphore semaphore : acquired_) vkDestroySemaphore(device_.handle, semaphore, nullptr);
  for (VkSemaphore semaphore : rendered_) vkDestroySemaphore(device_.handle, semaphore, nullptr);
  if (swapchain_ != VK_NULL_HANDLE) vkDestroySwapchainKHR(device_.handle, swapchain_, nullptr);
  if (surface_ != VK_NULL_HANDLE) vkDestroySurfaceKHR(device_.instance, surface_, nullptr);
}

core::Result<void> Swapchain::chooseFormat() {
  std::uint32_t count = 0;
  vkGetPhysicalDeviceSurfaceFormatsKHR(device_.physical, surface_, &count, nullptr);
  std::vector<VkSurfaceFormatKHR> formats(count);
  vkGetPhysicalDeviceSurfaceFormatsKHR(device_.physical, surface_, &count, formats.data());
  // Our images hold display values already; an sRGB format would encode them twice.
  for (const VkFormat wanted : {VK_FORMAT_B8G8R8A8_UNORM, VK_FORMAT_R8G8B8A8_UNORM}) {
    for (const VkSurfaceFormatKHR& format : formats) {
      if (format.format != wanted) continue;
      format_ = format.format;
      color_space_ = format.colorSpace;
      return {};
    }
  }
  return core::makeError("the window offers no 8-bit UNORM format");
}

void Swapchain::destroyViews() {
  for (VkImageView view : views_) vkDestroyImageView(device_.handle, view, nullptr);
  views_.clear();
  images_.clear();
}

bool Swapchain::rebuild() {
  VkSurfaceCapabilitiesKHR capabilities{};
  if (!device_.check(
          vkGetPhysicalDeviceSurfaceCapabilitiesKHR(device_.physical, surface_, &capabilities))) {
    return false;
  }
  VkExtent2D extent = capabilities.currentExtent;
  if (extent.width == UINT32_MAX) {
    window_.size(extent.width, extent.height);
    extent.width = std::clamp(extent.width, capabilities.minImageExtent.width,
                              capabilities.maxImageExtent.width);
    extent.height = std::clamp(extent.height, capabilities.minImageExtent.height,
                               capabilities.maxImageExtent.height);
  }
  if (extent.width == 0 || extent.height == 0) return false;
  if (!device_.waitIdle()) return false;
  std::uint32_t count = std::max(capabilities.minImageCount, 3u);
  if (capabilities.maxImageCount > 0) count = std::min(count, capabilities.maxImageCount);
  const VkSwapchainKHR old = swapchain_;
  const VkSwapchainCreateInfoKHR info{
      .sType = VK_STRUCTURE_TYPE_SWAPCHAIN_CREATE_INFO_KHR,
      .surface = surface_,
      .minImageCount = count,
      .imageFormat = format_,
      .imageColorSpace = color_space_,
      .imageExtent = extent,
      .imageArrayLayers = 1,
      .imageUsage = VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT,
      .preTransform = capabilities.currentTransform,
      .compositeAlpha = VK_COMPOSITE_ALPHA_OPAQUE_BIT_KHR,
      .presentMode = choosePresentMode(device_, surface_, settings_.vsync),
      .clipped = VK_TRUE,
      .oldSwapchain = old};
  VkSwapchainKHR made = VK_NULL_HANDLE;
  const bool fine = device_.check(vkCreateSwapchainKHR(device_.handle, &info, nullptr, &made));
  destroyViews();
  if (old != VK_NULL_HANDLE) vkDestroySwapchainKHR(device_.handle, old, nullptr);
  swapchain_ = fine ? made : VK_NULL_HANDLE;
  if (!fine) return false;
  extent_ = extent;
  std::uint32_t image_count = 0;
  vkGetSwapchainImagesKHR(device_.handle, swapchain_, &image_count, nullptr);
  images_.resize(image_count);
  vkGetSwapchainImagesKHR(device_.handle, swapchain_, &image_count, images_.data());
  for (VkImage image : images_) {
    const VkImageViewCreateInfo view_info{
        .sType = VK_STRUCTURE_TYPE_IMAGE_VIEW_CREATE_INFO,
        .image = image,
        .viewType = VK_IMAGE_VIEW_TYPE_2D,
        .format = format_,
        .subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1}};
    VkImageView view = VK_NULL_HANDLE;
    if (!device_.check(vkCreateImageView(device_.handle, &view_info, nullptr, &view))) {
      return false;
    }
    views_.push_back(view);
  }
  // One semaphore more than images: the next acquisition never needs one that is still in use.
  if (!makeSemaphores(device_, images_.size() + 1, acquired_) ||
      !makeSemaphores(device_, images_.size(), rendered_)) {
    return false;
  }
  stale_ = false;
  ++rebuilds_;
  return true;
}

std::optional<PresentTarget> Swapchain::acquire() {
  // A window can change again while the chain is being made.
  for (int attempt = 0; attempt < 4; ++attempt) {
    if (device_.lost() || window_.minimised()) return std::nullopt;
    std::uint32_t width = 0, height = 0;
    window_.size(width, height);
    if (width != extent_.width || height != extent_.height) stale_ = true;
    if ((stale_ || swapchain_ == VK_NULL_HANDLE) && !rebuild()) return std::nullopt;
    const VkSemaphore semaphore = acquired_[next_acquired_];
    std::uint32_t index = 0;
    const VkResult result = vkAcquireNextImageKHR(device_.handle, swapchain_, kAcquireTimeoutNs,
                                                  semaphore, VK_NULL_HANDLE, &index);
    // A covered window may give no image for long; capture and input must go on.
    if (result == VK_TIMEOUT || result == VK_NOT_READY) return std::nullopt;
    if (result == VK_ERROR_OUT_OF_DATE_KHR) {
      stale_ = true;
      continue;
    }
    if (result == VK_SUBOPTIMAL_KHR) {
      stale_ = true;  // This image is good; the chain is made anew for the next one.
    } else if (!device_.check(result)) {
      return std::nullopt;
    }
    next_acquired_ = (next_acquired_ + 1) % acquired_.size();
    return PresentTarget{.index = index,
                         .image = images_[index],
                         .view = views_[index],
                         .acquired = semaphore,
                         .rendered = rendered_[index],
                         .width_px = extent_.width,
                         .height_px = extent_.height};
  }
  return std::nullopt;
}

void Swapchain::recordCopy(VkCommandBuffer commands, const PresentTarget& target, VkImage image,
                           std::uint32_t width_px, std::uint32_t height_px) const {
  // The acquisition semaphore is waited for at these stages.
  gpu::recordBarrier(commands,
                     {.after = VK_PIPELINE_STAGE_2_ALL_TRANSFER_BIT |
                               VK_PIPELINE_STAGE_2_COLOR_ATTACHMENT_OUTPUT_BIT,
                      .before = VK_PIPELINE_STAGE_2_ALL_TRANSFER_BIT,
                      .before_access = VK_ACCESS_2_TRANSFER_WRITE_BIT},
                     target.image, VK_IMAGE_LAYOUT_UNDEFINED, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL);
  const auto corner = [](std::uint32_t x, std::uint32_t y) {
    return VkOffset3D{static_cast<std::int32_t>(x), static_cast<std::int32_t>(y), 1};
  };
  const VkImageBlit region{.srcSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1},
                           .srcOffsets = {{0, 0, 0}, corner(width_px, height_px)},
                           .dstSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1},
                           .dstOffsets = {{0, 0, 0}, corner(target.width_px, target.height_px)}};
  const bool same = width_px == target.width_px && height_px == target.height_px;
  vkCmdBlitImage(commands, image, VK_IMAGE_LAYOUT_GENERAL, target.image,
                 VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, 1, &region,
                 same ? VK_FILTER_NEAREST : VK_FILTER_LINEAR);
  gpu::recordBarrier(commands,
                     {.after = VK_PIPELINE_STAGE_2_ALL_TRANSFER_BIT,
                      .after_access = VK_ACCESS_2_TRANSFER_WRITE_BIT,
                      .before = VK_PIPELINE_STAGE_2_COLOR_ATTACHMENT_OUTPUT_BIT,
                      .before_access = VK_ACCESS_2_COLOR_ATTACHMENT_READ_BIT |
                                       VK_ACCESS_2_COLOR_ATTACHMENT_WRITE_BIT},
                     target.image, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL,
                     VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL);
}

void Swapchain::recordReady(VkCommandBuffer commands, const PresentTarget& target) const {
  gpu::recordBarrier(commands,
                     {.after = VK_PIPELINE_STAGE_2_COLOR_ATTACHMENT_OUTPUT_BIT,
                      .after_access = VK_ACCESS_2_COLOR_ATTACHMENT_WRITE_BIT},
                     target.image, VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL,
                     VK_IMAGE_LAYOUT_PRESENT_SRC_KHR);
}

void Swapchain::present(const PresentTarget& target) {
  const VkPresentInfoKHR info{.sType = VK_STRUCTURE_TYPE_PRESENT_INFO_KHR,
                              .waitSemaphoreCount = 1,
                              .pWaitSemaphores = &target.rendered,
                              .swapchainCount = 1,
                              .pSwapchains = &swapchain_,
                              .pImageIndices = &target.index};
  const VkResult result = vkQueuePresentKHR(device_.queue, &info);
  if (result == VK_ERROR_OUT_OF_DATE_KHR || result == VK_SUBOPTIMAL_KHR) {
    stale_ = true;
  } else {
    device_.check(result);
  }
}

void Swapchain::setVsync(bool vsync) {
  stale_ = stale_ || vsync != settings_.vsync;
  settings_.vsync = vsync;
}

}  // namespace understudy::app
