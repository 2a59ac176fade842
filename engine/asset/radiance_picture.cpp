#include "engine/asset/radiance_picture.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <string_view>

namespace understudy::asset {

namespace {

class Reader {
 public:
  Reader(const std::string& bytes, const std::string& name) : bytes_(bytes), name_(name) {}

  core::Error fail(const std::string& why) const {
    return core::makeError(fmt::format("{}: {}", name_, why));
  }

  /// Header lines up to the size; the size.
  core::Result<void> readHeader(std::uint32_t most_columns, RadiancePicture& picture) {
    std::string_view line;
    if (!nextLine(line) || !line.starts_with("#?")) {
      return fail("is no Radiance picture; convert it to .hdr");
    }
    while (nextLine(line) && !line.empty()) {
      if (line.starts_with("FORMAT=") && line != "FORMAT=32-bit_rle_rgbe") {
        return fail(fmt::format("{} is not read; write it as 32-bit_rle_rgbe", shown(line)));
      }
    }
    if (!nextLine(line)) return fail("ends in its header; copy or write it again");
    if (!readSize(line, picture)) {
      return fail(
          fmt::format("its size line \"{}\" is not \"-Y ROWS +X COLUMNS\"; write it with "
                      "rows from the top",
                      shown(line)));
    }
    if (picture.width_px > most_columns || picture.height_px > most_columns) {
      return fail(fmt::format("{} x {} px is too large; at most {} each way are read",
                              picture.width_px, picture.height_px, most_columns));
    }
    return {};
  }

  core::Result<void> readPixels(RadiancePicture& picture) {
    const std::size_t width = picture.width_px;
    // Even the shortest runs take bytes: an endless picture cannot be asked for with a few.
    if ((bytes_.size() - at_) * 64 < width * picture.height_px) return fail(kShort);
    picture.pixels.reserve(width * picture.height_px);
    std::vector<std::uint8_t> row(4 * width);
    for (std::uint32_t y = 0; y < picture.height_px; ++y) {
      const char* why = hasRuns(width) ? readRuns(width, row) : readFlat(row);
      if (why != nullptr) return fail(fmt::format("row {}: {}", y, why));
      for (std::size_t x = 0; x < width; ++x) {
        const float scale = row[3 * width + x] == 0
                                ? 0.0f
                                : std::ldexp(1.0f, static_cast<int>(row[3 * width + x]) - 136);
        picture.pixels.push_back(scale * glm::vec3(row[x], row[width + x], row[2 * width + x]));
      }
    }
    return {};
  }

 private:
  static constexpr const char* kShort = "ends too early; copy or write it again";

  /// What of a line can be shown in one.
  static std::string shown(std::string_view line) {
    std::string text(line.substr(0, 60));
    for (char& c : text) c = c >= ' ' && c < 127 ? c : '?';
    return text;
  }

  bool nextLine(std::string_view& line) {
    const std::size_t end = bytes_.find('\n', at_);
    if (end == std::string::npos) return false;
    line = std::string_view(bytes_).substr(at_, end - at_);
    if (line.ends_with('\r')) line.remove_suffix(1);
    at_ = end + 1;
    return true;
  }

  static bool readNumber(std::string_view& text, std::uint32_t& number) {
    const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
    if (read.ec != std::errc() || number == 0) return false;
    text.remove_prefix(static_cast<std::size_t>(read.ptr - text.data()));
    return true;
  }

  static bool readSize(std::string_view line, RadiancePicture& picture) {
    if (!line.starts_with("-Y ")) return false;
    line.remove_prefix(3);
    if (!readNumber(line, picture.height_px) || !line.starts_with(" +X ")) return false;
    line.remove_prefix(4);
    return readNumber(line, picture.width_px) && line.empty();
  }

  std::uint8_t byte(std::size_t at) const { return static_cast<std::uint8_t>(bytes_[at]); }

  bool hasRuns(std::size_t width) const {
    return width >= 8 && width <= 32767 && at_ + 4 <= bytes_.size() && byte(at_) == 2 &&
           byte(at_ + 1) == 2 &&
           static_cast<std::size_t>(byte(at_ + 2) << 8 | byte(at_ + 3)) == width;
  }

  /// Channel by channel; a count over 128 repeats one byte, another is followed by so many.
  const char* readRuns(std::size_t width, std::vector<std::uint8_t>& row) {
    at_ += 4;
    for (std::size_t channel = 0; channel < 4; ++channel) {
      std::size_t x = 0;
      while (x < width) {
        if (at_ + 2 > bytes_.size()) return kShort;
        const std::size_t code = byte(at_++);
        const std::size_t count = code > 128 ? code - 128 : code;
        const std::size_t stored = code > 128 ? 1 : count;
        if (count == 0 || count > width - x) return "a run does not fit; copy or write it again";
        if (at_ + stored > bytes_.size()) return kShort;
        for (std::size_t i = 0; i < count; ++i) {
          row[channel * width + x++] = byte(code > 128 ? at_ : at_ + i);
        }
        at_ += stored;
      }
    }
    return nullptr;
  }

  const char* readFlat(std::vector<std::uint8_t>& row) {
    const std::size_t width = row.size() / 4;
    if (row.size() > bytes_.size() - at_) return kShort;
    for (std::size_t x = 0; x < width; ++x) {
      for (std::size_t channel = 0; channel < 4; ++channel) {
        row[channel * width + x] = byte(at_ + 4 * x + channel);
      }
    }
    at_ += row.size();
    return nullptr;
  }

  const std::string& bytes_;
  const std::string& name_;
  std::size_t at_ = 0;
};

}  // namespace

core::Result<RadiancePicture> readRadiance(const std::string& bytes, const std::string& name,
                                           std::uint32_t most_columns) {
  RadiancePicture picture;
  Reader reader(bytes, name);
  if (auto read = reader.readHeader(most_columns, picture); !read) return read.error();
  if (auto read = reader.readPixels(picture); !read) return read.error();
  return picture;
}

}  // namespace understudy::asset
