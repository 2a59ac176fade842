#pragma once

#include <string>
#include <vector>

namespace understudy::report {

/// One place on the horizontal axis of a series: what each run there gave.
struct PlotPoint {
  std::size_t place = 0;       ///< Index in Plot::places.
  std::vector<double> values;  ///< One per run that ended well; drawn as dots, their mean as line.
};

/// A line through the means of its points.
struct PlotSeries {
  std::string name;
  std::string colour;  ///< CSS.
  std::vector<PlotPoint> points;
};

/// A line plot over a few named places, evenly spaced.
struct Plot {
  std::string title, vertical, horizontal;
  std::vector<std::string> places;
  std::vector<PlotSeries> series;
  bool logarithmic = false;   ///< The range is one of decades; `from` stands for all below it.
  double from = 0, to = 1;    ///< Vertical range; values outside are drawn at the edge.
  std::vector<double> ticks;  ///< Where grid lines and numbers go.
  double goal = 0;            ///< A dashed line ...
  std::string goal_text;      ///< ... where this is not empty.
  std::vector<std::size_t> failed;  ///< Places where a run failed: marked as such.
};

/// A range from 0 that holds all values, with about four round ticks; 0 to 1 where all are 0.
void rangeFromZero(Plot& plot);
/// A logarithmic range from `floor` up to the power of ten that holds all values and the goal, at
/// least two decades; what is not over the floor, 0 among it, is drawn on it.
void rangeOfDecades(Plot& plot, double floor);

/// The plot as an SVG group of this size whose corner is the origin.
std::string plotSvg(const Plot& plot, double width, double height);

/// Text for HTML and SVG: the five special characters replaced.
std::string escaped(const std::string& text);

}  // namespace understudy::report
