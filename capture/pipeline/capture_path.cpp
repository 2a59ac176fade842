#include "capture/pipeline/capture_path.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "engine/core/thread_time.h"

namespace understudy::pipeline {
namespace {

// Adds the time of its scope to a stage. Nothing waits inside, so that it is processor time unless
// the thread was preempted: settleTimes() corrects that. The thread's own clock would cost two
// system calls per packet, as much as the work that it measures.
class StageTimer {
 public:
  explicit StageTimer(core::Duration& total) : total_(total), start_(core::Clock::now()) {}
  ~StageTimer() { total_ += core::Clock::now() - start_; }
  StageTimer(const StageTimer&) = delete;
  StageTimer& operator=(const StageTimer&) = delete;

 private:
  core::Duration& total_;
  core::Time start_;
};

// The same by the thread's own clock, for work that is long enough to be preempted.
class ThreadTimer {
 public:
  explicit ThreadTimer(core::Duration& total) : total_(total), start_(core::threadTime()) {}
  ~ThreadTimer() { total_ += core::threadTime() - start_; }
  ThreadTimer(const ThreadTimer&) = delete;
  ThreadTimer& operator=(const ThreadTimer&) = delete;

 private:
  core::Duration& total_;
  core::Duration start_;
};

constexpr std::size_t kMostUnlabelled = 4096;
constexpr std::size_t kMostEvents = 64;
constexpr std::uint64_t kNever = ~std::uint64_t{0};

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
  if (auto sound = check(settings.presence); !sound) return sound;
  if (auto sound = solve::check(settings.guard); !sound) return sound;
  if (auto sound = solve::check(settings.props); !sound) return sound;
  if (auto sound = solve::check(settings.prop_solve); !sound) return sound;
  if (settings.recover_every == 0)
    return core::makeError("pipeline settings: recover_every must be > 0");
  if (settings.recognise_every == 0)
    return core::makeError("pipeline settings: recognise_every must be > 0");
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
  return std::unique_ptr<CapturePath>(new CapturePath(settings, rig, std::move(subjects)));
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
  guard_state_ = solve::makeSwapGuardState(subjects_);
  guard_workspace_ = solve::makeSwapGuardWorkspace(subjects_);
  props_ = solve::makeFindPropsState(subjects_, settings.props);
  props_workspace_ = solve::makeFindPropsWorkspace(props_, kMostUnlabelled);
  next_recovery_.assign(subjects_.size(), 0);
  next_search_.assign(subjects_.size(), 0);
  search_interval_.assign(subjects_.size(), 0);
  search_finding_.assign(subjects_.size(), 0);
  was_tracked_.assign(subjects_.size(), 0);
  settled_.assign(subjects_.size(), 0);
  last_solved_.assign(subjects_.size(), kNever);
  was_live_.assign(rig.cameras.size(), 1);
  for (std::size_t s = 0; s < subjects_.size(); ++s) {
    const subject::Subject& subject = subjects_[s];
    models_.push_back(solve::makeSolveModel(subject));
    states_.push_back(solve::makeSolveState(subject, models_.back()));
    foresight_states_.push_back(solve::makeForesightState(models_.back()));
    foresight_workspaces_.push_back(solve::makeForesightWorkspace(models_.back()));
    solve_workspaces_.push_back(solve::makeSolveWorkspace(models_.back(), subject));
    recognise_workspaces_.push_back(solve::makeRecogniseWorkspace(subject, kMostUnlabelled));
    follow_workspaces_.push_back(solve::makeFollowWorkspace(subject, kMostUnlabelled));
    solve::reserve(placements_[s], subject);
    result_.labels.subjects[s].markers.resize(subject.markers.size());
    result_.poses.push_back(frame::makeSkeletonPose(subject.skeleton.size()));
    result_.poses[s].subject = static_cast<std::uint32_t>(s);
    result_.poses[s].parent_from_joint = subject.skeleton.parent_from_joint;
  }
  for (std::size_t s = 0; s < subjects_.size(); ++s) performers_ += isProp(s) ? 0 : 1;
  for (std::size_t s = 0; s < subjects_.size(); ++s)
    lane_subjects_.push_back({&subjects_[s], &models_[s], &solveSettings(s)});
  lane_groups_ = solve::makeLaneGroups(lane_subjects_);
  cast_ = solve::makeCast(subjects_, models_);
  find_state_ = solve::makeFindState(cast_);
  find_workspace_ = solve::makeFindWorkspace(cast_, kMostUnlabelled);
  revise_states_.resize(subjects_.size());
  revise_workspace_.find = solve::makeFindState(cast_);
  revise_workspace_.settled.reserve(subjects_.size());
}

bool CapturePath::hasCamera(std::uint32_t camera) const {
  const sync::PendingFrame& open = assembly_.at(assembly_.current);
  return open.used && open.cameras[camera].complete;
}

sync::PacketVerdict CapturePath::packet(std::span<const std::byte> datagram, core::Time received) {
  source::PacketView view;
  sync::PacketVerdict verdict;
  {
    const StageTimer timer(cpu_.sync);
    if (source::decodePacket(datagram, view) != source::DecodeResult::ok) {
      ++assembly_.counters.damaged;
      return sync::PacketVerdict::inconsistent;
    }
    const std::uint64_t resyncs = assembly_.counters.resyncs;
    verdict = sync::accept(assembly_, view, received);
    if (assembly_.counters.resyncs != resyncs) {  // Dates of the old count mean nothing now.
      std::fill(find_state_.next_attempt.begin(), find_state_.next_attempt.end(), 0);
      for (solve::FindPropsState::Prop& prop : props_.props) prop.next_attempt = 0;
      std::fill(next_recovery_.begin(), next_recovery_.end(), 0);
      std::fill(next_search_.begin(), next_search_.end(), 0);
      revise_states_.assign(subjects_.size(), {});
      solve::forgetDates(guard_state_);
      label::forgetTracks(tracks_);
    }
  }
  if (verdict == sync::PacketVerdict::camera_complete &&
      view.header.sequence == assembly_.current) {
    if (prepared_for_ != assembly_.current) {
      prepareNext();  // The first frame, or the cameras count anew; matches what is there.
    } else {
      matchCamera(view.header.camera);
    }
  }
  return verdict;
}

void CapturePath::matchCamera(std::uint32_t camera) {
  if (restricted_ && !((allowed_[camera / 64] >> (camera % 64)) & 1u)) return;
  const StageTimer timer(cpu_.reconstruct);
  reconstruct::MatchCamera{.settings = settings_.reconstruct,
                           .camera = camera,
                           .centroids = assembly_.at(assembly_.current).cameras[camera].centroids,
                           .state = reconstruct_state_,
                           .workspace = reconstruct_workspace_,
                           .counters = reconstruct_counters_}
      .run();
}

// The whole path of one frame, from the packets that were matched as they came to the solved poses.
void CapturePath::closeFrame(take::ClosingReason reason) {
  const sync::PendingFrame& open = assembly_.at(assembly_.current);
  if (prepared_for_ != assembly_.current) prepareNext();
  result_.stamp = {.sequence = assembly_.current,
                   .exposed = open.exposed,
                   .domain = core::ClockDomain::camera,
                   .timecode = open.timecode};
  result_.empty = !open.used;
  result_.received_first = open.received_first;
  result_.received_last = open.received_last;
  result_.events.clear();
  result_.assembled = core::Clock::now();
  {
    const StageTimer timer(cpu_.reconstruct);
    reconstruct::FinishFrame{.settings = settings_.reconstruct,
                             .stamp = result_.stamp,
                             .state = reconstruct_state_,
                             .workspace = reconstruct_workspace_,
                             .cloud = result_.cloud,
                             .counters = reconstruct_counters_}
        .run();
  }
  result_.reconstructed = core::Clock::now();
  {
    const StageTimer timer(cpu_.label);
    label::LabelFrame{.settings = settings_.label,
                      .predictions = predictions_,
                      .cloud = result_.cloud,
                      .workspace = label_workspace_,
                      .labelled = result_.labels}
        .run();
    findProps();
    followTurns();
  }
  recogniseLost();
  {
    const StageTimer timer(cpu_.label);
    recoverLimbs();
    searchLimbs();
    reviseBodies();
    guardNames();
    followUnlabelled();
  }
  result_.labelled = core::Clock::now();
  {
    const StageTimer timer(cpu_.solve);
    solveSubjects();
  }
  result_.solved = core::Clock::now();
  result_.closing = sync::close(assembly_, reason, result_.assembled);
  if (restricted_) result_.closing.cameras = allowed_;
  restricted_ = false;
  result_.reconstruct = reconstruct_counters_;
  noteEvents();
  settleTimes();
}

// The stages of one frame cannot have used more processor time than the thread did since the frame
// before: what is over was somebody else's.
void CapturePath::settleTimes() {
  const core::Duration used = core::threadTime();
  const core::Duration most = used - thread_time_;
  thread_time_ = used;
  result_.cpu = cpu_;
  const core::Duration sum = cpu_.sync + cpu_.reconstruct + cpu_.label + cpu_.solve;
  if (sum <= most) return;
  const double share = core::toSeconds(most) / core::toSeconds(sum);
  for (core::Duration* stage :
       {&result_.cpu.sync, &result_.cpu.reconstruct, &result_.cpu.label, &result_.cpu.solve}) {
    *stage = core::Duration(
        static_cast<core::Duration::rep>(static_cast<double>(stage->count()) * share));
  }
}

void CapturePath::prepareNext() {
  cpu_ = {};
  reconstruct_counters_ = {};
  {
    const StageTimer timer(cpu_.reconstruct);
    predictions_.markers.clear();
    predictions_.stamp = {.sequence = assembly_.current};
    for (std::size_t s = 0; s < subjects_.size(); ++s) {
      solve::PredictSubject{
          .subject = subjects_[s],
          .subject_index = static_cast<std::uint32_t>(s),
          .model = models_[s],
          .settings = solveSettings(s),
          .seconds_ahead = solve::secondsSince(states_[s], assembly_.current, rig_.rate_hz),
          .state = states_[s],
          .workspace = solve_workspaces_[s],
          .markers = predictions_.markers}
          .run();
    }
    label::PredictTracks{.settings = settings_.tracks,
                         .rate_hz = rig_.rate_hz,
                         .state = tracks_,
                         .workspace = track_workspace_,
                         .predictions = predictions_}
        .run();
    reconstruct::PredictFrame{.settings = settings_.reconstruct,
                              .kernels = *projection_kernels_,
                              .predictions = predictions_,
                              .state = reconstruct_state_}
        .run();
  }
  prepared_for_ = assembly_.current;
  const sync::PendingFrame& open = assembly_.at(assembly_.current);
  if (!open.used) return;
  for (std::uint32_t c = 0; c < rig_.cameras.size(); ++c) {
    if (open.cameras[c].complete) matchCamera(c);
  }
}

void CapturePath::findProps() {
  solve::FindProps{.settings = settings_.props,
                   .subjects = subjects_,
                   .models = models_,
                   .sequence = result_.stamp.sequence,
                   .seconds = 1.0 / rig_.rate_hz,
                   .predictions = predictions_,
                   .labels = result_.labels,
                   .states = states_,
                   .state = props_,
                   .workspace = props_workspace_}
      .run();
}

// Looks for subjects that are not tracked among the markers without a name.
void CapturePath::recogniseLost() {
  // Props are found by their own search.
  for (std::size_t s = 0; s < subjects_.size(); ++s)
    settled_[s] = isProp(s) ? std::uint8_t{1} : was_tracked_[s];
  if (std::find(settled_.begin(), settled_.end(), 0) == settled_.end()) return;
  const ThreadTimer timer(cpu_.label);
  points_.clear();
  for (const frame::Marker& marker : result_.labels.unlabelled) {
    points_.push_back(glm::dvec3(marker.position));
  }
  const bool is_lone = performers_ == 1;
  solve::RecogniseSettings settings = settings_.recognise;
  if (is_lone) settings.smallest_share = std::min(settings.smallest_share, settings.lone_share);
  solve::FindSubjects{
      .settings = settings,
      .solve_settings = settings_.solve,
      .kernels = *tree_kernels_,
      .cast = cast_,
      .tracked = settled_,
      .points = points_,
      .sequence = result_.stamp.sequence,
      .retry = is_lone ? (settings_.recognise_every + 1) / 2 : settings_.recognise_every,
      .state = find_state_,
      .workspace = find_workspace_,
      .placements = placements_}
      .run();
  for (std::size_t s = 0; s < subjects_.size(); ++s) {
    if (!placements_[s].found) continue;
    solve::startTracking(models_[s], result_.stamp.sequence, placements_[s].parent_from_joint,
                         states_[s]);
    adoptMarkers(s, placements_[s]);
  }
  std::erase_if(result_.labels.unlabelled,
                [](const frame::Marker& marker) { return marker.rays == 0; });
}

// Looks for tracked subjects whose motion stopped or turned since the frame before.
void CapturePath::followTurns() {
  for (std::size_t s = 0; s < subjects_.size(); ++s) {
    if (isProp(s)) continue;
    solve::FollowTurn{
        .settings = settings_.follow,
        .subject = subjects_[s],
        .subject_index = static_cast<std::uint32_t>(s),
        .model = models_[s],
        .solve_settings = settings_.solve,
        .kernels = *tree_kernels_,
        .seconds = solve::secondsSince(states_[s], result_.stamp.sequence, rig_.rate_hz),
        .labels = result_.labels,
        .state = states_[s],
        .solve_workspace = solve_workspaces_[s],
        .workspace = follow_workspaces_[s]}
        .run();
  }
}

// Looks among the markers without a name for limbs that are not where the solver expects them.
void CapturePath::recoverLimbs() {
  constexpr std::size_t kFewest = 2;  // Markers that make a limb.
  constexpr int kMostAttempts = 2;    // In one frame; subjects take turns.
  int attempts = 0;
  for (std::size_t k = 0; k < subjects_.size() && attempts < kMostAttempts; ++k) {
    const std::size_t s = (result_.stamp.sequence + k) % subjects_.size();
    const std::vector<frame::LabelledMarker>& slots = result_.labels.subjects[s].markers;
    std::size_t missing = 0;
    for (const frame::LabelledMarker& slot : slots) missing += !(slot.confidence > 0.0f);
    if (isProp(s) || !states_[s].tracked || missing < kFewest ||
        result_.labels.unlabelled.size() < kFewest)
      continue;
    if (result_.stamp.sequence < next_recovery_[s]) continue;
    next_recovery_[s] = result_.stamp.sequence + settings_.recover_every;
    ++attempts;
    solve::RecoverLimbs{.settings = settings_.recognise,
                        .subject = subjects_[s],
                        .subject_index = static_cast<std::uint32_t>(s),
                        .model = models_[s],
                        .solve_settings = settings_.solve,
                        .kernels = *tree_kernels_,
                        .labels = result_.labels,
                        .state = states_[s],
                        .solve_workspace = solve_workspaces_[s],
                        .workspace = recognise_workspaces_[s]}
        .run();
  }
}

// Searches one limb in a frame that neither labelling nor recovery put right.
void CapturePath::searchLimbs() {
  constexpr std::uint32_t kFirstInterval = 4, kLastInterval = 32, kConfirm = 2;  // Frames.
  const std::uint64_t now = result_.stamp.sequence;
  for (std::size_t k = 0; k < subjects_.size(); ++k) {
    const std::size_t s = (now + k) % subjects_.size();
    const auto index = static_cast<std::uint32_t>(s);
    if (isProp(s) || !states_[s].tracked || now < next_search_[s]) continue;
    std::uint32_t& interval = search_interval_[s];
    if (!solve::hasDoubtfulLimb(result_.labels, subjects_[s], index, models_[s], states_[s],
                                recognise_workspaces_[s])) {
      interval = kFirstInterval;
      search_finding_[s] = 0;
      next_search_[s] = now + kFirstInterval;
      continue;
    }
    const bool found = solve::SearchLimbs{.settings = settings_.recognise,
                                          .subject = subjects_[s],
                                          .subject_index = index,
                                          .model = models_[s],
                                          .solve_settings = settings_.solve,
                                          .kernels = *tree_kernels_,
                                          .labels = result_.labels,
                                          .state = states_[s],
                                          .solve_workspace = solve_workspaces_[s],
                                          .workspace = recognise_workspaces_[s],
                                          .limbs = find_workspace_.limbs,
                                          .finding = search_finding_[s]}
                           .run();
    interval = found ? kFirstInterval : std::clamp(2 * interval, kFirstInterval, kLastInterval);
    next_search_[s] = now + (search_finding_[s] != 0 ? kConfirm : interval);
    return;
  }
}

// Recognises one subject in a frame anew that does not explain its own markers.
void CapturePath::reviseBodies() {
  const std::uint64_t now = result_.stamp.sequence;
  for (std::size_t k = 0; k < subjects_.size(); ++k) {
    const std::size_t s = (now + k) % subjects_.size();
    solve::ReviseState& memory = revise_states_[s];
    if (isProp(s) || !states_[s].tracked || now < memory.next) continue;
    if (!solve::hasStray(result_.labels.subjects[s], settings_.solve, states_[s])) {
      solve::waitWithoutStray(now, memory);
      continue;
    }
    solve::ReviseBody{.settings = settings_.recognise,
                      .solve_settings = settings_.solve,
                      .kernels = *tree_kernels_,
                      .cast = cast_,
                      .subject_index = static_cast<std::uint32_t>(s),
                      .sequence = now,
                      .labels = result_.labels,
                      .state = states_[s],
                      .solve_workspace = solve_workspaces_[s],
                      .workspace = recognise_workspaces_[s],
                      .find_workspace = find_workspace_,
                      .revise = revise_workspace_,
                      .placements = placements_,
                      .memory = memory}
        .run();
    return;
  }
}

// Names that went wrong while markers were hidden or moved unforeseen are put right.
void CapturePath::guardNames() {
  solve::SwapGuard{.settings = settings_.guard,
                   .subjects = subjects_,
                   .models = models_,
                   .solve_settings = settings_.solve,
                   .kernels = *tree_kernels_,
                   .predictions = predictions_,
                   .labels = result_.labels,
                   .states = states_,
                   .solve_workspaces = solve_workspaces_,
                   .state = guard_state_,
                   .workspace = guard_workspace_,
                   .events = result_.events}
      .run();
}

void CapturePath::followUnlabelled() {
  label::UpdateTracks{.settings = settings_.tracks,
                      .rate_hz = rig_.rate_hz,
                      .predictions = predictions_,
                      .cloud = result_.cloud,
                      .state = tracks_,
                      .workspace = track_workspace_,
                      .labels = result_.labels}
      .run();
}

void CapturePath::adoptMarkers(std::size_t s, const solve::Placement& placement) {
  std::vector<frame::Marker>& unlabelled = result_.labels.unlabelled;
  for (std::size_t m = 0; m < placement.point_of_marker.size(); ++m) {
    if (placement.point_of_marker[m] < 0) continue;
    frame::Marker& marker = unlabelled[static_cast<std::size_t>(placement.point_of_marker[m])];
    result_.labels.subjects[s].markers[m] = {marker.position, marker.covariance, 1.0f};
    marker.rays = 0;  // Taken; swept out when all are adopted.
  }
}

void CapturePath::solveSubjects() {
  for (std::size_t s = 0; s < subjects_.size(); ++s)
    result_.labels.subjects[s].tracked = states_[s].tracked;
  solve::SolveSubjects{.subjects = lane_subjects_,
                       .kernels = *lane_kernels_,
                       .labels = result_.labels.subjects,
                       .stamp = result_.stamp,
                       .rate_hz = rig_.rate_hz,
                       .groups = lane_groups_,
                       .states = states_,
                       .poses = result_.poses}
      .run();
  for (std::size_t s = 0; s < subjects_.size(); ++s) {
    solve::ForeseeSubject{.settings = settings_.foresight,
                          .model = models_[s],
                          .rate_hz = rig_.rate_hz,
                          .solved = states_[s],
                          .state = foresight_states_[s],
                          .workspace = foresight_workspaces_[s],
                          .pose = result_.poses[s]}
        .run();
    const frame::SkeletonPose& pose = result_.poses[s];
    notePresence(s);
    if (!pose.tracked) continue;
    const std::uint64_t identity[2] = {result_.stamp.sequence, s};
    hasher_.update(std::as_bytes(std::span(identity)));
    hasher_.update(std::as_bytes(std::span(pose.parent_from_joint)));
  }
}

void CapturePath::notePresence(std::size_t s) {
  frame::SkeletonPose& pose = result_.poses[s];
  const std::uint64_t now = result_.stamp.sequence;
  if (pose.tracked) last_solved_[s] = now;
  if (last_solved_[s] == kNever) {
    pose.presence = 0.0f;
    return;
  }
  // A count that runs backwards was set anew: the loss begins with it.
  if (last_solved_[s] > now) last_solved_[s] = now;
  const double seconds_lost = static_cast<double>(now - last_solved_[s]) / rig_.rate_hz;
  pose.presence = presenceAfter(seconds_lost, settings_.presence);
}

void CapturePath::addEvent(frame::CaptureEventKind kind, std::uint32_t who) {
  if (result_.events.size() == result_.events.capacity()) return;
  result_.events.push_back({.kind = kind,
                            .first_sequence = result_.stamp.sequence,
                            .last_sequence = result_.stamp.sequence,
                            .subject = who});
}

void CapturePath::noteEvents() {
  for (std::size_t s = 0; s < subjects_.size(); ++s) {
    const std::uint8_t tracked = states_[s].tracked ? 1 : 0;
    if (tracked != was_tracked_[s]) {
      addEvent(
          tracked ? frame::CaptureEventKind::subject_found : frame::CaptureEventKind::subject_lost,
          static_cast<std::uint32_t>(s));
    }
    was_tracked_[s] = tracked;
  }
  for (std::uint32_t c = 0; c < rig_.cameras.size(); ++c) {
    const std::uint8_t live = assembly_.live[c] ? 1 : 0;
    if (live != was_live_[c]) {
      addEvent(live ? frame::CaptureEventKind::camera_back : frame::CaptureEventKind::camera_lost,
               c);
    }
    was_live_[c] = live;
  }
}

}  // namespace understudy::pipeline
