#include <fmt/format.h>

#include <cmath>

#include "tools/score/recorded_run.h"

namespace understudy::score {
namespace {

using report::Json;

Json spreadJson(const scoring::Spread& mm) {
  return {{"rms", mm.rms}, {"p50", mm.p50}, {"p99", mm.p99}, {"count", mm.count}};
}

Json markersJson(const MarkerFigures& figures) {
  Json json = spreadJson(figures.shown.mm);
  json["held_out_rms"] = nullptr;
  json["held_out_measured_rms"] = nullptr;
  json["per_frame_rms"] = nullptr;
  if (figures.held_out) {
    json["held_out_rms"] = figures.held_out->mm.rms;
    json["held_out_measured_rms"] = figures.held_out_measured;
    json["per_frame_rms"] = figures.per_frame->mm.rms;
  }
  return json;
}

Json flexionJson(const recorded::AngleComparison& angle) {
  return {{"angle", recorded::flexionName(angle.flexion)},
          {"frames", angle.frames},
          {"rms_deg", angle.rms_deg},
          {"p99_deg", angle.largest_deg},
          {"offset_deg", angle.offset_deg},
          {"sign", angle.sign},
          {"range_deg", angle.range_deg},
          {"correlation", angle.correlation}};
}

Json referenceJson(const RecordedRun& run) {
  if (!run.reference) return nullptr;
  const ReferenceFigures& reference = *run.reference;
  Json json{{"kind", reference.kind}, {"notes", reference.notes}};
  json["marker_mm"] = reference.markers ? markersJson(*reference.markers) : Json(nullptr);
  json["common_markers"] = nullptr;
  if (reference.common) {
    json["common_markers"] = {{"markers", reference.common->markers},
                              {"ours_mm", reference.common->ours_mm},
                              {"ours_held_out_mm", reference.common->ours_held_out_mm},
                              {"theirs_mm", reference.common->theirs_mm}};
  }
  json["best_marker_mm"] = reference.best ? spreadJson(reference.best->mm) : Json(nullptr);
  json["our_best_marker_mm"] = run.ours_best ? spreadJson(run.ours_best->mm) : Json(nullptr);
  json["angles"] = Json::array();
  for (const recorded::AngleComparison& angle : reference.flexions) {
    json["angles"].push_back(flexionJson(angle));
  }
  json["parts"] = Json::array();
  for (const recorded::PartComparison& part : reference.parts) {
    json["parts"].push_back({{"part", anim::humanoidName(part.part)},
                             {"turn_deg", part.turn_deg},
                             {"place_mm", part.place_mm},
                             {"steady_mm", part.steady_mm}});
  }
  return json;
}

}  // namespace

void addRecordedKeys(const RecordedRun& run, Json& json) {
  json["file"] = run.file;
  json["frames"] = run.frames;
  json["rate_hz"] = run.rate_hz;
  json["markers"] = run.markers;
  json["joints"] = run.joints;
  json["freedoms"] = run.freedoms;
  json["calibration"] = nullptr;
  if (run.calibration) {
    json["calibration"] = {{"seconds", run.calibration_seconds},
                           {"marker_rms_mm", 1000.0 * run.calibration->rms_after},
                           {"observed_share", run.calibration->observedShare()}};
  }
  json["mislabelled"] = run.mislabelled;
  json["solve"] = {{"marker_mm", markersJson(run.ours)},
                   {"cpu_us_per_frame", run.us_per_frame},
                   {"unsolved_frames", run.unsolved},
                   {"restarts", run.restarts}};
  json["reference"] = referenceJson(run);
  json["per_marker"] = Json::array();
  for (std::size_t m = 0; m < run.ours.shown.names.size(); ++m) {
    Json marker{{"name", run.ours.shown.names[m]}, {"rms_mm", run.ours.shown.rms_mm[m]}};
    if (run.ours.held_out) marker["held_out_mm"] = run.ours.held_out->rms_mm[m];
    if (run.reference && run.reference->markers) {
      const recorded::MarkerMisfit& theirs = run.reference->markers->shown;
      marker["reference_mm"] = theirs.rmsOf({run.ours.shown.names[m]});
    }
    json["per_marker"].push_back(marker);
  }
}

void printRecorded(const RecordedRun& run) {
  fmt::print("{}: {} frames at {:g} Hz, {} markers, {} joints, {} freedoms\n", run.file, run.frames,
             run.rate_hz, run.markers, run.joints, run.freedoms);
  if (run.calibration) {
    fmt::print("calibrated in {:.2f} s, {:.0f} % observed, markers {:.1f} mm off\n",
               run.calibration_seconds, 100.0 * run.calibration->observedShare(),
               1000.0 * run.calibration->rms_after);
  }
  const auto line = [](const char* who, const MarkerFigures& figures) {
    fmt::print("{:<8} markers {:.2f} mm rms, {:.2f} mm 99th percentile", who, figures.shown.mm.rms,
               figures.shown.mm.p99);
    if (figures.held_out) {
      fmt::print(
          "; each frame for itself {:.2f}; kept from the solver {:.2f}, of joints that "
          "others measure {:.2f}",
          figures.per_frame->mm.rms, figures.held_out->mm.rms, figures.held_out_measured);
    }
    fmt::print("\n");
  };
  line("ours", run.ours);
  fmt::print(
      "{:.1f} us a frame; {} frames without a pose, {} restarts, {} samples left out as "
      "mislabelled\n",
      run.us_per_frame, run.unsolved, run.restarts, run.mislabelled);
  if (!run.reference) return;
  const ReferenceFigures& theirs = *run.reference;
  if (theirs.markers) line("theirs", *theirs.markers);
  if (theirs.common) {
    fmt::print(
        "{} markers of both: ours {:.2f} mm rms, kept from the solver {:.2f}, theirs {:.2f}\n",
        theirs.common->markers, theirs.common->ours_mm, theirs.common->ours_held_out_mm,
        theirs.common->theirs_mm);
  }
  if (theirs.best) {
    fmt::print("best rigid seats: theirs {:.2f} mm rms, ours {:.2f} mm\n", theirs.best->mm.rms,
               run.ours_best->mm.rms);
  }
  for (const recorded::AngleComparison& angle : theirs.flexions) {
    fmt::print(
        "{:<12} differs by {:5.2f} deg rms, {:5.2f} p99 over a range of {:5.1f} (offset {:6.1f} "
        "taken out, correlation {:.3f})\n",
        recorded::flexionName(angle.flexion), angle.rms_deg, angle.largest_deg, angle.range_deg,
        angle.offset_deg, angle.correlation);
  }
  for (const recorded::PartComparison& part : theirs.parts) {
    fmt::print("{:<16} turn {:5.2f} deg, joint {:5.1f} mm apart, {:5.1f} mm without the constant\n",
               anim::humanoidName(part.part), part.turn_deg, part.place_mm, part.steady_mm);
  }
  for (const std::string& note : theirs.notes) fmt::print("{}\n", note);
}

}  // namespace understudy::score
