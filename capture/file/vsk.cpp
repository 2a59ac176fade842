#include "capture/file/vsk.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <span>

#include "capture/file/xml_text.h"
#include "engine/core/read_file.h"
#include "engine/core/text.h"
#include "engine/math/exponential.h"

namespace understudy::file {
namespace {

constexpr std::size_t kMostSegments = 1024, kMostMarkers = 4096, kMostParameters = 16384;
constexpr std::size_t kDeepest = 256;
constexpr double kLargest = 1e5;  // Millimetres: a hundred metres.
constexpr double kMetresPerMm = 0.001;

std::optional<double> number(std::string_view word) {
  if (word.starts_with('+')) word.remove_prefix(1);
  double value = 0.0;
  const char* end = word.data() + word.size();
  const auto result = std::from_chars(word.data(), end, value);
  if (word.empty() || result.ptr != end) return std::nullopt;
  if (result.ec == std::errc::result_out_of_range) return 0.0;  // As zeros of 1e-320 are written.
  return value;
}

std::vector<std::string_view> wordsOf(std::string_view text) {
  std::vector<std::string_view> words;
  core::appendWords(text, " \t\r\n", words, 64);
  return words;
}

class Reader : private XmlText {
 public:
  Reader(std::string_view text, const std::string& name) : XmlText(text, name) {}

  core::Result<VskFile> read() {
    const auto model = load("KinematicModel", "a Vicon subject (VSK)");
    if (!model) return model.error();
    if (auto done = readParameters(model->child("Parameters")); !done) return done.error();
    const pugi::xml_node skeleton = model->child("Skeleton");
    if (auto done = readSegments(skeleton); !done) return done.error();
    if (file_.segments.empty()) {
      return error(*model, "has no Segment in its Skeleton; export the subject again");
    }
    if (auto done = readMarkers(*model); !done) return done.error();
    if (file_.markers.empty()) {
      return error(*model, "has no marker with a segment; export the subject with its markers");
    }
    return std::move(file_);
  }

 private:
  core::Result<void> readParameters(const pugi::xml_node& parameters) {
    for (const pugi::xml_node& node : parameters.children()) {
      const std::string parameter = node.attribute("NAME").value();
      const auto value = number(node.attribute("VALUE").value());
      if (parameter.empty() || !value || !std::isfinite(*value)) continue;
      if (parameters_.size() >= kMostParameters) {
        return error(node, fmt::format("more than {} parameters", kMostParameters));
      }
      parameters_.emplace(parameter, *value);
    }
    return {};
  }

  // A number, or a parameter's name, perhaps with a minus before it.
  std::optional<double> valueOf(std::string_view word) const {
    if (const auto value = number(word)) return value;
    double sign = 1.0;
    if (word.starts_with('-')) {
      sign = -1.0;
      word.remove_prefix(1);
    }
    const auto found = parameters_.find(word);
    if (found == parameters_.end()) return std::nullopt;
    return sign * found->second;
  }

  core::Result<glm::dvec3> readVector(const pugi::xml_node& node, const char* key) const {
    const std::string_view text = node.attribute(key).value();
    const std::vector<std::string_view> words = wordsOf(text);
    glm::dvec3 vector(0.0);
    if (words.size() != 3) {
      return error(node, fmt::format("{} of {} needs three numbers or parameters, not {}", key,
                                     node.name(), core::inQuotes(text)));
    }
    for (int k = 0; k < 3; ++k) {
      const auto value = valueOf(words[static_cast<std::size_t>(k)]);
      if (!value || !(std::abs(*value) <= kLargest)) {
        return error(
            node, fmt::format("{} of {}: {} is neither a finite number under {} nor a "
                              "parameter of the file",
                              key, node.name(), core::inQuotes(words[static_cast<std::size_t>(k)]),
                              kLargest));
      }
      vector[k] = *value;
    }
    return vector;
  }

  core::Result<void> readAxes(const pugi::xml_node& joint, VskSegment& segment) const {
    const auto set = [&](std::span<const std::string_view> words,
                         glm::dvec3& axis) -> core::Result<void> {
      glm::dvec3 vector(0.0);
      for (std::size_t k = 0; k < 3; ++k) {
        vector[static_cast<int>(k)] = valueOf(words[k]).value_or(0.0);
      }
      const double length = glm::length(vector);
      if (!(length > 1e-6 && length < 1e6)) {
        return error(joint, "a joint's axis has no direction; give it three numbers");
      }
      axis = vector / length;
      return {};
    };
    if (segment.motion == VskMotion::hinge) {
      const auto words = wordsOf(joint.attribute("AXIS").value());
      if (words.size() != 3) return error(joint, "AXIS of a hinge needs three numbers");
      return set(words, segment.axis);
    }
    if (segment.motion != VskMotion::universal) return {};
    const auto words = wordsOf(joint.attribute("AXIS-PAIR").value());
    if (words.size() != 6) return error(joint, "AXIS-PAIR of a joint needs six numbers");
    if (auto done = set({words.data(), 3}, segment.axis); !done) return done;
    return set({words.data() + 3, 3}, segment.second_axis);
  }

  // Blade: place and turn at the segment. Nexus: at its joint.
  core::Result<void> readSegment(const pugi::xml_node& node, int parent) {
    constexpr std::array<const char*, 5> kKinds{"JointDummy", "JointHinge", "JointHardySpicer",
                                                "JointBall", "JointFree"};
    VskSegment segment{.name = node.attribute("NAME").value(), .parent = parent};
    if (segment.name.empty()) return error(node, "a Segment without a NAME");
    if (!names_.emplace(segment.name, static_cast<int>(file_.segments.size())).second) {
      return error(node, fmt::format("segment {} stands twice", core::inQuotes(segment.name)));
    }
    if (file_.segments.size() >= kMostSegments) {
      return error(node, fmt::format("more than {} segments", kMostSegments));
    }
    pugi::xml_node joint;
    for (std::size_t kind = 0; kind < kKinds.size() && !joint; ++kind) {
      joint = node.child(kKinds[kind]);
      segment.motion = static_cast<VskMotion>(kind);
    }
    if (!joint) {
      return error(node, fmt::format("segment {} has no joint of a known kind (JointFree, "
                                     "JointBall, JointHardySpicer, JointHinge, JointDummy)",
                                     core::inQuotes(segment.name)));
    }
    const bool at_segment = node.attribute("POSITION");
    const bool at_joint = joint.attribute("PRE-POSITION");
    if (at_segment || at_joint) {
      const pugi::xml_node& from = at_segment ? node : joint;
      const auto place = readVector(from, at_segment ? "POSITION" : "PRE-POSITION");
      if (!place) return place.error();
      const auto turn = readVector(from, at_segment ? "ORIENTATION" : "PRE-ORIENTATION");
      if (!turn) return turn.error();
      segment.position = kMetresPerMm * *place;
      segment.rotation = math::rotationFromVector(*turn);
    } else if (parent >= 0) {
      return error(node, fmt::format("segment {} has neither POSITION nor a joint with "
                                     "PRE-POSITION",
                                     core::inQuotes(segment.name)));
    }
    if (auto done = readAxes(joint, segment); !done) return done;
    file_.segments.push_back(segment);
    return {};
  }

  core::Result<void> readSegments(const pugi::xml_node& skeleton) {
    struct Open {
      pugi::xml_node next;
      int parent;
    };
    std::vector<Open> open{{skeleton.child("Segment"), -1}};
    while (!open.empty()) {
      const pugi::xml_node node = open.back().next;
      if (!node) {
        open.pop_back();
        continue;
      }
      open.back().next = node.next_sibling("Segment");
      if (auto done = readSegment(node, open.back().parent); !done) return done;
      if (open.size() >= kDeepest) {
        return error(node, fmt::format("segments nest deeper than {}", kDeepest));
      }
      open.push_back({node.child("Segment"), static_cast<int>(file_.segments.size()) - 1});
    }
    return {};
  }

  core::Result<void> readMarker(const pugi::xml_node& node, const char* name_key) {
    VskMarker marker{.name = node.attribute(name_key).value()};
    const std::string segment = node.attribute("SEGMENT").value();
    if (marker.name.empty()) return error(node, fmt::format("a {} without a name", node.name()));
    const auto found = names_.find(segment);
    if (found == names_.end()) {
      return error(node, fmt::format("marker {} sits on segment {}, which the skeleton does not "
                                     "have",
                                     core::inQuotes(marker.name), core::inQuotes(segment)));
    }
    if (!markers_.insert(marker.name).second) {
      return error(node, fmt::format("marker {} stands twice", core::inQuotes(marker.name)));
    }
    if (file_.markers.size() >= kMostMarkers) {
      return error(node, fmt::format("more than {} markers", kMostMarkers));
    }
    const auto place = readVector(node, "POSITION");
    if (!place) return place.error();
    marker.segment = found->second;
    marker.position = kMetresPerMm * *place;
    file_.markers.push_back(marker);
    return {};
  }

  // Blade: Marker with segment and place. Nexus: a target for each marker.
  core::Result<void> readMarkers(const pugi::xml_node& model) {
    for (const pugi::xml_node& node :
         model.child("MarkerSet").child("Markers").children("Marker")) {
      if (!node.attribute("SEGMENT")) continue;
      if (auto done = readMarker(node, "NAME"); !done) return done;
    }
    if (!file_.markers.empty()) return {};
    for (const pugi::xml_node& node :
         model.child("TargetSet").child("Targets").children("TargetLocalPointToWorldPoint")) {
      if (auto done = readMarker(node, "MARKER"); !done) return done;
    }
    return {};
  }

  VskFile file_;
  std::map<std::string, double, std::less<>> parameters_;
  std::map<std::string, int> names_;  // Of segments.
  std::set<std::string> markers_;
};

}  // namespace

core::Result<VskFile> readVsk(std::string_view text, const std::string& name) {
  if (text.size() > kMostVskBytes) {
    return core::makeError(fmt::format("{}: is larger than {} MiB; no subject is, check the file",
                                       name, kMostVskBytes >> 20));
  }
  return Reader(text, name).read();
}

core::Result<VskFile> loadVsk(const std::filesystem::path& path) {
  const auto text = core::readFile(path, kMostVskBytes);
  if (!text) return text.error();
  return readVsk(*text, path.string());
}

}  // namespace understudy::file
