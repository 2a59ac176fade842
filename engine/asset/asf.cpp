#include <algorithm>
#include <map>

#include "engine/asset/acclaim_text.h"
#include "engine/asset/asf_amc.h"

namespace understudy::asset {
namespace {

using namespace acclaim;

constexpr std::size_t kMaxBones = 1024;

std::optional<AsfChannel> channelOf(std::string_view word) {
  constexpr std::string_view kNames[] = {"tx", "ty", "tz", "rx", "ry", "rz"};
  const auto found = std::find(std::begin(kNames), std::end(kNames), core::lowerCase(word));
  if (found == std::end(kNames)) return std::nullopt;
  return static_cast<AsfChannel>(found - std::begin(kNames));
}

// "XYZ": about x first.
std::optional<std::array<int, 3>> orderOf(std::string_view word) {
  std::array<int, 3> order{};
  std::array<bool, 3> seen{};
  if (word.size() != 3) return std::nullopt;
  for (std::size_t k = 0; k < 3; ++k) {
    const int axis = static_cast<int>(core::lowerCase(word)[k]) - 'x';
    if (axis < 0 || axis > 2 || seen[static_cast<std::size_t>(axis)]) return std::nullopt;
    seen[static_cast<std::size_t>(axis)] = true;
    order[k] = axis;
  }
  return order;
}

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
        return lines_.error(core::inQuotes(words[0]) +
                            " where a section such as :bonedata should be; is " +
                            "this an ASF file?");
      }
      anything = true;
      if (auto done = readSection(core::lowerCase(words[0]), words); !done) return done.error();
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
      const std::string key = core::lowerCase(words[0]);
      if (key == "length") {
        if (auto done = readNumbers(words, 1, &result_.length); !done) return done;
        if (!(result_.length > 1e-6 && result_.length < 1e6)) {
          return lines_.error("length must be over 1e-6 and under 1e6");
        }
      } else if (key == "angle" && words.size() > 1) {
        const std::string unit = core::lowerCase(words[1]);
        if (!unit.starts_with("deg") && !unit.starts_with("rad")) {
          return lines_.error("angle must be deg or rad, not " + core::inQuotes(words[1]));
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
        return lines_.error("channel " + core::inQuotes(words[k]) + " is none of tx to rz");
      }
      if (std::find(bone.channels.begin(), bone.channels.end(), *channel) != bone.channels.end()) {
        return lines_.error("channel " + core::inQuotes(words[k]) + " stands twice");
      }
      bone.channels.push_back(*channel);
    }
    return {};
  }

  core::Result<void> readOrder(std::string_view word, Bone& bone) {
    const auto order = orderOf(word);
    if (!order) return lines_.error("axis order " + core::inQuotes(word) + " must be such as XYZ");
    bone.order = *order;
    return {};
  }

  core::Result<void> readRoot(Words& words) {
    Bone& root = bones_[0];
    for (words = lines_.next(); !words.empty() && !words[0].starts_with(':');
         words = lines_.next()) {
      const std::string key = core::lowerCase(words[0]);
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
      if (core::lowerCase(words[0]) != "begin") {
        return lines_.error(core::inQuotes(words[0]) + " where a bone should begin");
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
      const std::string key = core::lowerCase(words[0]);
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
      return lines_.error("bone " + core::inQuotes(bone.name) + " stands twice");
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
    return lines_.error("bone " + core::inQuotes(word) + " is not in :bonedata");
  }

  core::Result<void> readHierarchy(Words& words) {
    has_hierarchy_ = true;
    for (words = lines_.next(); !words.empty() && !words[0].starts_with(':');
         words = lines_.next()) {
      const std::string first = core::lowerCase(words[0]);
      if (words.size() == 1 && (first == "begin" || first == "end")) continue;
      const auto parent = findBone(words[0]);
      if (!parent) return parent.error();
      for (std::size_t k = 1; k < words.size(); ++k) {
        const auto child = findBone(words[k]);
        if (!child) return child.error();
        if (*child == 0 || bones_[*child].parent >= 0) {
          return lines_.error("bone " + core::inQuotes(words[k]) + " has two parents");
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

}  // namespace

core::Result<AsfSkeleton> readAsf(std::string_view text, const std::string& name) {
  return AsfReader(text, name).read();
}

}  // namespace understudy::asset
