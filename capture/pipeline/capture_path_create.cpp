#include <cmath>

#include "capture/pipeline/capture_path.h"
#include "capture/subject/fingers.h"

namespace understudy::pipeline {
namespace {

using frame::kMostUnlabelled;

constexpr std::size_t kMostEvents = 64;
constexpr std::uint32_t kMostThreads = 1024;

core::Result<void> checkSubject(const subject::Subject& subject) {
  const std::size_t joints = subject.skeleton.size();
  const std::string where = "subject '" + subject.name + "': ";
  if (joints == 0) return core::makeError(where + "has no joints");
  if (subject.skeleton.parent_from_joint.size() != joints || subject.joints.size() != joints) {
    return core::makeError(where + "joints, rest pose and joint models differ in number");
  }
  for (std::size_t j = 0; j < joints; ++j) {
    const int parent = subject.skeleton.parents[j];
    if (parent >= static_cast<int>(j) || parent < anim::kNoParent ||
        (j == 0) != (parent == anim::kNoParent)) {
      return core::makeError(where + "joints must have one root, parents first");
    }
  }
  for (const subject::SubjectMarker& marker : subject.markers) {
    if (marker.joint < 0 || marker.joint >= static_cast<int>(joints)) {
      return core::makeError(where + "marker '" + marker.name +
                             "' sits on a joint that is not there");
    }
    if (!(std::isfinite(glm::dot(marker.offset_joint, marker.offset_joint)))) {
      return core::makeError(where + "marker '" + marker.name + "' has no finite place");
    }
  }
  if (auto fingers = subject::checkFingers(subject); !fingers)
    return core::makeError(where + fingers.error().message);
  return {};
}

bool wantsV3(KernelChoice choice) {
  if (choice != KernelChoice::automatic) return choice == KernelChoice::v3;
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
         __builtin_cpu_supports("bmi2");
}

}  // namespace

core::Result<void> check(const PipelineSettings& settings) {
  if (auto sound = sync::check(settings.assembly); !sound) return sound;
  if (auto sound = reconstruct::check(settings.reconstruct); !sound) return sound;
  if (auto sound = label::check(settings.label); !sound) return sound;
  if (auto sound = label::check(settings.tracks); !sound) return sound;
  if (auto sound = solve::check(settings.recognise); !sound) return sound;
  if (auto sound = solve::check(settings.solve); !sound) return sound;
  if (auto sound = solve::check(settings.foresight); !sound) return sound;
  if (auto sound = check(settings.presence); !sound) return sound;
  if (auto sound = solve::check(settings.guard); !sound) return sound;
  if (auto sound = solve::check(settings.props); !sound) return sound;
  if (auto sound = solve::check(settings.fingers); !sound) return sound;
  if (auto sound = solve::check(settings.prop_solve); !sound) return sound;
  if (settings.recover_every == 0)
    return core::makeError("pipeline settings: recover_every must be > 0");
  if (settings.recognise_every == 0)
    return core::makeError("pipeline settings: recognise_every must be > 0");
  if (settings.threads < 1 || settings.threads > kMostThreads)
    return core::makeError("pipeline settings: threads must be in 1..1024");
  if (settings.kernels == KernelChoice::v3 && !__builtin_cpu_supports("avx2")) {
    return core::makeError(
        "pipeline settings: this processor has no AVX2: choose the baseline kernels");
  }
  return {};
}

core::Result<std::unique_ptr<CapturePath>> CapturePath::create(
    const PipelineSettings& settings, const camera::Rig& rig,
    std::vector<subject::Subject> subjects) {
  if (auto sound = check(settings); !sound) return sound.error();
  if (rig.cameras.empty() || rig.cameras.size() > 256) {
    return core::makeError("the rig has " + std::to_string(rig.cameras.size()) +
                           " cameras: 1 to 256 are possible");
  }
  if (!(rig.rate_hz > 0.0)) return core::makeError("the rig's rate must be > 0 Hz");
  for (const subject::Subject& subject : subjects) {
    if (auto sound = checkSubject(subject); !sound) return sound.error();
  }
  std::unique_ptr<CapturePath> path(new CapturePath(settings, rig, std::move(subjects)));
  if (auto started = path->startCrew(); !started) return started.error();
  return path;
}

CapturePath::CapturePath(const PipelineSettings& settings, const camera::Rig& rig,
                         std::vector<subject::Subject> subjects)
    : settings_(settings), rig_(rig), subjects_(std::move(subjects)) {
  const bool v3 = wantsV3(settings.kernels);
  tree_kernels_ = v3 ? &solve::v3TreeKernels() : &solve::baselineTreeKernels();
  lane_kernels_ = v3 ? &solve::v3LaneKernels() : &solve::baselineLaneKernels();
  projection_kernels_ =
      v3 ? &reconstruct::v3ProjectionKernels() : &reconstruct::baselineProjectionKernels();
  assembly_ = sync::makeFrameAssembly(settings.assembly, rig.cameras.size());
  std::size_t markers = 0;
  for (const subject::Subject& subject : subjects_) markers += subject.markers.size();
  const std::size_t predictions = markers + label::kMostTracks;
  predictions_.markers.reserve(predictions);
  reconstruct_state_ = reconstruct::makeReconstructState(rig, predictions);
  reconstruct_workspace_ = reconstruct::makeReconstructWorkspace(reconstruct_state_);
  label_workspace_ = label::makeLabelWorkspace(markers, predictions + kMostUnlabelled);
  tracks_ = label::makeTrackState();
  track_workspace_ = label::makeTrackWorkspace(markers, kMostUnlabelled);
  result_.cloud.markers.reserve(predictions + kMostUnlabelled);
  result_.labels.unlabelled.reserve(kMostUnlabelled);
  result_.labels.subjects.resize(subjects_.size());
  result_.poses.reserve(subjects_.size());
  result_.events.reserve(kMostEvents);
  points_.reserve(kMostUnlabelled);
  placements_.resize(subjects_.size());
  for (const subject::Subject& subject : subjects_)
    bodies_.push_back(subject::withoutFingers(subject));
  guard_state_ = solve::makeSwapGuardState(bodies_);
  guard_workspace_ = solve::makeSwapGuardWorkspace(bodies_);
  props_ = solve::makeFindPropsState(bodies_, settings.props);
  props_workspace_ = solve::makeFindPropsWorkspace(props_, kMostUnlabelled);
  next_recovery_.assign(subjects_.size(), 0);
  next_search_.assign(subjects_.size(), 0);
  search_interval_.assign(subjects_.size(), 0);
  search_finding_.assign(subjects_.size(), 0);
  was_tracked_.assign(subjects_.size(), 0);
  settled_.assign(subjects_.size(), 0);
  last_solved_.assign(subjects_.size(), kNever);
  was_live_.assign(rig.cameras.size(), 1);
  for (std::size_t s = 0; s < subjects_.size(); ++s) makeRoomFor(s);
  for (std::size_t s = 0; s < subjects_.size(); ++s) performers_ += isProp(s) ? 0 : 1;
  for (std::size_t s = 0; s < subjects_.size(); ++s)
    lane_subjects_.push_back({&subjects_[s], &models_[s], &solveSettings(s)});
  lane_groups_ = solve::makeLaneGroups(lane_subjects_);
  fingers_ = FingerNames(subjects_, models_);
  seconds_ahead_.assign(subjects_.size(), 0.0);
  cast_ = solve::makeCast(bodies_, models_);
  find_state_ = solve::makeFindState(cast_);
  find_workspace_ = solve::makeFindWorkspace(cast_, kMostUnlabelled);
  revise_states_.resize(subjects_.size());
  revise_workspace_.find = solve::makeFindState(cast_);
  revise_workspace_.settled.reserve(subjects_.size());
}

void CapturePath::makeRoomFor(std::size_t s) {
  const subject::Subject& subject = subjects_[s];
  models_.push_back(solve::makeSolveModel(subject));
  states_.push_back(solve::makeSolveState(subject, models_.back()));
  foresight_states_.push_back(solve::makeForesightState(models_.back()));
  solve_workspaces_.push_back(solve::makeSolveWorkspace(models_.back(), subject));
  recognise_workspaces_.push_back(solve::makeRecogniseWorkspace(bodies_[s], kMostUnlabelled));
  follow_workspaces_.push_back(solve::makeFollowWorkspace(bodies_[s], kMostUnlabelled));
  solve::reserve(placements_[s], bodies_[s]);
  result_.labels.subjects[s].markers.resize(subject.markers.size());
  result_.poses.push_back(frame::makeSkeletonPose(subject.skeleton.size()));
  result_.poses[s].subject = static_cast<std::uint32_t>(s);
  result_.poses[s].parent_from_joint = subject.skeleton.parent_from_joint;
}

}  // namespace understudy::pipeline
