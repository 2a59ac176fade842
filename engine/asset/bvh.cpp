#include "engine/asset/bvh.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "engine/asset/number.h"
#include "engine/core/read_file.h"
#include "engine/core/text.h"
#include "engine/math/elementary.h"

namespace understudy::asset {
namespace {

constexpr std::size_t kMaxDepth = 1024;
constexpr std::size_t kMaxJoints = 16384;

using Quaternion = glm::qua<double>;

/// What one column of the motion rows moves: 0, 1, 2 positions, 3, 4, 5 rotations about x, y, z.
struct Channel {
  std::size_t joint;
  int kind;
};

bool isBlank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f'; }

bool equalWords(std::string_view a, std::string_view b) {
  return core::lowerCase(a) == core::lowerCase(b);
}

/// Walks the text by words and knows the line.
class Words {
 public:
  explicit Words(std::string_view text) : text_(text) {}

  /// The next word, empty at the end of the text. Braces are words of their own.
  std::string_view next() {
    while (at_ < text_.size() && (isBlank(text_[at_]) || text_[at_] == '\n')) {
      if (text_[at_++] == '\n') ++line_;
    }
    const std::size_t start = at_;
    if (at_ < text_.size() && isBrace(text_[at_])) return text_.substr(at_++, 1);
    while (at_ < text_.size() && !isBlank(text_[at_]) && text_[at_] != '\n' &&
           !isBrace(text_[at_])) {
      ++at_;
    }
    return text_.substr(start, at_ - start);
  }

  std::string_view peek() {
    const Words before = *this;
    const std::string_view word = next();
    *this = before;
    return word;
  }

  /// What is left of this line up to a brace, without blanks around it.
  std::string_view restOfLine() {
    std::size_t end = at_;
    while (end < text_.size() && text_[end] != '\n' && !isBrace(text_[end])) ++end;
    std::string_view rest = text_.substr(at_, end - at_);
    at_ = end;
    while (!rest.empty() && isBlank(rest.front())) rest.remove_prefix(1);
    while (!rest.empty() && isBlank(rest.back())) rest.remove_suffix(1);
    return rest;
  }

  std::size_t line() const { return line_; }
  std::string_view remaining() const { return text_.substr(at_); }

 private:
  static bool isBrace(char c) { return c == '{' || c == '}'; }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
};

class Reader {
 public:
  Reader(std::string_view text, const std::string& name)
      : words_(text), name_(name), text_size_(text.size()) {}

  core::Result<anim::Clip> read() {
    if (auto result = readHierarchy(); !result) return result.error();
    if (auto result = readMotionHead(); !result) return result.error();
    if (auto result = readRows(); !result) return result.error();
    decideMeaningOfPositions();
    fillPoses();
    return std::move(clip_);
  }

 private:
  core::Error errorAt(std::size_t line, const std::string& what) const {
    return core::makeError(name_ + ":" + std::to_string(line) + ": " + what);
  }
  core::Error errorHere(const std::string& what) const { return errorAt(words_.line(), what); }
  core::Error cutOff(const std::string& expected) const {
    return errorHere("the file ends where " + expected +
                     " should be; it is cut off, export it again");
  }
  void warn(std::string text) { clip_.warnings.push_back(std::move(text)); }

  core::Result<void> readHierarchy() {
    std::string_view word = words_.next();
    if (word.starts_with("\xef\xbb\xbf")) word.remove_prefix(3);  // A byte order mark.
    if (!equalWords(word, "HIERARCHY")) {
      return errorHere("begins with " + core::inQuotes(word) +
                       " where BVH has HIERARCHY; is this a BVH file?");
    }
    while (true) {
      word = words_.next();
      if (word.empty()) return cutOff("MOTION");
      if (equalWords(word, "MOTION")) break;
      if (equalWords(word, "ROOT") || equalWords(word, "JOINT")) {
        if (equalWords(word, "JOINT")) {
          warn("line " + std::to_string(words_.line()) +
               ": JOINT where ROOT belongs, read as a root");
        }
        if (auto result = readTree(); !result) return result;
      } else {
        return errorHere(core::inQuotes(word) + " where ROOT or MOTION should be");
      }
    }
    if (clip_.skeleton.size() == 0) return errorHere("no ROOT before MOTION");
    if (renamed_ > 0) {
      warn(std::to_string(renamed_) +
           " joint names stand more than once and were numbered, first " + first_renamed_);
    }
    return {};
  }

  /// One ROOT with everything below it. `open` holds the joints whose braces are open.
  core::Result<void> readTree() {
    std::vector<int> open;
    if (auto result = openJoint(open); !result) return result;
    while (!open.empty()) {
      const std::string_view word = words_.next();
      const std::size_t joint = static_cast<std::size_t>(open.back());
      if (word.empty()) return cutOff("a closing brace");
      core::Result<void> result;
      if (word == "}") {
        open.pop_back();
      } else if (equalWords(word, "JOINT")) {
        result = openJoint(open);
      } else if (equalWords(word, "End")) {
        result = skipEndSite();
      } else if (equalWords(word, "OFFSET")) {
        result = readOffset(clip_.skeleton.parent_from_joint[joint].translation);
      } else if (equalWords(word, "CHANNELS")) {
        result = readChannels(joint);
      } else {
        return errorHere(core::inQuotes(word) +
                         " where OFFSET, CHANNELS, JOINT, End Site or a brace should be");
      }
      if (!result) return result;
    }
    return {};
  }

  core::Result<void> openJoint(std::vector<int>& open) {
    const std::string_view given = words_.restOfLine();
    if (given.empty()) return errorHere("a joint without a name");
    if (words_.next() != "{")
      return errorHere("no opening brace after joint " + core::inQuotes(given));
    if (open.size() >= kMaxDepth) {
      return errorHere("joints are nested deeper than " + std::to_string(kMaxDepth));
    }
    anim::Skeleton& skeleton = clip_.skeleton;
    if (skeleton.size() >= kMaxJoints) {
      return errorHere("more than " + std::to_string(kMaxJoints) + " joints");
    }
    skeleton.names.push_back(uniqueName(std::string(given)));
    skeleton.parents.push_back(open.empty() ? anim::kNoParent : open.back());
    skeleton.parent_from_joint.emplace_back();
    has_channels_.push_back(false);
    open.push_back(static_cast<int>(skeleton.size()) - 1);
    return {};
  }

  std::string uniqueName(std::string given) {
    if (names_.insert(given).second) return given;
    int& count = copies_[given];
    std::string name;
    do {
      name = given + "_" + std::to_string(++count + 1);
    } while (!names_.insert(name).second);
    if (renamed_++ == 0) first_renamed_ = core::inQuotes(name);
    return name;
  }

  core::Result<void> readOffset(glm::vec3& offset) {
    for (int axis = 0; axis < 3; ++axis) {
      const std::string_view word = words_.next();
      if (word.empty()) return cutOff("an OFFSET");
      const auto value = number(word);
      if (!value)
        return errorHere("OFFSET holds " + core::inQuotes(word) +
                         " where a finite number should be");
      offset[axis] = static_cast<float>(*value);
    }
    return {};
  }

  core::Result<void> readChannels(std::size_t joint) {
    if (has_channels_[joint]) {
      return errorHere("a second CHANNELS for joint " +
                       core::inQuotes(clip_.skeleton.names[joint]));
    }
    has_channels_[joint] = true;
    const std::string_view count_word = words_.next();
    const auto count = number(count_word);
    if (!count || *count < 0 || *count > 6 || *count != std::floor(*count)) {
      return errorHere("CHANNELS says " + core::inQuotes(count_word) + "; a joint has 0 to 6");
    }
    std::array<bool, 6> seen{};
    for (int i = 0; i < static_cast<int>(*count); ++i) {
      const std::string_view word = words_.next();
      static constexpr std::array<std::string_view, 6> kKinds = {
          "Xposition", "Yposition", "Zposition", "Xrotation", "Yrotation", "Zrotation"};
      const auto kind = std::find_if(kKinds.begin(), kKinds.end(), [&](std::string_view known) {
        return equalWords(word, known);
      });
      if (kind == kKinds.end()) {
        return errorHere("channel " + core::inQuotes(word) + " is none of Xposition to Zrotation");
      }
      const std::size_t index = static_cast<std::size_t>(kind - kKinds.begin());
      if (index < 3 && seen[index])
        return errorHere("channel " + core::inQuotes(word) + " stands twice");
      seen[index] = true;
      channels_.push_back({joint, static_cast<int>(index)});
    }
    return {};
  }

  core::Result<void> skipEndSite() {
    words_.restOfLine();
    if (words_.next() != "{") return errorHere("no opening brace after End Site");
    while (true) {
      const std::string_view word = words_.next();
      if (word.empty()) return cutOff("the end of an End Site");
      if (word == "}") return {};
      glm::vec3 unused;
      if (!equalWords(word, "OFFSET")) return errorHere(core::inQuotes(word) + " in an End Site");
      if (auto result = readOffset(unused); !result) return result;
    }
  }

  /// "Frames: N" and "Frame Time: S", in any order, with or without blanks before the colon.
  core::Result<void> readMotionHead() {
    std::optional<double> frame_time;
    while (true) {
      const std::string_view word = words_.peek();
      if (!word.empty() && word.size() >= 5 && equalWords(word.substr(0, 5), "Frame")) {
        words_.next();
        const bool is_time = !equalWords(word.substr(0, 6), "Frames");
        std::string_view rest = words_.restOfLine();
        if (const auto colon = word.find(':'); colon != word.npos && colon + 1 < word.size()) {
          rest = word.substr(colon + 1);
        } else if (const auto other = rest.find(':'); other != rest.npos) {
          rest.remove_prefix(other + 1);
        }
        while (!rest.empty() && isBlank(rest.front())) rest.remove_prefix(1);
        const auto value = finiteNumber(rest);
        if (!value) {
          return errorHere(std::string(is_time ? "Frame Time" : "Frames") + " is " +
                           core::inQuotes(rest) + " where a finite number should be");
        }
        (is_time ? frame_time : declared_frames_) = *value;
      } else {
        break;
      }
    }
    if (frame_time && *frame_time >= 1e-6 && *frame_time <= 1e3) {
      clip_.rate_hz = 1.0 / *frame_time;
      // ".0083333" means 120 frames a second: exporters round the time, not the rate.
      const double whole = std::round(clip_.rate_hz);
      if (whole > 0 && std::abs(clip_.rate_hz - whole) < 1e-4 * whole) clip_.rate_hz = whole;
    } else {
      clip_.rate_hz = 30.0;
      warn(frame_time
               ? "Frame Time is not a usable number of seconds; 30 frames a second are assumed"
               : "Frame Time is missing; 30 frames a second are assumed");
    }
    return {};
  }

  /// Motion rows: one frame a line. A frame may be broken over lines, but ends with one.
  core::Result<void> readRows() {
    const std::string_view text = words_.remaining();
    const std::size_t width = channels_.size();
    if (declared_frames_) {
      const double most = static_cast<double>(text.size() / 2 + 1);
      values_.reserve(static_cast<std::size_t>(
          std::clamp(*declared_frames_ * static_cast<double>(width), 0.0, most)));
    }
    std::size_t line = words_.line();
    std::size_t frame_start = 0;  // In values_.
    const char* at = text.data();
    const char* const end = at + text.size();
    while (at < end) {
      if (*at == '\n') {
        const std::size_t have = values_.size() - frame_start;
        if (have > width) {
          return errorAt(line, "a frame of " + std::to_string(have) + " values; the joints have " +
                                   std::to_string(width) + " channels");
        }
        if (have == width) frame_start = values_.size();
        ++line;
        ++at;
      } else if (isBlank(*at)) {
        ++at;
      } else {
        const char* word_end = at;
        while (word_end < end && !isBlank(*word_end) && *word_end != '\n') ++word_end;
        const std::string_view word(at, static_cast<std::size_t>(word_end - at));
        const auto value = number(word);
        if (!value) return errorAt(line, core::inQuotes(word) + " where a finite number should be");
        values_.push_back(static_cast<float>(*value));
        at = word_end;
      }
    }
    const std::size_t left = values_.size() - frame_start;
    if (left > width) {
      return errorAt(line, "a frame of " + std::to_string(left) + " values; the joints have " +
                               std::to_string(width) + " channels");
    }
    if (left > 0 && left < width) {
      warn("the last frame is cut off after " + std::to_string(left) + " of " +
           std::to_string(width) + " values; it is left out");
      values_.resize(frame_start);
    }
    return settleFrameCount(width == 0 ? 0 : values_.size() / width);
  }

  core::Result<void> settleFrameCount(std::size_t rows) {
    clip_.frames = rows;
    if (rows == 0) {
      clip_.frames = 1;
      warn("no frame of motion; the rest pose stands for one");
    } else if (!declared_frames_) {
      warn("Frames is missing; " + std::to_string(rows) + " rows were found");
    } else if (*declared_frames_ >= 1 && *declared_frames_ < static_cast<double>(rows)) {
      clip_.frames = static_cast<std::size_t>(*declared_frames_);
      warn("Frames says " + std::to_string(clip_.frames) + " but there are " +
           std::to_string(rows) + " rows; the rows beyond are left out");
    } else if (*declared_frames_ != static_cast<double>(rows)) {
      const double said = std::clamp(*declared_frames_, -1.0, 1e15);
      warn("Frames says " + std::to_string(static_cast<long long>(said)) + " but there are " +
           std::to_string(rows) + " rows; those are read");
    }
    // Joints without channels cost no bytes in the file: bound what they can make us allocate.
    if (clip_.frames * clip_.skeleton.size() > 65536 + 16 * text_size_) {
      return core::makeError(name_ + ": " + std::to_string(clip_.skeleton.size()) + " joints in " +
                             std::to_string(clip_.frames) +
                             " frames are more than its size allows; the hierarchy is broken");
    }
    return {};
  }

  /// Some exporters write non-root positions as differences from the OFFSET: all nearly zero.
  void decideMeaningOfPositions() {
    if (values_.empty()) return;
    const std::size_t width = channels_.size();
    double from_zero = 0.0, from_offset = 0.0;
    const std::size_t step = std::max<std::size_t>(1, clip_.frames / 16);
    for (std::size_t frame = 0; frame < clip_.frames; frame += step) {
      for (std::size_t i = 0; i < width; ++i) {
        const auto [joint, kind] = channels_[i];
        if (kind >= 3 || clip_.skeleton.parents[joint] == anim::kNoParent) continue;
        const double value = values_[frame * width + i];
        from_zero += std::abs(value);
        from_offset += std::abs(value - clip_.skeleton.parent_from_joint[joint].translation[kind]);
      }
    }
    positions_add_ = from_zero < 0.02 * from_offset;
    if (positions_add_) {
      warn("position channels below the root are nearly zero; they are added to the OFFSETs");
    }
  }

  void fillPoses() {
    const std::size_t joints = clip_.skeleton.size();
    const std::size_t width = channels_.size();
    clip_.parent_from_joint.resize(clip_.frames * joints);
    std::vector<Quaternion> rotations(joints);
    for (std::size_t frame = 0; frame < clip_.frames; ++frame) {
      math::RigidTransform* pose = &clip_.parent_from_joint[frame * joints];
      std::copy_n(clip_.skeleton.parent_from_joint.begin(), joints, pose);
      if (values_.empty()) continue;
      std::fill(rotations.begin(), rotations.end(), Quaternion(1, 0, 0, 0));
      for (std::size_t i = 0; i < width; ++i) {
        const auto [joint, kind] = channels_[i];
        const float value = values_[frame * width + i];
        if (kind < 3) {
          float& position = pose[joint].translation[kind];
          const bool add = positions_add_ && clip_.skeleton.parents[joint] != anim::kNoParent;
          position = add ? position + value : value;
        } else if (value != 0.0f) {
          turn(rotations[joint], kind - 3, value);
        }
      }
      for (std::size_t joint = 0; joint < joints; ++joint) {
        pose[joint].rotation = glm::quat(glm::normalize(rotations[joint]));
      }
    }
  }

  static void turn(Quaternion& rotation, int axis, float angle_deg) {
    const auto [sine, cosine] =
        math::sineCosine(static_cast<double>(angle_deg) * (std::numbers::pi / 360.0));
    Quaternion about_axis(cosine, 0, 0, 0);
    (axis == 0 ? about_axis.x : axis == 1 ? about_axis.y : about_axis.z) = sine;
    rotation = rotation * about_axis;
  }

  Words words_;
  const std::string& name_;
  std::size_t text_size_;
  anim::Clip clip_;
  std::vector<Channel> channels_;
  std::vector<bool> has_channels_;
  std::unordered_set<std::string> names_;
  std::unordered_map<std::string, int> copies_;
  std::size_t renamed_ = 0;
  std::string first_renamed_;
  std::optional<double> declared_frames_;
  std::vector<float> values_;  // frames x channels.
  bool positions_add_ = false;
};

}  // namespace

core::Result<anim::Clip> readBvh(std::string_view text, const std::string& name) {
  return Reader(text, name).read();
}

core::Result<anim::Clip> loadBvh(const std::filesystem::path& path) {
  auto text = core::readFile(path);
  if (!text) return text.error();
  return readBvh(*text, path.string());
}

}  // namespace understudy::asset
