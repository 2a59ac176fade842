#include <imgui.h>

#include <filesystem>

#include "engine/app/user_interface.h"

namespace understudy::app {

namespace {

constexpr const char* kSans = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf";
constexpr const char* kSansBold = "/usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf";

ImVec4 color(unsigned rgb, float alpha = 1.0f) {
  const auto channel = [&](int shift) {
    return static_cast<float>((rgb >> shift) & 255u) / 255.0f;
  };
  return {channel(16), channel(8), channel(0), alpha};
}

}  // namespace

void addFonts(float scale) {
  ImFontAtlas& atlas = *ImGui::GetIO().Fonts;
  std::error_code ignored;
  ImFontConfig config;
  config.OversampleH = 2;
  config.OversampleV = 1;
  const bool installed =
      std::filesystem::exists(kSans, ignored) && std::filesystem::exists(kSansBold, ignored);
  if (!installed) {
    config.SizePixels = 13.0f * scale;
    for (int i = 0; i < 3; ++i) atlas.AddFontDefault(&config);
    return;
  }
  atlas.AddFontFromFileTTF(kSans, 14.0f * scale, &config);
  atlas.AddFontFromFileTTF(kSansBold, 13.0f * scale, &config);
  atlas.AddFontFromFileTTF(kSansBold, 25.0f * scale, &config);
}

ImFont* interfaceFont(InterfaceFont which) {
  const ImFontAtlas& atlas = *ImGui::GetIO().Fonts;
  const int index = static_cast<int>(which);
  return index < atlas.Fonts.Size ? atlas.Fonts[index] : ImGui::GetFont();
}

void applyStyle(float scale) {
  ImGuiStyle style;
  style.WindowPadding = {16.0f, 14.0f};
  style.FramePadding = {8.0f, 4.0f};
  style.ItemSpacing = {8.0f, 6.0f};
  style.ItemInnerSpacing = {7.0f, 5.0f};
  style.CellPadding = {6.0f, 3.0f};
  style.ScrollbarSize = 10.0f;
  style.WindowRounding = 8.0f;
  style.ChildRounding = 6.0f;
  style.FrameRounding = 4.0f;
  style.PopupRounding = 6.0f;
  style.GrabRounding = 4.0f;
  style.ScrollbarRounding = 6.0f;
  style.WindowBorderSize = 1.0f;
  style.FrameBorderSize = 0.0f;
  style.WindowTitleAlign = {0.02f, 0.5f};
  ImVec4* c = style.Colors;
  const ImVec4 accent = color(0xF2793A);
  c[ImGuiCol_Text] = color(0xE6E8EB);
  c[ImGuiCol_TextDisabled] = color(0x8A9099);
  c[ImGuiCol_WindowBg] = color(0x16181C, 0.90f);
  c[ImGuiCol_ChildBg] = color(0x1D2025, 0.75f);
  c[ImGuiCol_PopupBg] = color(0x1B1E23, 0.97f);
  c[ImGuiCol_Border] = color(0x34383F, 0.7f);
  c[ImGuiCol_BorderShadow] = color(0x000000, 0.0f);
  c[ImGuiCol_FrameBg] = color(0x272B31);
  c[ImGuiCol_FrameBgHovered] = color(0x333840);
  c[ImGuiCol_FrameBgActive] = color(0x3C424B);
  c[ImGuiCol_TitleBg] = c[ImGuiCol_TitleBgActive] = c[ImGuiCol_TitleBgCollapsed] = color(0x16181C);
  c[ImGuiCol_ScrollbarBg] = color(0x000000, 0.0f);
  c[ImGuiCol_ScrollbarGrab] = color(0x3A3F47);
  c[ImGuiCol_ScrollbarGrabHovered] = color(0x4A505A);
  c[ImGuiCol_ScrollbarGrabActive] = color(0x5A616C);
  c[ImGuiCol_CheckMark] = accent;
  c[ImGuiCol_SliderGrab] = accent;
  c[ImGuiCol_SliderGrabActive] = color(0xFF9660);
  c[ImGuiCol_Button] = color(0x2A2E35);
  c[ImGuiCol_ButtonHovered] = color(0x383D46);
  c[ImGuiCol_ButtonActive] = color(0x454B55);
  c[ImGuiCol_Header] = color(0x2A2E35);
  c[ImGuiCol_HeaderHovered] = color(0x343941);
  c[ImGuiCol_HeaderActive] = color(0x3D434C);
  c[ImGuiCol_Separator] = color(0x2E3238);
  c[ImGuiCol_TableHeaderBg] = color(0x1D2025);
  c[ImGuiCol_TableBorderStrong] = color(0x34383F);
  c[ImGuiCol_TableBorderLight] = color(0x282C32);
  c[ImGuiCol_TableRowBg] = color(0x000000, 0.0f);
  c[ImGuiCol_TableRowBgAlt] = color(0xFFFFFF, 0.025f);
  c[ImGuiCol_PlotHistogram] = accent;
  style.ScaleAllSizes(scale);
  ImGui::GetStyle() = style;
}

}  // namespace understudy::app
