#include "tools/report/plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace understudy::report {
namespace {

constexpr double kLeft = 62, kRight = 14, kTop = 34, kBottom = 44;

std::string line(double x1, double y1, double x2, double y2, const std::string& style) {
  return fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" {}/>", x1, y1,
                     x2, y2, style);
}

std::string words(double x, double y, const std::string& style, const std::string& text) {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" {}>{}</text>", x, y, style, escaped(text));
}

// Where values and places come to lie.
struct Axes {
  const Plot& plot;
  double width, height;

  double x(std::size_t place) const {
    const auto places = static_cast<double>(std::max<std::size_t>(1, plot.places.size()));
    return kLeft + (static_cast<double>(place) + 0.5) * (width - kLeft - kRight) / places;
  }
  double y(double value) const {
    const double linear = (value - plot.from) / (plot.to - plot.from);
    const double decades =
        std::log(std::max(value, plot.from) / plot.from) / std::log(plot.to / plot.from);
    const double share = std::clamp(plot.logarithmic ? decades : linear, 0.0, 1.0);
    return height - kBottom - share * (height - kTop - kBottom);
  }
};

std::string grid(const Axes& axes) {
  const Plot& plot = axes.plot;
  std::string svg;
  for (const double tick : plot.ticks) {
    const double y = axes.y(tick);
    svg += line(kLeft, y, axes.width - kRight, y, "stroke=\"#e3e6ea\"");
    svg += words(kLeft - 8, y + 4, "text-anchor=\"end\" font-size=\"11.5\" fill=\"#5d6673\"",
                 fmt::format("{}{:g}", plot.logarithmic && tick == plot.from ? "≤ " : "", tick));
  }
  for (std::size_t p = 0; p < plot.places.size(); ++p) {
    svg += words(axes.x(p), axes.height - kBottom + 17,
                 "text-anchor=\"middle\" font-size=\"11.5\" fill=\"#5d6673\"", plot.places[p]);
  }
  svg +=
      line(kLeft, axes.y(plot.from), axes.width - kRight, axes.y(plot.from), "stroke=\"#8a93a0\"");
  svg += words(kLeft + 0.5 * (axes.width - kLeft - kRight), axes.height - 9,
               "text-anchor=\"middle\" font-size=\"12\" fill=\"#39414d\"", plot.horizontal);
  svg += fmt::format(
      "<text transform=\"translate(15,{:.1f}) rotate(-90)\" text-anchor=\"middle\" "
      "font-size=\"12\" "
      "fill=\"#39414d\">{}</text>",
      kTop + 0.5 * (axes.height - kTop - kBottom), escaped(plot.vertical));
  if (!plot.goal_text.empty()) {
    const double y = axes.y(plot.goal);
    svg += line(kLeft, y, axes.width - kRight, y,
                "stroke=\"#b3261e\" stroke-dasharray=\"5 4\" stroke-width=\"1.2\"");
    // Above the line, where there is room: what is better than the goal lies below.
    svg += words(axes.width - kRight - 2, y > kTop + 18 ? y - 5 : y + 14,
                 "text-anchor=\"end\" font-size=\"11\" fill=\"#b3261e\"", plot.goal_text);
  }
  return svg;
}

std::string seriesSvg(const Axes& axes, const PlotSeries& series) {
  std::string path, dots;
  for (const PlotPoint& point : series.points) {
    if (point.values.empty()) continue;
    const double x = axes.x(point.place);
    const double mean = std::accumulate(point.values.begin(), point.values.end(), 0.0) /
                        static_cast<double>(point.values.size());
    path += fmt::format("{}{:.1f},{:.1f}", path.empty() ? "M" : " L", x, axes.y(mean));
    for (const double value : point.values) {
      dots += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"2.1\" fill-opacity=\"0.45\"/>",
                          x, axes.y(value));
    }
    dots += fmt::format(
        "<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3.6\" stroke=\"#fff\" stroke-width=\"1.2\"/>", x,
        axes.y(mean));
  }
  return fmt::format(
      "<path d=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"2\" stroke-linejoin=\"round\"/>"
      "<g fill=\"{}\">{}</g>",
      path, series.colour, series.colour, dots);
}

std::string legend(const Axes& axes) {
  if (axes.plot.series.size() < 2) return {};
  std::string svg;
  double x = axes.width - kRight;
  for (auto series = axes.plot.series.rbegin(); series != axes.plot.series.rend(); ++series) {
    x -= 6.1 * static_cast<double>(series->name.size()) + 20.0;
    svg +=
        fmt::format("<circle cx=\"{:.1f}\" cy=\"16\" r=\"3.6\" fill=\"{}\"/>", x, series->colour);
    svg += words(x + 8, 20, "font-size=\"11\" fill=\"#5d6673\"", series->name);
  }
  return svg;
}

}  // namespace

std::string escaped(const std::string& text) {
  std::string safe;
  for (const char c : text) {
    switch (c) {
      case '&':
        safe += "&amp;";
        break;
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '"':
        safe += "&quot;";
        break;
      case '\'':
        safe += "&#39;";
        break;
      default:
        safe += c;
    }
  }
  return safe;
}

void rangeFromZero(Plot& plot) {
  double largest = 0;
  for (const PlotSeries& series : plot.series) {
    for (const PlotPoint& point : series.points) {
      for (const double value : point.values) largest = std::max(largest, value);
    }
  }
  if (!(largest > 0.0)) largest = 1.0;
  const double power = std::pow(10.0, std::floor(std::log10(largest / 4.0)));
  double step = 10.0 * power;
  for (const double round : {5.0, 2.0, 1.0}) {
    if (4.0 * round * power >= largest) step = round * power;
  }
  plot.from = 0;
  plot.to = step * std::ceil(largest / step);
  plot.ticks.clear();
  for (int i = 0; i <= static_cast<int>(std::lround(plot.to / step)); ++i) {
    plot.ticks.push_back(step * i);
  }
}

void rangeOfDecades(Plot& plot, double floor) {
  double largest = plot.goal_text.empty() ? 0.0 : plot.goal;
  for (const PlotSeries& series : plot.series) {
    for (const PlotPoint& point : series.points) {
      for (const double value : point.values) largest = std::max(largest, value);
    }
  }
  plot.logarithmic = true;
  plot.from = plot.to = floor;
  plot.ticks = {floor};
  constexpr std::size_t kLeastTicks = 3;
  while (plot.to < largest * (1.0 - 1e-9) || plot.ticks.size() < kLeastTicks) {
    plot.to *= 10.0;
    plot.ticks.push_back(plot.to);
  }
}

std::string plotSvg(const Plot& plot, double width, double height) {
  const Axes axes{plot, width, height};
  std::string svg =
      words(kLeft, 20, "font-size=\"14\" font-weight=\"600\" fill=\"#1b2027\"", plot.title);
  svg += grid(axes);
  for (const PlotSeries& series : plot.series) svg += seriesSvg(axes, series);
  for (const std::size_t place : plot.failed) {
    svg += words(axes.x(place), axes.height - kBottom - 6,
                 "text-anchor=\"middle\" font-size=\"11\" font-weight=\"600\" fill=\"#b3261e\"",
                 "failed");
  }
  return "<g>" + svg + legend(axes) + "</g>";
}

}  // namespace understudy::report
