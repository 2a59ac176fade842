#include "tools/score/held_out_run.h"

#include <array>

#include "capture/source/simulated_source.h"
#include "tools/scoring/held_out.h"

namespace understudy::score {

core::Result<double> runHeldOut(simulation::Simulation& simulation,
                                const pipeline::PipelineSettings& settings, std::uint64_t frames,
                                const std::function<void(std::uint64_t)>& progress) {
  source::SimulatedStage& stage = simulation.stage;
  std::vector<std::vector<std::size_t>> held_out;
  std::vector<subject::Subject> known;
  for (const subject::Subject& subject : simulation.subjects) {
    held_out.push_back(scoring::chooseHeldOut(subject, stage.settings().seed));
    known.push_back(scoring::withoutMarkers(subject, held_out.back()));
  }
  auto path = pipeline::CapturePath::create(settings, stage.knownRig(), std::move(known));
  if (!path) return path.error();
  scoring::HeldOutScore score(simulation.subjects, std::move(held_out));
  source::SimulatedSource source(stage, frames);
  std::array<source::RawPacket, 256> packets{};
  for (std::uint64_t frame = 0; source.advance(); ++frame) {
    while (const std::size_t count = source.receive(packets, {})) {
      for (std::size_t i = 0; i < count; ++i) {
        (*path)->packet(packets[i].bytes, packets[i].received);
      }
    }
    (*path)->closeFrame((*path)->complete() ? take::ClosingReason::complete
                                            : take::ClosingReason::deadline);
    const pipeline::FrameResult& result = (*path)->result();
    if (result.stamp.sequence == source.frame().stamp.sequence) {
      score.add(source.frame(), result.poses);
    }
    (*path)->prepareNext();
    progress(frame + 1);
  }
  return score.rmsMm();
}

}  // namespace understudy::score
