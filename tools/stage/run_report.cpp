#include "tools/stage/run_report.h"

#include <fmt/format.h>

namespace understudy::stage {
namespace {

report::Json times(const core::Histogram& histogram) {
  return report::timesJson(histogram.summary());
}

report::Json numberOrNull(bool known, double value) {
  return known ? report::Json(value) : report::Json(nullptr);
}

}  // namespace

FrameAccount makeAccount(const ReportInput& input) {
  const CaptureStatus& capture = input.capture.status;
  FrameAccount account;
  account.rendered = input.show.rendered;
  account.superseded = input.show.superseded;
  account.not_solved = capture.not_solved;
  account.lost_packets = capture.empty;
  // Published after the last picture was begun.
  account.render_busy = capture.published - account.rendered - account.superseded;
  account.captured = capture.frames;
  // Frames that the simulated cameras sent, of which nothing ever arrived after the last one that
  // did.
  const std::uint64_t sent = framesSent(input.source);
  if (sent > account.captured) {
    account.lost_packets += sent - account.captured;
    account.captured = sent;
  }
  return account;
}

namespace {

void addScores(const ReportInput& input, report::Json& report) {
  const bool scored = input.scores.has_value();
  report["label_correct"] = numberOrNull(scored, scored ? input.scores->label_correct : 0.0);
  report["swaps_over_100ms"] =
      scored ? report::Json(input.scores->swaps_over_100ms) : report::Json(nullptr);
  const bool joints = scored && input.scores->joint_error_mm.count > 0;
  report["joint_error_mm"] = {
      {"mean", numberOrNull(joints, joints ? input.scores->joint_error_mm.mean : 0.0)},
      {"p99", numberOrNull(joints, joints ? input.scores->joint_error_mm.p99 : 0.0)}};
}

void addAllocations(const ReportInput& input, report::Json& report) {
  const CaptureRun& capture = input.capture;
  const bool counted = capture.allocations_counted && capture.warm_frames > 0;
  const double on_capture = static_cast<double>(capture.warm_allocations) /
                            static_cast<double>(std::max<std::uint64_t>(1, capture.warm_frames));
  const double on_main = static_cast<double>(input.show.warm_allocations) /
                         static_cast<double>(std::max<std::uint64_t>(1, input.show.warm_pictures));
  report["allocations_per_frame"] = numberOrNull(counted, on_capture + on_main);
  // The main thread's are those of the graphics driver inside its own calls, per picture.
  report["allocations_by_thread"] = {{"capture", numberOrNull(counted, on_capture)},
                                     {"main", numberOrNull(counted, on_main)}};
}

void addPackets(const ReportInput& input, report::Json& report) {
  const sync::AssemblyCounters& packets = input.capture.status.packets;
  report["packets"] = {{"received", packets.packets},
                       {"damaged", packets.damaged},
                       {"duplicate", packets.duplicate},
                       {"late", packets.late},
                       {"early", packets.early},
                       {"lost", packets.lost},
                       {"unknown_camera", packets.unknown_camera},
                       {"inconsistent", packets.inconsistent},
                       {"incomplete_frames", packets.incomplete_frames}};
  if (input.source.network) {
    const source::UdpStatistics& udp = input.source.network->statistics();
    report["packets"]["kernel_drops"] = udp.kernel_drops;
    report["packets"]["receive_buffer_bytes"] = udp.receive_buffer_bytes;
  }
}

}  // namespace

void fillReport(const ReportInput& input, report::Json& report) {
  const CaptureRun& capture = input.capture;
  const FrameAccount account = makeAccount(input);
  report["source"] = input.source.description;
  report["changed_flags"] = report::Json::object();
  for (const auto& [flag, value] : input.changed_flags) report["changed_flags"][flag] = value;
  report["frames_captured"] = account.captured;
  report["frames_rendered"] = account.rendered;
  report["frames_dropped"] = {{"superseded", account.superseded},
                              {"late", account.late},
                              {"lost_packets", account.lost_packets},
                              {"not_solved", account.not_solved},
                              {"render_busy", account.render_busy}};
  report["capture"] = times(capture.times.capture);
  report["capture_retargeted"] = times(capture.times.capture_retargeted);
  report["span_b"] = times(input.show.span_b);
  report["span_b_shown"] = times(input.show.span_b_shown);
  report["stages"] = {{"sync", times(capture.times.sync)},
                      {"reconstruct", times(capture.times.reconstruct)},
                      {"label", times(capture.times.label)},
                      {"solve", times(capture.times.solve)},
                      {"retarget", times(capture.times.retarget)},
                      {"render_cpu", times(input.show.render_cpu)},
                      {"render_gpu", times(input.show.render_gpu)}};
  addScores(input, report);
  addAllocations(input, report);
  report["hash"] = fmt::format("{:016x}", capture.path.hash());
  report["shown_sequence"] = input.show.shown_sequence;
  report["pictures"] = input.show.pictures;
  report["unscored_frames"] = input.unscored;
  report["kernels"] = capture.path.kernels();
  report["threads"] = {{"used", capture.path.threads()},
                       {"crew_cpu_us", times(capture.times.crew)},
                       {"waited_cpu_us", times(capture.times.waited)}};
  report["scheduling"] = capture.schedulingLines();
  addPackets(input, report);
  report["events"] = {{"subjects_found", capture.status.found},
                      {"subjects_lost", capture.status.lost},
                      {"swaps_corrected", capture.status.swaps_corrected}};
  report["validation_messages"] =
      input.options.validation ? report::Json(input.validation_messages) : report::Json(nullptr);
  report["warnings"] = input.warnings;
}

std::string makeTable(const ReportInput& input) {
  std::string text;
  const FrameAccount account = makeAccount(input);
  const auto row = [&](const char* name, const core::Histogram& histogram) {
    const core::HistogramSummary s = histogram.summary();
    text += fmt::format("  {:<34} {:>9.0f} {:>9.0f} {:>9.0f} {:>9.0f} {:>8}\n", name, s.p50_us,
                        s.p99_us, s.p99_9_us, s.max_us, s.count);
  };
  text += fmt::format(
      "{} frames captured, {} rendered, {} superseded by a newer pose, {} lost, {} not solved, {} "
      "after the last picture\n",
      account.captured, account.rendered, account.superseded, account.lost_packets,
      account.not_solved, account.render_busy);
  text += fmt::format("  {:<34} {:>9} {:>9} {:>9} {:>9} {:>8}\n", "microseconds", "median", "p99",
                      "p99.9", "max", "frames");
  row("capture: last packet -> pose", input.capture.times.capture);
  row("  -> palette published", input.capture.times.capture_retargeted);
  row("span B: last packet -> image done", input.show.span_b);
  row("span B of frames shown themselves", input.show.span_b_shown);
  row("CPU sync", input.capture.times.sync);
  row("CPU reconstruct", input.capture.times.reconstruct);
  row("CPU label", input.capture.times.label);
  row("CPU solve", input.capture.times.solve);
  row("CPU retarget", input.capture.times.retarget);
  row("CPU render", input.show.render_cpu);
  row("GPU render", input.show.render_gpu);
  if (input.scores) {
    text += fmt::format("labels right {:.3f} %, swaps over 100 ms {}",
                        100.0 * input.scores->label_correct, input.scores->swaps_over_100ms);
    if (input.scores->joint_error_mm.count > 0)
      text += fmt::format(", joint error {:.1f} mm (p99 {:.1f})", input.scores->joint_error_mm.mean,
                          input.scores->joint_error_mm.p99);
    text += "\n";
  }
  text += "graphics: " + input.device + "\n";
  return text;
}

}  // namespace understudy::stage
