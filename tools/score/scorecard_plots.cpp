#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "tools/report/plot.h"
#include "tools/score/scorecard.h"
#include "tools/score/scorecard_figures.h"

namespace understudy::score {
namespace {

using report::Plot;
using report::PlotSeries;

constexpr const char* kBlue = "#1f5fae";
constexpr const char* kOrange = "#d9741a";

// A figure of a run's report; NaN where it has none.
using Figure = double (*)(const report::Json&);

double wrong(const report::Json& run) { return 100.0 * (1.0 - figure(run, "/label/correct")); }
double swaps(const report::Json& run) { return perActorMinute(run, "/label/swaps"); }
double longSwaps(const report::Json& run) { return perActorMinute(run, "/label/swaps_over_100ms"); }
double recoveryP99(const report::Json& run) { return figure(run, "/label/recovery_ms/p99"); }
double recoveryMax(const report::Json& run) { return figure(run, "/label/recovery_ms/max"); }

struct Row {
  const char *title, *vertical;
  std::vector<std::pair<const char*, Figure>> series;
  double floor;  ///< Of a logarithmic range; 0 = linear.
  double goal;   ///< 0 = none.
};

const char* horizontalOf(Axis axis) {
  return axis == Axis::cameras ? "cameras"
         : axis == Axis::gaps  ? "gap rate (1 = production)"
                               : "performers";
}

Plot makePlot(const Row& row, Axis axis, const std::vector<ScorecardRun>& runs) {
  Plot plot{.title = row.title,
            .vertical = row.vertical,
            .horizontal = horizontalOf(axis),
            .places = placesOf(axis)};
  for (std::size_t s = 0; s < row.series.size(); ++s) {
    PlotSeries series{row.series[s].first, s == 0 ? kBlue : kOrange, {}};
    for (std::size_t place = 0; place < plot.places.size(); ++place) {
      report::PlotPoint point{.place = place, .values = {}};
      for (const ScorecardRun& run : runs) {
        if (run.axis != axis || run.place != place) continue;
        if (!run.result.ok && s == 0) plot.failed.push_back(place);
        if (!run.result.ok) continue;
        const double value = row.series[s].second(run.result.report);
        if (std::isfinite(value)) point.values.push_back(value);
      }
      series.points.push_back(std::move(point));
    }
    plot.series.push_back(std::move(series));
  }
  if (row.goal > 0.0) {
    plot.goal = row.goal;
    plot.goal_text = fmt::format("goal {:g}", row.goal);
  }
  return plot;
}

// All plots of a row have the same range, so that they can be compared.
void shareRange(double floor, std::vector<Plot>& plots) {
  Plot all = plots.front();
  for (const Plot& plot : plots) {
    all.series.insert(all.series.end(), plot.series.begin(), plot.series.end());
  }
  floor > 0.0 ? report::rangeOfDecades(all, floor) : report::rangeFromZero(all);
  for (Plot& plot : plots) {
    plot.from = all.from;
    plot.to = all.to;
    plot.ticks = all.ticks;
    plot.logarithmic = all.logarithmic;
  }
}

}  // namespace

double figure(const report::Json& report, const char* pointer) {
  const report::Json::json_pointer at(pointer);
  return report.contains(at) && report.at(at).is_number()
             ? report.at(at).get<double>()
             : std::numeric_limits<double>::quiet_NaN();
}

double perActorMinute(const report::Json& report, const char* pointer) {
  constexpr double kRateHz = 240.0;  // The scorecard's runs all have it.
  const double minutes = figure(report, "/frames") / kRateHz / 60.0;
  return figure(report, pointer) / (minutes * figure(report, "/actors"));
}

std::string scorecardSvg(const ScorecardOptions& options, const std::vector<ScorecardRun>& runs,
                         const ScorecardPage& page) {
  const std::vector<Row> rows{
      {"Labels wrong or missing", "% of visible markers", {{"", wrong}}, 0.001, 0.05},
      {"Swaps", "per performer and minute", {{"all", swaps}, {"over 100 ms", longSwaps}}, 0, 0},
      {"Recovery time",
       "ms until named again",
       {{"p99", recoveryP99}, {"longest", recoveryMax}},
       1,
       0}};
  constexpr double kWidth = 1280, kPlotWidth = 410, kPlotHeight = 262, kTop = 86, kMargin = 20;
  const double height = kTop + 3 * kPlotHeight + 44;
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0:g} {1:g}\" width=\"{0:g}\" "
      "height=\"{1:g}\" font-family=\"'DejaVu Sans', 'Helvetica Neue', Arial, sans-serif\">"
      "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>",
      kWidth, height);
  const auto words = [&](double y, const char* style, const std::string& text) {
    svg += fmt::format("<text x=\"{:g}\" y=\"{:g}\" {}>{}</text>", kMargin + 6, y, style,
                       report::escaped(text));
  };
  words(36, "font-size=\"21\" font-weight=\"600\" fill=\"#1b2027\"",
        "Labelling on the simulated stage, scored against the truth");
  words(
      60, "font-size=\"13\" fill=\"#5d6673\"",
      fmt::format("Where not varied: 24 cameras, 4 performers half a metre apart, production gaps. "
                  "{} of {:g} s at 240 Hz each: dots are runs, lines their means.",
                  options.seeds == 1 ? "One run" : fmt::format("{} runs", options.seeds),
                  options.seconds));
  for (std::size_t r = 0; r < rows.size(); ++r) {
    std::vector<Plot> plots;
    for (const Axis axis : {Axis::cameras, Axis::gaps, Axis::performers}) {
      plots.push_back(makePlot(rows[r], axis, runs));
    }
    shareRange(rows[r].floor, plots);
    for (std::size_t c = 0; c < plots.size(); ++c) {
      svg += fmt::format("<g transform=\"translate({:g},{:g})\">{}</g>",
                         kMargin + static_cast<double>(c) * (kPlotWidth + 5),
                         kTop + static_cast<double>(r) * kPlotHeight,
                         report::plotSvg(plots[c], kPlotWidth, kPlotHeight));
    }
  }
  words(height - 16, "font-size=\"11.5\" fill=\"#5d6673\"",
        fmt::format("understudy {}{}", page.version,
                    page.commit.empty() ? "" : ", commit " + page.commit.substr(0, 12)));
  return svg + "</svg>\n";
}

}  // namespace understudy::score
