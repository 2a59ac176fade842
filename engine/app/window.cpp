#define GLFW_INCLUDE_NONE
#include "engine/app/window.h"

#include <vulkan/vulkan.h>
// GLFW declares its Vulkan functions only after Vulkan's own header.
#include <GLFW/glfw3.h>
#include <fmt/format.h>

#include <algorithm>

namespace understudy::app {

namespace {

int windows_open = 0;

std::string lastGlfwError() {
  const char* text = nullptr;
  glfwGetError(&text);
  return text == nullptr ? "no reason was given" : text;
}

}  // namespace

core::Result<std::unique_ptr<Window>> Window::create(const WindowSettings& settings) {
  if (windows_open == 0 && glfwInit() != GLFW_TRUE) {
    return core::makeError(
        fmt::format("no window can be opened: {}; set DISPLAY or use --headless", lastGlfwError()));
  }
  const auto fail = [](const std::string& why) {
    if (windows_open == 0) glfwTerminate();
    return core::makeError("no window can be opened: " + why);
  };
  if (glfwVulkanSupported() != GLFW_TRUE) return fail("the window system has no Vulkan");
  glfwWindowHint(GLFW_CLIENT_API, GLFW_NO_API);
  glfwWindowHint(GLFW_VISIBLE, settings.visible ? GLFW_TRUE : GLFW_FALSE);
  GLFWwindow* window =
      glfwCreateWindow(settings.width, settings.height, settings.title.c_str(), nullptr, nullptr);
  if (window == nullptr) return fail(lastGlfwError());
  ++windows_open;
  return std::unique_ptr<Window>(new Window(window));
}

Window::~Window() {
  glfwDestroyWindow(window_);
  if (--windows_open == 0) glfwTerminate();
}

gpu::DeviceSettings Window::deviceSettings() const {
  gpu::DeviceSettings settings;
  std::uint32_t count = 0;
  const char** names = glfwGetRequiredInstanceExtensions(&count);
  if (names != nullptr) settings.instance_extensions.assign(names, names + count);
  settings.can_present = [](VkInstance instance, VkPhysicalDevice device, std::uint32_t family) {
    return glfwGetPhysicalDevicePresentationSupport(instance, device, family) == GLFW_TRUE;
  };
  return settings;
}

bool Window::poll() {
  glfwPollEvents();
  return glfwWindowShouldClose(window_) == GLFW_FALSE;
}

void Window::waitEvents(double seconds) { glfwWaitEventsTimeout(seconds); }

void Window::close() { glfwSetWindowShouldClose(window_, GLFW_TRUE); }

bool Window::minimised() const {
  std::uint32_t width = 0, height = 0;
  size(width, height);
  return width == 0 || height == 0 || glfwGetWindowAttrib(window_, GLFW_ICONIFIED) == GLFW_TRUE;
}

void Window::size(std::uint32_t& width_px, std::uint32_t& height_px) const {
  int width = 0, height = 0;
  glfwGetFramebufferSize(window_, &width, &height);
  width_px = static_cast<std::uint32_t>(std::max(width, 0));
  height_px = static_cast<std::uint32_t>(std::max(height, 0));
}

}  // namespace understudy::app
