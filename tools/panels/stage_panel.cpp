#include "tools/panels/stage_panel.h"

#include <fmt/format.h>
#include <imgui.h>

#include <algorithm>

#include "engine/app/user_interface.h"
#include "tools/panels/plots.h"

namespace understudy::panels {

namespace {

using app::InterfaceFont;

constexpr float kSpanLimitUs = 3000.0f;

void heading(const char* text) {
  ImGui::Dummy({0.0f, 3.0f});
  ImGui::PushFont(app::interfaceFont(InterfaceFont::heading));
  ImGui::TextUnformatted(text);
  ImGui::PopFont();
}

/// A large figure with its unit and a quiet caption below.
void figure(const std::string& value, const char* unit, const char* caption, ImU32 color) {
  const ImVec2 start = ImGui::GetCursorPos();
  ImGui::BeginGroup();
  ImGui::PushFont(app::interfaceFont(InterfaceFont::figure));
  const float height = ImGui::GetTextLineHeight();
  ImGui::PushStyleColor(ImGuiCol_Text, color);
  ImGui::TextUnformatted(value.c_str());
  ImGui::PopStyleColor();
  ImGui::PopFont();
  ImGui::SameLine(0.0f, 4.0f);
  ImGui::SetCursorPosY(start.y + 0.86f * (height - ImGui::GetTextLineHeight()));
  ImGui::TextDisabled("%s", unit);
  ImGui::SetCursorPos({start.x, start.y + height + 2.0f});
  ImGui::TextDisabled("%s", caption);
  ImGui::EndGroup();
}

/// Milliseconds with as many digits as are worth reading.
std::string milliseconds(double us) {
  return us < 10000.0 ? fmt::format("{:.2f}", us * 1e-3) : fmt::format("{:.1f}", us * 1e-3);
}

ImU32 spanColor(double us) {
  if (us <= 0) return palette::kQuiet;
  if (us <= static_cast<double>(kSpanLimitUs)) return palette::kGood;
  return us <= 2.0 * static_cast<double>(kSpanLimitUs) ? palette::kWarn : palette::kBad;
}

void drawRates(const StagePanelData& data) {
  const ImU32 plain = ImGui::GetColorU32(ImGuiCol_Text);
  if (!ImGui::BeginTable("##rates", 3, ImGuiTableFlags_SizingStretchSame)) return;
  ImGui::TableNextColumn();
  figure(fmt::format("{:.0f}", data.capture_hz), "Hz", "capture", plain);
  ImGui::TableNextColumn();
  figure(fmt::format("{:.0f}", data.render_hz), "Hz", "picture", plain);
  ImGui::TableNextColumn();
  figure(milliseconds(data.span_b.p50), "ms", "span B, median", spanColor(data.span_b.p50));
  ImGui::EndTable();
}

void drawSpan(const StagePanelData& data) {
  heading("Span B: last packet to finished image");
  const float width = ImGui::GetContentRegionAvail().x;
  plotHistory("##history", data.span_b_us, kSpanLimitUs, {width, 74.0f});
  plotHistogram("##bins", data.span_b_bins,
                kSpanLimitUs / static_cast<float>(std::max(data.bin_width_us, 1.0)),
                {width, 40.0f});
  ImGui::TextDisabled("p50");
  ImGui::SameLine();
  ImGui::TextUnformatted(milliseconds(data.span_b.p50).c_str());
  for (const auto& [name, value] :
       {std::pair("p99", data.span_b.p99), std::pair("p99.9", data.span_b.p99_9),
        std::pair("max", data.span_b.max)}) {
    ImGui::SameLine(0.0f, 14.0f);
    ImGui::TextDisabled("%s", name);
    ImGui::SameLine();
    ImGui::TextUnformatted(milliseconds(value).c_str());
  }
  ImGui::SameLine(0.0f, 6.0f);
  ImGui::TextDisabled("ms");
}

void drawFrames(const StagePanelData& data) {
  heading("Frames");
  ImGui::TextDisabled("captured");
  ImGui::SameLine();
  ImGui::Text("%llu", static_cast<unsigned long long>(data.frames_captured));
  ImGui::SameLine(0.0f, 16.0f);
  ImGui::TextDisabled("rendered");
  ImGui::SameLine();
  ImGui::Text("%llu", static_cast<unsigned long long>(data.frames_rendered));
  ImGui::SameLine(0.0f, 16.0f);
  ImGui::TextDisabled("shown");
  ImGui::SameLine();
  ImGui::Text("#%llu", static_cast<unsigned long long>(data.sequence_shown));
  bool any = false;
  for (const DropCount& drop : data.dropped) {
    if (drop.count == 0) continue;
    if (any) ImGui::SameLine(0.0f, 14.0f);
    any = true;
    ImGui::TextDisabled("%s", drop.reason.c_str());
    ImGui::SameLine();
    ImGui::Text("%llu", static_cast<unsigned long long>(drop.count));
  }
  if (!any) ImGui::TextDisabled("none dropped");
}

void drawStages(const StagePanelData& data) {
  if (data.stages.empty()) return;
  heading("Capture path, median us");
  plotStack("##stages", data.stages, {ImGui::GetContentRegionAvail().x, 14.0f});
  if (data.gpu_us > 0) ImGui::TextDisabled("GPU %s ms", milliseconds(data.gpu_us).c_str());
}

void drawSubjects(const StagePanelData& data) {
  if (data.subjects.empty()) return;
  heading("Performers");
  if (!ImGui::BeginTable("##subjects", 3)) return;
  ImGui::TableSetupColumn("name", ImGuiTableColumnFlags_WidthStretch, 1.2f);
  ImGui::TableSetupColumn("meter", ImGuiTableColumnFlags_WidthStretch, 1.0f);
  ImGui::TableSetupColumn("count", ImGuiTableColumnFlags_WidthFixed, 58.0f);
  for (const SubjectRow& row : data.subjects) {
    const float share = row.markers_total > 0 ? static_cast<float>(row.markers_seen) /
                                                    static_cast<float>(row.markers_total)
                                              : 0.0f;
    const ImU32 seen = share > 0.8f ? palette::kGood : palette::kWarn;
    const ImU32 color = row.tracked ? seen : row.presence > 0.0f ? palette::kWarn : palette::kBad;
    ImGui::TableNextColumn();
    const ImVec2 at = ImGui::GetCursorScreenPos();
    const float radius = 3.5f;
    ImGui::GetWindowDrawList()->AddCircleFilled(
        {at.x + radius, at.y + ImGui::GetTextLineHeight() * 0.5f}, radius, color);
    ImGui::SetCursorScreenPos({at.x + 2.0f * radius + 7.0f, at.y});
    ImGui::TextUnformatted(row.name.c_str());
    ImGui::TableNextColumn();
    meter(share, color, {ImGui::GetContentRegionAvail().x, 5.0f});
    ImGui::TableNextColumn();
    if (row.tracked) {
      ImGui::Text("%d/%d", row.markers_seen, row.markers_total);
    } else {
      ImGui::PushStyleColor(ImGuiCol_Text, color);
      ImGui::TextUnformatted(row.presence > 0.0f ? "held" : "lost");
      ImGui::PopStyleColor();
    }
  }
  ImGui::EndTable();
}

void drawCameras(const StagePanelData& data) {
  if (data.cameras.empty()) return;
  std::uint64_t received = 0, lost = 0;
  for (const CameraRow& camera : data.cameras) {
    received += camera.received;
    lost += camera.lost;
  }
  heading("Cameras");
  ImGui::TextDisabled("packets");
  ImGui::SameLine();
  ImGui::Text("%llu", static_cast<unsigned long long>(received));
  ImGui::SameLine(0.0f, 16.0f);
  ImGui::TextDisabled("lost");
  ImGui::SameLine();
  ImGui::Text("%llu", static_cast<unsigned long long>(lost));
  // One square per camera; red where packets were lost.
  const float side = ImGui::GetFontSize(), gap = 4.0f;
  ImDrawList& draw = *ImGui::GetWindowDrawList();
  const float right = ImGui::GetCursorScreenPos().x + ImGui::GetContentRegionAvail().x;
  for (std::size_t i = 0; i < data.cameras.size(); ++i) {
    const CameraRow& camera = data.cameras[i];
    ImGui::PushID(static_cast<int>(i));
    const ImVec2 at = ImGui::GetCursorScreenPos();
    ImGui::InvisibleButton("##camera", {side, side});
    const ImU32 live = camera.lost == 0 ? palette::kGood : palette::kBad;
    draw.AddRectFilled(at, {at.x + side, at.y + side},
                       camera.received == 0 ? palette::kQuiet : live, 3.0f);
    if (ImGui::IsItemHovered()) {
      ImGui::SetTooltip("%s: %llu received, %llu lost", camera.name.c_str(),
                        static_cast<unsigned long long>(camera.received),
                        static_cast<unsigned long long>(camera.lost));
    }
    ImGui::PopID();
    if (i + 1 < data.cameras.size() && at.x + 2.0f * (side + gap) < right) {
      ImGui::SameLine(0.0f, gap);
    }
  }
}

void drawToggles(OverlayToggles& toggles) {
  heading("Show");
  if (!ImGui::BeginTable("##toggles", 3, ImGuiTableFlags_SizingStretchSame)) return;
  for (const auto& [name, flag] :
       {std::pair("markers", &toggles.markers), std::pair("rays", &toggles.rays),
        std::pair("cameras", &toggles.frusta), std::pair("skeleton", &toggles.skeleton),
        std::pair("character", &toggles.character), std::pair("grid", &toggles.grid)}) {
    ImGui::TableNextColumn();
    ImGui::Checkbox(name, flag);
  }
  ImGui::EndTable();
}

}  // namespace

void drawStagePanel(const StagePanelData& data, OverlayToggles& toggles) {
  const ImVec2 display = ImGui::GetIO().DisplaySize;
  const float unit = ImGui::GetFontSize() / 14.0f;
  ImGui::SetNextWindowPos({14.0f, 14.0f}, ImGuiCond_Always);
  ImGui::SetNextWindowSizeConstraints({356.0f * unit, 0.0f}, {356.0f * unit, display.y - 28.0f});
  ImGui::SetNextWindowSize({356.0f * unit, 0.0f}, ImGuiCond_Always);
  constexpr ImGuiWindowFlags kFlags = ImGuiWindowFlags_NoMove | ImGuiWindowFlags_NoResize |
                                      ImGuiWindowFlags_NoTitleBar | ImGuiWindowFlags_NoNav;
  if (ImGui::Begin("Stage", nullptr, kFlags)) {
    ImGui::PushFont(app::interfaceFont(InterfaceFont::heading));
    ImGui::PushStyleColor(ImGuiCol_Text, palette::kAccent);
    ImGui::TextUnformatted("UNDERSTUDY");
    ImGui::PopStyleColor();
    ImGui::PopFont();
    if (!data.source.empty()) {
      ImGui::SameLine();
      ImGui::TextDisabled("%s", data.source.c_str());
    }
    ImGui::Separator();
    drawRates(data);
    drawSpan(data);
    drawFrames(data);
    drawStages(data);
    drawSubjects(data);
    drawCameras(data);
    drawToggles(toggles);
    ImGui::Separator();
    ImGui::PushTextWrapPos(0.0f);
    if (!data.scheduling.empty()) ImGui::TextDisabled("%s", data.scheduling.c_str());
    if (!data.device.empty()) ImGui::TextDisabled("%s", data.device.c_str());
    ImGui::TextDisabled("drag: orbit   middle: pan   right or wheel: zoom");
    ImGui::PopTextWrapPos();
  }
  ImGui::End();
}

}  // namespace understudy::panels
