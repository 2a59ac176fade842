#include "engine/app/user_interface.h"

#include <backends/imgui_impl_glfw.h>
#include <imgui.h>

#include <cassert>
#include <chrono>
#include <span>

#include "engine/app/interface_draw.h"

namespace understudy::app {

struct UserInterface::Impl {
  gpu::Device& device;
  Window* window;
  InterfaceDraw draw;
  gpu::Image font;
  ImGuiContext* context = nullptr;
  bool glfw_started = false;
  core::Time last_frame = core::Clock::now();

  Impl(gpu::Device& d, Window* w) : device(d), window(w) {}
  ~Impl() {
    device.waitIdle();
    if (glfw_started) ImGui_ImplGlfw_Shutdown();
    if (context != nullptr) ImGui::DestroyContext(context);
  }
  core::Result<void> createFont(float scale);
};

core::Result<void> UserInterface::Impl::createFont(float scale) {
  ImFontAtlas& atlas = *ImGui::GetIO().Fonts;
  addFonts(scale);
  unsigned char* texels = nullptr;
  int width = 0, height = 0;
  atlas.GetTexDataAsRGBA32(&texels, &width, &height);
  auto made = gpu::Image::create(
      device, {.width = static_cast<std::uint32_t>(width),
               .height = static_cast<std::uint32_t>(height),
               .usage = VK_IMAGE_USAGE_SAMPLED_BIT | VK_IMAGE_USAGE_TRANSFER_SRC_BIT |
                        VK_IMAGE_USAGE_TRANSFER_DST_BIT});
  if (!made) return made.error();
  font = std::move(*made);
  const std::size_t bytes =
      std::size_t{4} * static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
  if (auto done = gpu::uploadImage(device, font, std::as_bytes(std::span(texels, bytes))); !done) {
    return done;
  }
  const VkDescriptorSet set =
      draw.addTexture(font.view(), VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL);
  if (set == VK_NULL_HANDLE) return core::makeError("the interface has no room for its font");
  atlas.SetTexID(reinterpret_cast<ImTextureID>(set));
  return {};
}

UserInterface::UserInterface(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
UserInterface::~UserInterface() = default;

core::Result<std::unique_ptr<UserInterface>> UserInterface::create(gpu::Device& device,
                                                                   Window* window, VkFormat format,
                                                                   float scale) {
  assert(ImGui::GetCurrentContext() == nullptr && "one interface at a time");
  auto impl = std::make_unique<Impl>(device, window);
  auto draw = InterfaceDraw::create(device, format);
  if (!draw) return draw.error();
  impl->draw = std::move(*draw);
  IMGUI_CHECKVERSION();
  impl->context = ImGui::CreateContext();
  ImGuiIO& io = ImGui::GetIO();
  io.IniFilename = nullptr;
  io.BackendFlags |= ImGuiBackendFlags_RendererHasVtxOffset;
  if (window != nullptr) {
    impl->glfw_started = ImGui_ImplGlfw_InitForVulkan(window->handle(), true);
    if (!impl->glfw_started) return core::makeError("the interface cannot read the window's input");
  }
  applyStyle(scale);
  if (auto made = impl->createFont(scale); !made) return made.error();
  return std::unique_ptr<UserInterface>(new UserInterface(std::move(impl)));
}

void UserInterface::beginFrame(std::uint32_t width_px, std::uint32_t height_px) {
  if (impl_->window != nullptr) {
    ImGui_ImplGlfw_NewFrame();
  } else {
    ImGuiIO& io = ImGui::GetIO();
    io.DisplaySize = {static_cast<float>(width_px), static_cast<float>(height_px)};
    io.DeltaTime = 1.0f / 60.0f;  // Pictures and tests: the same each time.
  }
  ImGui::NewFrame();
}

void UserInterface::endFrame() { ImGui::Render(); }

void UserInterface::record(VkCommandBuffer commands, VkImageView target, VkImageLayout layout) {
  const ImDrawData* lists = ImGui::GetDrawData();
  if (lists != nullptr && lists->Valid) impl_->draw.record(commands, *lists, target, layout);
}

TextureSet UserInterface::addTexture(VkImageView view, VkImageLayout layout) {
  return impl_->draw.addTexture(view, layout);
}

void UserInterface::removeTexture(TextureSet texture) { impl_->draw.removeTexture(texture); }

}  // namespace understudy::app
