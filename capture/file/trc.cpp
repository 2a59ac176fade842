#include "capture/file/trc.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include "engine/core/read_file.h"

namespace understudy::file {
namespace {

constexpr float kMissing = std::numeric_limits<float>::quiet_NaN();
constexpr std::size_t kMaxMarkers = 65535;

std::string_view trimmed(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\r' || c == '\t' || c == '\0'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

/// The number that fills a whole cell; NaN for an empty cell, nothing for anything else.
std::optional<double> cellNumber(std::string_view cell) {
  cell = trimmed(cell);
  if (cell.empty()) return std::numeric_limits<double>::quiet_NaN();
  if (cell.front() == '+') cell.remove_prefix(1);
  double value = 0.0;
  const auto result = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  if (result.ptr != cell.data() + cell.size() || cell.empty()) return std::nullopt;
  if (result.ec == std::errc::result_out_of_range) return 0.0;
  return std::abs(value) < 1e9 ? value : std::numeric_limits<double>::quiet_NaN();
}

/// Hands out what stands between tabs, one cell after the other.
class Cells {
 public:
  explicit Cells(std::string_view line) : rest_(line) {}
  bool done() const { return done_; }
  std::string_view next() {
    const std::size_t tab = rest_.find('\t');
    const std::string_view cell = rest_.substr(0, tab);
    done_ = tab == rest_.npos;
    rest_ = done_ ? std::string_view() : rest_.substr(tab + 1);
    return cell;
  }

 private:
  std::string_view rest_;
  bool done_ = false;
};

std::vector<std::string> filledCells(std::string_view line) {
  std::vector<std::string> filled;
  for (Cells cells(line); !cells.done();) {
    const std::string_view cell = trimmed(cells.next());
    if (!cell.empty()) filled.emplace_back(cell);
  }
  return filled;
}

class Reader {
 public:
  Reader(std::string_view text, const std::string& name) : rest_(text), name_(name) {}

  core::Result<TrcFile> read() {
    if (!nextLine().starts_with("PathFileType")) {
      return error("does not begin with PathFileType; is this a TRC file?");
    }
    const std::vector<std::string> keys = filledCells(nextLine());
    const std::vector<std::string> values = filledCells(nextLine());
    double declared_frames = 0.0;
    for (std::size_t i = 0; i < std::min(keys.size(), values.size()); ++i) {
      if (keys[i] == "DataRate") file_.rate_hz = cellNumber(values[i]).value_or(0.0);
      if (keys[i] == "NumFrames") declared_frames = cellNumber(values[i]).value_or(0.0);
      if (keys[i] == "Units") file_.units = values[i];
    }
    if (at_end_) return error("is cut off before the names of the markers");
    file_.labels = filledCells(nextLine());
    if (file_.labels.size() < 2) return error("has no line with the names of the markers");
    file_.labels.erase(file_.labels.begin(), file_.labels.begin() + 2);  // Frame# and Time.
    if (file_.labels.size() > kMaxMarkers) return error("has more than 65535 markers");
    if (auto result = readRows(); !result) return result.error();
    if (declared_frames != static_cast<double>(file_.frames)) {
      file_.warnings.push_back(
          fmt::format("NumFrames says {:g} but there are {} rows", declared_frames, file_.frames));
    }
    if (!(file_.rate_hz > 0.0 && file_.rate_hz < 1e6)) {
      const bool timed = file_.frames > 1 && last_time_ > first_time_;
      file_.rate_hz =
          timed ? static_cast<double>(file_.frames - 1) / (last_time_ - first_time_) : 100.0;
      file_.warnings.push_back(fmt::format("DataRate is not usable; {:g} Hz is taken from {}",
                                           file_.rate_hz, timed ? "the times" : "habit"));
    }
    file_.start_s = std::isfinite(first_time_) ? first_time_ : 0.0;
    return std::move(file_);
  }

 private:
  core::Error error(const std::string& what) const {
    return core::makeError(fmt::format("{}:{}: {}", name_, line_, what));
  }

  std::string_view nextLine() {
    const std::size_t end = rest_.find('\n');
    const std::string_view line = rest_.substr(0, end);
    at_end_ = end == rest_.npos;
    rest_ = at_end_ ? std::string_view() : rest_.substr(end + 1);
    ++line_;
    return line;
  }

  core::Result<void> readRows() {
    const std::size_t columns = file_.labels.size() * 3;
    bool surplus = false;
    while (!at_end_) {
      const std::string_view line = nextLine();
      Cells cells(line);
      const std::string_view first = trimmed(cells.next());
      if (first.empty()) continue;  // Blank lines, and the line X1 Y1 Z1.
      const auto number = cellNumber(first);
      if (!number || !std::isfinite(*number)) return error("a row does not begin with its number");
      const double time = cells.done() ? 0.0 : cellNumber(cells.next()).value_or(0.0);
      if (file_.frames == 0) first_time_ = time;
      last_time_ = time;
      ++file_.frames;
      for (std::size_t column = 0; column < columns; column += 3) {
        glm::vec3 point(0.0f);
        for (int k = 0; k < 3; ++k) {
          const std::string_view cell = cells.done() ? std::string_view() : cells.next();
          const auto value = cellNumber(cell);
          if (!value) return error("a cell holds no number");
          point[k] = static_cast<float>(*value);
        }
        const bool seen = std::isfinite(point.x) && std::isfinite(point.y) &&
                          std::isfinite(point.z) && point != glm::vec3(0.0f);
        file_.points.push_back(seen ? point : glm::vec3(kMissing, 0.0f, 0.0f));
      }
      while (!cells.done() && !surplus) surplus = !trimmed(cells.next()).empty();
      // A row costs at least its bytes; markers beyond its end cost none.
      if (file_.points.size() > 65536 + 16 * text_size_) {
        return error("has more markers than its size allows; the names are broken");
      }
    }
    if (surplus) file_.warnings.push_back("columns without a marker's name are left out");
    if (file_.frames == 0) return error("has no row of data; it is cut off or empty");
    return {};
  }

  std::string_view rest_;
  const std::string& name_;
  std::size_t text_size_ = rest_.size();
  TrcFile file_;
  std::size_t line_ = 0;
  bool at_end_ = false;
  double first_time_ = 0.0, last_time_ = 0.0;
};

}  // namespace

core::Result<TrcFile> readTrc(std::string_view text, const std::string& name) {
  return Reader(text, name).read();
}

core::Result<TrcFile> loadTrc(const std::filesystem::path& path) {
  const auto text = core::readFile(path);
  if (!text) return text.error();
  return readTrc(*text, path.string());
}

}  // namespace understudy::file
