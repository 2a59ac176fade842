#include "capture/calibrate/calibrate_subject.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "capture/calibrate/calibrate_hands.h"
#include "capture/calibrate/choose_frames.h"
#include "capture/calibrate/observability.h"
#include "capture/calibrate/place_doubt.h"
#include "capture/calibrate/pose_elimination.h"
#include "capture/calibrate/share_skin.h"
#include "capture/calibrate/size_prior.h"
#include "capture/subject/clip_geometry.h"
#include "capture/subject/fingers.h"
#include "engine/core/settings_file.h"

namespace understudy::calibrate {
namespace {

using subject::Subject;

constexpr std::size_t kFewestMarkers = 6;
constexpr std::size_t kMostMarkers = 512;
constexpr std::size_t kFewestFrames = 8;

// Which column of the clip each marker is, -1 for none that is ever seen.
std::vector<int> matchMarkers(const file::MarkerClip& clip, const Subject& initial) {
  std::map<std::string, std::size_t> columns;
  for (std::size_t c = 0; c < clip.names.size(); ++c) columns.emplace(clip.names[c], c);
  std::vector<bool> ever(clip.names.size(), false);
  for (std::size_t f = 0; f < clip.frames; ++f) {
    for (std::size_t c = 0; c < ever.size(); ++c) {
      ever[c] = ever[c] || subject::isSeen(clip.at(f, c));
    }
  }
  std::vector<int> matched;
  for (const subject::SubjectMarker& marker : initial.markers) {
    const auto found = columns.find(marker.name);
    matched.push_back(
        found != columns.end() && ever[found->second] ? static_cast<int>(found->second) : -1);
  }
  return matched;
}

core::Error nothingMatches(const file::MarkerClip& clip, const Subject& initial) {
  const auto some = [](const auto& list, const auto& name) {
    std::string text;
    for (std::size_t i = 0; i < std::min<std::size_t>(list.size(), 3); ++i) {
      text += (i > 0 ? ", " : "") + name(list[i]);
    }
    return text.empty() ? std::string("none") : text + (list.size() > 3 ? ", ..." : "");
  };
  return core::makeError(fmt::format(
      "no marker name matches: the recording has {}, the subject {}; give the marker set whose "
      "names these are",
      some(clip.names, [](const std::string& n) { return n; }),
      some(initial.markers, [](const subject::SubjectMarker& m) { return m.name; })));
}

core::Result<void> checkInput(const file::MarkerClip& clip, const Subject& initial) {
  if (clip.frames == 0 || clip.names.empty()) {
    return core::makeError("the recording holds no labelled marker; label it first");
  }
  if (clip.positions.size() / clip.names.size() != clip.frames ||
      clip.positions.size() % clip.names.size() != 0) {
    return core::makeError("the recording's positions do not fit its markers and frames");
  }
  if (initial.skeleton.size() == 0 || initial.joints.size() != initial.skeleton.size()) {
    return core::makeError(fmt::format("subject {} has no joints to calibrate", initial.name));
  }
  if (initial.markers.size() < kFewestMarkers) {
    return core::makeError(
        fmt::format("subject {} has {} markers; a body needs {} at least to be calibrated",
                    initial.name, initial.markers.size(), kFewestMarkers));
  }
  if (initial.markers.size() > kMostMarkers) {
    return core::makeError(fmt::format("subject {} has {} markers; at most {} can be calibrated",
                                       initial.name, initial.markers.size(), kMostMarkers));
  }
  return {};
}

// A body is neither as small as a hand nor as large as a room: else the unit is wrong.
core::Result<void> checkExtent(const std::vector<PosedFrame>& frames) {
  constexpr double kSmallest = 0.3, kLargest = 5.0;  // Metres.
  std::vector<double> extents;
  for (const PosedFrame& frame : frames) {
    glm::dvec3 low(1e300), high(-1e300);
    for (std::size_t m = 0; m < frame.seen.size(); ++m) {
      if (!frame.there[m]) continue;
      low = glm::min(low, frame.seen[m]);
      high = glm::max(high, frame.seen[m]);
    }
    extents.push_back(glm::length(high - low));
  }
  const auto middle = extents.begin() + static_cast<std::ptrdiff_t>(extents.size() / 2);
  std::nth_element(extents.begin(), middle, extents.end());
  if (*middle > kSmallest && *middle < kLargest) return {};
  return core::makeError(fmt::format(
      "the markers span {:.3g} m, which no body does; check the unit of the recording (--unit)",
      *middle));
}

struct Calibration {
  const CalibrateSettings& settings;
  const CalibrationProblem& problem;
  SizePrior prior;
  BodySizes sizes;
  std::vector<double> skin_share;    // Per shown marker.
  std::vector<double> marker_sigma;  // Per shown marker, metres.
  FrameTrust trust{};
  std::vector<PosedFrame> frames{};
  PoseElimination elimination;
  SymmetricMatrix last{};  // Of the sizes, with the prior.
  int iterations = 0;

  Calibration(const CalibrateSettings& s, const CalibrationProblem& p, std::vector<double> shares)
      : settings(s),
        problem(p),
        prior(p.subject, p.model, p.layout, s),
        sizes(prior.mean),
        skin_share(std::move(shares)),
        elimination(p, s.threads) {
    for (const double share : skin_share) marker_sigma.push_back(s.marker_sigma * share);
  }

  // Frames that are not independent weigh no more than so many that are: all priors grow instead.
  double priorScale() const {
    return std::max(1.0, static_cast<double>(frames.size()) / settings.independent_frames);
  }

  void bend();
  double step();
  void iterate(int most, double radius);
  void weighMarkers();
  core::Result<void> judgeMarkers(SubjectCalibration& result);
  double rms() const;
};

// How far each joint is bent in each frame, about its mean: a slide moves no marker's mean place.
void Calibration::bend() {
  const std::size_t joints = problem.model.joints();
  std::vector<double> mean(joints, 0.0);
  for (PosedFrame& frame : frames) {
    frame.bend.resize(joints);
    for (std::size_t j = 0; j < joints; ++j) {
      const bool bends = problem.layout.joint_first[j] >= 0;
      frame.bend[j] = bends ? bendOf(glm::conjugate(problem.model.rest[j].rotation) *
                                     frame.parent_from_joint[j].rotation)
                            : 0.0;
      mean[j] += frame.bend[j] / static_cast<double>(frames.size());
    }
  }
  for (PosedFrame& frame : frames) {
    for (std::size_t j = 0; j < joints; ++j) frame.bend[j] -= mean[j];
  }
}

// One step of Gauss and Newton on everything; returns the largest change of a size, metres.
double Calibration::step() {
  bend();
  elimination.build(sizes, marker_sigma, trust, frames);
  prior.add(sizes, priorScale(), elimination.matrix, elimination.right);
  SymmetricMatrix factored = elimination.matrix;
  factor(factored);
  std::vector<double> change = elimination.right;
  solveFactored(factored, change);
  double largest = 0.0;
  constexpr double kLongest = 0.04;  // Metres: where the model is not linear any more.
  for (double& value : change) {
    value = std::clamp(value, -kLongest, kLongest);
    largest = std::max(largest, std::abs(value));
  }
  const auto add = [&](std::int32_t first, glm::dvec3& place) {
    for (int k = 0; first >= 0 && k < 3; ++k)
      place[k] += change[static_cast<std::size_t>(first + k)];
  };
  for (std::size_t j = 0; j < sizes.joint_place.size(); ++j) {
    add(problem.layout.joint_first[j], sizes.joint_place[j]);
  }
  for (std::size_t m = 0; m < sizes.marker_offset.size(); ++m) {
    add(problem.layout.marker_first[m], sizes.marker_offset[m]);
    add(problem.layout.marker_first[m] + 3, sizes.marker_slide[m]);
  }
  elimination.movePoses(change, sizes, marker_sigma, trust, frames);
  last = std::move(elimination.matrix);
  ++iterations;
  return largest;
}

void Calibration::iterate(int most, double radius) {
  constexpr double kSettled = 2e-4;  // Metres.
  trust.robust_radius = radius;
  for (int i = 0; i < most; ++i) {
    if (step() < kSettled) break;
  }
}

// Skin over muscle slides more than over bone: each marker's residuals say how much, as far as
// there are enough of them.
void Calibration::weighMarkers() {
  constexpr double kOwn = 0.6, kTimes = 2.5, kBelief = 0.5;
  std::vector<double> squares(marker_sigma.size(), 0.0), count(marker_sigma.size(), 0.0);
  FrameWorkspace workspace = makeFrameWorkspace(problem);
  const FrameSystem system{problem, sizes, marker_sigma, trust, workspace};
  double all = 0.0, all_count = 0.0;
  for (PosedFrame& frame : frames) {
    system.measure(frame);
    for (std::size_t m = 0; m < squares.size(); ++m) {
      if (!frame.there[m]) continue;
      const double squared = glm::dot(workspace.residual[m], workspace.residual[m]);
      if (squared > trust.robust_radius * trust.robust_radius) continue;
      squares[m] += squared / 3.0;
      count[m] += 1.0;
      all += squared / (3.0 * skin_share[m] * skin_share[m]);
      all_count += 1.0;
    }
  }
  if (all_count < 1.0) return;
  // Sizes and poses take up a share of the residuals.
  constexpr double kTakenUp = 1.5, kLeast = 0.0005;
  const double usual = std::max(kTakenUp * all / all_count, kLeast * kLeast);
  for (std::size_t m = 0; m < squares.size(); ++m) {
    const double expected = usual * skin_share[m] * skin_share[m];
    const double views = kBelief * static_cast<double>(frames.size());
    const double variance = (kTakenUp * squares[m] + views * expected) / (count[m] + views);
    marker_sigma[m] =
        std::sqrt(std::clamp(variance, kOwn * kOwn * expected, kTimes * kTimes * expected));
  }
}

double Calibration::rms() const {
  double squares = 0.0, count = 0.0;
  for (const PosedFrame& frame : frames) {
    squares += frame.rms * frame.rms * static_cast<double>(frame.count);
    count += static_cast<double>(frame.count);
  }
  return std::sqrt(squares / std::max(count, 1.0));
}

// Distance of the markers that move with their segments, and the names of those that do not.
core::Result<void> Calibration::judgeMarkers(SubjectCalibration& result) {
  constexpr double kFar = 4.0;  // Times the robust radius: no skin slides so far.
  const double far = kFar * settings.robust_radius;
  FrameWorkspace workspace = makeFrameWorkspace(problem);
  const FrameSystem system{problem, sizes, marker_sigma, trust, workspace};
  std::vector<std::size_t> seen(marker_sigma.size(), 0), astray(marker_sigma.size(), 0);
  double squares = 0.0, count = 0.0;
  for (PosedFrame& frame : frames) {
    system.measure(frame);
    for (std::size_t m = 0; m < seen.size(); ++m) {
      if (!frame.there[m]) continue;
      const double squared = glm::dot(workspace.residual[m], workspace.residual[m]);
      ++seen[m];
      if (squared > far * far) {
        ++astray[m];
      } else {
        squares += squared;
        count += 1.0;
      }
    }
  }
  result.rms_after = std::sqrt(squares / std::max(count, 1.0));
  std::string names;
  std::size_t wrong = 0;
  for (std::size_t m = 0; m < seen.size(); ++m) {
    if (2 * astray[m] <= seen[m]) continue;
    ++wrong;
    names += (names.empty() ? "" : ", ") + problem.subject.markers[m].name;
  }
  if (names.empty()) return {};
  if (2 * wrong > seen.size()) {
    return core::makeError(fmt::format(
        "{} of {} markers are over {:.0f} cm off the best body in most frames; they do not carry "
        "the names of their places: check them, or give their marker set",
        wrong, seen.size(), 100.0 * far));
  }
  result.warnings.push_back(fmt::format(
      "markers that are over {:.0f} cm off in most frames: {}; check their names, or give the "
      "marker set",
      100.0 * far, names));
  return {};
}

// How far off joints may be shown by what the sizes may be off.
void putDoubt(const Calibration& run, const SymmetricMatrix& factored, Subject& subject) {
  const std::vector<double> doubt = PlaceDoubt{.problem = run.problem,
                                               .factored = factored,
                                               .scale = run.priorScale(),
                                               .sizes = run.sizes,
                                               .marker_sigma = run.marker_sigma,
                                               .trust = run.trust,
                                               .frames = run.frames}
                                        .run();
  for (std::size_t j = 0; j < doubt.size(); ++j)
    subject.joints[j].place_sigma = static_cast<float>(doubt[j]);
}

// The subject with only the markers that the recording shows.
Subject shownMarkers(const Subject& initial, const std::vector<int>& matched) {
  Subject shown = initial;
  shown.markers.clear();
  for (std::size_t m = 0; m < matched.size(); ++m) {
    if (matched[m] >= 0) shown.markers.push_back(initial.markers[m]);
  }
  return shown;
}

// Each shown marker's share of the skin's motion, where the settings tell.
std::vector<double> skinShares(const CalibrateSettings& settings, const std::vector<int>& matched) {
  std::vector<double> shares;
  for (std::size_t m = 0; m < matched.size(); ++m) {
    if (matched[m] < 0) continue;
    const bool told = settings.skin_share.size() == matched.size();
    shares.push_back(told ? std::clamp(settings.skin_share[m], 0.1, 10.0) : 1.0);
  }
  return shares;
}

// Puts sizes that were found for the shown markers into the whole subject.
void putSizes(const BodySizes& found, const std::vector<subject::SkinShare>& shares,
              const std::vector<int>& matched, SubjectCalibration& result) {
  BodySizes sizes = sizesOf(result.subject);
  sizes.joint_place = found.joint_place;
  std::vector<std::size_t> all_of;
  for (std::size_t m = 0; m < matched.size(); ++m) {
    if (matched[m] < 0) continue;
    sizes.marker_offset[m] = found.marker_offset[all_of.size()];
    result.subject.markers[m].also = shares[all_of.size()];
    all_of.push_back(m);
  }
  setSizes(sizes, result.subject);
  for (CalibratedSize& size : result.sizes) {
    if (size.kind == SizeKind::marker) size.index = all_of[size.index];
  }
  if (all_of.size() < matched.size()) {
    result.warnings.push_back(
        fmt::format("{} of {} markers are never seen in the recording; they stay where the marker "
                    "set puts them",
                    matched.size() - all_of.size(), matched.size()));
  }
}

// Gives a calibrated body its fingers back.
void putFingers(const Subject& whole, Subject& body) {
  for (std::size_t joint = 0; joint < whole.joints.size(); ++joint) {
    if (!subject::isFingerJoint(whole, static_cast<int>(joint))) continue;
    const float place_sigma = body.joints[joint].place_sigma;  // As the hand carries it.
    body.joints[joint] = whole.joints[joint];
    body.joints[joint].place_sigma = place_sigma;
    body.skeleton.parent_from_joint[joint] = whole.skeleton.parent_from_joint[joint];
  }
  for (std::size_t m = body.markers.size(); m < whole.markers.size(); ++m)
    body.markers.push_back(whole.markers[m]);
}

}  // namespace

core::Result<void> check(const CalibrateSettings& s) {
  const auto wrong = [](const char* key, const char* condition) {
    return core::makeError(fmt::format("calibrate settings: {} must be {}", key, condition));
  };
  const auto metres = [](double value) { return value > 0.0 && value < 1.0; };
  if (s.candidates < kFewestFrames || s.candidates > 100000) {
    return wrong("candidates", "in 8..100000");
  }
  if (s.frames < kFewestFrames || s.frames > 5000) return wrong("frames", "in 8..5000");
  if (s.iterations < 1 || s.iterations > 200) return wrong("iterations", "in 1..200");
  if (!(s.drop_share >= 0.0 && s.drop_share <= 0.5)) return wrong("drop_share", "in 0..0.5");
  if (!metres(s.marker_sigma)) return wrong("marker_sigma", "> 0 and < 1 m");
  if (!metres(s.wide_radius)) return wrong("wide_radius", "> 0 and < 1 m");
  if (!metres(s.robust_radius)) return wrong("robust_radius", "> 0 and < 1 m");
  if (!metres(s.bone_sigma)) return wrong("bone_sigma", "> 0 and < 1 m");
  if (!(s.bone_share >= 0.0 && s.bone_share < 1.0)) return wrong("bone_share", "in 0..1");
  if (!metres(s.offset_sigma)) return wrong("offset_sigma", "> 0 and < 1 m");
  if (!metres(s.symmetry_sigma)) return wrong("symmetry_sigma", "> 0 and < 1 m");
  if (!(s.proportion_share > 0.0 && s.proportion_share < 10.0)) {
    return wrong("proportion_share", "> 0 and < 10");
  }
  if (!(s.independent_frames >= 1.0)) return wrong("independent_frames", ">= 1");
  if (!(s.observed_share > 0.0 && s.observed_share <= 1.0)) {
    return wrong("observed_share", "> 0 and <= 1");
  }
  if (!metres(s.observed_sigma)) return wrong("observed_sigma", "> 0 and < 1 m");
  if (s.threads < 1 || s.threads > 256) return wrong("threads", "in 1..256");
  return {};
}

double SubjectCalibration::observedShare() const {
  const auto observed = std::count_if(sizes.begin(), sizes.end(),
                                      [](const CalibratedSize& size) { return size.observed; });
  return static_cast<double>(observed) /
         static_cast<double>(std::max<std::size_t>(sizes.size(), 1));
}

namespace {

// A body without fingers, and with `hands` those of that subject, too.
core::Result<SubjectCalibration> calibrateBody(const file::MarkerClip& clip, const Subject& initial,
                                               const CalibrateSettings& settings,
                                               const Subject* hands) {
  if (const core::Result<void> checked = check(settings); !checked) return checked.error();
  if (const core::Result<void> checked = checkInput(clip, initial); !checked) {
    return checked.error();
  }
  const std::vector<int> matched = matchMarkers(clip, initial);
  const auto shown_count = static_cast<std::size_t>(
      std::count_if(matched.begin(), matched.end(), [](int column) { return column >= 0; }));
  if (shown_count == 0) return nothingMatches(clip, initial);
  if (shown_count < kFewestMarkers) {
    return core::makeError(fmt::format(
        "only {} of the subject's {} markers are ever seen in the recording; a body needs {} at "
        "least: check the marker set",
        shown_count, initial.markers.size(), kFewestMarkers));
  }
  const Subject shown = shownMarkers(initial, matched);
  const solve::SolveModel model = solve::makePlainSolveModel(shown);
  const SizeLayout layout = layOutSizes(shown, model);
  const CalibrationProblem problem{shown, model, layout, findSharedBends(shown, model)};
  std::vector<std::size_t> column;
  for (const int c : matched) {
    if (c >= 0) column.push_back(static_cast<std::size_t>(c));
  }
  Calibration run(settings, problem, skinShares(settings, matched));
  run.frames = gatherFrames(clip, column, settings.candidates);
  if (run.frames.size() < kFewestFrames) {
    return core::makeError(fmt::format(
        "only {} frames show enough markers; calibration needs {}: record 10 to 20 s of free "
        "motion",
        run.frames.size(), kFewestFrames));
  }
  if (const core::Result<void> sound = checkExtent(run.frames); !sound) return sound.error();
  run.trust.robust_radius = settings.wide_radius;
  poseFrames(problem, run.sizes, run.marker_sigma, run.trust, settings.threads, run.frames);
  keepVaried(problem, settings.frames, run.frames);
  SubjectCalibration result{.frames = run.frames.size(), .rms_before = run.rms()};
  run.iterate(4, settings.wide_radius);
  run.iterate(2, settings.robust_radius);
  run.weighMarkers();
  run.iterate(settings.iterations, settings.robust_radius);
  result.dropped = dropWorst(settings.drop_share, run.frames);
  run.weighMarkers();
  run.iterate(std::max(1, settings.iterations / 2), settings.robust_radius);
  if (const core::Result<void> sound = run.judgeMarkers(result); !sound) return sound.error();
  result.iterations = run.iterations;
  const SymmetricMatrix factored =
      factorHeld(run.last, gaugeDirections(shown, model, layout, run.sizes));
  result.sizes = judgeSizes(problem, run.prior, run.sizes, factored, run.priorScale(), run.frames);

  result.subject = initial;
  const std::vector<subject::SkinShare> shares =
      settings.share_skin ? shareSkin(problem, run.sizes, settings.robust_radius, run.frames)
                          : std::vector<subject::SkinShare>(shown_count);
  putSizes(run.sizes, shares, matched, result);
  putDoubt(run, factored, result.subject);
  if (hands != nullptr) {
    putFingers(*hands, result.subject);
    calibrateHands(clip, model, run.frames, result);
  }
  return result;
}

}  // namespace

core::Result<SubjectCalibration> calibrateSubject(const file::MarkerClip& clip,
                                                  const Subject& initial,
                                                  const CalibrateSettings& settings) {
  const std::size_t body_markers = subject::bodyMarkerCount(initial);
  if (body_markers == initial.markers.size())
    return calibrateBody(clip, initial, settings, nullptr);
  if (const core::Result<void> sound = subject::checkFingers(initial); !sound) return sound.error();
  CalibrateSettings body_settings = settings;
  if (settings.skin_share.size() > body_markers) body_settings.skin_share.resize(body_markers);
  return calibrateBody(clip, subject::withoutFingers(initial), body_settings, &initial);
}

}  // namespace understudy::calibrate
