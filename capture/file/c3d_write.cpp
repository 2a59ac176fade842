#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>

#include "capture/file/c3d.h"

namespace understudy::file {
namespace {

constexpr std::size_t kBlock = 512;
constexpr std::size_t kMaxPerParameter = 255;  // A dimension is one byte.

static_assert(std::endian::native == std::endian::little, "C3D is written as Intel floats");

template <class T>
void put(std::string& bytes, T value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

template <class T>
void putAt(std::string& bytes, std::size_t at, T value) {
  std::memcpy(bytes.data() + at, &value, sizeof value);
}

std::uint16_t clampedWord(std::size_t value) {
  return static_cast<std::uint16_t>(std::min<std::size_t>(value, 65535));
}

C3dParameter integerParameter(const std::string& name, std::size_t value) {
  C3dParameter parameter{name, {}, false, C3dType::integer, {}, {}, {}};
  parameter.numbers = {static_cast<float>(std::bit_cast<std::int16_t>(clampedWord(value)))};
  return parameter;
}

C3dParameter longParameter(const std::string& name, std::size_t value) {
  C3dParameter parameter{name, {}, false, C3dType::integer, {2}, {}, {}};
  for (const std::size_t word : {value % 65536, value / 65536}) {
    parameter.numbers.push_back(
        static_cast<float>(std::bit_cast<std::int16_t>(static_cast<std::uint16_t>(word))));
  }
  return parameter;
}

C3dParameter realParameter(const std::string& name, std::vector<float> values, bool single) {
  C3dParameter parameter{name, {}, false, C3dType::real, {}, {}, std::move(values)};
  if (!single) parameter.dimensions = {static_cast<std::uint8_t>(parameter.numbers.size())};
  return parameter;
}

/// Texts of one length in a rectangle, cut to 127 characters.
C3dParameter textParameter(const std::string& name, const std::vector<std::string>& texts) {
  std::size_t length = 1;
  for (const std::string& text : texts)
    length = std::max(length, std::min<std::size_t>(text.size(), 127));
  C3dParameter parameter{name, {}, false, C3dType::text, {}, {}, {}};
  parameter.dimensions = {static_cast<std::uint8_t>(length),
                          static_cast<std::uint8_t>(texts.size())};
  for (const std::string& text : texts) {
    std::string cell = text.substr(0, length);
    cell.resize(length, ' ');
    parameter.text += cell;
  }
  return parameter;
}

C3dGroup& groupOf(C3dFile& file, const std::string& name) {
  for (C3dGroup& group : file.groups) {
    if (group.name == name) return group;
  }
  file.groups.push_back({name, {}, false, {}});
  return file.groups.back();
}

/// Replaces the parameter of this name or adds it; its description stays.
void set(C3dGroup& group, C3dParameter parameter) {
  for (C3dParameter& old : group.parameters) {
    if (old.name != parameter.name) continue;
    parameter.description = old.description;
    parameter.is_locked = old.is_locked;
    old = std::move(parameter);
    return;
  }
  group.parameters.push_back(std::move(parameter));
}

void removeParts(C3dGroup& group, const std::string& name) {
  std::erase_if(group.parameters, [&](const C3dParameter& parameter) {
    if (!parameter.name.starts_with(name)) return false;
    const std::string rest = parameter.name.substr(name.size());
    return std::all_of(rest.begin(), rest.end(), [](char c) { return c >= '0' && c <= '9'; });
  });
}

/// NAME, NAME2, ... with up to 255 texts each.
void setTexts(C3dGroup& group, const std::string& name, const std::vector<std::string>& texts) {
  removeParts(group, name);
  for (std::size_t from = 0, part = 1; from < texts.size() || part == 1; ++part) {
    const std::size_t to = std::min(texts.size(), from + kMaxPerParameter);
    const std::vector<std::string> some(texts.begin() + static_cast<std::ptrdiff_t>(from),
                                        texts.begin() + static_cast<std::ptrdiff_t>(to));
    set(group, textParameter(part == 1 ? name : name + std::to_string(part), some));
    from = to;
    if (from == texts.size()) break;
  }
}

/// SCALE, OFFSET and the like, one value for each channel.
void setPerChannel(C3dGroup& group, const std::string& name, std::size_t channels, float value,
                   C3dType type) {
  removeParts(group, name);
  for (std::size_t from = 0, part = 1; from < channels || part == 1; ++part) {
    const std::size_t count = std::min(kMaxPerParameter, channels - from);
    C3dParameter parameter = realParameter(part == 1 ? name : name + std::to_string(part),
                                           std::vector<float>(count, value), false);
    parameter.type = type;
    set(group, std::move(parameter));
    from += count;
    if (from == channels) break;
  }
}

/// The scale by which residuals are stored in a byte: the file's own, or one that holds them all.
float residualScale(const C3dFile& file) {
  float largest = 0.0f;
  for (const C3dPoint& point : file.points) largest = std::max(largest, point.residual);
  const C3dParameter* own = findParameter(file, "POINT", "SCALE");
  if (own != nullptr && !own->numbers.empty()) {
    const float scale = std::abs(own->numbers[0]);
    if (std::isfinite(scale) && scale > 0.0f && largest <= scale * 255.5f) return scale;
  }
  return largest > 0.0f ? largest / 255.0f : 0.1f;
}

/// A copy whose parameters agree with its members.
C3dFile withAgreeingParameters(const C3dFile& source, float scale) {
  C3dFile file;
  file.groups = source.groups;
  const std::size_t points = source.labels.size(), channels = source.channels.size();
  C3dGroup& point = groupOf(file, "POINT");
  set(point, integerParameter("USED", points));
  set(point, integerParameter("FRAMES", source.frames));
  set(point, integerParameter("DATA_START", 0));  // Filled in once the length is known.
  set(point, realParameter("SCALE", {-scale}, true));
  set(point, realParameter("RATE", {static_cast<float>(source.rate_hz)}, true));
  set(point, textParameter("UNITS", {source.units}));
  for (C3dParameter& parameter : point.parameters) {
    if (parameter.name == "UNITS") parameter.dimensions.resize(1);
  }
  setTexts(point, "LABELS", source.labels);
  setTexts(point, "DESCRIPTIONS", source.descriptions);
  if (source.frames > 65535 || findParameter(file, "POINT", "LONG_FRAMES") != nullptr) {
    set(point, realParameter("LONG_FRAMES", {static_cast<float>(source.frames)}, true));
  }
  if (source.frames > 65535 || source.first_frame + source.frames > 65535 ||
      findParameter(file, "TRIAL", "ACTUAL_END_FIELD") != nullptr) {
    C3dGroup& trial = groupOf(file, "TRIAL");
    set(trial, longParameter("ACTUAL_START_FIELD", source.first_frame));
    set(trial, longParameter("ACTUAL_END_FIELD", source.first_frame + source.frames - 1));
  }
  C3dGroup& analog = groupOf(file, "ANALOG");
  set(analog, integerParameter("USED", channels));
  set(analog, realParameter("RATE", {static_cast<float>(source.analog_rate_hz)}, true));
  set(analog, realParameter("GEN_SCALE", {1.0f}, true));
  setPerChannel(analog, "SCALE", channels, 1.0f, C3dType::real);
  setPerChannel(analog, "OFFSET", channels, 0.0f, C3dType::integer);
  std::vector<std::string> names, units;
  for (const C3dChannel& channel : source.channels) {
    names.push_back(channel.name);
    units.push_back(channel.unit);
  }
  setTexts(analog, "LABELS", names);
  setTexts(analog, "UNITS", units);
  if (!source.events.empty() && findParameter(file, "EVENT", "TIMES") == nullptr) {
    C3dGroup& event = groupOf(file, "EVENT");
    const std::size_t count = std::min(source.events.size(), kMaxPerParameter);
    std::vector<float> times;
    std::vector<std::string> labels, contexts;
    for (std::size_t i = 0; i < count; ++i) {
      const C3dEvent& one = source.events[i];
      const double minutes = std::floor(one.seconds / 60.0);
      times.insert(times.end(),
                   {static_cast<float>(minutes), static_cast<float>(one.seconds - 60.0 * minutes)});
      labels.push_back(one.label);
      contexts.push_back(one.context);
    }
    set(event, integerParameter("USED", count));
    C3dParameter parameter{"TIMES", {}, false, C3dType::real, {}, {}, times};
    parameter.dimensions = {2, static_cast<std::uint8_t>(count)};
    set(event, std::move(parameter));
    setTexts(event, "LABELS", labels);
    setTexts(event, "CONTEXTS", contexts);
  }
  return file;
}

/// One group or parameter record. Returns where DATA_START's value stands, or 0.
void putRecord(std::string& bytes, const std::string& name, bool locked, int id,
               const C3dParameter* parameter, const std::string& description,
               std::size_t* value_at) {
  const std::size_t length = std::clamp<std::size_t>(name.size(), 1, 127);
  put(bytes,
      static_cast<std::int8_t>(locked ? -static_cast<int>(length) : static_cast<int>(length)));
  put(bytes, static_cast<std::int8_t>(id));
  bytes += name.empty() ? std::string("_") : name.substr(0, length);
  const std::size_t link_at = bytes.size();
  put(bytes, std::uint16_t{0});
  if (parameter != nullptr) {
    put(bytes, static_cast<std::int8_t>(parameter->type));
    put(bytes, static_cast<std::uint8_t>(parameter->dimensions.size()));
    for (const std::uint8_t dimension : parameter->dimensions) put(bytes, dimension);
    if (value_at != nullptr) *value_at = bytes.size();
    bytes += parameter->text;
    for (const float number : parameter->numbers) {
      if (parameter->type == C3dType::real) put(bytes, number);
      if (parameter->type == C3dType::integer) put(bytes, static_cast<std::int16_t>(number));
      if (parameter->type == C3dType::byte) put(bytes, static_cast<std::int8_t>(number));
    }
  }
  const std::string text = description.substr(0, 255);
  put(bytes, static_cast<std::uint8_t>(text.size()));
  bytes += text;
  putAt(bytes, link_at, clampedWord(bytes.size() - link_at));
}

std::string parameterSection(const C3dFile& file, std::size_t& data_start_block) {
  std::string bytes(4, '\0');
  std::size_t data_start_at = 0;
  int id = 0;
  for (const C3dGroup& group : file.groups) {
    ++id;
    putRecord(bytes, group.name, group.is_locked, -id, nullptr, group.description, nullptr);
    for (const C3dParameter& parameter : group.parameters) {
      const bool is_start = group.name == "POINT" && parameter.name == "DATA_START";
      putRecord(bytes, parameter.name, parameter.is_locked, id, &parameter, parameter.description,
                is_start ? &data_start_at : nullptr);
    }
  }
  put(bytes, std::uint16_t{0});  // No name: the end.
  bytes.resize((bytes.size() + kBlock - 1) / kBlock * kBlock, '\0');
  const std::size_t blocks = bytes.size() / kBlock;
  data_start_block = 2 + blocks;
  bytes[0] = 1;
  bytes[1] = 0x50;
  bytes[2] = static_cast<char>(static_cast<std::uint8_t>(std::min<std::size_t>(blocks, 255)));
  bytes[3] = 84;
  putAt(bytes, data_start_at, clampedWord(data_start_block));
  return bytes;
}

std::string header(const C3dFile& file, float scale, std::size_t data_start_block) {
  std::string bytes(kBlock, '\0');
  const std::size_t last = file.first_frame + file.frames - 1;
  bytes[0] = 2;
  bytes[1] = 0x50;
  putAt(bytes, 2, clampedWord(file.labels.size()));
  putAt(bytes, 4, clampedWord(file.channels.size() * file.samples_per_frame));
  putAt(bytes, 6, clampedWord(file.first_frame));
  putAt(bytes, 8, clampedWord(last));
  putAt(bytes, 10, std::uint16_t{10});  // Longest gap that was filled by interpolation.
  putAt(bytes, 12, -scale);
  putAt(bytes, 16, clampedWord(data_start_block));
  putAt(bytes, 18, clampedWord(file.samples_per_frame));
  putAt(bytes, 20, static_cast<float>(file.rate_hz));
  putAt(bytes, 298, std::uint16_t{12345});  // Event labels have four characters.
  return bytes;
}

void putFrames(std::string& bytes, const C3dFile& file, float scale) {
  const std::size_t points = file.labels.size();
  const std::size_t per_frame = file.samples_per_frame * file.channels.size();
  bytes.reserve(bytes.size() + file.frames * (points * 16 + per_frame * 4) + kBlock);
  for (std::size_t frame = 0; frame < file.frames; ++frame) {
    for (std::size_t i = 0; i < points; ++i) {
      const C3dPoint& point = file.points[frame * points + i];
      const glm::vec3 position = point.is_missing() ? glm::vec3(0.0f) : point.position;
      for (int k = 0; k < 3; ++k) put(bytes, position[k]);
      const float residual = std::min(std::round(point.residual / scale), 255.0f);
      put(bytes, point.is_missing() ? -1.0f
                                    : static_cast<float>(point.cameras & 0x7f) * 256.0f + residual);
    }
    for (std::size_t i = 0; i < per_frame; ++i) put(bytes, file.analog[frame * per_frame + i]);
  }
  bytes.resize((bytes.size() + kBlock - 1) / kBlock * kBlock, '\0');
}

core::Result<void> check(const C3dFile& file, const std::string& name) {
  const auto refuse = [&](const std::string& what) {
    return core::makeError(name + ": cannot be written as C3D: " + what);
  };
  if (file.frames == 0) return refuse("there is no frame");
  if (file.labels.size() > 65535) return refuse("more than 65535 points");
  if (file.channels.size() * file.samples_per_frame > 65535) {
    return refuse("more than 65535 analog values a frame");
  }
  if (file.points.size() != file.frames * file.labels.size() ||
      file.analog.size() != file.frames * file.samples_per_frame * file.channels.size()) {
    return refuse("points or analog values are not as many as frames and labels ask for");
  }
  if (file.groups.size() > 120) return refuse("more than 120 groups of parameters");
  for (const C3dGroup& group : file.groups) {
    for (const C3dParameter& parameter : group.parameters) {
      std::size_t count = 1;
      for (const std::uint8_t dimension : parameter.dimensions) count *= dimension;
      const std::size_t have =
          parameter.type == C3dType::text ? parameter.text.size() : parameter.numbers.size();
      if (parameter.dimensions.size() > 7 || count != have || count > 60000) {
        return refuse("parameter " + group.name + ":" + parameter.name +
                      " does not have as many values as its dimensions say");
      }
    }
  }
  return {};
}

}  // namespace

core::Result<void> saveC3d(const C3dFile& file, const std::filesystem::path& path) {
  if (auto result = check(file, path.string()); !result) return result;
  const float scale = residualScale(file);
  std::size_t data_start_block = 0;
  const std::string parameters =
      parameterSection(withAgreeingParameters(file, scale), data_start_block);
  if (data_start_block > 65535) {
    return core::makeError(path.string() + ": cannot be written as C3D: too many parameters");
  }
  std::string bytes = header(file, scale, data_start_block) + parameters;
  putFrames(bytes, file, scale);
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  out.flush();
  if (!out) {
    return core::makeError(path.string() + ": cannot be written (" + std::strerror(errno) +
                           "); check folder and free space");
  }
  return {};
}

}  // namespace understudy::file
