#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/result.h"

namespace understudy::core {

/// The values that a number in a settings file may have.
struct Range {
  double least = -1e300;
  double most = 1e300;
};

enum class Need : std::uint8_t { optional, required };

/// One table of a settings file. Each `read` overwrites its target if the key is there and leaves
/// it alone (a default) if it is not. A missing required key, a wrong type or a number out of range
/// is remembered by the file: the first such error comes out of SettingsFile::finish, so that the
/// code that reads needs no branches. Valid as long as the file. Everything here is for start-up.
class SettingsTable {
 public:
  void read(std::string_view key, bool& value, Need need = Need::optional);
  void read(std::string_view key, std::string& value, Need need = Need::optional);
  void read(std::string_view key, double& value, Range range = {}, Need need = Need::optional);
  void read(std::string_view key, float& value, Range range = {}, Need need = Need::optional);
  void read(std::string_view key, int& value, Range range = {}, Need need = Need::optional);
  void read(std::string_view key, std::int64_t& value, Range range = {},
            Need need = Need::optional);
  void read(std::string_view key, std::uint32_t& value, Range range = {},
            Need need = Need::optional);
  /// An array of exactly values.size() numbers.
  void read(std::string_view key, std::span<double> values, Range range = {},
            Need need = Need::optional);
  void read(std::string_view key, std::span<float> values, Range range = {},
            Need need = Need::optional);
  /// An array of any length.
  void read(std::string_view key, std::vector<double>& values, Range range = {},
            Need need = Need::optional);
  void read(std::string_view key, std::vector<std::string>& values, Need need = Need::optional);

  /// True if the key is there. Counts as asking for it.
  bool has(std::string_view key);
  /// The table of that name; an empty one where it is missing.
  SettingsTable table(std::string_view key, Need need = Need::optional);
  /// The tables of `[[key]]`, in the file's order.
  std::vector<SettingsTable> tables(std::string_view key);
  /// All keys of this table, sorted, when the file chooses the names; they all count as known.
  std::vector<std::string> keys();

  /// Remembers an error of the caller's own, at the place of `key` (or of the table where the key
  /// is missing or empty): `file:line: key <message>`.
  void fail(std::string_view key, std::string_view message);

 private:
  friend class SettingsFile;
  SettingsTable(struct SettingsContent& content, const void* table)
      : content_(&content), table_(table) {}

  struct SettingsContent* content_;
  const void* table_;  // A toml::table, or null for a missing one.
};

/// A TOML file that is read strictly.
class SettingsFile {
 public:
  /// Reads the file; the error says what is wrong with the file or its syntax, and where.
  static Result<SettingsFile> load(const std::string& path);
  /// Reads text; `name` stands for the file's name in errors.
  static Result<SettingsFile> parse(std::string_view text, const std::string& name);

  SettingsFile(SettingsFile&&) noexcept;
  SettingsFile& operator=(SettingsFile&&) noexcept;
  ~SettingsFile();

  SettingsTable root();

  /// Call when everything has been read: the first error, or one for a key that nobody asked for;
  /// it names the nearest key that somebody did.
  Result<void> finish();

 private:
  explicit SettingsFile(std::unique_ptr<struct SettingsContent> content);

  std::unique_ptr<struct SettingsContent> content_;
};

/// The candidate with the smallest edit distance to `word` (insertions, deletions, replacements,
/// swaps of neighbours); empty where there is none, or none that a slip of the hand explains.
std::string nearestName(std::string_view word, std::span<const std::string> candidates);

}  // namespace understudy::core
