#include "tools/score/stage_run.h"

#include <algorithm>
#include <array>

#include "capture/source/simulated_source.h"
#include "engine/core/thread_time.h"
#include "tools/counters/counters.h"

namespace understudy::score {
namespace {

std::uint64_t allocationsSoFar() { return counters::threadAllocations().value_or(0); }

struct Spent {
  core::Duration clock, cpu;  // The latter of this thread.
};

class Stopwatch {
 public:
  Spent spent() const { return {core::Clock::now() - start_, core::threadTime() - cpu_start_}; }

 private:
  core::Duration cpu_start_ = core::threadTime();
  core::Time start_ = core::Clock::now();
};

// One run. Only the frame path itself is timed and counted, not the simulation nor the scoring.
struct StageRun {
  source::SimulatedSource& source;
  pipeline::CapturePath& path;
  scoring::StageScorer& scorer;
  scoring::StageMeter& meter;
  scoring::CaptureRecord& record;
  StageOutcome& outcome;
  std::array<source::RawPacket, 256> packets{};
  core::Time last_packet{};
  std::uint64_t warm_frames = 0, warm_allocations = 0;
  bool booted = false;

  void run(std::uint64_t warm_up, const std::function<void(std::uint64_t)>& progress) {
    for (std::uint64_t frame = 0; source.advance(); ++frame) {
      const Stopwatch packets_and_closing;
      const std::uint64_t allocations = closeFrame();
      const Spent whole = packets_and_closing.spent();
      noteTimes(frame >= warm_up);
      score();
      const std::uint64_t before = allocationsSoFar();
      const Stopwatch preparing;
      path.prepareNext();
      const Spent prepared = preparing.spent();
      if (frame >= warm_up) {
        outcome.whole.record(whole.clock + prepared.clock);
        outcome.own_cpu.record(whole.cpu + prepared.cpu);
        warm_allocations += allocations + (allocationsSoFar() - before);
        ++warm_frames;
      }
      progress(frame + 1);
    }
  }

 private:
  // The frame's packets, then its closing; returns how often memory was allocated.
  std::uint64_t closeFrame() {
    const std::uint64_t before = allocationsSoFar();
    last_packet = core::Clock::now();
    takePackets();
    path.closeFrame(path.complete() ? take::ClosingReason::complete
                                    : take::ClosingReason::deadline);
    return allocationsSoFar() - before;
  }

  void takePackets() {
    for (;;) {
      const std::size_t count = source.receive(packets, {});
      if (count == 0) return;
      for (std::size_t i = 0; i < count; ++i) {
        last_packet = core::Clock::now();
        path.packet(packets[i].bytes, packets[i].received);
      }
    }
  }

  void noteTimes(bool warm) {
    const pipeline::FrameResult& result = path.result();
    if (!booted) outcome.boot_cpu_ms += core::toSeconds(result.cpu.label) * 1e3;
    if (!warm) return;
    outcome.sync_cpu.record(result.cpu.sync);
    outcome.reconstruct_cpu.record(result.cpu.reconstruct);
    outcome.crew_cpu.record(result.cpu.crew);
    outcome.waited_cpu.record(result.cpu.waited);
    outcome.label_cpu.record(result.cpu.label);
    outcome.solve_cpu_per_actor.record(result.cpu.solve /
                                       static_cast<std::int64_t>(outcome.actors));
    outcome.reconstruct_after.record(core::Duration(result.reconstructed - last_packet));
    outcome.capture_after.record(core::Duration(result.solved - last_packet));
  }

  void score() {
    meter.add(source.frame());
    scoring::copyResult(path.result(), record);
    if (record.sequence == source.frame().stamp.sequence) {
      scorer.add(source.frame(), record);
    } else {
      scorer.addMissing(source.frame());
    }
    booted = booted || scorer.bootFrame() >= 0;
  }
};

}  // namespace

core::Result<StageOutcome> runStage(simulation::Simulation& simulation,
                                    const pipeline::PipelineSettings& settings,
                                    std::uint64_t frames,
                                    const std::function<void(std::uint64_t)>& progress) {
  source::SimulatedStage& stage = simulation.stage;
  auto path = pipeline::CapturePath::create(settings, stage.knownRig(), simulation.subjects);
  if (!path) return path.error();
  const std::uint64_t warm_up = std::min(kWarmUpFrames, frames / 2);
  source::SimulatedSource source(stage, frames);
  std::vector<const solve::RecordedNames*> names;
  for (std::size_t s = 0; s + stage.settings().props < simulation.subjects.size(); ++s) {
    const solve::RecordedNames& of_motion = simulation.names[s % simulation.names.size()];
    names.push_back(of_motion.really.empty() ? nullptr : &of_motion);
  }
  scoring::StageScorer scorer(simulation.subjects, stage.knownRig(),
                              {.rate_hz = stage.knownRig().rate_hz,
                               .noise_px = stage.settings().noise_px,
                               .still = stage.settings().still,
                               .warm_up_frames = warm_up,
                               .names = std::move(names)});
  scoring::CaptureRecord record = scoring::makeRecord(simulation.subjects);
  StageOutcome outcome{.cameras = stage.knownRig().cameras.size(),
                       .actors = simulation.subjects.size() - stage.settings().props,
                       .rate_hz = stage.knownRig().rate_hz,
                       .warm_up_frames = warm_up};
  std::vector<std::size_t> counts;
  for (const subject::Subject& subject : simulation.subjects) {
    counts.push_back(subject.markers.size());
    outcome.markers += subject.markers.size();
  }
  scoring::StageMeter meter(counts, stage.knownRig().rate_hz);
  StageRun run{.source = source,
               .path = **path,
               .scorer = scorer,
               .meter = meter,
               .record = record,
               .outcome = outcome};
  run.run(warm_up, progress);
  outcome.score = scorer.score();
  outcome.marker_files = stage.isMarkerFile(0);
  outcome.stage = meter.figures(stage.statistics());
  if (counters::threadAllocations() && run.warm_frames > 0) {
    outcome.allocations_per_frame =
        static_cast<double>(run.warm_allocations) / static_cast<double>(run.warm_frames);
  }
  outcome.packets = (*path)->counters();
  outcome.hash = (*path)->hash();
  outcome.kernels = (*path)->kernels();
  outcome.threads = (*path)->threads();
  return outcome;
}

}  // namespace understudy::score
