#include <algorithm>
#include <array>

#include "capture/pipeline/capture_path.h"
#include "capture/pipeline/stage_timer.h"

// What several threads do together: cameras are matched by whoever is free, and the groups of
// subjects are solved. Nobody else reads or writes what a camera or a subject has of its own; rays
// are summed in whole numbers, each thread's for itself. So any number of threads gives the same
// bytes.

namespace understudy::pipeline {
namespace {

constexpr std::array kStages{&StageTimes::sync, &StageTimes::reconstruct, &StageTimes::label,
                             &StageTimes::solve};

core::Duration sumOf(const StageTimes& times) {
  core::Duration sum{};
  for (const auto stage : kStages) sum += times.*stage;
  return sum;
}

}  // namespace

void limitTimes(core::Duration most, StageTimes& times) {
  const core::Duration sum = sumOf(times);
  if (sum <= most) return;
  const double share = core::toSeconds(most) / core::toSeconds(sum);
  for (const auto stage : kStages) {
    times.*stage = core::Duration(
        static_cast<core::Duration::rep>(static_cast<double>((times.*stage).count()) * share));
  }
}

core::Result<void> CapturePath::startCrew() {
  const std::size_t threads = std::min<std::size_t>(settings_.threads, rig_.cameras.size());
  if (threads == 1) return {};
  auto crew = core::Crew::create({.threads = threads, .realtime = settings_.crew});
  if (!crew) return crew.error();
  for (std::size_t t = 1; t < threads; ++t)
    shares_.push_back(reconstruct::makeMatchShare(reconstruct_state_));
  crew_ = *std::move(crew);
  return {};
}

// Matches a camera of the open frame now, or has it matched.
void CapturePath::matchCamera(std::uint32_t camera) {
  if (restricted_ && !((allowed_[camera / 64] >> (camera % 64)) & 1u)) return;
  const StageTimer timer(cpu_.reconstruct);
  const sync::PendingFrame& open = assembly_.at(assembly_.current);
  const std::size_t size = reconstruct_state_.predictions + open.cameras[camera].centroids.size();
  if (!crew_ || size < settings_.share_from) {
    matchOn(camera, 0);
    return;
  }
  crew_->post(
      {.run = [](void* path, std::uint32_t index,
                 std::size_t thread) { static_cast<CapturePath*>(path)->matchOn(index, thread); },
       .context = this},
      camera);
}

// The centroids stay where they are until collectMatches(): packets that are there twice are
// refused, and a frame is cleared when it is closed or all are forgotten.
void CapturePath::matchOn(std::uint32_t camera, std::size_t thread) {
  const bool is_own = thread == 0;
  reconstruct::MatchShare* share = is_own ? nullptr : &shares_[thread - 1];
  reconstruct::MatchCamera{.settings = settings_.reconstruct,
                           .camera = camera,
                           .centroids = assembly_.at(assembly_.current).cameras[camera].centroids,
                           .state = reconstruct_state_,
                           .sums = is_own ? reconstruct_state_.sums : share->sums,
                           .workspace = is_own ? reconstruct_workspace_ : share->workspace,
                           .counters = is_own ? reconstruct_counters_ : share->counters}
      .run();
}

// Waits until all cameras that came are matched, and puts together what each thread has.
void CapturePath::collectMatches() {
  if (!crew_) return;
  crew_->finish();
  for (reconstruct::MatchShare& share : shares_)
    reconstruct::gather(share, reconstruct_state_, reconstruct_counters_);
  bookCrew(&StageTimes::reconstruct);
}

// Whoever has just matched a camera stays awake to solve.
void CapturePath::holdCrew() {
  if (sharesSolving()) crew_->hold(true);
}

void CapturePath::solveGroups() {
  const auto count = static_cast<std::uint32_t>(lane_groups_.size());
  if (!sharesSolving()) {
    for (std::size_t g = 0; g < count; ++g) solveGroup(g);
    return;
  }
  auto solve = [this](std::uint32_t group, std::size_t) { solveGroup(group); };
  crew_->forAll(core::Crew::workOf(solve), count);
  crew_->hold(false);
  bookCrew(&StageTimes::solve);
}

void CapturePath::solveGroup(std::size_t group) {
  solve::SolveSubjects{.subjects = lane_subjects_,
                       .kernels = *lane_kernels_,
                       .labels = result_.labels.subjects,
                       .stamp = result_.stamp,
                       .rate_hz = rig_.rate_hz,
                       .groups = std::span(lane_groups_).subspan(group, 1),
                       .states = states_,
                       .poses = result_.poses}
      .run();
  for (const std::size_t s : lane_groups_[group].subjects) {
    solve::ForeseeSubject{.settings = settings_.foresight,
                          .model = models_[s],
                          .rate_hz = rig_.rate_hz,
                          .solved = states_[s],
                          .state = foresight_states_[s],
                          .pose = result_.poses[s]}
        .run();
  }
}

// Books what the crew has done since the last time as the stage's, and what the path's own thread
// waited for it as no work.
void CapturePath::bookCrew(core::Duration StageTimes::*stage) {
  const core::Duration worked = crew_->worked(), waited = crew_->ownerWaited();
  crew_cpu_.*stage += worked - crew_worked_;
  cpu_.*stage -= waited - owner_waited_;
  cpu_.waited += waited - owner_waited_;
  crew_worked_ = worked;
  owner_waited_ = waited;
}

void CapturePath::settleCrew() {
  if (!crew_) return;
  const core::Duration used = crew_->takeProcessorTime();
  limitTimes(used, crew_cpu_);
  for (const auto stage : kStages) result_.cpu.*stage += crew_cpu_.*stage;
  result_.cpu.crew = sumOf(crew_cpu_);
  result_.cpu.waited += used - result_.cpu.crew;
}

}  // namespace understudy::pipeline
