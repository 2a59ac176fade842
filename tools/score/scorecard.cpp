#include "tools/score/scorecard.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace understudy::score {
namespace {

using Arguments = std::vector<std::string>;

struct Place {
  std::string name;
  Arguments arguments;
};

// The base: 24 cameras, 4 performers half a metre apart, production gaps.
const std::vector<Place>& places(Axis axis) {
  static const auto make = [](const char* flag, const Arguments& values, const Arguments& rest) {
    std::vector<Place> made;
    for (const std::string& value : values) {
      Arguments all = rest;
      const auto at = std::find(all.begin(), all.end(), flag);
      *(at + 1) = value;
      made.push_back({value, all});
    }
    return made;
  };
  static const Arguments base{"--cameras", "24",  "--actors", "4",
                              "--spacing", "0.5", "--gaps",   "1"};
  static const std::vector<Place> cameras =
      make("--cameras", {"8", "12", "16", "24", "32", "64"}, base);
  static const std::vector<Place> gaps = make("--gaps", {"0", "1", "2", "5", "10"}, base);
  static const std::vector<Place> performers = make("--actors", {"1", "2", "4", "6", "10"}, base);
  static const std::vector<Place> reconstruction{
      {"16 x 212", {"--cameras", "16", "--actors", "4", "--rig-error", "0"}},
      {"64 x 530", {"--cameras", "64", "--actors", "10", "--rig-error", "0"}},
      {"128 x 1060", {"--cameras", "128", "--actors", "20", "--rig-error", "0"}}};
  switch (axis) {
    case Axis::cameras:
      return cameras;
    case Axis::gaps:
      return gaps;
    case Axis::performers:
      return performers;
    default:
      return reconstruction;
  }
}

const char* nameOf(Axis axis) {
  constexpr std::array kNames{"cameras", "gaps", "performers", "reconstruction"};
  return kNames[static_cast<std::size_t>(axis)];
}

}  // namespace

const std::vector<std::string>& placesOf(Axis axis) {
  static const auto names = [](Axis of) {
    std::vector<std::string> all;
    for (const Place& place : places(of)) all.push_back(place.name);
    return all;
  };
  static const std::array all{names(Axis::cameras), names(Axis::gaps), names(Axis::performers),
                              names(Axis::reconstruction)};
  return all[static_cast<std::size_t>(axis)];
}

std::vector<ScorecardRun> planScorecard(const ScorecardOptions& options) {
  std::vector<ScorecardRun> runs;
  for (const Axis axis : {Axis::cameras, Axis::gaps, Axis::performers, Axis::reconstruction}) {
    const bool timed = axis == Axis::reconstruction;
    const std::vector<Place>& all = places(axis);
    for (std::size_t p = 0; p < all.size(); ++p) {
      for (std::uint64_t seed = 1; seed <= (timed ? 1 : options.seeds); ++seed) {
        Arguments arguments{"stage"};
        arguments.insert(arguments.end(), all[p].arguments.begin(), all[p].arguments.end());
        arguments.insert(arguments.end(), {"--seconds", fmt::format("{:g}", options.seconds),
                                           "--seed", fmt::format("{}", seed)});
        if (timed) arguments.insert(arguments.end(), {"--held-out-frames", "0"});
        arguments.insert(arguments.end(), options.also.begin(), options.also.end());
        runs.push_back({.axis = axis, .place = p, .seed = seed, .arguments = std::move(arguments)});
      }
    }
  }
  return runs;
}

std::size_t distinctRuns(const std::vector<ScorecardRun>& runs) {
  std::vector<Arguments> lists;
  for (const ScorecardRun& run : runs) lists.push_back(run.arguments);
  std::sort(lists.begin(), lists.end());
  return static_cast<std::size_t>(std::unique(lists.begin(), lists.end()) - lists.begin());
}

void runScorecard(const ScorecardOptions& options, std::vector<ScorecardRun>& runs,
                  const std::function<void(std::size_t)>& progress) {
  std::vector<Arguments> shared, timed;
  for (const ScorecardRun& run : runs) {
    std::vector<Arguments>& list = run.axis == Axis::reconstruction ? timed : shared;
    if (std::find(list.begin(), list.end(), run.arguments) == list.end()) {
      list.push_back(run.arguments);
    }
  }
  const auto results = runAll(shared, options.jobs, progress);
  const auto times = runAll(timed, 1, [&](std::size_t done) { progress(shared.size() + done); });
  for (ScorecardRun& run : runs) {
    const bool is_timed = run.axis == Axis::reconstruction;
    const std::vector<Arguments>& list = is_timed ? timed : shared;
    const auto at =
        static_cast<std::size_t>(std::find(list.begin(), list.end(), run.arguments) - list.begin());
    run.result = is_timed ? times[at] : results[at];
  }
}

report::Json scorecardJson(const ScorecardOptions& options, const std::vector<ScorecardRun>& runs) {
  report::Json list = report::Json::array();
  for (const ScorecardRun& run : runs) {
    report::Json entry{{"axis", nameOf(run.axis)},
                       {"place", placesOf(run.axis)[run.place]},
                       {"run_seed", run.seed},
                       {"arguments", run.arguments},
                       {"ok", run.result.ok}};
    if (run.result.ok) {
      entry["report"] = run.result.report;
    } else {
      entry["failure"] = run.result.failure;
    }
    list.push_back(std::move(entry));
  }
  return {{"seconds", options.seconds}, {"seeds", options.seeds}, {"runs", std::move(list)}};
}

}  // namespace understudy::score
