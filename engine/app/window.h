#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "engine/core/result.h"
#include "engine/gpu/device.h"

struct GLFWwindow;

namespace understudy::app {

struct WindowSettings {
  int width = 1600, height = 900;
  std::string title = "Understudy";
  bool visible = true;
};

/// One window of the desktop. Main thread only. Making the first one starts GLFW, destroying the
/// last one ends it.
class Window {
 public:
  /// The error says so where there is no display.
  static core::Result<std::unique_ptr<Window>> create(const WindowSettings& settings);
  ~Window();
  Window(const Window&) = delete;
  Window& operator=(const Window&) = delete;

  /// Settings for a device that can present to this window.
  gpu::DeviceSettings deviceSettings() const;

  /// Handles input. False once the operator has closed the window.
  bool poll();
  /// Waits for input or for the time to pass; for a window that is minimised.
  void waitEvents(double seconds);
  /// Asks the window to close, as the operator would.
  void close();
  /// No image can be shown: the window has no area.
  bool minimised() const;
  /// Size of the drawing area in pixels.
  void size(std::uint32_t& width_px, std::uint32_t& height_px) const;

  GLFWwindow* handle() const { return window_; }

 private:
  explicit Window(GLFWwindow* window) : window_(window) {}
  GLFWwindow* window_ = nullptr;
};

}  // namespace understudy::app
