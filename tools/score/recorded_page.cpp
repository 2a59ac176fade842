#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tools/report/page.h"
#include "tools/report/plot.h"
#include "tools/score/recorded_run.h"

namespace understudy::score {
namespace {

using report::escaped;
using report::number;

constexpr const char* kStyle = "h1 { font-size: 26px; } h2 { margin-top: 40px; }\n";
constexpr const char* kOurs = "#1f6feb";
constexpr const char* kTheirs = "#d9730d";
constexpr const char* kHeldOut = "#8fb8f6";

constexpr double kPlotWidth = 620, kPlotHeight = 190, kLeft = 52, kTop = 30, kBottom = 28;

std::string words(double x, double y, const char* style, const std::string& text) {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" {}>{}</text>", x, y, style, escaped(text));
}

// A step of 1, 2 or 5 times a power of ten that gives about four ticks.
double tickStep(double range) {
  const double power = std::pow(10.0, std::floor(std::log10(std::max(range, 1e-9) / 3.0)));
  for (const double round : {1.0, 2.0, 5.0}) {
    if (range / (round * power) <= 5.0) return round * power;
  }
  return 10.0 * power;
}

// One curve; breaks where a value is missing.
std::string curve(const std::vector<double>& values, double from, double to, const char* style) {
  std::string path;
  bool down = false;
  const std::size_t step = std::max<std::size_t>(1, values.size() / 1200);
  for (std::size_t f = 0; f < values.size(); f += step) {
    if (!std::isfinite(values[f])) {
      down = false;
      continue;
    }
    const double x = kLeft + (kPlotWidth - kLeft - 8) * static_cast<double>(f) /
                                 static_cast<double>(std::max<std::size_t>(values.size() - 1, 1));
    const double share = (values[f] - from) / (to - from);
    const double y = kPlotHeight - kBottom - share * (kPlotHeight - kTop - kBottom);
    path += fmt::format("{}{:.1f},{:.1f}", down ? "L" : "M", x, y);
    down = true;
  }
  return fmt::format("<path d=\"{}\" fill=\"none\" stroke-linejoin=\"round\" {}/>", path, style);
}

// An angle over time: ours, and theirs with offset and sign taken out.
std::string anglePlot(const RecordedRun& run, const recorded::AngleComparison& angle) {
  const auto k = static_cast<std::size_t>(angle.flexion);
  std::vector<double> ours, theirs;
  for (const recorded::FlexionAngles& frame : run.angles) ours.push_back(frame[k]);
  for (const recorded::FlexionAngles& frame : run.reference->angles) {
    theirs.push_back(angle.sign * frame[k] + angle.offset_deg);
  }
  double from = 1e9, to = -1e9;
  for (const std::vector<double>* values : {&ours, &theirs}) {
    for (const double value : *values) {
      if (!std::isfinite(value)) continue;
      from = std::min(from, value);
      to = std::max(to, value);
    }
  }
  const double step = tickStep(std::max(to - from, 1.0));
  from = step * std::floor(from / step);
  to = std::max(step * std::ceil(to / step), from + step);
  std::string svg;
  for (double tick = from; tick <= to + 0.5 * step; tick += step) {
    const double y =
        kPlotHeight - kBottom - (tick - from) / (to - from) * (kPlotHeight - kTop - kBottom);
    svg += fmt::format(
        "<line x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\" stroke=\"#e3e6ea\"/>", kLeft,
        kPlotWidth - 8, y, y);
    svg += words(kLeft - 7, y + 4, "text-anchor=\"end\" font-size=\"11\" fill=\"#5d6673\"",
                 fmt::format("{:g}°", tick));
  }
  svg += curve(theirs, from, to, fmt::format("stroke=\"{}\" stroke-width=\"3\"", kTheirs).c_str());
  svg += curve(ours, from, to, fmt::format("stroke=\"{}\" stroke-width=\"1.4\"", kOurs).c_str());
  std::string name(recorded::flexionName(angle.flexion));
  std::replace(name.begin(), name.end(), '_', ' ');
  svg +=
      words(kLeft, 18, "font-size=\"13\" font-weight=\"600\" fill=\"#1b2027\"", name + " flexion");
  svg += words(kPlotWidth - 8, 18, "text-anchor=\"end\" font-size=\"12\" fill=\"#5d6673\"",
               fmt::format("differs by {:.1f}° rms", angle.rms_deg));
  const double seconds = static_cast<double>(run.angles.size()) / run.rate_hz;
  svg += words(kPlotWidth - 8, kPlotHeight - 8,
               "text-anchor=\"end\" font-size=\"11\" fill=\"#5d6673\"",
               fmt::format("{:.1f} s", seconds));
  return svg;
}

std::string legend(double x, double y, bool held_out, bool theirs) {
  std::string svg;
  const auto entry = [&](const char* colour, const std::string& text) {
    svg += fmt::format(
        "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"12\" height=\"12\" rx=\"2\" "
        "fill=\"{}\"/>",
        x, y - 10, colour);
    svg += words(x + 17, y, "font-size=\"12\" fill=\"#39414d\"", text);
    x += 40.0 + 6.6 * static_cast<double>(text.size());
  };
  entry(kOurs, "ours");
  if (held_out) entry(kHeldOut, "ours, kept from the solver");
  if (theirs) entry(kTheirs, "theirs");
  return svg;
}

double rmsOf(const recorded::MarkerMisfit& misfit, const std::string& name) {
  const auto found = std::find(misfit.names.begin(), misfit.names.end(), name);
  return found == misfit.names.end()
             ? std::nan("")
             : misfit.rms_mm[static_cast<std::size_t>(found - misfit.names.begin())];
}

const recorded::MarkerMisfit* theirMisfit(const RecordedRun& run) {
  if (!run.reference) return nullptr;
  if (run.reference->markers) return &run.reference->markers->shown;
  return run.reference->best ? &*run.reference->best : nullptr;
}

// Bars per marker, the worst first.
std::string markerPlot(const RecordedRun& run, double width, double height) {
  const recorded::MarkerMisfit* theirs = theirMisfit(run);
  std::vector<std::size_t> order;
  double most = 1.0;
  const auto grow = [&](double value) {
    if (std::isfinite(value)) most = std::max(most, value);
  };
  for (std::size_t m = 0; m < run.ours.shown.names.size(); ++m) {
    order.push_back(m);
    grow(run.ours.shown.rms_mm[m]);
    if (run.ours.held_out) grow(run.ours.held_out->rms_mm[m]);
    if (theirs != nullptr) grow(rmsOf(*theirs, run.ours.shown.names[m]));
  }
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return run.ours.shown.rms_mm[a] > run.ours.shown.rms_mm[b];
  });
  const double base = height - 62, step = tickStep(most);
  const double to = step * std::ceil(most / step);
  std::string svg = words(kLeft, 18, "font-size=\"13\" font-weight=\"600\" fill=\"#1b2027\"",
                          "distance of each marker from the model, mm rms");
  svg += legend(width - 420, 18, run.ours.held_out.has_value(), theirs != nullptr);
  for (double tick = 0; tick <= to + 0.5 * step; tick += step) {
    const double y = base - tick / to * (base - kTop);
    svg += fmt::format(
        "<line x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\" stroke=\"#e3e6ea\"/>", kLeft,
        width - 8, y, y);
    svg += words(kLeft - 7, y + 4, "text-anchor=\"end\" font-size=\"11\" fill=\"#5d6673\"",
                 fmt::format("{:g}", tick));
  }
  const double slot =
      (width - kLeft - 8) / static_cast<double>(std::max<std::size_t>(order.size(), 1));
  for (std::size_t i = 0; i < order.size(); ++i) {
    const std::string& name = run.ours.shown.names[order[i]];
    const double x = kLeft + slot * static_cast<double>(i);
    const auto bar = [&](double value, double left, double share, const char* colour) {
      if (!std::isfinite(value)) return;
      const double size = value / to * (base - kTop);
      svg += fmt::format(
          "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" "
          "fill=\"{}\"/>",
          x + left * slot, base - size, share * slot, size, colour);
    };
    if (theirs != nullptr) bar(rmsOf(*theirs, name), 0.50, 0.36, kTheirs);
    if (run.ours.held_out) bar(run.ours.held_out->rms_mm[order[i]], 0.10, 0.38, kHeldOut);
    bar(run.ours.shown.rms_mm[order[i]], 0.10, 0.38, kOurs);
    svg += fmt::format(
        "<text transform=\"translate({:.1f},{:.1f}) rotate(-60)\" text-anchor=\"end\" "
        "font-size=\"10\" fill=\"#39414d\">{}</text>",
        x + 0.6 * slot, base + 12, escaped(name));
  }
  return svg;
}

std::string angleTable(const RecordedRun& run) {
  std::string html =
      "<table><tr><th>flexion</th><th>difference rms °</th><th>99th percentile °</th><th>range of "
      "theirs °</th><th>offset taken out °</th><th>sign of theirs</th><th>correlation</th></tr>";
  for (const recorded::AngleComparison& angle : run.reference->flexions) {
    html += fmt::format(
        "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
        recorded::flexionName(angle.flexion), number(angle.rms_deg, 2),
        number(angle.largest_deg, 2), number(angle.range_deg, 1), number(angle.offset_deg, 1),
        angle.sign < 0 ? "−" : "+", number(angle.correlation, 3));
  }
  return html + "</table>\n";
}

std::string partTable(const RecordedRun& run) {
  if (run.reference->parts.empty()) return {};
  std::string html =
      "<h2>Parts of the body</h2><table><tr><th>part</th><th>turn differs rms °</th><th>joint "
      "apart "
      "rms mm</th><th>without the constant mm</th></tr>";
  for (const recorded::PartComparison& part : run.reference->parts) {
    html += fmt::format("<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
                        anim::humanoidName(part.part), number(part.turn_deg, 2),
                        number(part.place_mm, 1), number(part.steady_mm, 1));
  }
  return html + "</table>\n";
}

std::string keyFigures(const RecordedRun& run) {
  std::string html = "<div class=\"key\">";
  const auto box = [&](const std::string& value, const char* name) {
    html += fmt::format("<div><b>{}</b><span>{}</span></div>", value, name);
  };
  box(number(run.ours.shown.mm.rms, 1) + " mm", "markers from the model, ours, RMS");
  if (run.ours.held_out) {
    box(number(run.ours.held_out->mm.rms, 1) + " mm", "markers kept from our solver, RMS");
    box(number(run.ours.held_out_measured, 1) + " mm", "the same where others measure the joint");
  }
  if (run.reference && run.reference->markers) {
    box(number(run.reference->markers->shown.mm.rms, 1) + " mm", "markers, theirs, RMS");
    if (run.reference->markers->held_out) {
      box(number(run.reference->markers->held_out->mm.rms, 1) + " mm",
          "markers kept from the solver, theirs, RMS");
      box(number(run.reference->markers->held_out_measured, 1) + " mm",
          "the same where others measure the joint");
    }
  }
  if (run.reference && run.reference->best) {
    box(number(run.reference->best->mm.rms, 1) + " mm", "markers, theirs at best, RMS");
    box(number(run.ours_best->mm.rms, 1) + " mm", "markers, ours at best, RMS");
  }
  box(number(run.us_per_frame, 1) + " µs", "processor time a frame");
  return html + "</div>\n";
}

}  // namespace

std::string recordedSvg(const RecordedRun& run) {
  const std::size_t plots = run.reference ? run.reference->flexions.size() : 0;
  const double rows = static_cast<double>((plots + 1) / 2);
  const double width = 2 * kPlotWidth, bars = 260;
  std::string svg;
  for (std::size_t i = 0; i < plots; ++i) {
    svg += fmt::format(
        "<g transform=\"translate({:.0f},{:.0f})\">{}</g>", kPlotWidth * static_cast<double>(i % 2),
        kPlotHeight * static_cast<double>(i / 2), anglePlot(run, run.reference->flexions[i]));
  }
  svg += fmt::format("<g transform=\"translate(0,{:.0f})\">{}</g>", kPlotHeight * rows + 12,
                     markerPlot(run, width, bars));
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0:.0f} {1:.0f}\" width=\"{0:.0f}\" "
      "height=\"{1:.0f}\" font-family=\"'DejaVu Sans', Arial, sans-serif\"><rect width=\"100%\" "
      "height=\"100%\" fill=\"#fff\"/>{2}</svg>\n",
      width, kPlotHeight * rows + 12 + bars, svg);
}

std::string recordedPage(const RecordedRun& run, const report::Json& json) {
  std::string html = fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{0}</title>{1}"
      "</head><body>\n<h1>{0}</h1>\n<p class=\"quiet\">{2} frames at {3:g} Hz, {4} markers, {5} "
      "joints, {6} freedoms; {7} frames without a pose, {8} restarts, {9} samples left out as "
      "mislabelled</p>\n",
      escaped(run.file.substr(run.file.rfind('/') + 1)), report::pageStyle(kStyle), run.frames,
      run.rate_hz, run.markers, run.joints, run.freedoms, run.unsolved, run.restarts,
      run.mislabelled);
  html += keyFigures(run) + recordedSvg(run);
  if (run.reference) {
    html += "<h2>Joint angles</h2>" + angleTable(run) + partTable(run) + "<h2>Notes</h2>\n";
    for (const std::string& note : run.reference->notes) {
      html += fmt::format("<p>{}</p>\n", escaped(note));
    }
  }
  for (const std::string& warning : run.warnings) {
    html += fmt::format("<p class=\"quiet\">{}</p>\n", escaped(warning));
  }
  html += fmt::format("<p class=\"quiet\">understudy-score {}, {}</p></body></html>\n",
                      json.value("version", ""),
                      escaped(json.contains("command") ? json["command"].dump() : ""));
  return html;
}

}  // namespace understudy::score
