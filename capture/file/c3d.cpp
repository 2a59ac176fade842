#include "capture/file/c3d.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "capture/file/c3d_bytes.h"
#include "engine/core/read_file.h"

namespace understudy::file {
namespace {

constexpr std::size_t kBlock = 512;

char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }

bool equalNames(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return upper(x) == upper(y); });
}

std::string trimmed(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\0' || c == '\t'; };
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  return std::string(text);
}

/// A count stored as a signed word, an unsigned one or a float.
std::optional<std::size_t> countOf(const C3dParameter* parameter) {
  if (parameter == nullptr || parameter->numbers.empty()) return std::nullopt;
  double value = static_cast<double>(parameter->numbers[0]);
  if (parameter->type == C3dType::integer && value < 0) value += 65536.0;
  if (parameter->type == C3dType::byte && value < 0) value += 256.0;
  if (!(value >= 0.0 && value < 4e9)) return std::nullopt;
  return static_cast<std::size_t>(value);
}

/// A count stored as two words, low one first.
std::optional<std::size_t> longCountOf(const C3dParameter* parameter) {
  if (parameter == nullptr || parameter->type != C3dType::integer ||
      parameter->numbers.size() < 2) {
    return std::nullopt;
  }
  const auto word = [&](std::size_t i) {
    return static_cast<std::size_t>(
        static_cast<std::uint16_t>(static_cast<std::int16_t>(parameter->numbers[i])));
  };
  return word(0) + word(1) * 65536;
}

class Reader {
 public:
  Reader(std::string_view bytes, const std::string& name)
      : raw_(bytes), name_(name), bytes_(bytes, C3dProcessor::intel) {}

  core::Result<C3dFile> read() {
    if (auto result = readHead(); !result) return result.error();
    readParameters();
    if (auto result = settleLayout(); !result) return result.error();
    readLabels();
    readPoints();
    readAnalog();
    readEvents();
    readMakers();
    return std::move(file_);
  }

 private:
  core::Error error(const std::string& what) const { return core::makeError(name_ + ": " + what); }
  template <class... Args>
  void warn(fmt::format_string<Args...> format, Args&&... args) {
    file_.warnings.push_back(fmt::format(format, std::forward<Args>(args)...));
  }
  std::size_t headerWord(std::size_t number) const { return bytes_.word((number - 1) * 2); }
  const C3dParameter* find(std::string_view group, std::string_view name) const {
    return findParameter(file_, group, name);
  }
  std::optional<double> numberOf(std::string_view group, std::string_view name) const {
    const C3dParameter* parameter = find(group, name);
    if (parameter == nullptr || parameter->numbers.empty()) return std::nullopt;
    const double value = static_cast<double>(parameter->numbers[0]);
    return std::isfinite(value) ? std::optional(value) : std::nullopt;
  }

  core::Result<void> readHead() {
    if (raw_.size() < kBlock) {
      return error(
          fmt::format("is {} bytes long, shorter than a C3D header of 512; it is cut off "
                      "or no C3D file",
                      raw_.size()));
    }
    if (bytes_.byte(1) != 0x50 || bytes_.byte(0) == 0) {
      return error("does not begin like a C3D file (second byte 0x50); check what kind it is");
    }
    parameters_at_ = (std::size_t{bytes_.byte(0)} - 1) * kBlock;
    const std::uint8_t processor = bytes_.byte(parameters_at_ + 3);
    if (parameters_at_ + 4 > raw_.size()) {
      return error("is cut off before its parameters; copy it again");
    }
    if (processor >= 84 && processor <= 86) {
      bytes_ = C3dBytes(raw_, static_cast<C3dProcessor>(processor));
    } else {
      warn("processor type {} is unknown; Intel is assumed", processor);
    }
    file_.encoding.processor = processor == 85 ? "dec" : processor == 86 ? "sgi" : "intel";
    return {};
  }

  /// Group and parameter records follow each other, each with the way to the next. That way is
  /// often wrong in old files: it is only followed forwards, past the record's own data.
  void readParameters() {
    std::map<int, std::size_t> group_of_id;
    std::size_t at = parameters_at_ + 4;
    bool sound = true;
    while (at + 2 < bytes_.size()) {
      const int signed_length = static_cast<std::int8_t>(bytes_.byte(at));
      const int id = static_cast<std::int8_t>(bytes_.byte(at + 1));
      const std::size_t length = static_cast<std::size_t>(std::abs(signed_length));
      if (length == 0 || id == 0) break;
      const std::string_view given = bytes_.text(at + 2, length);
      sound = given.size() == length && std::all_of(given.begin(), given.end(), [](char c) {
                return static_cast<unsigned char>(c) >= 32 && c != 127;
              });
      if (!sound) break;
      const std::size_t link_at = at + 2 + length;
      const std::size_t link = bytes_.word(link_at);
      const std::size_t linked = link_at + link;
      std::size_t data_end = link_at + 2;
      const int group_id = std::abs(id);
      if (!group_of_id.contains(group_id)) {
        group_of_id[group_id] = file_.groups.size();
        file_.groups.emplace_back();
      }
      C3dGroup& group = file_.groups[group_of_id[group_id]];
      std::string* description = &group.description;
      if (id < 0) {
        group.name = trimmed(given);
        group.is_locked = signed_length < 0;
      } else {
        C3dParameter parameter;
        parameter.name = trimmed(given);
        parameter.is_locked = signed_length < 0;
        sound = readValues(parameter, data_end);
        if (!sound) break;
        group.parameters.push_back(std::move(parameter));
        description = &group.parameters.back().description;
      }
      // A description that would reach past the next record is missing in truth.
      const std::size_t described = bytes_.byte(data_end);
      const std::size_t natural_end = data_end + 1 + described;
      if (link == 0 || natural_end <= linked) {
        *description = std::string(bytes_.text(data_end + 1, described));
      }
      if (link == 0) break;
      if (linked < data_end || linked >= bytes_.size()) {
        warn("{}:{} does not lead to the next parameter; the records were followed one by one",
             group.name, trimmed(given));
        at = natural_end;
      } else {
        at = linked;
      }
    }
    if (!sound)
      warn("the parameter section is damaged from byte {} on; the rest of it is left out", at);
    std::size_t nameless = 0;
    for (C3dGroup& group : file_.groups) {
      if (group.name.empty()) group.name = fmt::format("GROUP{}", ++nameless);
    }
  }

  /// Reads type, dimensions and values; moves `at` behind them. False if they are no such thing.
  bool readValues(C3dParameter& parameter, std::size_t& at) {
    const int type = static_cast<std::int8_t>(bytes_.byte(at));
    const std::size_t dimensions = bytes_.byte(at + 1);
    if ((type != -1 && type != 1 && type != 2 && type != 4) || dimensions > 7) return false;
    parameter.type = static_cast<C3dType>(type);
    std::size_t count = 1;
    for (std::size_t i = 0; i < dimensions; ++i) {
      parameter.dimensions.push_back(bytes_.byte(at + 2 + i));
      count *= parameter.dimensions.back();
      if (count > bytes_.size()) return false;
    }
    at += 2 + dimensions;
    const std::size_t width = static_cast<std::size_t>(std::abs(type));
    if (at > bytes_.size() || count * width > bytes_.size() - at) return false;
    if (type == -1) parameter.text = std::string(bytes_.text(at, count));
    parameter.numbers.reserve(type == -1 ? 0 : count);
    for (std::size_t i = 0; type != -1 && i < count; ++i) {
      const std::size_t place = at + i * width;
      parameter.numbers.push_back(
          type == 4   ? bytes_.real(place)
          : type == 2 ? static_cast<float>(bytes_.integer(place))
                      : static_cast<float>(static_cast<std::int8_t>(bytes_.byte(place))));
    }
    at += count * width;
    return true;
  }

  core::Result<void> settleLayout() {
    settleScale();
    std::size_t points = headerWord(2);
    if (const auto used = countOf(find("POINT", "USED")); used && *used != points) {
      warn("the header has {} points, POINT:USED {}; {} are read", points, *used, *used);
      points = *used;
    }
    file_.labels.resize(std::min<std::size_t>(points, 65535));
    settleAnalog();
    settleDataStart();
    if (data_at_ > bytes_.size()) {
      return error("is cut off before its data; copy it again");
    }
    word_bytes_ = file_.encoding.is_real ? 4 : 2;
    frame_bytes_ =
        (file_.labels.size() * 4 + file_.samples_per_frame * file_.channels.size()) * word_bytes_;
    settleRate();
    return settleFrames();
  }

  void settleScale() {
    double scale = static_cast<double>(bytes_.real(12));
    if (const auto given = numberOf("POINT", "SCALE")) scale = *given;
    if (!std::isfinite(scale) || scale == 0.0) {
      warn("POINT:SCALE is not usable; floats are assumed");
      scale = -1.0;
    }
    file_.encoding.is_real = scale < 0.0;
    scale_ = std::abs(scale);
  }

  void settleAnalog() {
    const std::size_t values = headerWord(3);
    std::size_t per_frame = headerWord(10);
    const auto used = countOf(find("ANALOG", "USED"));
    std::size_t channels = used.value_or(per_frame > 0 ? values / per_frame : 0);
    if (channels * per_frame != values) {
      // The header's count of values decides: it alone gives the length of a frame.
      if (channels > 0 && values % channels == 0) {
        per_frame = values / channels;
      } else if (per_frame > 0 && values % per_frame == 0) {
        channels = values / per_frame;
      } else {
        per_frame = 1;
        channels = values;
      }
      if (values > 0 || used.value_or(0) > 0) {
        warn("the header has {} analog values a frame, ANALOG:USED {}; {} channels are read",
             values, used.value_or(0), values == 0 ? 0 : channels);
      }
      if (values == 0) channels = 0;
    }
    file_.channels.resize(channels);
    file_.samples_per_frame = channels == 0 ? 0 : per_frame;
  }

  void settleDataStart() {
    const std::size_t header = headerWord(9);
    const std::size_t parameter = countOf(find("POINT", "DATA_START")).value_or(0);
    std::size_t block = header;
    if (header < 2 || (header - 1) * kBlock >= bytes_.size()) block = parameter;
    if (block < 2) {
      block = 1 + parameters_at_ / kBlock + bytes_.byte(parameters_at_ + 2);
      warn("neither header nor POINT:DATA_START say where the data begins; block {} is taken",
           block);
    } else if (parameter != header && parameter != 0) {
      warn("the header puts the data at block {}, POINT:DATA_START at {}; {} is taken", header,
           parameter, block);
    }
    data_at_ = (block - 1) * kBlock;
  }

  void settleRate() {
    double rate = static_cast<double>(bytes_.real(20));
    if (const auto given = numberOf("POINT", "RATE"); given && *given > 0.0) rate = *given;
    if (!(rate > 0.0 && rate < 1e6)) {
      warn("the frame rate is missing; 100 Hz is assumed");
      rate = 100.0;
    }
    file_.rate_hz = rate;
    file_.analog_rate_hz = rate * static_cast<double>(file_.samples_per_frame);
  }

  core::Result<void> settleFrames() {
    struct Claim {
      const char* who;
      std::size_t frames;
      bool or_more;  ///< The largest word there is: it stands for any larger number.
    };
    std::vector<Claim> claims;
    const auto start = longCountOf(find("TRIAL", "ACTUAL_START_FIELD"));
    const auto end = longCountOf(find("TRIAL", "ACTUAL_END_FIELD"));
    const std::size_t first = headerWord(4), last = headerWord(5);
    file_.first_frame = static_cast<std::uint32_t>(first);
    if (start && end && *end >= *start && *end > 0) {
      claims.push_back({"TRIAL:ACTUAL_END_FIELD", *end - *start + 1, false});
    }
    if (const auto frames = countOf(find("POINT", "LONG_FRAMES"))) {
      claims.push_back({"POINT:LONG_FRAMES", *frames, false});
    }
    const auto frames = countOf(find("POINT", "FRAMES"));
    if (last >= first && last > 0)
      claims.push_back({"the header", last - first + 1, last == 65535});
    if (frames && *frames > 0) claims.push_back({"POINT:FRAMES", *frames, *frames == 65535});
    if (claims.empty()) claims.push_back({"the header", 0, false});

    const std::size_t stored =
        frame_bytes_ == 0 ? claims[0].frames : (bytes_.size() - data_at_) / frame_bytes_;
    const auto agrees = [&](const Claim& claim) {
      return claim.frames == claims[0].frames ||
             (claim.or_more && claims[0].frames > claim.frames) ||
             claim.frames == claims[0].frames % 65536;
    };
    const bool agreed = std::all_of(claims.begin(), claims.end(), agrees);
    std::size_t chosen = 0;
    while (chosen < claims.size() && claims[chosen].frames > stored) ++chosen;
    if (chosen == claims.size()) {
      warn("{} says {} frames, but only {} are stored; those are read", claims[0].who,
           claims[0].frames, stored);
      file_.frames = stored;
    } else {
      file_.frames = claims[chosen].frames;
      if (!agreed || chosen > 0) {
        std::string all;
        for (const Claim& claim : claims) {
          all += fmt::format("{}{} {}", all.empty() ? "" : ", ", claim.who, claim.frames);
        }
        warn("the number of frames differs ({}); {} are read", all, file_.frames);
      }
    }
    if (start && chosen == 0 && *start > 0 && end && *end >= *start) {
      file_.first_frame = static_cast<std::uint32_t>(*start);
    }
    if (file_.frames == 0) return error("holds no frame of data; it is cut off or empty");
    return {};
  }

  void readLabels() {
    const std::vector<std::string> labels = allTexts(file_, "POINT", "LABELS");
    file_.descriptions = allTexts(file_, "POINT", "DESCRIPTIONS");
    file_.descriptions.resize(file_.labels.size());
    std::size_t unlabelled = 0;
    for (std::size_t i = 0; i < file_.labels.size(); ++i) {
      if (i < labels.size()) file_.labels[i] = labels[i];
      if (!file_.labels[i].empty()) continue;
      file_.labels[i] = fmt::format("*{}", i + 1);
      ++unlabelled;
    }
    if (unlabelled > 0) warn("{} points have no label; they are called *N", unlabelled);
    if (const C3dParameter* units = find("POINT", "UNITS")) {
      const auto texts = textsOf(*units);
      if (!texts.empty()) file_.units = texts[0];
    }
  }

  void readPoints() {
    const std::size_t count = file_.labels.size();
    file_.points.resize(file_.frames * count);
    std::size_t at_origin = 0;
    for (std::size_t frame = 0; frame < file_.frames; ++frame) {
      std::size_t at = data_at_ + frame * frame_bytes_;
      for (std::size_t i = 0; i < count; ++i, at += 4 * word_bytes_) {
        C3dPoint point = file_.encoding.is_real ? realPoint(at) : integerPoint(at);
        if (!point.is_missing() && point.position == glm::vec3(0.0f)) {
          point = {};
          ++at_origin;
        }
        file_.points[frame * count + i] = point;
      }
    }
    if (at_origin > 0) warn("{} points exactly at the origin count as missing", at_origin);
  }

  C3dPoint realPoint(std::size_t at) const {
    C3dPoint point;
    point.position = {bytes_.real(at), bytes_.real(at + 4), bytes_.real(at + 8)};
    const float word = bytes_.real(at + 12);
    const bool finite = std::isfinite(point.position.x) && std::isfinite(point.position.y) &&
                        std::isfinite(point.position.z);
    // The word holds camera bits and residual as if it were an integer; larger ones are unsigned.
    if (finite && word >= 0.0f && word < 65536.0f) setResidual(point, static_cast<unsigned>(word));
    if (!finite) point.position = glm::vec3(0.0f);
    return point;
  }

  C3dPoint integerPoint(std::size_t at) const {
    C3dPoint point;
    for (int k = 0; k < 3; ++k) {
      point.position[k] = static_cast<float>(
          static_cast<double>(bytes_.integer(at + static_cast<std::size_t>(k) * 2)) * scale_);
    }
    const int word = bytes_.integer(at + 6);
    if (word >= 0) setResidual(point, static_cast<unsigned>(word));
    return point;
  }

  void setResidual(C3dPoint& point, unsigned word) const {
    point.residual = static_cast<float>(static_cast<double>(word & 0xffu) * scale_);
    point.cameras = static_cast<std::uint8_t>((word >> 8) & 0x7fu);
  }

  /// The values of NAME, NAME2, ... one after the other.
  std::vector<float> allNumbers(std::string_view group, const std::string& name) const {
    std::vector<float> numbers;
    for (int part = 1; part < 1000; ++part) {
      const C3dParameter* parameter = find(group, part == 1 ? name : name + std::to_string(part));
      if (parameter == nullptr) break;
      numbers.insert(numbers.end(), parameter->numbers.begin(), parameter->numbers.end());
    }
    return numbers;
  }

  void readAnalog() {
    const std::size_t channels = file_.channels.size();
    if (channels == 0) return;
    const auto labels = allTexts(file_, "ANALOG", "LABELS");
    const auto units = allTexts(file_, "ANALOG", "UNITS");
    std::vector<double> scales(channels, 1.0), offsets(channels, 0.0);
    const double general = numberOf("ANALOG", "GEN_SCALE").value_or(1.0);
    const std::vector<float> scale = allNumbers("ANALOG", "SCALE");
    const std::vector<float> offset = allNumbers("ANALOG", "OFFSET");
    const C3dParameter* format = find("ANALOG", "FORMAT");
    const bool is_unsigned = format != nullptr && trimmed(format->text) == "UNSIGNED";
    for (std::size_t c = 0; c < channels; ++c) {
      file_.channels[c].name =
          c < labels.size() && !labels[c].empty() ? labels[c] : fmt::format("channel {}", c + 1);
      if (c < units.size()) file_.channels[c].unit = units[c];
      if (c < scale.size()) {
        scales[c] = static_cast<double>(scale[c]) * general;
      } else {
        scales[c] = general;
      }
      if (c < offset.size()) {
        offsets[c] = static_cast<double>(offset[c]);
        if (is_unsigned && offsets[c] < 0) offsets[c] += 65536.0;
      }
    }
    const std::size_t per_frame = file_.samples_per_frame * channels;
    file_.analog.resize(file_.frames * per_frame);
    for (std::size_t frame = 0; frame < file_.frames; ++frame) {
      const std::size_t at =
          data_at_ + frame * frame_bytes_ + file_.labels.size() * 4 * word_bytes_;
      for (std::size_t i = 0; i < per_frame; ++i) {
        const std::size_t place = at + i * word_bytes_;
        const double value = file_.encoding.is_real ? static_cast<double>(bytes_.real(place))
                             : is_unsigned          ? static_cast<double>(bytes_.word(place))
                                                    : static_cast<double>(bytes_.integer(place));
        file_.analog[frame * per_frame + i] =
            static_cast<float>((value - offsets[i % channels]) * scales[i % channels]);
      }
    }
  }

  void readEvents() {
    const C3dParameter* times = find("EVENT", "TIMES");
    const std::size_t used = countOf(find("EVENT", "USED")).value_or(0);
    if (times != nullptr && used > 0) {
      const auto labels = allTexts(file_, "EVENT", "LABELS");
      const auto contexts = allTexts(file_, "EVENT", "CONTEXTS");
      for (std::size_t i = 0; i < used && i * 2 + 1 < times->numbers.size(); ++i) {
        // Minutes, then seconds.
        file_.events.push_back({i < labels.size() ? labels[i] : std::string(),
                                i < contexts.size() ? contexts[i] : std::string(),
                                60.0 * static_cast<double>(times->numbers[i * 2]) +
                                    static_cast<double>(times->numbers[i * 2 + 1])});
      }
    } else if (headerWord(150) == 12345) {
      const std::size_t count = std::min<std::size_t>(headerWord(151), 18);
      for (std::size_t i = 0; i < count; ++i) {
        file_.events.push_back({trimmed(bytes_.text(396 + i * 4, 4)), "",
                                static_cast<double>(bytes_.real(304 + i * 4))});
      }
    }
  }

  void readMakers() {
    for (const char* name : {"COMPANY", "SOFTWARE", "VERSION", "VERSION_LABEL"}) {
      const C3dParameter* parameter = find("MANUFACTURER", name);
      if (parameter == nullptr) continue;
      std::string text;
      if (parameter->type == C3dType::text) {
        for (const std::string& part : textsOf(*parameter))
          text += (text.empty() ? "" : " ") + part;
      } else {
        for (const float number : parameter->numbers) {
          text += fmt::format("{}{:g}", text.empty() ? "" : ".", number);
        }
      }
      if (!text.empty()) file_.vendor += (file_.vendor.empty() ? "" : " ") + text;
    }
    if (const C3dParameter* names = find("SUBJECTS", "NAMES")) {
      for (std::string& name : textsOf(*names)) {
        if (!name.empty()) file_.subjects.push_back(std::move(name));
      }
    }
  }

  std::string_view raw_;
  const std::string& name_;
  C3dBytes bytes_;
  C3dFile file_;
  std::size_t parameters_at_ = 0;
  std::size_t data_at_ = 0;
  std::size_t word_bytes_ = 4;
  std::size_t frame_bytes_ = 0;
  double scale_ = 1.0;
};

}  // namespace

const C3dParameter* findParameter(const C3dFile& file, std::string_view group,
                                  std::string_view name) {
  for (const C3dGroup& candidate : file.groups) {
    if (!equalNames(candidate.name, group)) continue;
    for (const C3dParameter& parameter : candidate.parameters) {
      if (equalNames(parameter.name, name)) return &parameter;
    }
  }
  return nullptr;
}

std::vector<std::string> textsOf(const C3dParameter& parameter) {
  std::vector<std::string> texts;
  if (parameter.type != C3dType::text) return texts;
  const std::size_t length = parameter.dimensions.empty() ? 1 : parameter.dimensions[0];
  if (length == 0) return texts;
  for (std::size_t at = 0; at + length <= parameter.text.size(); at += length) {
    texts.push_back(trimmed(std::string_view(parameter.text).substr(at, length)));
  }
  return texts;
}

std::vector<std::string> allTexts(const C3dFile& file, std::string_view group,
                                  std::string_view name) {
  std::vector<std::string> texts;
  for (int part = 1; part < 1000; ++part) {
    const std::string full = std::string(name) + (part == 1 ? "" : std::to_string(part));
    const C3dParameter* parameter = findParameter(file, group, full);
    if (parameter == nullptr) break;
    const auto more = textsOf(*parameter);
    texts.insert(texts.end(), more.begin(), more.end());
  }
  return texts;
}

core::Result<C3dFile> readC3d(std::string_view bytes, const std::string& name) {
  return Reader(bytes, name).read();
}

core::Result<C3dFile> loadC3d(const std::filesystem::path& path) {
  const auto bytes = core::readFile(path);
  if (!bytes) return bytes.error();
  return readC3d(*bytes, path.string());
}

}  // namespace understudy::file
