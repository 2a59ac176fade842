#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/result.h"

namespace understudy::file {

/// A table over time as OpenSim writes it (.mot, .sto): what its inverse kinematics found.
struct StorageFile {
  std::string name;  ///< As its first line says, such as "Coordinates".
  bool in_degrees = false;
  std::vector<std::string> columns;  ///< The first one is "time".
  std::size_t rows = 0;
  std::vector<double> values;  ///< Rows x columns; NaN where a cell holds none.
  std::vector<std::string> warnings;

  double at(std::size_t row, std::size_t column) const {
    return values[row * columns.size() + column];
  }
  /// Index of the column of this name, -1 where there is none.
  int column(std::string_view wanted) const;
};

/// Reads the text of a .mot or .sto file; `file_name` stands in messages. Counts that the rows do
/// not bear out are warnings, a last row that is cut off too; times must grow. Every other fault is
/// an error that names the line.
core::Result<StorageFile> readStorage(std::string_view text, const std::string& file_name);

/// Reads a .mot or .sto file; see readStorage.
core::Result<StorageFile> loadStorage(const std::filesystem::path& path);

}  // namespace understudy::file
