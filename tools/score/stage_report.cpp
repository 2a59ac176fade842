#include "tools/score/stage_report.h"

#include <fmt/format.h>

#include <cmath>

namespace understudy::score {
namespace {

using report::Json;

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(); }

Json times(const core::Histogram& histogram) { return report::timesJson(histogram.summary()); }

Json reconstructJson(const StageOutcome& outcome) {
  const scoring::StageScore& score = outcome.score;
  const scoring::Spread& error = score.marker_error_mm;
  return {{"recall", number(score.recall)},
          {"recall_3", number(score.recall_3)},
          {"ghosts_per_frame", number(score.ghosts_per_frame)},
          {"error_mm",
           {{"rms", number(error.rms)}, {"p50", number(error.p50)}, {"p99", number(error.p99)}}},
          {"crb_ratio", number(score.crb_ratio)},
          {"nees", number(score.nees)},
          {"cpu_us", times(outcome.reconstruct_cpu)},
          {"after_last_packet_us", times(outcome.reconstruct_after)}};
}

Json labelJson(const StageOutcome& outcome) {
  const scoring::StageScore& score = outcome.score;
  const bool booted = score.boot_frame >= 0;
  return {{"correct", number(score.label_correct)},
          {"swaps", score.swaps},
          {"swaps_over_100ms", score.swaps_over_100ms},
          {"boot_frame", booted ? Json(score.boot_frame) : Json()},
          {"boot_cpu_ms", booted ? Json(outcome.boot_cpu_ms) : Json()},
          {"idf1", number(score.idf1)},
          {"correct_really", number(score.label_correct_really)},
          {"swaps_over_100ms_really", score.swaps_over_100ms_really},
          {"cpu_us", times(outcome.label_cpu)}};
}

Json solveJson(const StageOutcome& outcome) {
  const scoring::StageScore& score = outcome.score;
  const scoring::Spread& mm = score.joint_error_mm;
  const scoring::Spread& deg = score.joint_error_deg;
  const scoring::Spread& ahead = score.predict_20ms_mm;
  return {
      {"joint_mm", {{"mean", number(mm.mean)}, {"p50", number(mm.p50)}, {"p99", number(mm.p99)}}},
      {"joint_deg", {{"mean", number(deg.mean)}, {"p99", number(deg.p99)}}},
      {"marker_mm", {{"rms", number(score.marker_model_mm)}, {"held_out_rms", nullptr}}},
      {"nees", nullptr},
      {"cpu_us_per_actor", times(outcome.solve_cpu_per_actor)},
      {"diverged", score.diverged},
      {"untracked", score.untracked},
      {"predict_20ms_mm", {{"p50", number(ahead.p50)}, {"p99", number(ahead.p99)}}}};
}

}  // namespace

void addStageKeys(const StageOutcome& outcome, report::Json& json) {
  const scoring::StageScore& score = outcome.score;
  json["frames"] = score.frames;
  json["frames_scored"] = fmt::format(
      "labels, joints and markers: all, from the first; times and allocations: "
      "without the first {}",
      outcome.warm_up_frames);
  json["missing_frames"] = score.missing_frames;
  json["markers"] = outcome.markers;
  json["cameras"] = outcome.cameras;
  json["actors"] = outcome.actors;
  json["kernels"] = outcome.kernels;
  json["reconstruct"] = reconstructJson(outcome);
  json["label"] = labelJson(outcome);
  json["solve"] = solveJson(outcome);
  json["fragments"] = nullptr;
  if (outcome.marker_files) {
    json["fragments"] = {{"before", score.fragments.before},
                         {"after", score.fragments.after},
                         {"markers", score.fragments.markers}};
  }
  json["capture"] = times(outcome.capture_after);
  json["jitter_mm"] = number(score.jitter_mm);
  json["props"] = nullptr;
  json["joints_not_scored"] = score.joints_not_scored;
  json["allocations_per_frame"] =
      outcome.allocations_per_frame ? Json(*outcome.allocations_per_frame) : Json();
  const sync::AssemblyCounters& packets = outcome.packets;
  json["packets"] = {{"taken", packets.packets},
                     {"damaged", packets.damaged},
                     {"duplicate", packets.duplicate},
                     {"late", packets.late},
                     {"lost", packets.lost},
                     {"incomplete_frames", packets.incomplete_frames},
                     {"empty_frames", packets.empty_frames}};
  json["hash"] = fmt::format("{:016x}", outcome.hash);
}

std::string whyNothingCorrect(const StageOutcome& outcome) {
  const scoring::StageScore& score = outcome.score;
  if (!std::isfinite(score.label_correct)) {
    return "no labels to score: in the frames that were played, no marker is seen by two cameras; "
           "play longer or start elsewhere";
  }
  if (score.label_correct > 0.0) return "";
  return score.boot_frame < 0
             ? "no label is right: the subject was never recognised (fewer than three markers on a "
               "segment, or too few in sight at once)"
             : "no label is right";
}

void printStage(const StageOutcome& outcome) {
  const scoring::StageScore& score = outcome.score;
  fmt::print("{} frames, {} markers, {} cameras, {} kernels, hash {:016x}\n", score.frames,
             outcome.markers, outcome.cameras, outcome.kernels, outcome.hash);
  fmt::print(
      "markers   {:.2f} % found, {:.2f} ghosts a frame, error {:.3f} mm rms, {:.2f} x bound\n",
      100.0 * score.recall, score.ghosts_per_frame, score.marker_error_mm.rms, score.crb_ratio);
  fmt::print("labels    {:.3f} % correct, {} swaps, {} over 100 ms, IDF1 {:.4f}, boot frame {}\n",
             100.0 * score.label_correct, score.swaps, score.swaps_over_100ms, score.idf1,
             score.boot_frame);
  fmt::print("joints    {:.2f} mm mean, {:.2f} mm p99, {:.2f} deg mean, {} diverged\n",
             score.joint_error_mm.mean, score.joint_error_mm.p99, score.joint_error_deg.mean,
             score.diverged);
  const auto line = [](const char* name, const core::Histogram& histogram) {
    const core::HistogramSummary times = histogram.summary();
    fmt::print("{:<26} {:8.1f} {:8.1f} {:8.1f}\n", name, times.p50_us, times.p99_us, times.max_us);
  };
  fmt::print("{:<26} {:>8} {:>8} {:>8}\n", "microseconds", "p50", "p99", "max");
  line("last packet to pose", outcome.capture_after);
  line("reconstruct, cpu", outcome.reconstruct_cpu);
  line("label, cpu", outcome.label_cpu);
  line("solve, cpu per performer", outcome.solve_cpu_per_actor);
  if (outcome.allocations_per_frame) {
    fmt::print("{:g} allocations a frame\n", *outcome.allocations_per_frame);
  }
}

}  // namespace understudy::score
