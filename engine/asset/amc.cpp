#include <algorithm>
#include <map>

#include "engine/asset/acclaim_text.h"
#include "engine/asset/asf_amc.h"
#include "engine/core/read_file.h"

namespace understudy::asset {
namespace {

using namespace acclaim;

constexpr double kUsualRate = 120.0;  // CMU's.

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
      const auto done = words[0].starts_with(':') ? readKeyword(core::lowerCase(words[0]))
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
      return lines_.error(core::inQuotes(words[0]) +
                          " where the number of the first frame should be; is " +
                          "this an AMC file?");
    }
    const auto found = index_.find(std::string(words[0]));
    if (found == index_.end()) {
      return lines_.error("bone " + core::inQuotes(words[0]) +
                          " is not in the skeleton; give it the " + "motion's own .asf");
    }
    const std::size_t joint = found->second;
    const AsfSkeleton::Joint& bone = asf_.joints[joint];
    if (words.size() - 1 != bone.channels.size()) {
      return lines_.error("bone " + core::inQuotes(words[0]) + " has " +
                          std::to_string(words.size() - 1) + " values; its skeleton wants " +
                          std::to_string(bone.channels.size()));
    }
    glm::dvec3 shift(0.0), angles(0.0);
    for (std::size_t k = 0; k < bone.channels.size(); ++k) {
      const auto value = number(words[k + 1]);
      if (!value) {
        return lines_.error(core::inQuotes(words[k + 1]) + " where a finite number should be");
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
    if (core::extensionOf(at->path()) == ".asf") found.push_back(at->path());
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
