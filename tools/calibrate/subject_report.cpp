#include "tools/calibrate/subject_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "capture/calibrate/compare_subjects.h"

namespace understudy::calibrate_tool {
namespace {

constexpr double kMm = 1000.0;

struct SpreadSum {
  double squares = 0, count = 0, most = 0;

  void add(double error) {
    squares += error * error;
    count += 1.0;
    most = std::max(most, std::abs(error));
  }
  TruthErrors::Spread spread() const {
    return {.rms = std::sqrt(squares / std::max(count, 1.0)), .max = most};
  }
};

report::Json spreadJson(const TruthErrors::Spread& spread) {
  return {{"rms", kMm * spread.rms}, {"max", kMm * spread.max}};
}

report::Json sizeJson(const calibrate::CalibratedSize& size, const report::Json& value) {
  return {{"name", size.name},
          {"value", value},
          {"sigma_mm", kMm * size.sigma},
          {"observed", size.observed},
          {"hint", size.hint}};
}

const std::string& alsoJoint(const subject::Subject& subject,
                             const subject::SubjectMarker& marker) {
  return subject.skeleton.names[static_cast<std::size_t>(marker.also.joint)];
}

void printSkin(const subject::Subject& subject) {
  std::vector<std::string> shares;
  for (const subject::SubjectMarker& marker : subject.markers) {
    if (marker.also.joint < 0) continue;
    shares.push_back(fmt::format("{} ({} {:.0f} %)", marker.name, alsoJoint(subject, marker),
                                 100.0f * marker.also.share));
  }
  if (!shares.empty()) fmt::print("skin between two segments: {}\n", fmt::join(shares, ", "));
}

}  // namespace

TruthErrors compareWithTruth(const subject::Subject& truth,
                             calibrate::SubjectCalibration& calibration) {
  calibrate::takeFramesOf(truth, calibration.subject);
  const calibrate::SubjectErrors errors = calibrate::compareSubjects(truth, calibration.subject);
  SpreadSum bone, offset, bone_all, offset_all;
  for (const calibrate::CalibratedSize& size : calibration.sizes) {
    const bool is_bone = size.kind == calibrate::SizeKind::bone;
    const double error = is_bone ? errors.bone[size.index] : errors.marker[size.index];
    (is_bone ? bone_all : offset_all).add(error);
    if (size.observed) (is_bone ? bone : offset).add(error);
  }
  return {.bone = bone.spread(),
          .offset = offset.spread(),
          .bone_all = bone_all.spread(),
          .offset_all = offset_all.spread()};
}

void addSubjectKeys(const calibrate::SubjectCalibration& calibration, double seconds,
                    const std::optional<TruthErrors>& errors, report::Json& json) {
  json["subject"] = calibration.subject.name;
  json["bones"] = report::Json::array();
  json["markers"] = report::Json::array();
  for (const calibrate::CalibratedSize& size : calibration.sizes) {
    if (size.kind == calibrate::SizeKind::bone) {
      json["bones"].push_back(sizeJson(size, kMm * size.value));
      continue;
    }
    const subject::SubjectMarker& marker = calibration.subject.markers[size.index];
    const glm::vec3& offset = marker.offset_joint;
    report::Json line =
        sizeJson(size, {kMm * static_cast<double>(offset.x), kMm * static_cast<double>(offset.y),
                        kMm * static_cast<double>(offset.z)});
    if (marker.also.joint >= 0) {
      line["also_joint"] = alsoJoint(calibration.subject, marker);
      line["also_share"] = marker.also.share;
    }
    json["markers"].push_back(std::move(line));
  }
  json["seconds"] = seconds;
  json["observed_share"] = calibration.observedShare();
  json["marker_rms_mm"] = kMm * calibration.rms_after;
  json["frames_used"] = calibration.frames - calibration.dropped;
  json["frames_dropped"] = calibration.dropped;
  json["iterations"] = calibration.iterations;
  if (!errors) return;
  json["bone_mm"] = spreadJson(errors->bone);
  json["offset_mm"] = spreadJson(errors->offset);
  json["bone_all_mm"] = spreadJson(errors->bone_all);
  json["offset_all_mm"] = spreadJson(errors->offset_all);
}

void printSubject(const calibrate::SubjectCalibration& calibration, double seconds,
                  const std::optional<TruthErrors>& errors) {
  fmt::print("{}: {} frames, the worst {} dropped; markers lie {:.1f} mm off (rms); {:.2f} s\n",
             calibration.subject.name, calibration.frames, calibration.dropped,
             kMm * calibration.rms_after, seconds);
  fmt::print("{:<24} {:>9} {:>9}  {}\n", "bone to", "mm", "sigma mm", "to show it better");
  for (const calibrate::CalibratedSize& size : calibration.sizes) {
    if (size.kind != calibrate::SizeKind::bone) continue;
    fmt::print("{:<24} {:9.1f} {:9.1f}  {}\n", size.name, kMm * size.value, kMm * size.sigma,
               size.observed ? "" : "unobserved: " + size.hint);
  }
  std::map<std::string, std::vector<std::string>> unobserved;  // Markers by hint.
  for (const calibrate::CalibratedSize& size : calibration.sizes) {
    if (size.kind == calibrate::SizeKind::marker && !size.observed) {
      unobserved[size.hint].push_back(size.name);
    }
  }
  for (const auto& [hint, names] : unobserved) {
    fmt::print("unobserved markers {}: {}\n", fmt::join(names, ", "), hint);
  }
  printSkin(calibration.subject);
  fmt::print("{:.0f} % of bones and markers are observed\n", 100.0 * calibration.observedShare());
  if (!errors) return;
  const auto line = [](const char* what, const TruthErrors::Spread& seen,
                       const TruthErrors::Spread& all) {
    fmt::print(
        "{} against the truth: {:.2f} mm rms, {:.2f} mm at most; with the unobserved "
        "{:.2f} and {:.2f}\n",
        what, kMm * seen.rms, kMm * seen.max, kMm * all.rms, kMm * all.max);
  };
  line("bones", errors->bone, errors->bone_all);
  line("marker offsets", errors->offset, errors->offset_all);
}

}  // namespace understudy::calibrate_tool
