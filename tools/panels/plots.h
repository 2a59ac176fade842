#pragma once

#include <imgui.h>

#include <span>
#include <string>

#include "tools/panels/stage_panel.h"

namespace understudy::panels {

/// Colours of the panels.
namespace palette {
inline constexpr ImU32 kAccent = IM_COL32(242, 121, 58, 255);
inline constexpr ImU32 kGood = IM_COL32(92, 200, 140, 255);
inline constexpr ImU32 kWarn = IM_COL32(240, 190, 70, 255);
inline constexpr ImU32 kBad = IM_COL32(232, 84, 84, 255);
inline constexpr ImU32 kQuiet = IM_COL32(138, 144, 153, 255);
inline constexpr ImU32 kField = IM_COL32(29, 32, 37, 220);
inline constexpr ImU32 kGridLine = IM_COL32(255, 255, 255, 18);
}  // namespace palette

/// Draws the newest values as a line, oldest at the left, with a dashed line at `limit`. Values
/// over the limit are red. The axis starts at 0 and holds the limit and all values.
void plotHistory(const char* id, const History& history, float limit, const ImVec2& size);

/// Draws shares of frames per bin; bins beyond `limit` (in bins) are red.
void plotHistogram(const char* id, std::span<const float> bins, float limit, const ImVec2& size);

/// Draws times side by side as one bar, with a legend below.
void plotStack(const char* id, std::span<const StageTime> stages, const ImVec2& size);

/// A thin bar filled from the left.
void meter(float share, ImU32 color, const ImVec2& size);

}  // namespace understudy::panels
