#include "tools/simulation/calibrated_subjects.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "capture/calibrate/compare_subjects.h"
#include "capture/source/performer.h"
#include "capture/source/random.h"
#include "capture/source/range_of_motion.h"
#include "capture/subject/fingers.h"

namespace understudy::simulation {

std::vector<double> slideShares(const subject::Subject& subject, const subject::MarkerSet& set) {
  std::vector<double> shares;
  for (const subject::SubjectMarker& marker : subject.markers) {
    const auto place =
        std::find_if(set.markers.begin(), set.markers.end(),
                     [&](const subject::MarkerPlace& p) { return p.name == marker.name; });
    shares.push_back(place == set.markers.end()
                         ? 1.0
                         : static_cast<double>(subject::skinSlideShare(place->skin)));
  }
  return shares;
}

subject::Subject makeTemplate(const subject::Subject& truth, const TemplateError& error,
                              std::uint64_t seed) {
  subject::Subject start = truth;
  source::Random random(seed, 7700);
  const auto disturb = [&](glm::vec3& place, double sigma) {
    for (int k = 0; k < 3; ++k) place[k] += static_cast<float>(sigma * random.normal());
  };
  constexpr double kFingerShare = 0.08, kFingerRoot = 0.002, kFingerOffset = 0.002;  // Metres.
  for (std::size_t j = 0; j < start.skeleton.size(); ++j) {
    if (subject::isFingerJoint(start, static_cast<int>(j))) {
      glm::vec3& place = start.skeleton.parent_from_joint[j].translation;
      const bool is_root = start.joints[j].motion == subject::JointMotion::saddle;
      if (is_root) disturb(place, kFingerRoot);
      if (!is_root) place *= static_cast<float>(1.0 + kFingerShare * random.normal());
      continue;
    }
    if (start.joints[j].motion != subject::JointMotion::ball) continue;
    glm::vec3& place = start.skeleton.parent_from_joint[j].translation;
    disturb(place, error.bone + error.bone_share * static_cast<double>(glm::length(place)));
  }
  for (subject::SubjectMarker& marker : start.markers) {
    const bool on_finger = subject::isFingerJoint(start, marker.joint);
    disturb(marker.offset_joint, on_finger ? kFingerOffset : error.offset);
  }
  return start;
}

core::Result<source::PerformerMotion> rangeOfMotion(const source::PerformerMotion& motion,
                                                    double seconds, std::uint64_t seed) {
  const auto* clip = std::get_if<source::ClipMotion>(&motion);
  if (clip == nullptr) {
    return core::makeError("a marker file has no joints to move through their range; give a clip");
  }
  const core::Result<source::Score> score = source::makeScore(motion);
  if (!score) return score.error();
  return source::PerformerMotion(
      source::ClipMotion{.clip = source::makeRangeOfMotion(score->subject, seconds, seed),
                         .humanoid = clip->humanoid});
}

core::Result<void> calibrateSubjects(const source::SimulatedStage& stage,
                                     const subject::MarkerSet& marker_set, std::size_t threads,
                                     std::vector<subject::Subject>& subjects,
                                     std::vector<std::string>& warnings) {
  constexpr double kSeconds = 15.0;
  const source::StageSettings& settings = stage.settings();
  double bones = 0.0, bone_count = 0.0, offsets = 0.0, offset_count = 0.0;
  std::size_t calibrated = 0;
  for (std::size_t s = 0; s + settings.props < subjects.size(); ++s) {
    if (stage.isMarkerFile(s)) continue;
    const subject::Subject& truth = stage.subjects()[s];
    const file::MarkerClip clip = stage.rehearse(s, kSeconds);
    calibrate::CalibrateSettings calibrate_settings;
    calibrate_settings.threads = threads;
    calibrate_settings.skin_share = slideShares(truth, marker_set);
    auto result = calibrate::calibrateSubject(clip, makeTemplate(truth, {}, settings.seed + s),
                                              calibrate_settings);
    if (!result) return result.error();
    calibrate::takeFramesOf(truth, result->subject);
    const calibrate::SubjectErrors errors = calibrate::compareSubjects(truth, result->subject);
    for (const calibrate::CalibratedSize& size : result->sizes) {
      const bool bone = size.kind == calibrate::SizeKind::bone;
      const double error = bone ? errors.bone[size.index] : errors.marker[size.index];
      (bone ? bones : offsets) += error * error;
      (bone ? bone_count : offset_count) += 1.0;
    }
    subjects[s] = std::move(result->subject);
    subjects[s].name = truth.name;
    ++calibrated;
  }
  if (calibrated > 0) {
    warnings.push_back(fmt::format(
        "{} performers calibrated from {:g} s of range of motion: bones off by {:.1f} mm, marker "
        "offsets by {:.1f} mm (rms, with those that motion cannot show)",
        calibrated, kSeconds, 1000.0 * std::sqrt(bones / bone_count),
        1000.0 * std::sqrt(offsets / offset_count)));
  }
  return {};
}

}  // namespace understudy::simulation
