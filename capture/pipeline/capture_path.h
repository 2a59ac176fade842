#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "capture/camera/rig.h"
#include "capture/frame/frames.h"
#include "capture/label/label_frame.h"
#include "capture/label/unlabelled_tracks.h"
#include "capture/pipeline/finger_names.h"
#include "capture/pipeline/presence.h"
#include "capture/reconstruct/reconstruct.h"
#include "capture/solve/find_fingers.h"
#include "capture/solve/find_props.h"
#include "capture/solve/find_subjects.h"
#include "capture/solve/follow_turn.h"
#include "capture/solve/foresee.h"
#include "capture/solve/repair.h"
#include "capture/solve/revise_body.h"
#include "capture/solve/search_limbs.h"
#include "capture/solve/solve_lanes.h"
#include "capture/solve/solve_subject.h"
#include "capture/solve/swap_guard.h"
#include "capture/subject/subject.h"
#include "capture/sync/frame_assembly.h"
#include "engine/core/crew.h"
#include "engine/core/hash.h"
#include "engine/core/result.h"

namespace understudy::pipeline {

/// Which build of the numeric kernels to use; all give the same bytes.
enum class KernelChoice : std::uint8_t { automatic, baseline, v3 };

/// Settings of every stage of the capture path.
struct PipelineSettings {
  sync::AssemblySettings assembly;
  reconstruct::ReconstructSettings reconstruct;
  label::LabelSettings label;
  label::TrackSettings tracks;
  solve::RecogniseSettings recognise;
  solve::FollowSettings follow;
  solve::SolveSettings solve;
  solve::ForesightSettings foresight;
  PresenceSettings presence;
  solve::SwapGuardSettings guard;
  solve::PropSettings props;
  solve::FindFingersSettings fingers;
  solve::SolveSettings prop_solve = solve::propSolveSettings();  ///< Instead of `solve`.
  KernelChoice kernels = KernelChoice::automatic;
  std::uint32_t recognise_every = 12;  ///< Frames between two attempts to find a lost subject ...
  std::uint32_t recover_every = 3;     ///< ... or a lost limb of one that is tracked.
  /// Threads that work on a frame, 1 to 1024, with the one that owns the path; no more are started
  /// than there are cameras. Any number gives the same bytes.
  std::uint32_t threads = 1;
  /// A camera is matched by another thread from so many predictions and centroids on, together:
  /// fewer are done sooner than handed over.
  std::uint32_t share_from = 400;
  /// What the other threads ask of the operating system.
  core::RealtimeSettings crew{.fifo_priority = 0, .lock_memory = false, .flush_to_zero = false};
};

/// Says which setting is out of range, if any.
core::Result<void> check(const PipelineSettings& settings);

/// Processor time that one frame took, stage by stage and of all threads together: time inside the
/// stages, less what preemption shows to be too much.
struct StageTimes {
  core::Duration sync{}, reconstruct{}, label{}, solve{};
  core::Duration crew{};    ///< Of all this, what other threads than the path's own did.
  core::Duration waited{};  ///< Besides: these looked for work, and the path's own waited for them.
};

/// All there is to say about one closed frame. Valid until the next frame is closed.
struct FrameResult {
  core::Stamp stamp;
  take::FrameClosing closing;
  bool empty = false;  ///< No packet of it came.
  core::Time received_first{}, received_last{}, assembled{}, reconstructed{}, labelled{}, solved{};
  StageTimes cpu;
  reconstruct::ReconstructCounters reconstruct;
  frame::MarkerCloud cloud;
  frame::LabelledMarkers labels;
  std::vector<frame::SkeletonPose> poses;  ///< One per subject.
  std::vector<frame::CaptureEvent> events;
};

/// The live path of capture: packets in, named markers and poses out. One thread calls it; others
/// may help, see PipelineSettings::threads. Nothing in it allocates, locks or logs after `create`.
class CapturePath {
 public:
  /// Sets up for the rig and the subjects; fails on settings out of range, an empty rig, a subject
  /// that contradicts itself, or if the system grants no threads.
  static core::Result<std::unique_ptr<CapturePath>> create(const PipelineSettings& settings,
                                                           const camera::Rig& rig,
                                                           std::vector<subject::Subject> subjects);

  /// Takes one datagram, of any content. A camera whose exposure is whole is matched at once.
  sync::PacketVerdict packet(std::span<const std::byte> datagram, core::Time received);

  /// True when the open frame has all that can be hoped for.
  bool complete() const { return sync::isComplete(assembly_); }
  /// When the open frame must be closed although something is missing.
  core::Time deadline() const { return sync::deadline(assembly_); }
  /// Sequence of the open frame.
  std::uint64_t openSequence() const { return assembly_.current; }
  /// True for frames so far ahead of the open one that their packets would be refused.
  bool isEarly(std::uint64_t sequence) const { return sync::isEarly(assembly_, sequence); }
  /// True once a packet has come.
  bool started() const { return assembly_.started; }
  /// Cameras of the open frame that are whole.
  bool hasCamera(std::uint32_t camera) const;

  /// Replay: from now on, only these cameras count in the open frame.
  void restrictTo(const take::FrameClosing& closing) {
    allowed_ = closing.cameras;
    restricted_ = true;
  }

  /// Closes the open frame: markers, names, poses. `result()` holds them afterwards.
  void closeFrame(take::ClosingReason reason);
  /// Gets ready for the next frame: predictions into every camera. To be called after `closeFrame`
  /// when its result has been handed on, so that nobody waits for it.
  void prepareNext();

  const FrameResult& result() const { return result_; }
  const sync::AssemblyCounters& counters() const { return assembly_.counters; }
  const std::vector<subject::Subject>& subjects() const { return subjects_; }
  const camera::Rig& rig() const { return rig_; }
  const char* kernels() const { return tree_kernels_->name; }
  /// Threads that work on a frame, the path's own among them.
  std::size_t threads() const { return crew_ ? crew_->threads() : 1; }
  /// What the others were granted; null where there are none.
  const core::RealtimeReport* crewReport() const { return crew_ ? &crew_->realtime() : nullptr; }
  /// Hash of all poses so far: sequence, subject and local joints of every tracked subject.
  std::uint64_t hash() const { return hasher_.digest(); }

 private:
  CapturePath(const PipelineSettings& settings, const camera::Rig& rig,
              std::vector<subject::Subject> subjects);
  void makeRoomFor(std::size_t subject);
  core::Result<void> startCrew();
  void matchCamera(std::uint32_t camera);
  void matchOn(std::uint32_t camera, std::size_t thread);
  void collectMatches();
  bool sharesSolving() const { return crew_ && lane_groups_.size() > 1; }
  void holdCrew();
  void solveGroup(std::size_t group);
  void solveGroups();
  void bookCrew(core::Duration StageTimes::*stage);
  void findProps();
  void followTurns();
  void recogniseLost();
  /// Of the frame that is being named; see FingerNames.
  frame::LabelledMarkers& labels() { return fingers_.empty() ? result_.labels : fingers_.labels(); }
  bool isProp(std::size_t subject) const { return subject::isProp(subjects_[subject]); }
  const solve::SolveSettings& solveSettings(std::size_t subject) const {
    return isProp(subject) ? settings_.prop_solve : settings_.solve;
  }
  solve::LimbJob limbsOf(std::size_t subject);
  void recoverLimbs();
  void searchLimbs();
  void reviseBodies();
  void guardNames();
  void nameFingers();
  void followUnlabelled();
  void adoptMarkers(std::size_t subject, const solve::Placement& placement);
  void solveSubjects();
  void notePresence(std::size_t subject);
  void noteEvents();
  void settleTimes();
  void settleCrew();
  void addEvent(frame::CaptureEventKind kind, std::uint32_t who);

  static constexpr std::uint64_t kNever = ~std::uint64_t{0};

  PipelineSettings settings_;
  camera::Rig rig_;
  std::vector<subject::Subject> subjects_;
  std::vector<subject::Subject> bodies_;  ///< The same without their fingers.
  std::size_t performers_ = 0;            ///< Of the subjects, those that are no props.
  const solve::LaneKernels* lane_kernels_ = nullptr;
  std::vector<solve::LaneSubject> lane_subjects_;
  std::vector<solve::LaneGroup> lane_groups_;
  const solve::TreeKernels* tree_kernels_;
  const reconstruct::ProjectionKernels* projection_kernels_;

  sync::FrameAssembly assembly_;
  std::array<std::uint64_t, 4> allowed_{};
  bool restricted_ = false;
  std::uint64_t prepared_for_ = kNever;

  frame::PredictedMarkers predictions_;
  reconstruct::ReconstructState reconstruct_state_;
  reconstruct::ReconstructWorkspace reconstruct_workspace_;
  reconstruct::ReconstructCounters reconstruct_counters_;
  label::LabelWorkspace label_workspace_;
  label::TrackState tracks_;
  label::TrackWorkspace track_workspace_;

  FingerNames fingers_;
  std::vector<double> seconds_ahead_;  ///< Per subject: of the predictions.
  std::vector<solve::SolveModel> models_;
  std::vector<solve::SolveState> states_;
  std::vector<solve::ForesightState> foresight_states_;
  std::vector<solve::SolveWorkspace> solve_workspaces_;
  std::vector<solve::RecogniseWorkspace> recognise_workspaces_;
  std::vector<solve::FollowWorkspace> follow_workspaces_;
  std::vector<solve::Placement> placements_;
  solve::Cast cast_;
  solve::FindState find_state_;
  solve::FindWorkspace find_workspace_;
  std::vector<solve::ReviseState> revise_states_;  ///< Per subject.
  solve::ReviseWorkspace revise_workspace_;
  std::vector<std::uint64_t> next_recovery_;    ///< Per subject: sequence; for lost limbs.
  std::vector<std::uint64_t> next_search_;      ///< Likewise, for limbs that recovery did not find.
  std::vector<std::uint64_t> search_finding_;   ///< What the last one found.
  std::vector<std::uint32_t> search_interval_;  ///< Frames; grows while nothing is found.
  solve::SwapGuardState guard_state_;
  solve::SwapGuardWorkspace guard_workspace_;
  solve::FindPropsState props_;
  solve::FindPropsWorkspace props_workspace_;
  std::vector<glm::dvec3> points_;
  std::vector<std::uint8_t> was_tracked_, was_live_;
  std::vector<std::uint8_t> settled_;       ///< Per subject: recognition need not look for it.
  std::vector<std::uint64_t> last_solved_;  ///< Per subject: sequence; kNever before the first.

  FrameResult result_;
  StageTimes cpu_, crew_cpu_;     ///< Of the path's own thread, and of the others.
  core::Duration thread_time_{};  ///< Of the capture thread when the frame before was closed.
  core::Duration crew_worked_{}, owner_waited_{};  ///< Booked so far.
  core::Hasher hasher_;

  std::vector<reconstruct::MatchShare> shares_;  ///< Per thread of the crew but the first.
  std::unique_ptr<core::Crew> crew_;             ///< Last: it ends before what it works on.
};

}  // namespace understudy::pipeline
