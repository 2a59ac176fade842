// A window that is resized wildly, minimised, restored and closed while the stage is drawn in it.
// Needs a display; started by CTest under xvfb-run. Exit code 77 = no display or no device.
#define GLFW_INCLUDE_NONE
#include <vulkan/vulkan.h>
// GLFW declares its Vulkan functions only after Vulkan's own header.
#include <GLFW/glfw3.h>

#include <cstdio>
#include <memory>
#include <random>

#include "engine/app/swapchain.h"
#include "engine/app/user_interface.h"
#include "engine/app/window.h"
#include "engine/render/renderer.h"
#include "tests/support/box_man.h"
#include "tools/panels/stage_panel.h"

using namespace understudy;

namespace {

int failures = 0;

void expect(bool fine, const char* what) {
  if (fine) return;
  std::fprintf(stderr, "FAILED: %s\n", what);
  ++failures;
}

struct Loop {
  app::Window& window;
  app::Swapchain& swapchain;
  app::UserInterface& interface;
  render::Renderer& renderer;
  std::span<const std::span<const glm::mat4>> palettes;
  panels::StagePanelData data{};
  panels::OverlayToggles toggles{};
  std::uint64_t sequence = 0, shown = 0;

  /// One turn of a program's main loop; false once the window was closed.
  bool turn() {
    if (!window.poll()) return false;
    ++sequence;
    const auto target = swapchain.acquire();
    if (!target) {
      window.waitEvents(0.005);
      return true;
    }
    expect(renderer.resize(std::max(target->width_px, 16u), std::max(target->height_px, 16u))
               .has_value(),
           "the picture follows the window's size");
    interface.beginFrame(target->width_px, target->height_px);
    panels::drawStagePanel(data, toggles);
    interface.endFrame();
    expect(renderer.beginFrame(), "a frame begins");
    swapchain.recordCopy(renderer.commands(), *target, renderer.image(), renderer.widthPx(),
                         renderer.heightPx());
    interface.record(renderer.commands(), target->view, VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL);
    swapchain.recordReady(renderer.commands(), *target);
    renderer.latch({.sequence = sequence, .palettes = palettes});
    expect(renderer.submit({.wait = target->acquired, .signal = target->rendered}),
           "a frame is submitted");
    swapchain.present(*target);
    const auto image = renderer.wait();
    expect(image && image->sequence == sequence, "the image knows its sequence");
    ++shown;
    return true;
  }
};

}  // namespace

int main() {
  auto window = app::Window::create({.width = 320, .height = 200, .title = "window test"});
  if (!window) {
    std::fprintf(stderr, "SKIPPED: %s\n", window.error().message.c_str());
    return 77;
  }
  gpu::DeviceSettings settings = (*window)->deviceSettings();
  settings.validation = true;
  auto device = gpu::Device::create(settings);
  if (!device) {
    std::fprintf(stderr, "SKIPPED: %s\n", device.error().message.c_str());
    return 77;
  }
  {
    auto swapchain = app::Swapchain::create(**device, **window, {.vsync = false});
    auto renderer = render::Renderer::create(
        **device, {.width_px = 320,
                   .height_px = 200,
                   .quality = render::qualitySettings(render::Quality::low)});
    expect(swapchain.has_value() && renderer.has_value(), "swapchain and renderer are made");
    if (failures > 0) return 1;
    auto interface = app::UserInterface::create(**device, window->get(), (*swapchain)->format());
    expect(interface.has_value(), "the interface is made");
    const scene::Character man = test::boxMan();
    const auto model = (*renderer)->addModel(man);
    expect(model.has_value(), "the character is uploaded");
    if (failures > 0) return 1;
    expect((*renderer)->setCast(std::vector{*model}).has_value(), "the cast is set");
    const std::vector<glm::mat4> palette = test::restPalette(man);
    const std::vector<std::span<const glm::mat4>> palettes{palette};
    Loop loop{**window, **swapchain, **interface, **renderer, palettes};

    for (int i = 0; i < 10; ++i) loop.turn();
    std::mt19937 random(1);
    for (int i = 0; i < 80; ++i) {
      glfwSetWindowSize((*window)->handle(), 40 + static_cast<int>(random() % 500),
                        30 + static_cast<int>(random() % 300));
      loop.turn();
      if (i % 20 == 0) (*swapchain)->setVsync(i % 40 == 0);
    }
    expect((*swapchain)->rebuilds() > 5, "the chain was made anew for new sizes");
    glfwIconifyWindow((*window)->handle());
    for (int i = 0; i < 10; ++i) loop.turn();
    glfwRestoreWindow((*window)->handle());
    for (int i = 0; i < 20; ++i) loop.turn();
    expect(loop.shown > 60, "most turns showed an image");
    (*window)->close();
    expect(!loop.turn(), "a closed window ends the loop");
  }
  for (const std::string& message : (*device)->messages()) {
    std::fprintf(stderr, "Vulkan validation: %s\n", message.c_str());
    ++failures;
  }
  expect((*device)->firstFailure().empty(), (*device)->firstFailure().c_str());
  std::printf("%s\n", failures == 0 ? "window test passed" : "window test failed");
  return failures == 0 ? 0 : 1;
}
