#include "engine/app/user_interface.h"

#include <doctest/doctest.h>
#include <imgui.h>

#include <array>
#include <cstdlib>

#include "engine/app/window.h"
#include "engine/gpu/resources.h"
#include "tests/support/gpu.h"

using namespace understudy;

namespace {

/// Draws one interface frame over a flat colour and reads the picture.
struct Canvas {
  static constexpr std::uint32_t kWidth = 160, kHeight = 120;
  gpu::Device& device;
  gpu::Image image;
  gpu::Buffer back;

  explicit Canvas(gpu::Device& d) : device(d) {
    auto made = gpu::Image::create(
        device, {.width = kWidth,
                 .height = kHeight,
                 .usage = VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT | VK_IMAGE_USAGE_TRANSFER_SRC_BIT |
                          VK_IMAGE_USAGE_TRANSFER_DST_BIT});
    REQUIRE(made);
    image = std::move(*made);
    auto buffer = gpu::Buffer::create(device, VkDeviceSize{4} * kWidth * kHeight,
                                      VK_BUFFER_USAGE_TRANSFER_DST_BIT, gpu::MemoryUse::readback);
    REQUIRE(buffer);
    back = std::move(*buffer);
  }

  std::vector<std::uint8_t> draw(app::UserInterface& interface) {
    REQUIRE(device.runOnce([&](VkCommandBuffer commands) {
      gpu::recordBarrier(commands,
                         {.before = VK_PIPELINE_STAGE_2_ALL_TRANSFER_BIT,
                          .before_access = VK_ACCESS_2_TRANSFER_WRITE_BIT},
                         image.get(), VK_IMAGE_LAYOUT_UNDEFINED, VK_IMAGE_LAYOUT_GENERAL);
      const VkClearColorValue color{.float32 = {0.2f, 0.2f, 0.2f, 1.0f}};
      const VkImageSubresourceRange range{VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1};
      vkCmdClearColorImage(commands, image.get(), VK_IMAGE_LAYOUT_GENERAL, &color, 1, &range);
      gpu::recordBarrier(commands, {.after = VK_PIPELINE_STAGE_2_ALL_TRANSFER_BIT,
                                    .after_access = VK_ACCESS_2_TRANSFER_WRITE_BIT,
                                    .before = VK_PIPELINE_STAGE_2_COLOR_ATTACHMENT_OUTPUT_BIT,
                                    .before_access = VK_ACCESS_2_COLOR_ATTACHMENT_READ_BIT |
                                                     VK_ACCESS_2_COLOR_ATTACHMENT_WRITE_BIT});
      interface.record(commands, image.view(), VK_IMAGE_LAYOUT_GENERAL);
      gpu::recordBarrier(commands, {.after = VK_PIPELINE_STAGE_2_COLOR_ATTACHMENT_OUTPUT_BIT,
                                    .after_access = VK_ACCESS_2_COLOR_ATTACHMENT_WRITE_BIT,
                                    .before = VK_PIPELINE_STAGE_2_ALL_TRANSFER_BIT,
                                    .before_access = VK_ACCESS_2_TRANSFER_READ_BIT});
      const VkBufferImageCopy region{.imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1},
                                     .imageExtent = {kWidth, kHeight, 1}};
      vkCmdCopyImageToBuffer(commands, image.get(), VK_IMAGE_LAYOUT_GENERAL, back.get(), 1,
                             &region);
    }));
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(back.mapped());
    return {bytes, bytes + std::size_t{4} * kWidth * kHeight};
  }
};

}  // namespace

TEST_SUITE("app/user_interface") {
  TEST_CASE("colours arrive as they were given, clipped to their rectangle") {
    test::CheckedDevice device;
    if (!device) return;
    Canvas canvas(*device);
    auto interface = app::UserInterface::create(*device, nullptr, VK_FORMAT_R8G8B8A8_UNORM);
    REQUIRE(interface);
    (*interface)->beginFrame(Canvas::kWidth, Canvas::kHeight);
    ImDrawList& list = *ImGui::GetForegroundDrawList();
    list.PushClipRect({20.0f, 20.0f}, {80.0f, 60.0f});
    list.AddRectFilled({0.0f, 0.0f}, {160.0f, 120.0f}, IM_COL32(200, 100, 50, 255));
    list.PopClipRect();
    list.AddRectFilled({100.0f, 80.0f}, {140.0f, 110.0f}, IM_COL32(255, 255, 255, 128));
    (*interface)->endFrame();
    const auto picture = canvas.draw(**interface);
    const auto at = [&](int x, int y) { return test::pixelAt(picture, Canvas::kWidth, x, y); };
    CHECK(at(50, 40).r == 200);
    CHECK(at(50, 40).g == 100);
    CHECK(at(50, 40).b == 50);
    CHECK(at(21, 21).r == 200);
    CHECK(at(10, 40).r == 51);
    CHECK(at(81, 40).r == 51);
    CHECK(at(50, 61).r == 51);
    CHECK(std::abs(at(120, 95).r - 153) <= 1);  // Half of white over 0.2.
  }

  TEST_CASE("any texture can be drawn, and more than there is room for is refused") {
    test::CheckedDevice device;
    if (!device) return;
    Canvas canvas(*device);
    auto interface = app::UserInterface::create(*device, nullptr, VK_FORMAT_R8G8B8A8_UNORM);
    REQUIRE(interface);
    auto texture = gpu::Image::create(
        *device, {.width = 2,
                  .height = 1,
                  .usage = VK_IMAGE_USAGE_SAMPLED_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT |
                           VK_IMAGE_USAGE_TRANSFER_SRC_BIT});
    REQUIRE(texture);
    const std::array<std::uint8_t, 8> texels{10, 220, 30, 255, 240, 20, 10, 255};
    REQUIRE(gpu::uploadImage(*device, *texture, std::as_bytes(std::span(texels))));
    const auto set =
        (*interface)->addTexture(texture->view(), VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL);
    REQUIRE(set != VK_NULL_HANDLE);
    (*interface)->beginFrame(Canvas::kWidth, Canvas::kHeight);
    ImGui::GetForegroundDrawList()->AddImage(reinterpret_cast<ImTextureID>(set), {0.0f, 0.0f},
                                             {160.0f, 120.0f});
    (*interface)->endFrame();
    const auto picture = canvas.draw(**interface);
    CHECK(test::pixelAt(picture, Canvas::kWidth, 10, 60).g == 220);
    CHECK(test::pixelAt(picture, Canvas::kWidth, 150, 60).r == 240);
    std::vector<app::TextureSet> sets;
    for (int i = 0; i < 100; ++i) {
      sets.push_back(
          (*interface)->addTexture(texture->view(), VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL));
    }
    CHECK(sets.front() != VK_NULL_HANDLE);
    CHECK(sets.back() == VK_NULL_HANDLE);
    for (const auto& made : sets) (*interface)->removeTexture(made);
  }

  TEST_CASE("text is drawn") {
    test::CheckedDevice device;
    if (!device) return;
    Canvas canvas(*device);
    auto interface = app::UserInterface::create(*device, nullptr, VK_FORMAT_R8G8B8A8_UNORM);
    REQUIRE(interface);
    (*interface)->beginFrame(Canvas::kWidth, Canvas::kHeight);
    ImGui::GetForegroundDrawList()->AddText({10.0f, 10.0f}, IM_COL32_WHITE, "Understudy");
    (*interface)->endFrame();
    const auto picture = canvas.draw(**interface);
    int bright = 0;
    for (std::size_t i = 0; i < picture.size(); i += 4) bright += picture[i] > 200 ? 1 : 0;
    CHECK(bright > 60);
    CHECK(bright < 2000);
  }
}

TEST_SUITE("app/window") {
  TEST_CASE("without a display a window is refused with a remedy") {
    if (std::getenv("DISPLAY") != nullptr || std::getenv("WAYLAND_DISPLAY") != nullptr) return;
    const auto window = app::Window::create({});
    REQUIRE_FALSE(window);
    CHECK(window.error().message.find("--headless") != std::string::npos);
  }
}
