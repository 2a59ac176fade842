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

Json recoveryJson(const scoring::Spread& spread) {
  return {{"count", spread.count},
          {"p50", number(spread.p50)},
          {"p99", number(spread.p99)},
          {"max", number(spread.max)}};
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
          {"right_at_first", number(score.right_at_first)},
          {"recovery_ms", recoveryJson(score.recovery_ms)},
          {"subject_recovery_ms", recoveryJson(score.subject_recovery_ms)},
          {"not_recovered", score.not_recovered},
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
      {"marker_mm",
       {{"rms", number(score.marker_model_mm)}, {"held_out_rms", number(outcome.held_out_rms_mm)}}},
      {"nees", number(score.joint_nees)},
      {"cpu_us_per_actor", times(outcome.solve_cpu_per_actor)},
      {"diverged", score.diverged},
      {"untracked", score.untracked},
      {"predict_20ms_mm", {{"p50", number(ahead.p50)}, {"p99", number(ahead.p99)}}},
      {"predict_nees", number(score.predict_nees)}};
}

Json fingersJson(const scoring::StageScore& score) {
  const scoring::Spread& deg = score.finger_error_deg;
  const scoring::Spread& mm = score.finger_error_mm;
  if (deg.count == 0) return nullptr;
  return {{"joint_deg", {{"mean", number(deg.mean)}, {"p99", number(deg.p99)}}},
          {"last_joint_mm", {{"mean", number(mm.mean)}, {"p99", number(mm.p99)}}},
          {"correct", number(score.finger_correct)},
          {"nees", number(score.finger_nees)}};
}

Json propsJson(const scoring::StageScore& score, double rate_hz) {
  if (score.props == 0) return nullptr;
  const scoring::Spread& mm = score.prop_position_mm;
  const scoring::Spread& deg = score.prop_angle_deg;
  return {{"count", score.props},
          {"position_mm", number(mm.mean)},
          {"position_p99_mm", number(mm.p99)},
          {"angle_deg", number(deg.mean)},
          {"angle_p99_deg", number(deg.p99)},
          {"untracked", score.props_untracked},
          {"flipped", score.props_flipped},
          {"longest_search_ms",
           number(1000.0 * static_cast<double>(score.props_longest_search) / rate_hz)}};
}

Json gapsJson(const scoring::GapFigures& gaps) {
  return {{"mean", number(gaps.mean)},
          {"worst_marker", number(gaps.worst)},
          {"gaps", gaps.gap_frames.count},
          {"gap_frames",
           {{"p50", number(gaps.gap_frames.p50)},
            {"p90", number(gaps.gap_frames.p90)},
            {"p99", number(gaps.gap_frames.p99)}}}};
}

Json stageJson(const scoring::StageFigures& stage) {
  Json production = Json::array();
  for (const scoring::ProductionFigures& set : scoring::productionFigures()) {
    production.push_back({{"marker_set", set.marker_set},
                          {"mean", set.missing_mean},
                          {"worst_marker", set.missing_worst},
                          {"gap_frames",
                           {{"p50", number(set.gap_p50)},
                            {"p90", number(set.gap_p90)},
                            {"p99", number(set.gap_p99)}}}});
  }
  return {{"hidden_by_body", number(stage.hidden_by_body)},
          {"hidden_by_marker", number(stage.hidden_by_marker)},
          {"merged", number(stage.merged)},
          {"false_blobs", number(stage.false_blobs)},
          {"blobs_per_image", number(stage.blobs_per_image)},
          {"hidden_everywhere", number(stage.hidden_everywhere)},
          {"dropped", gapsJson(stage.dropped)},
          {"missing", gapsJson(stage.missing)},
          {"gap_frames_hz", scoring::kProductionRateHz},
          {"production", {{"source", scoring::kProductionSource}, {"sets", production}}}};
}

// Why a key is null.
Json notesJson(const StageOutcome& outcome) {
  Json notes = {{"solve.marker_mm.held_out_rms",
                 fmt::format("a second run of {} frames without a tenth of each subject's markers",
                             outcome.held_out_frames)}};
  if (outcome.held_out_frames == 0) notes["solve.marker_mm.held_out_rms"] = "not asked for";
  return notes;
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
  json["frame_us"] = times(outcome.whole);
  json["threads"] = {{"used", outcome.threads},
                     {"own_cpu_us", times(outcome.own_cpu)},
                     {"sync_cpu_us", times(outcome.sync_cpu)},
                     {"crew_cpu_us", times(outcome.crew_cpu)},
                     {"waited_cpu_us", times(outcome.waited_cpu)}};
  json["jitter_mm"] = number(score.jitter_mm);
  json["props"] = propsJson(score, outcome.rate_hz);
  json["fingers"] = fingersJson(score);
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
  json["stage"] = stageJson(outcome.stage);
  json["notes"] = notesJson(outcome);
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
  fmt::print("{} frames, {} markers, {} cameras, {} kernels, {}, hash {:016x}\n", score.frames,
             outcome.markers, outcome.cameras, outcome.kernels,
             outcome.threads == 1 ? "1 thread" : fmt::format("{} threads", outcome.threads),
             outcome.hash);
  const scoring::StageFigures& stage = outcome.stage;
  fmt::print(
      "stage     {:.1f} % of views hidden by bodies, {:.1f} % merged, {:.2f} % false blobs, "
      "{:.2f} % of markers missing\n",
      100.0 * stage.hidden_by_body, 100.0 * stage.merged, 100.0 * stage.false_blobs,
      100.0 * stage.missing.mean);
  fmt::print(
      "markers   {:.2f} % found, {:.2f} ghosts a frame, error {:.3f} mm rms, {:.2f} x bound\n",
      100.0 * score.recall, score.ghosts_per_frame, score.marker_error_mm.rms, score.crb_ratio);
  fmt::print("labels    {:.3f} % correct, {} swaps, {} over 100 ms, IDF1 {:.4f}, boot frame {}\n",
             100.0 * score.label_correct, score.swaps, score.swaps_over_100ms, score.idf1,
             score.boot_frame);
  const scoring::Spread& recovery = score.recovery_ms;
  fmt::print("recovery  {} outages, p99 {:.0f} ms, longest {:.0f} ms, {} not ended\n",
             recovery.count, recovery.p99, recovery.max, score.not_recovered);
  fmt::print("joints    {:.2f} mm mean, {:.2f} mm p99, {:.2f} deg mean, {} diverged\n",
             score.joint_error_mm.mean, score.joint_error_mm.p99, score.joint_error_deg.mean,
             score.diverged);
  if (score.finger_error_deg.count > 0) {
    fmt::print("fingers   {:.2f} deg mean, {:.2f} deg p99, {:.3f} % correct\n",
               score.finger_error_deg.mean, score.finger_error_deg.p99,
               100.0 * score.finger_correct);
  }
  if (score.props > 0) {
    fmt::print("props     {:.2f} mm mean, {:.2f} mm p99, {:.2f} deg mean, {} frames untracked\n",
               score.prop_position_mm.mean, score.prop_position_mm.p99, score.prop_angle_deg.mean,
               score.props_untracked);
  }
  const auto line = [](const char* name, const core::Histogram& histogram) {
    const core::HistogramSummary times = histogram.summary();
    fmt::print("{:<26} {:8.1f} {:8.1f} {:8.1f}\n", name, times.p50_us, times.p99_us, times.max_us);
  };
  fmt::print("{:<26} {:>8} {:>8} {:>8}\n", "microseconds", "p50", "p99", "max");
  line("last packet to pose", outcome.capture_after);
  line("whole frame", outcome.whole);
  line("reconstruct, cpu", outcome.reconstruct_cpu);
  line("label, cpu", outcome.label_cpu);
  line("solve, cpu per performer", outcome.solve_cpu_per_actor);
  if (outcome.allocations_per_frame) {
    fmt::print("{:g} allocations a frame\n", *outcome.allocations_per_frame);
  }
}

}  // namespace understudy::score
