#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "engine/core/result.h"

namespace understudy::portrait {

/// A contact sheet of many characters.
struct SheetSettings {
  std::vector<std::string> paths;  ///< Files and folders; folders are searched with all below.
  std::string out = "sheet.png", device, quality = "medium", pose = "t";
  std::uint32_t columns = 6, cell_width_px = 300, cell_height_px = 340;
  bool no_grid = false;
};

/// Draws every character in a labelled cell, below them the names of those that were refused and
/// why, and saves the sheet. Characters
/// are scaled to the same height in the picture; the label gives the true one. In folders only
/// files that look like characters are taken. Prints each file's warnings. An unreadable character
/// is no failure; a missing path and a sheet without cells are.
core::Result<void> makeSheet(const SheetSettings& settings);

}  // namespace understudy::portrait
