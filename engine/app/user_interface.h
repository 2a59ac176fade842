#pragma once

#include <vulkan/vulkan.h>

#include <cstdint>
#include <memory>

#include "engine/app/window.h"
#include "engine/core/result.h"
#include "engine/gpu/device.h"

struct ImFont;

namespace understudy::app {

/// What an ImTextureID of our drawing is: a descriptor set made by UserInterface::addTexture.
using TextureSet = VkDescriptorSet;

/// Dear ImGui in one window: input through GLFW, drawn by our own Vulkan code with dynamic
/// rendering. One at a time; main thread only.
class UserInterface {
 public:
  /// `format` is that of the views drawn into; it must be UNORM, so that colours are right. A null
  /// window makes an interface without input, for pictures and tests; `scale` 1 is a desktop of 96
  /// dots per inch.
  static core::Result<std::unique_ptr<UserInterface>> create(gpu::Device& device, Window* window,
                                                             VkFormat format, float scale = 1.0f);
  ~UserInterface();
  UserInterface(const UserInterface&) = delete;
  UserInterface& operator=(const UserInterface&) = delete;

  /// Opens an ImGui frame; draw panels afterwards. The size is used where there is no window.
  void beginFrame(std::uint32_t width_px, std::uint32_t height_px);
  /// Closes the ImGui frame.
  void endFrame();

  /// Records the drawing of the closed frame over a colour attachment (layout GENERAL or
  /// COLOR_ATTACHMENT_OPTIMAL) of the interface's format and size. At most three frames may be in
  /// flight.
  void record(VkCommandBuffer commands, VkImageView target, VkImageLayout layout);

  /// Makes an image drawable by ImGui::Image; the view must outlive the interface or the next
  /// removeTexture. Null when 64 textures exist.
  TextureSet addTexture(VkImageView view, VkImageLayout layout);
  void removeTexture(TextureSet texture);

 private:
  struct Impl;
  explicit UserInterface(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// Dark, tidy, one accent colour. Needs an ImGui context.
void applyStyle(float scale);

/// The fonts of the interface.
enum class InterfaceFont : std::uint8_t { text, heading, figure };

/// Loads them into the atlas: DejaVu Sans where it is installed, else ImGui's own.
void addFonts(float scale);
ImFont* interfaceFont(InterfaceFont which);

}  // namespace understudy::app
