#include "engine/asset/asf_amc.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <optional>

#include "engine/core/read_file.h"
#include "engine/math/exponential.h"

namespace understudy::asset {
namespace {

constexpr std::size_t kMaxBones = 1024;
constexpr double kLargestValue = 1e9;
constexpr double kDegree = 0.0174532925199432958;
constexpr double kUsualRate = 120.0;  // CMU's.

std::string lowerCase(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return lower;
}

std::string inQuotes(std::string_view word) {
  std::string text(word.substr(0, 40));
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 32 || c == 127) c = '?';
  }
  return "\"" + text + "\"";
}

// A finite number that fills the whole word, or nothing.
std::optional<double> number(std::string_view word) {
  if (word.starts_with('+')) word.remove_prefix(1);
  double value = 0.0;
  const char* end = word.data() + word.size();
  const auto result = std::from_chars(word.data(), end, value);
  if (result.ptr != end || word.empty()) return std::nullopt;
  if (result.ec == std::errc::result_out_of_range) {
    const bool tiny = word.find("e-") != word.npos || word.find("E-") != word.npos;
    return tiny ? std::optional(0.0) : std::nullopt;
  }
  if (result.ec != std::errc{} || !std::isfinite(value) || std::abs(value) > kLargestValue) {
    return std::nullopt;
  }
  return value;
}

// The lines of a text that say something, as words; comments ("#") are none.
class Lines {
 public:
  Lines(std::string_view text, const std::string& name) : rest_(text), name_(name) {}

  /// The words of the next line that has any; empty at the end of the text.
  const std::vector<std::string_view>& next() {
    words_.clear();
    while (words_.empty() && !rest_.empty()) {
      const std::size_t end = rest_.find('\n');
      std::string_view line = rest_.substr(0, end);
      rest_ = end == rest_.npos ? std::string_view() : rest_.substr(end + 1);
      ++line_;
      if (line.starts_with("\xef\xbb\xbf")) line.remove_prefix(3);  // A byte order mark.
      split(line.substr(0, line.find('#')));
    }
    return words_;
  }
  std::size_t line() const { return line_; }
  core::Error error(const std::string& what) const {
    return core::makeError(name_ + ":" + std::to_string(line_) + ": " + what);
  }

 private:
  void split(std::string_view line) {
    constexpr std::string_view kBlank = " \t\r\v\f";
    while (true) {
      const std::size_t start = line.find_first_not_of(kBlank);
      if (start == line.npos) return;
      line.remove_prefix(start);
      const std::size_t end = std::min(line.find_first_of(kBlank), line.size());
      words_.push_back(line.substr(0, end));
      line.remove_prefix(end);
    }
  }

  std::string_view rest_;
  const std::string& name_;
  std::vector<std::string_view> words_;
  std::size_t line_ = 0;
};

std::optional<AsfChannel> channelOf(std::string_view word) {
  constexpr std::string_view kNames[] = {"tx", "ty", "tz", "rx", "ry", "rz"};
  const auto found = std::find(std::begin(kNames), std::end(kNames), lowerCase(word));
  if (found == std::end(kNames)) return std::nullopt;
  return static_cast<AsfChannel>(found - std::begin(kNames));
}

// "XYZ": about x first.
std::optional<std::array<int, 3>> orderOf(std::string_view word) {
  std::array<int, 3> order{};
  std::array<bool, 3> seen{};
  if (word.size() != 3) return std::nullopt;
  for (std::size_t k = 0; k < 3; ++k) {
    const int axis = static_cast<int>(lowerCase(word)[k]) - 'x';
    if (axis < 0 || axis > 2 || seen[static_cast<std::size_t>(axis)]) return std::nullopt;
    seen[static_cast<std::size_t>(axis)] = true;
    order[k] = axis;
  }
  return order;
}

glm::dquat turn(const glm::dvec3& angles, const std::array<int, 3>& order) {
  glm::dquat rotation(1, 0, 0, 0);
  for (const int axis : order) {
    glm::dvec3 about(0.0);
    about[axis] = angles[axis];
    rotation = math::rotationFromVector(about) * rotation;
  }
  return rotation;
}

using Words = std::vector<std::string_view>;

class AsfReader {
 public:
  AsfReader(std::string_view text, const std::string& name) : lines_(text, name) {}

  core::Result<AsfSkeleton> read() {
    Bone root;
    root.name = "root";
    bones_.push_back(root);
    index_["root"] = 0;
    bool anything = false;
    for (Words words = lines_.next(); !words.empty();) {
      if (!words[0].starts_with(':')) {
        return lines_.error(inQuotes(words[0]) +
                            " where a section such as :bonedata should be; is " +
                            "this an ASF file?");
      }
      anything = true;
      if (auto done = readSection(lowerCase(words[0]), words); !done) return done.error();
    }
    if (!anything) return lines_.error("holds nothing; is this an ASF file?");
    if (bones_.size() == 1) return lines_.error("has no :bonedata; it is cut off, export it again");
    if (!has_hierarchy_) {
      return lines_.error("has no :hierarchy; it is cut off, export it again");
    }
    return build();
  }

 private:
  struct Bone {
    std::string name;
    glm::dvec3 direction{0.0};
    double length = 0.0;
    glm::dvec3 axis{0.0};
    std::array<int, 3> order{0, 1, 2};
    std::vector<AsfChannel> channels{};
    int parent = -1;
    bool placed = false;
  };

  // Reads a section; `words` is its first line and becomes that of the next one.
  core::Result<void> readSection(const std::string& section, Words& words) {
    if (section == ":units") return readUnits(words);
    if (section == ":root") return readRoot(words);
    if (section == ":bonedata") return readBones(words);
    if (section == ":hierarchy") return readHierarchy(words);
    do {
      words = lines_.next();
    } while (!words.empty() && !words[0].starts_with(':'));
    return {};
  }

  core::Result<void> readNumbers(const Words& words, std::size_t count, double* values) {
    for (std::size_t k = 0; k < count; ++k) {
      const auto value = k + 1 < words.size() ? number(words[k + 1]) : std::nullopt;
      if (!value) {
        return lines_.error(std::string(words[0]) + " needs " + std::to_string(count) +
                            " finite numbers");
      }
      values[k] = *value;
    }
    return {};
  }

  core::Result<void> readVector(const Words& words, glm::dvec3& vector) {
    double values[3];
    if (auto done = readNumbers(words, 3, values); !done) return done;
    vector = {values[0], values[1], values[2]};
    return {};
  }

  core::Result<void> readUnits(Words& words) {
    for (words = lines_.next(); !words.empty() && !words[0].starts_with(':');
         words = lines_.next()) {
      const std::string key = lowerCase(words[0]);
      if (key == "length") {
        if (auto done = readNumbers(words, 1, &result_.length); !done) return done;
        if (!(result_.length > 1e-6 && result_.length < 1e6)) {
          return lines_.error("length must be over 1e-6 and under 1e6");
        }
      } else if (key == "angle" && words.size() > 1) {
        const std::string unit = lowerCase(words[1]);
        if (!unit.starts_with("deg") && !unit.starts_with("rad")) {
          return lines_.error("angle must be deg or rad, not " + inQuotes(words[1]));
        }
        result_.angle_rad = unit.starts_with("rad") ? 1.0 : kDegree;
      }
    }
    return {};
  }

  core::Result<void> readChannels(const Words& words, Bone& bone) {
    bone.channels.clear();
    for (std::size_t k = 1; k < words.size(); ++k) {
      const auto channel = channelOf(words[k]);
      if (!channel) {
        return lines_.error("channel " + inQuotes(words[k]) + " is none of tx to rz");
      }
      if (std::find(bone.channels.begin(), bone.channels.end(), *channel) != bone.channels.end()) {
        return lines_.error("channel " + inQuotes(words[k]) + " stands twice");
      }
      bone.channels.push_back(*channel);
    }
    return {};
  }

  core::Result<void> readOrder(std::string_view word, Bone& bone) {
    const auto order = orderOf(word);
    if (!order) return lines_.error("axis order " + inQuotes(word) + " must be such as XYZ");
    bone.order = *order;
    return {};
  }

  core::Result<void> readRoot(Words& words) {
    Bone& root = bones_[0];
    for (words = lines_.next(); !words.empty() && !words[0].starts_with(':');
         words = lines_.next()) {
      const std::string key = lowerCase(words[0]);
      core::Result<void> done;
      if (key == "order") done = readChannels(words, root);
      if (key == "axis" && words.size() > 1) done = readOrder(words[1], root);
      if (key == "position") done = readVector(words, root_position_);
      if (key == "orientation") done = readVector(words, root.axis);
      if (!done) return done;
    }
    return {};
  }

  core::Result<void> readBones(Words& words) {
    words = lines_.next();
    while (!words.empty() && !words[0].starts_with(':')) {
      if (lowerCase(words[0]) != "begin") {
        return lines_.error(inQuotes(words[0]) + " where a bone should begin");
      }
      if (auto done = readBone(words); !done) return done;
      words = lines_.next();
    }
    return {};
  }

  core::Result<void> readBone(Words& words) {
    Bone bone;
    for (words = lines_.next();; words = lines_.next()) {
      if (words.empty()) return lines_.error("the file ends within a bone; it is cut off");
      const std::string key = lowerCase(words[0]);
      core::Result<void> done;
      if (key == "end") break;
      if (key == "name" && words.size() > 1) bone.name = words[1];
      if (key == "direction") done = readVector(words, bone.direction);
      if (key == "length") done = readNumbers(words, 1, &bone.length);
      if (key == "dof") done = readChannels(words, bone);
      if (key == "axis") {
        done = readVector(words, bone.axis);
        if (done && words.size() > 4) done = readOrder(words[4], bone);
      }
      if (!done) return done;
    }
    if (bone.name.empty()) return lines_.error("a bone without a name");
    if (!index_.emplace(bone.name, bones_.size()).second) {
      return lines_.error("bone " + inQuotes(bone.name) + " stands twice");
    }
    if (bones_.size() >= kMaxBones) {
      return lines_.error("more than " + std::to_string(kMaxBones) + " bones");
    }
    bones_.push_back(std::move(bone));
    return {};
  }

  core::Result<std::size_t> findBone(std::string_view word) {
    const auto found = index_.find(std::string(word));
    if (found != index_.end()) return found->second;
    return lines_.error("bone " + inQuotes(word) + " is not in :bonedata");
  }

  core::Result<void> readHierarchy(Words& words) {
    has_hierarchy_ = true;
    for (words = lines_.next(); !words.empty() && !words[0].starts_with(':');
         words = lines_.next()) {
      const std::string first = lowerCase(words[0]);
      if (words.size() == 1 && (first == "begin" || first == "end")) continue;
      const auto parent = findBone(words[0]);
      if (!parent) return parent.error();
      for (std::size_t k = 1; k < words.size(); ++k) {
        const auto child = findBone(words[k]);
        if (!child) return child.error();
        if (*child == 0 || bones_[*child].parent >= 0) {
          return lines_.error("bone " + inQuotes(words[k]) + " has two parents");
        }
        bones_[*child].parent = static_cast<int>(*parent);
        children_[*parent].push_back(*child);
      }
    }
    return {};
  }

  // Depth first, so that parents stand before their children; rings hang on no root.
  core::Result<AsfSkeleton> build() {
    std::vector<std::pair<std::size_t, int>> open{{0, anim::kNoParent}};
    while (!open.empty()) {
      const auto [at, parent] = open.back();
      open.pop_back();
      Bone& bone = bones_[at];
      bone.placed = true;
      const Bone* above = parent < 0 ? nullptr : &bones_[static_cast<std::size_t>(bone.parent)];
      const glm::dvec3 near_end =
          above != nullptr ? above->direction * above->length : root_position_;
      const int index = static_cast<int>(result_.skeleton.size());
      result_.skeleton.names.push_back(bone.name);
      result_.skeleton.parents.push_back(parent);
      result_.skeleton.parent_from_joint.push_back(
          {glm::quat(1, 0, 0, 0), glm::vec3(near_end / result_.length)});
      result_.joints.push_back({.rest_from_axes = turn(bone.axis * result_.angle_rad, bone.order),
                                .turn_order = bone.order,
                                .channels = bone.channels});
      const std::vector<std::size_t>& children = children_[at];
      for (auto child = children.rbegin(); child != children.rend(); ++child) {
        open.emplace_back(*child, index);
      }
    }
    const auto left_out =
        std::count_if(bones_.begin(), bones_.end(), [](const Bone& bone) { return !bone.placed; });
    if (left_out > 0) {
      result_.warnings.push_back(std::to_string(left_out) +
                                 " bones are not in the hierarchy and are left out");
    }
    return std::move(result_);
  }

  Lines lines_;
  AsfSkeleton result_;
  std::vector<Bone> bones_;
  std::map<std::string, std::size_t> index_;
  std::map<std::size_t, std::vector<std::size_t>> children_;
  glm::dvec3 root_position_{0.0};
  bool has_hierarchy_ = false;
};

class AmcReader {
 public:
  AmcReader(std::string_view text, const std::string& name, const AsfSkeleton& asf)
      : lines_(text, name), asf_(asf), text_size_(text.size()), angle_rad_(asf.angle_rad) {
    for (std::size_t j = 0; j < asf.skeleton.size(); ++j) index_[asf.skeleton.names[j]] = j;
  }

  core::Result<anim::Clip> read() {
    clip_.skeleton = asf_.skeleton;
    clip_.warnings = asf_.warnings;
    clip_.rate_hz = kUsualRate;
    given_.assign(asf_.skeleton.size(), true);
    while (true) {
      const Words& words = lines_.next();
      if (words.empty()) break;
      const auto done = words[0].starts_with(':')                ? readKeyword(lowerCase(words[0]))
                        : words.size() == 1 && isWhole(words[0]) ? beginFrame()
                                                                 : readBone(words);
      if (!done) return done.error();
    }
    if (clip_.frames == 0) return lines_.error("has no frame; it is cut off or no AMC file");
    endFrame();
    clip_.warnings.push_back("AMC does not say its rate; 120 frames a second are taken, as CMU's");
    if (left_out_ > 0) {
      clip_.warnings.push_back(std::to_string(left_out_) +
                               " times a frame leaves a bone out; it stays as it was");
    }
    return std::move(clip_);
  }

 private:
  static bool isWhole(std::string_view word) {
    return std::all_of(word.begin(), word.end(), [](char c) { return c >= '0' && c <= '9'; });
  }

  core::Result<void> readKeyword(const std::string& word) {
    if (word == ":degrees") angle_rad_ = kDegree;
    if (word == ":radians") angle_rad_ = 1.0;
    return {};
  }

  void endFrame() {
    left_out_ += static_cast<std::size_t>(std::count(given_.begin(), given_.end(), false));
  }

  core::Result<void> beginFrame() {
    const std::size_t joints = asf_.skeleton.size();
    endFrame();
    // A frame costs a line, whatever it holds: bound what that can make us allocate.
    if ((clip_.frames + 1) * joints > 65536 + 16 * text_size_) {
      return lines_.error("more frames than its size allows; the file is broken");
    }
    const std::vector<math::RigidTransform> before =
        clip_.frames == 0 ? asf_.skeleton.parent_from_joint
                          : std::vector<math::RigidTransform>(
                                clip_.parent_from_joint.end() - static_cast<std::ptrdiff_t>(joints),
                                clip_.parent_from_joint.end());
    clip_.parent_from_joint.insert(clip_.parent_from_joint.end(), before.begin(), before.end());
    ++clip_.frames;
    for (std::size_t j = 0; j < joints; ++j) given_[j] = asf_.joints[j].channels.empty();
    return {};
  }

  core::Result<void> readBone(const Words& words) {
    if (clip_.frames == 0) {
      return lines_.error(inQuotes(words[0]) +
                          " where the number of the first frame should be; is " +
                          "this an AMC file?");
    }
    const auto found = index_.find(std::string(words[0]));
    if (found == index_.end()) {
      return lines_.error("bone " + inQuotes(words[0]) + " is not in the skeleton; give it the " +
                          "motion's own .asf");
    }
    const std::size_t joint = found->second;
    const AsfSkeleton::Joint& bone = asf_.joints[joint];
    if (words.size() - 1 != bone.channels.size()) {
      return lines_.error("bone " + inQuotes(words[0]) + " has " +
                          std::to_string(words.size() - 1) + " values; its skeleton wants " +
                          std::to_string(bone.channels.size()));
    }
    glm::dvec3 shift(0.0), angles(0.0);
    for (std::size_t k = 0; k < bone.channels.size(); ++k) {
      const auto value = number(words[k + 1]);
      if (!value) {
        return lines_.error(inQuotes(words[k + 1]) + " where a finite number should be");
      }
      const int kind = static_cast<int>(bone.channels[k]);
      if (kind < 3) {
        shift[kind] = *value / asf_.length;
      } else {
        angles[kind - 3] = *value * angle_rad_;
      }
    }
    given_[joint] = true;
    const math::RigidTransform& rest = asf_.skeleton.parent_from_joint[joint];
    const glm::dquat motion =
        bone.rest_from_axes * turn(angles, bone.turn_order) * glm::conjugate(bone.rest_from_axes);
    // A root's own orientation comes on top of its motion.
    const bool is_root = asf_.skeleton.parents[joint] < 0;
    const glm::dquat rotation = is_root ? motion * bone.rest_from_axes : motion;
    clip_.parent_from_joint[(clip_.frames - 1) * asf_.skeleton.size() + joint] = {
        glm::quat(glm::normalize(rotation)), glm::vec3(glm::dvec3(rest.translation) + shift)};
    return {};
  }

  Lines lines_;
  const AsfSkeleton& asf_;
  std::size_t text_size_;
  double angle_rad_;
  anim::Clip clip_;
  std::map<std::string, std::size_t> index_;
  std::vector<bool> given_;  // Per joint, in the newest frame.
  std::size_t left_out_ = 0;
};

}  // namespace

core::Result<AsfSkeleton> readAsf(std::string_view text, const std::string& name) {
  return AsfReader(text, name).read();
}

core::Result<anim::Clip> readAmc(std::string_view text, const std::string& name,
                                 const AsfSkeleton& skeleton) {
  return AmcReader(text, name, skeleton).read();
}

core::Result<std::filesystem::path> findAsf(const std::filesystem::path& amc) {
  std::error_code ignored;
  const auto folder = amc.parent_path().empty() ? std::filesystem::path(".") : amc.parent_path();
  const std::string stem = amc.stem().string();
  for (const std::string& name : {stem, stem.substr(0, stem.rfind('_'))}) {
    for (const char* extension : {".asf", ".ASF"}) {
      const std::filesystem::path path = folder / (name + extension);
      if (std::filesystem::is_regular_file(path, ignored)) return path;
    }
  }
  std::vector<std::filesystem::path> found;
  std::error_code error;
  for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end;
       at.increment(error)) {
    if (lowerCase(at->path().extension().string()) == ".asf") found.push_back(at->path());
  }
  if (found.size() == 1) return found[0];
  return core::makeError(
      amc.string() + ": " + (found.empty() ? "no .asf lies beside it" : "more than one .asf lies") +
      (found.empty() ? "" : " beside it") + "; put its skeleton there as " + stem + ".asf");
}

core::Result<anim::Clip> loadAmc(const std::filesystem::path& path) {
  const auto asf_path = findAsf(path);
  if (!asf_path) return asf_path.error();
  const auto asf_text = core::readFile(*asf_path);
  if (!asf_text) return asf_text.error();
  const auto asf = readAsf(*asf_text, asf_path->string());
  if (!asf) return asf.error();
  const auto text = core::readFile(path);
  if (!text) return text.error();
  return readAmc(*text, path.string(), *asf);
}

}  // namespace understudy::asset
