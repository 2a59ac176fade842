#include "tools/panels/plots.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace understudy::panels {

namespace {

constexpr std::array<ImU32, 8> kStackColors = {
    IM_COL32(86, 156, 214, 255),  IM_COL32(78, 190, 170, 255), IM_COL32(150, 190, 90, 255),
    IM_COL32(240, 190, 70, 255),  IM_COL32(242, 121, 58, 255), IM_COL32(214, 95, 130, 255),
    IM_COL32(160, 120, 210, 255), IM_COL32(120, 130, 145, 255)};

/// The plot's rectangle, its background drawn and its space taken.
struct Field {
  ImDrawList& draw;
  ImVec2 low, high;

  Field(const char* id, const ImVec2& size) : draw(*ImGui::GetWindowDrawList()) {
    low = ImGui::GetCursorScreenPos();
    high = {low.x + size.x, low.y + size.y};
    ImGui::InvisibleButton(id, size);
    draw.AddRectFilled(low, high, palette::kField, 5.0f);
  }
};

void dashedLine(ImDrawList& draw, float x0, float x1, float y, ImU32 color) {
  for (float x = x0; x < x1; x += 7.0f) {
    draw.AddLine({x, y}, {std::min(x + 4.0f, x1), y}, color, 1.0f);
  }
}

void smallText(ImDrawList& draw, const ImVec2& at, ImU32 color, const std::string& text) {
  draw.AddText(ImGui::GetFont(), ImGui::GetFontSize() * 0.8f, at, color, text.c_str());
}

}  // namespace

void plotHistory(const char* id, const History& history, float limit, const ImVec2& size) {
  const Field field(id, size);
  float top = limit * 1.35f;
  for (std::size_t i = 0; i < history.filled; ++i) top = std::max(top, history.at(i) * 1.1f);
  // One stall must not flatten everything else.
  top = std::min(top, limit * 8.0f);
  const float step = (field.high.x - field.low.x) / static_cast<float>(History::kSize - 1);
  const auto height = [&](float value) {
    return field.high.y - 2.0f -
           std::clamp(value / top, 0.0f, 1.0f) * (field.high.y - field.low.y - 4.0f);
  };
  for (int line = 1; line < 4; ++line) {
    const float y = field.low.y + (field.high.y - field.low.y) * static_cast<float>(line) * 0.25f;
    field.draw.AddLine({field.low.x, y}, {field.high.x, y}, palette::kGridLine);
  }
  const float start = field.high.x - step * static_cast<float>(history.filled);
  for (std::size_t i = 1; i < history.filled; ++i) {
    const float x = start + step * static_cast<float>(i);
    const float a = history.at(i - 1), b = history.at(i);
    field.draw.AddLine({x, height(a)}, {x + step, height(b)},
                       std::max(a, b) > limit ? palette::kBad : palette::kAccent, 1.4f);
  }
  dashedLine(field.draw, field.low.x, field.high.x, height(limit), palette::kWarn);
  smallText(field.draw, {field.low.x + 6.0f, height(limit) - ImGui::GetFontSize() * 0.95f},
            palette::kWarn, fmt::format("{:g} ms", static_cast<double>(limit) * 1e-3));
}

void plotHistogram(const char* id, std::span<const float> bins, float limit, const ImVec2& size) {
  const Field field(id, size);
  if (bins.empty()) return;
  const float top = std::max(*std::max_element(bins.begin(), bins.end()), 1e-6f);
  const float width = (field.high.x - field.low.x - 4.0f) / static_cast<float>(bins.size());
  for (std::size_t i = 0; i < bins.size(); ++i) {
    if (bins[i] <= 0.0f) continue;
    const float x = field.low.x + 2.0f + width * static_cast<float>(i);
    const float height = std::max(bins[i] / top * (field.high.y - field.low.y - 6.0f), 1.0f);
    const bool late = static_cast<float>(i) >= limit;
    field.draw.AddRectFilled({x + 0.5f, field.high.y - 2.0f - height},
                             {x + width - 0.5f, field.high.y - 2.0f},
                             late ? palette::kBad : palette::kAccent, 1.0f);
  }
  const float x = field.low.x + 2.0f + width * limit;
  if (x < field.high.x) {
    field.draw.AddLine({x, field.low.y}, {x, field.high.y}, palette::kWarn, 1.0f);
  }
}

void plotStack(const char* id, std::span<const StageTime> stages, const ImVec2& size) {
  const Field field(id, size);
  double total = 0;
  for (const StageTime& stage : stages) total += stage.median_us;
  if (total <= 0) return;
  float x = field.low.x;
  for (std::size_t i = 0; i < stages.size(); ++i) {
    const float width =
        static_cast<float>(stages[i].median_us / total) * (field.high.x - field.low.x);
    field.draw.AddRectFilled({x, field.low.y}, {x + std::max(width - 1.0f, 0.5f), field.high.y},
                             kStackColors[i % kStackColors.size()], 2.0f);
    x += width;
  }
  const float square = ImGui::GetFontSize() * 0.6f;
  if (!ImGui::BeginTable("##legend", 2)) return;
  for (std::size_t i = 0; i < stages.size(); ++i) {
    ImGui::TableNextColumn();
    const ImVec2 at = ImGui::GetCursorScreenPos();
    const float inset = (ImGui::GetFontSize() - square) * 0.5f + 1.0f;
    field.draw.AddRectFilled({at.x, at.y + inset}, {at.x + square, at.y + inset + square},
                             kStackColors[i % kStackColors.size()], 2.0f);
    ImGui::SetCursorScreenPos({at.x + square + 6.0f, at.y});
    ImGui::TextDisabled("%s", stages[i].name.c_str());
    ImGui::SameLine();
    ImGui::Text("%.0f", stages[i].median_us);
  }
  ImGui::EndTable();
}

void meter(float share, ImU32 color, const ImVec2& size) {
  const ImVec2 low = ImGui::GetCursorScreenPos();
  ImDrawList& draw = *ImGui::GetWindowDrawList();
  const float middle = low.y + ImGui::GetTextLineHeight() * 0.5f;
  const ImVec2 from{low.x, middle - size.y * 0.5f};
  draw.AddRectFilled(from, {low.x + size.x, from.y + size.y}, IM_COL32(255, 255, 255, 22), 3.0f);
  draw.AddRectFilled(from, {low.x + size.x * std::clamp(share, 0.0f, 1.0f), from.y + size.y}, color,
                     3.0f);
  ImGui::Dummy({size.x, ImGui::GetTextLineHeight()});
}

}  // namespace understudy::panels
