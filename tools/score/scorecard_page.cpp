#include <fmt/format.h>

#include <cmath>

#include "tools/report/page.h"
#include "tools/report/plot.h"
#include "tools/score/scorecard.h"
#include "tools/score/scorecard_figures.h"

namespace understudy::score {
namespace {

using report::escaped;
using report::Json;
using report::number;

constexpr const char* kStyle = R"(img { border-radius: 6px; }
table { width: 100%; } th { vertical-align: bottom; }
td.failed { color: #b3261e; text-align: left; font-weight: 600; }
code { font: 12px 'DejaVu Sans Mono', monospace; color: #39414d; }
details { margin-top: 10px; } summary { cursor: pointer; color: #1f5fae; }
@media print { body { max-width: none; padding: 0; } details { display: none; }
  h2 { break-after: avoid; } table, svg, img { break-inside: avoid; } }
)";

std::string row(const std::vector<std::string>& cells, const char* kind = "td") {
  std::string html = "<tr>";
  for (const std::string& cell : cells) html += fmt::format("<{0}>{1}</{0}>", kind, cell);
  return html + "</tr>\n";
}

std::string failedRow(const std::string& name, const std::string& why, std::size_t columns) {
  return fmt::format("<tr><td>{}</td><td class=\"failed\" colspan=\"{}\">failed: {}</td></tr>\n",
                     escaped(name), columns - 1, escaped(why));
}

// The first run of the base: 24 cameras, production gaps, 4 performers.
const ScorecardRun* baseRun(const std::vector<ScorecardRun>& runs) {
  for (const ScorecardRun& run : runs) {
    if (run.axis == Axis::cameras && placesOf(run.axis)[run.place] == "24") return &run;
  }
  return nullptr;
}

// The mean over all seeds of the base that ended well.
double baseMean(const std::vector<ScorecardRun>& runs, double (*value)(const Json&)) {
  double sum = 0, count = 0;
  for (const ScorecardRun& run : runs) {
    if (run.axis != Axis::cameras || placesOf(run.axis)[run.place] != "24" || !run.result.ok) {
      continue;
    }
    const double one = value(run.result.report);
    if (!std::isfinite(one)) continue;
    sum += one;
    count += 1;
  }
  return sum / count;
}

std::string keyFigures(const std::vector<ScorecardRun>& runs) {
  const auto box = [](const std::string& value, const char* name) {
    return fmt::format("<div><b>{}</b><span>{}</span></div>", value, name);
  };
  const auto mean = [&](double (*value)(const Json&)) { return baseMean(runs, value); };
  return "<div class=\"key\">" +
         box(number(mean([](const Json& r) { return 100.0 * figure(r, "/label/correct"); }), 3) +
                 " %",
             "labels right") +
         box(number(
                 mean([](const Json& r) { return perActorMinute(r, "/label/swaps_over_100ms"); }),
                 2),
             "swaps over 100 ms per performer and minute") +
         box(number(mean([](const Json& r) { return figure(r, "/label/recovery_ms/p99"); }), 0) +
                 " ms",
             "recovery of a marker, 99th percentile") +
         box(number(mean([](const Json& r) { return figure(r, "/reconstruct/error_mm/rms"); }), 2) +
                 " mm",
             "marker error, RMS") +
         box(number(mean([](const Json& r) { return figure(r, "/solve/joint_mm/mean"); }), 2) +
                 " mm",
             "joint error, mean") +
         box(number(mean([](const Json& r) { return figure(r, "/solve/marker_mm/held_out_rms"); }),
                    1) +
                 " mm",
             "markers kept from the solver, RMS") +
         "</div>\n";
}

std::string reconstructionTable(const std::vector<ScorecardRun>& runs) {
  std::string html =
      "<table>" + row({"cameras x markers", "CPU a frame, p50 µs", "CPU p99 µs",
                       "after last packet, p50 µs", "recall", "recall, 3 views", "ghosts a frame",
                       "error RMS mm", "error p99 mm", "error over Cramér-Rao", "NEES"},
                      "th");
  for (const ScorecardRun& run : runs) {
    if (run.axis != Axis::reconstruction) continue;
    const std::string& name = placesOf(run.axis)[run.place];
    if (!run.result.ok) {
      html += failedRow(name, run.result.failure, 11);
      continue;
    }
    const auto value = [&](const char* pointer, int digits) {
      return number(figure(run.result.report, pointer), digits);
    };
    html += row({name, value("/reconstruct/cpu_us/p50", 0), value("/reconstruct/cpu_us/p99", 0),
                 value("/reconstruct/after_last_packet_us/p50", 0), value("/reconstruct/recall", 5),
                 value("/reconstruct/recall_3", 5), value("/reconstruct/ghosts_per_frame", 2),
                 value("/reconstruct/error_mm/rms", 3), value("/reconstruct/error_mm/p99", 3),
                 value("/reconstruct/crb_ratio", 3), value("/reconstruct/nees", 3)});
  }
  return html + "</table>\n";
}

std::string gapRow(const std::string& name, const Json& gaps, bool simulated) {
  const auto share = [&](const char* pointer) {
    const double value = figure(gaps, pointer);
    return std::isfinite(value) ? number(100.0 * value, 2) + " %" : std::string("–");
  };
  const auto frames = [&](const char* pointer) { return number(figure(gaps, pointer), 0); };
  const std::string p99 = frames("/gap_frames/p99");
  return row({name, share("/mean"), share("/worst_marker"), frames("/gap_frames/p50"),
              frames("/gap_frames/p90"), (p99 == "999" && !simulated ? "≥ " : "") + p99});
}

std::string stageSection(const std::vector<ScorecardRun>& runs) {
  const ScorecardRun* base = baseRun(runs);
  if (base == nullptr || !base->result.ok) return "<p>The run of the base failed.</p>\n";
  const Json& stage = base->result.report["stage"];
  const auto share = [&](const char* pointer) {
    return number(100.0 * figure(stage, pointer), 2) + " %";
  };
  std::string html = "<table>" + row({"what the cameras are up against", "share"}, "th");
  html += row({"marker-views hidden by a body", share("/hidden_by_body")});
  html += row({"marker-views hidden by a nearer marker", share("/hidden_by_marker")});
  html += row({"marker-views in merged blobs", share("/merged")});
  html += row({"blobs that are no marker", share("/false_blobs")});
  html +=
      row({"markers outside gaps that fewer than two cameras see", share("/hidden_everywhere")});
  html += "</table>\n<table>" +
          row({"markers missing", "mean", "worst marker", "gap p50, frames", "gap p90", "gap p99"},
              "th");
  html += gapRow("this stage, drop-outs alone", stage["dropped"], true);
  html += gapRow("this stage, for any reason", stage["missing"], true);
  for (const Json& set : stage["production"]["sets"]) {
    html += gapRow("real: " + escaped(set.value("marker_set", "")), set, false);
  }
  html += "</table>\n<p class=\"quiet\">Real figures: " +
          escaped(stage["production"].value("source", "")) +
          ". Frames are of 120 Hz; a gap cannot be longer than the run. “Missing” is seen by fewer "
          "than two cameras 5° apart in a blob of its own. A short run with few markers scatters: "
          "over hours drop-outs are 0.78 % in the mean and 6.4 % for the worst marker.</p>\n";
  return html;
}

std::string pictureSection(const ScorecardPage& page) {
  if (page.picture_png.empty()) {
    return "<p class=\"failed\">No picture: " + escaped(page.picture_failure) + "</p>\n";
  }
  return "<img alt=\"The image of one camera with the truth behind each blob\" "
         "src=\"data:image/png;base64," +
         page.picture_png + "\">\n";
}

std::string allRuns(const std::vector<ScorecardRun>& runs) {
  std::string html = "<details><summary>Every run</summary><table>" +
                     row({"arguments", "labels right", "swaps", "over 100 ms", "recovery p99 ms",
                          "longest ms", "not recovered", "IDF1", "ghosts", "joints mm", "hash"},
                         "th");
  for (const ScorecardRun& run : runs) {
    const std::string command =
        fmt::format("<code>{}</code>", escaped(fmt::format("{}", fmt::join(run.arguments, " "))));
    if (!run.result.ok) {
      html += fmt::format("<tr><td>{}</td><td class=\"failed\" colspan=\"10\">failed: {}</td></tr>",
                          command, escaped(run.result.failure));
      continue;
    }
    const auto value = [&](const char* pointer, int digits) {
      return number(figure(run.result.report, pointer), digits);
    };
    html += row({command, number(100.0 * figure(run.result.report, "/label/correct"), 3) + " %",
                 value("/label/swaps", 0), value("/label/swaps_over_100ms", 0),
                 value("/label/recovery_ms/p99", 0), value("/label/recovery_ms/max", 0),
                 value("/label/not_recovered", 0), value("/label/idf1", 5),
                 value("/reconstruct/ghosts_per_frame", 2), value("/solve/joint_mm/mean", 2),
                 "<code>" + escaped(run.result.report.value("hash", "")) + "</code>"});
  }
  return html + "</table></details>\n";
}

std::string failures(const std::vector<ScorecardRun>& runs) {
  std::size_t failed = 0;
  for (const ScorecardRun& run : runs) failed += run.result.ok ? 0 : 1;
  if (failed == 0) return {};
  return fmt::format(
      "<p class=\"failed\" style=\"color:#b3261e\"><b>{} of {} runs failed</b>; they "
      "are marked below.</p>\n",
      failed, runs.size());
}

}  // namespace

std::string scorecardHtml(const ScorecardOptions& options, const std::vector<ScorecardRun>& runs,
                          const ScorecardPage& page) {
  std::string html =
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n<meta name=\"viewport\" "
      "content=\"width=device-width, initial-scale=1\">\n<title>Understudy scorecard</title>\n";
  html += report::pageStyle(kStyle);
  html += "\n</head><body>\n<h1>Understudy scorecard</h1>\n";
  html += fmt::format(
      "<p class=\"quiet\">Version {}{}. {}, {} cores, {}. Seeds 1 to {}, {:g} s a run, {} kernels. "
      "Made by <code>{}</code>.</p>\n",
      escaped(page.version),
      page.commit.empty() ? ", commit not known" : ", commit " + escaped(page.commit.substr(0, 12)),
      escaped(page.machine.value("cpu", "")), page.machine.value("cores", 0),
      escaped(page.machine.value("kernel", "")), options.seeds, options.seconds,
      [&] {
        const ScorecardRun* base = baseRun(runs);
        return base != nullptr && base->result.ok
                   ? escaped(base->result.report.value("kernels", ""))
                   : std::string("unknown");
      }(),
      escaped(page.command));
  html += failures(runs);
  html += keyFigures(runs);
  html +=
      "<p class=\"quiet\">24 cameras, 4 performers half a metre apart, production gaps; every "
      "other flag as it comes.</p>\n";
  html += scorecardSvg(options, runs, page);
  html +=
      "<p class=\"quiet\">A label is right if, of all true markers, the slot's own is nearest "
      "to what fills it, within 30 mm; asked for are markers that two cameras at least 5° apart "
      "see. A swap is a slot that sits on another marker. Recovery counts the frames in which a "
      "marker that had lost its name was visible and not yet named again; one that was named in "
      "the frame of its reappearance took 0 ms. All figures are of the live output, before any "
      "correction.</p>\n";
  html +=
      "<h2>Reconstruction</h2>\n<p class=\"quiet\">A perfect rig, 0.1 px noise, performers two "
      "metres apart. Processor time of one core, run one after the other; neighbours on the "
      "machine make it longer. NEES 1: the covariance is honest.</p>\n";
  html += reconstructionTable(runs);
  html += "<h2>How hard the stage is</h2>\n" + stageSection(runs);
  html += "<h2>What one camera sees</h2>\n" + pictureSection(page);
  html += "<h2>Runs</h2>\n" + allRuns(runs);
  return html + "</body></html>\n";
}

}  // namespace understudy::score
