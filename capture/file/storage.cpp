#include "capture/file/storage.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include "engine/core/read_file.h"
#include "engine/core/text.h"

namespace understudy::file {
namespace {

constexpr std::size_t kMostColumns = 65536;
constexpr std::size_t kMostHeadLines = 10000;
constexpr std::string_view kBlank = " \t\r";

std::string_view trimmed(std::string_view text) {
  const std::size_t start = text.find_first_not_of(kBlank);
  if (start == text.npos) return {};
  return text.substr(start, text.find_last_not_of(kBlank) + 1 - start);
}

// The number that fills a word; NaN for what is written as none, nothing for anything else.
std::optional<double> number(std::string_view word) {
  if (word.starts_with('+')) word.remove_prefix(1);
  double value = 0.0;
  const auto result = std::from_chars(word.data(), word.data() + word.size(), value);
  if (word.empty() || result.ptr != word.data() + word.size()) return std::nullopt;
  if (result.ec == std::errc::result_out_of_range) return 0.0;
  return std::isfinite(value) ? value : std::numeric_limits<double>::quiet_NaN();
}

class Reader {
 public:
  Reader(std::string_view text, const std::string& name) : rest_(text), name_(name) {}

  core::Result<StorageFile> read() {
    if (auto done = readHead(); !done) return done.error();
    if (auto done = readColumns(); !done) return done.error();
    if (auto done = readRows(); !done) return done.error();
    if (declared_rows_ && *declared_rows_ != static_cast<double>(file_.rows)) {
      file_.warnings.push_back(
          fmt::format("nRows says {:g} but there are {} rows", *declared_rows_, file_.rows));
    }
    return std::move(file_);
  }

 private:
  core::Error error(const std::string& what) const {
    return core::makeError(fmt::format("{}:{}: {}", name_, line_, what));
  }

  bool nextLine(std::string_view& line) {
    if (rest_.empty()) return false;
    const std::size_t end = rest_.find('\n');
    line = trimmed(rest_.substr(0, end));
    rest_ = end == rest_.npos ? std::string_view() : rest_.substr(end + 1);
    ++line_;
    return true;
  }

  core::Result<void> readHead() {
    std::string_view line;
    while (line_ < kMostHeadLines && nextLine(line)) {
      if (core::lowerCase(line) == "endheader") return {};
      const std::size_t equals = line.find('=');
      if (line_ == 1 && equals == line.npos) file_.name = line.substr(0, 200);
      if (equals == line.npos) continue;
      const std::string key = core::lowerCase(trimmed(line.substr(0, equals)));
      const std::string_view value = trimmed(line.substr(equals + 1));
      if (key == "nrows" || key == "datarows") declared_rows_ = number(value);
      if (key == "indegrees") file_.in_degrees = core::lowerCase(value) == "yes";
    }
    return error("no line endheader; is this an OpenSim .mot or .sto file?");
  }

  static std::vector<std::string_view> wordsOf(std::string_view line) {
    std::vector<std::string_view> words;
    core::appendWords(line, kBlank, words);
    return words;
  }

  core::Result<void> readColumns() {
    std::string_view line;
    while (line.empty()) {
      if (!nextLine(line)) return error("the file ends before the names of its columns");
    }
    const std::vector<std::string_view> words = wordsOf(line);
    if (core::lowerCase(words[0]) != "time" || words.size() < 2) {
      return error(
          fmt::format("begins its columns with {} where time should be", core::inQuotes(words[0])));
    }
    if (words.size() > kMostColumns) return error("more than 65536 columns");
    file_.columns.assign(words.begin(), words.end());
    return {};
  }

  core::Result<void> readRows() {
    std::string_view line;
    while (nextLine(line)) {
      if (line.empty()) continue;
      const std::vector<std::string_view> words = wordsOf(line);
      if (words.size() != file_.columns.size()) {
        if (rest_.empty() && words.size() < file_.columns.size() && file_.rows > 0) {
          file_.warnings.push_back("the last row is cut off and left out");
          break;
        }
        return error(fmt::format("a row of {} values; there are {} columns", words.size(),
                                 file_.columns.size()));
      }
      for (const std::string_view word : words) {
        const auto value = number(word);
        if (!value) return error(core::inQuotes(word) + " where a number should be");
        file_.values.push_back(*value);
      }
      const double time = file_.at(file_.rows, 0);
      if (!std::isfinite(time) || (file_.rows > 0 && !(time > file_.at(file_.rows - 1, 0)))) {
        return error("times do not grow; sort the rows by time");
      }
      ++file_.rows;
    }
    if (file_.rows == 0) return error("has no row of data; it is cut off or empty");
    return {};
  }

  std::string_view rest_;
  const std::string& name_;
  StorageFile file_;
  std::size_t line_ = 0;
  std::optional<double> declared_rows_;
};

}  // namespace

int StorageFile::column(std::string_view wanted) const {
  const auto found = std::find(columns.begin(), columns.end(), wanted);
  return found == columns.end() ? -1 : static_cast<int>(found - columns.begin());
}

core::Result<StorageFile> readStorage(std::string_view text, const std::string& file_name) {
  return Reader(text, file_name).read();
}

core::Result<StorageFile> loadStorage(const std::filesystem::path& path) {
  const auto text = core::readFile(path);
  if (!text) return text.error();
  return readStorage(*text, path.string());
}

}  // namespace understudy::file
