#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "capture/file/marker_clip.h"
#include "capture/subject/subject.h"
#include "engine/core/result.h"

namespace understudy::calibrate {

/// How bones and marker offsets are found from free motion.
struct CalibrateSettings {
  std::size_t candidates = 320;  ///< Frames that are looked at, evenly spread over the recording.
  std::size_t frames = 144;      ///< Of those, the most varied ones are used.
  int iterations = 6;        ///< At most, before the worst frames are dropped; half as many after.
  double drop_share = 0.25;  ///< Share of the used frames that is dropped, the worst first.
  double marker_sigma = 0.004;  ///< Skin motion of a marker per axis, metres; refined per marker.
  /// Per marker of the subject: its skin slides so many times as far as usual (bone less, muscle
  /// more; subject::skinSlideShare). Empty: all alike.
  std::vector<double> skin_share{};
  double wide_radius = 0.06;     ///< At first a marker this far off the model has a quarter of its
  double robust_radius = 0.025;  ///< weight, in the end one this far, metres.
  double bone_sigma = 0.006;    ///< Doubt about where a joint sits on its parent, per axis, metres,
  double bone_share = 0.06;     ///< and as a share of the bone's length on top.
  double offset_sigma = 0.020;  ///< Doubt about a marker's place on its joint, per axis, metres.
  double slide_sigma = 0.006;   ///< Skin slides so far per radian that its joint bends, metres.
  double symmetry_sigma = 0.010;   ///< Left bones are as long as right ones, metres.
  double proportion_share = 0.15;  ///< Limbs have usual proportions, share of their length.
  /// Skin slides with the joint's angle, so that frames do not err independently: they count for no
  /// more than this many.
  double independent_frames = 10;
  bool share_skin = true;         ///< Markers may hang on two joints, see shareSkin.
  double observed_share = 0.5;    ///< Observed: motion left less than this share of the doubt ...
  double observed_sigma = 0.008;  ///< ... and no more than this, metres.
  std::size_t threads = 2;        ///< The result is the same for any number.
};

/// Says which setting is out of range, if any.
core::Result<void> check(const CalibrateSettings& settings);

enum class SizeKind : std::uint8_t {
  bone,   ///< Length of the bone from a joint's parent to it.
  marker  ///< A marker's place in its joint's frame.
};

/// One thing that was calibrated, and how well. Turns of a joint's frame against all that hangs on
/// it are a convention and count as known.
struct CalibratedSize {
  SizeKind kind = SizeKind::bone;
  std::size_t index = 0;  ///< Joint or marker of the subject.
  std::string name;       ///< Of the joint or marker.
  double value = 0;       ///< Length, or distance of the marker from its joint, metres.
  double sigma =
      0;  ///< Standard deviation of it (markers: of the place in its worst direction), metres.
  double prior_sigma = 0;  ///< The same before the recording was seen.
  bool observed = false;
  std::string hint;  ///< The motion to make; empty where observed.
};

/// A calibrated subject and how it came about.
struct SubjectCalibration {
  subject::Subject subject;
  std::vector<CalibratedSize> sizes;  ///< Bones in the order of joints, then markers.
  std::size_t frames = 0, dropped = 0;
  int iterations = 0;
  double rms_before = 0, rms_after = 0;  ///< Distance of the markers from the model, metres.
  std::vector<std::string> warnings;

  /// Share of sizes that are observed.
  double observedShare() const;
};

/// Finds bone lengths, marker offsets and poses together from free motion: the most varied frames
/// are taken (as Momentum's marker tracker does, Meta 2023), poses are eliminated from the normal
/// equations of all of them, the worst frames are dropped and the rest is fitted again. `initial`
/// says how the body is built, about how long its bones are and about where the markers sit; its
/// markers are found in the recording by name. Priors: `initial` itself, left and right alike,
/// usual proportions (Winter, "Biomechanics and Motor Control of Human Movement", 4th edition 2009,
/// figure 4.1). Fails with one line where names match nothing, where too few markers are ever seen,
/// where no frame shows enough of them, where they span what no body does, or where most lie far
/// from any body. Offline; some hundred milliseconds.
core::Result<SubjectCalibration> calibrateSubject(const file::MarkerClip& clip,
                                                  const subject::Subject& initial,
                                                  const CalibrateSettings& settings);

}  // namespace understudy::calibrate
