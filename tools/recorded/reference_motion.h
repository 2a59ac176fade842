#pragma once

#include <optional>
#include <string>
#include <vector>

#include "capture/subject/subject.h"
#include "engine/anim/skeleton.h"
#include "engine/core/result.h"
#include "tools/recorded/flexions.h"

namespace understudy::recorded {

/// What another solver made of the same recording.
struct ReferenceMotion {
  std::string kind;                      ///< "amc", "vsk" or "mot".
  anim::Skeleton skeleton;               ///< Empty for "mot".
  anim::HumanoidMap humanoid{};          ///< Of the skeleton.
  std::optional<RecordedMotion> motion;  ///< Poses by frame of the recording; "amc", later "vsk".
  std::optional<subject::Subject> subject;  ///< "vsk", "mot" with a model: markers on joints.
  std::vector<FlexionAngles> angles;        ///< By frame of the recording.
  std::vector<std::string> notes;           ///< What was done to make it comparable, one line each.
};

/// True for .amc, .vsk, .mot and .sto.
bool isReferenceKind(const std::string& path);

/// Reads a reference for this recording. "amc": poses, brought into the recording's world by the
/// caller. "vsk": a skeleton with markers, no motion; the caller solves with it. "mot": flexions of
/// OpenSim's inverse kinematics, which are hip_flexion, knee_angle, ankle_angle and elbow_flex of
/// either side, interpolated to the recording's frames by time; with its `model`, an .osim file,
/// bodies and markers are posed as well. Fails with one line that names file
/// and reason.
core::Result<ReferenceMotion> loadReference(const std::string& path, const file::MarkerClip& clip,
                                            const std::string& model = {});

}  // namespace understudy::recorded
