#include "tools/report/plot.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

using namespace understudy;
using report::Plot;

namespace {

Plot withValues(std::vector<double> values) {
  return {
      .title = "T", .places = {"8", "16"}, .series = {{"s", "#123456", {{0, values}, {1, {}}}}}};
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++found;
  }
  return found;
}

}  // namespace

TEST_SUITE("report/plot") {
  TEST_CASE("a range from zero holds every value with a few round ticks") {
    for (const double largest : {0.003, 0.9, 1.0, 3.7, 40.0, 41.0, 999.0, 123456.0}) {
      Plot plot = withValues({0.1 * largest, largest});
      report::rangeFromZero(plot);
      CHECK(plot.from == 0.0);
      CHECK(plot.to >= largest * (1.0 - 1e-12));
      CHECK(plot.to <= 2.0 * largest);
      CHECK(plot.ticks.size() >= 3);
      CHECK(plot.ticks.size() <= 6);
      CHECK(plot.ticks.back() == doctest::Approx(plot.to));
    }
    Plot nothing = withValues({0.0});
    report::rangeFromZero(nothing);
    CHECK(nothing.to == 1.0);
  }

  TEST_CASE("a range of decades holds every value and the goal, and draws 0 on its floor") {
    const auto to = [](double largest, double goal) {
      Plot plot = withValues({0.0, largest});
      plot.goal = goal;
      plot.goal_text = goal > 0.0 ? "goal" : "";
      report::rangeOfDecades(plot, 0.001);
      CHECK(plot.from == 0.001);
      CHECK(plot.ticks.back() == plot.to);
      return plot.to;
    };
    CHECK(to(0.0, 0.0) == doctest::Approx(0.1));
    CHECK(to(0.1, 0.05) == doctest::Approx(0.1));
    CHECK(to(0.11, 0.05) == doctest::Approx(1.0));
    CHECK(to(100.0, 0.05) == doctest::Approx(100.0));
    Plot plot = withValues({0.0});
    report::rangeOfDecades(plot, 1.0);
    const std::string svg = report::plotSvg(plot, 400.0, 200.0);
    CHECK(count(svg, "cy=\"156.0\"") == 2);  // On the axis.
    CHECK(count(svg, "inf") == 0);
  }

  TEST_CASE("every run is a dot, the line goes through the means, a failed run is said") {
    Plot plot = withValues({1.0, 3.0});
    plot.series[0].points[1].values = {2.0};
    plot.failed = {1};
    plot.from = 0.0;
    plot.to = 4.0;
    const std::string svg = report::plotSvg(plot, 400.0, 200.0);
    CHECK(count(svg, "r=\"2.1\"") == 3);
    CHECK(count(svg, "r=\"3.6\"") == 2);
    CHECK(count(svg, ">failed<") == 1);
    // Both means are 2: the line is level.
    const std::size_t path = svg.find("<path d=\"M");
    REQUIRE(path != std::string::npos);
    const std::string line = svg.substr(path + 9, svg.find('"', path + 9) - path - 9);
    const std::size_t next = line.find(" L");
    REQUIRE(next != std::string::npos);
    CHECK(line.substr(line.find(',') + 1, next - line.find(',') - 1) ==
          line.substr(line.rfind(',') + 1));
  }

  TEST_CASE("places without any run that ended well leave a gap, not a zero") {
    const std::string svg = report::plotSvg(withValues({}), 400.0, 200.0);
    CHECK(count(svg, "<circle") == 0);
    CHECK(count(svg, "nan") == 0);
  }

  TEST_CASE("text cannot break out of the page") {
    CHECK(report::escaped("<a href='x'>&\"") == "&lt;a href=&#39;x&#39;&gt;&amp;&quot;");
    Plot plot = withValues({1.0});
    plot.title = "<script>";
    CHECK(report::plotSvg(plot, 400.0, 200.0).find("<script>") == std::string::npos);
  }
}
