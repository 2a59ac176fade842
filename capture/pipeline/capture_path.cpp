#include "capture/pipeline/capture_path.h"

#include <algorithm>

#include "capture/pipeline/stage_timer.h"
#include "engine/core/thread_time.h"

namespace understudy::pipeline {
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
    const bool anew = sync::startsAnew(assembly_, view.header);
    if (anew) collectMatches();
    verdict = sync::accept(assembly_, view, received);
    if (anew) {  // Dates of the old count mean nothing now.
      prepared_for_ = kNever;
      std::fill(find_state_.next_attempt.begin(), find_state_.next_attempt.end(), 0);
      for (solve::FindPropsState::Prop& prop : props_.props) prop.next_attempt = 0;
      std::fill(next_recovery_.begin(), next_recovery_.end(), 0);
      std::fill(next_search_.begin(), next_search_.end(), 0);
      revise_states_.assign(subjects_.size(), {});
      solve::forgetDates(guard_state_);
      fingers_.forgetDates();
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
    holdCrew();
    collectMatches();
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
                      .labelled = labels()}
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
    nameFingers();
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
  limitTimes(used - thread_time_, cpu_);
  thread_time_ = used;
  result_.cpu = cpu_;
  settleCrew();
}

void CapturePath::prepareNext() {
  collectMatches();  // Should the open frame be prepared once more.
  cpu_ = crew_cpu_ = {};
  reconstruct_counters_ = {};
  {
    const StageTimer timer(cpu_.reconstruct);
    predictions_.markers.clear();
    predictions_.stamp = {.sequence = assembly_.current};
    for (std::size_t s = 0; s < subjects_.size(); ++s) {
      seconds_ahead_[s] = solve::secondsSince(states_[s], assembly_.current, rig_.rate_hz);
      solve::PredictSubject{.subject = bodies_[s],
                            .subject_index = static_cast<std::uint32_t>(s),
                            .model = models_[s],
                            .settings = solveSettings(s),
                            .seconds_ahead = seconds_ahead_[s],
                            .state = states_[s],
                            .workspace = solve_workspaces_[s],
                            .markers = predictions_.markers}
          .run();
      fingers_.foresee(s, solve_workspaces_[s].world_from_joint);
    }
    fingers_.predict(models_, settings_.solve, seconds_ahead_, states_, predictions_.markers);
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

void CapturePath::solveSubjects() {
  if (!fingers_.empty()) fingers_.merge(models_, result_.labels);
  for (std::size_t s = 0; s < subjects_.size(); ++s)
    result_.labels.subjects[s].tracked = states_[s].tracked;
  solveGroups();
  for (std::size_t s = 0; s < subjects_.size(); ++s) {
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
