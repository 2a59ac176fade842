#include "capture/source/gap_model.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

namespace understudy::source {
namespace {

constexpr double kTableRateHz = 120.0;
constexpr double kMeanMissing = 0.0078;
constexpr double kWorstMissing = 0.064;

struct Quantile {
  double q, frames;
};
// The ends are ours: no gap is shorter than one frame, and 25 s is the longest that we make.
constexpr std::array<Quantile, 5> kQuantiles{
    {{0.0, 1.0}, {0.5, 6.0}, {0.9, 104.0}, {0.99, 999.0}, {1.0, 3000.0}}};

// Share of time missing of the marker at this rank, 0 = worst: (1 - rank)^k falls from the worst
// marker's share and has mean worst / (k + 1).
double missingAt(double rank) {
  constexpr double kPower = kWorstMissing / kMeanMissing - 1.0;
  return kWorstMissing * std::pow(1.0 - rank, kPower);
}

}  // namespace

double gapSeconds(double q) {
  std::size_t i = 1;
  while (i + 1 < kQuantiles.size() && q > kQuantiles[i].q) ++i;
  const Quantile &a = kQuantiles[i - 1], &b = kQuantiles[i];
  const double share = std::clamp((q - a.q) / (b.q - a.q), 0.0, 1.0);
  return a.frames * std::pow(b.frames / a.frames, share) / kTableRateHz;
}

double meanGapSeconds() {
  constexpr int kSteps = 10000;
  double sum = 0;
  for (int i = 0; i < kSteps; ++i) sum += gapSeconds((i + 0.5) / kSteps);
  return sum / kSteps;
}

GapModel::GapModel(std::size_t markers, double frequency, Random random)
    : states_(markers), random_(random) {
  lengths_.reserve(kKept);
  if (!(frequency > 0.0) || markers == 0) return;
  std::vector<std::size_t> order(markers);
  std::iota(order.begin(), order.end(), std::size_t{0});
  for (std::size_t i = markers; i > 1; --i) std::swap(order[i - 1], order[random_.below(i)]);
  const double mean_gap = meanGapSeconds();
  for (std::size_t rank = 0; rank < markers; ++rank) {
    State& state = states_[order[rank]];
    const double share =
        missingAt((static_cast<double>(rank) + 0.5) / static_cast<double>(markers));
    state.mean_between = mean_gap * (1.0 - share) / share / frequency;
    state.share = mean_gap / (mean_gap + state.mean_between);
    if (random_.uniform() < state.share) {
      state.in_gap = true;
      state.next = gapUnderWay() * random_.uniform();
    } else {
      state.next = state.mean_between * random_.exponential();
    }
  }
}

// A moment is the more likely to fall into a gap the longer the gap is (the inspection paradox;
// Cox, "Renewal theory", 1962, section 5.2): without this the first seconds would be far too easy.
double GapModel::gapUnderWay() {
  const double longest = gapSeconds(1.0);
  for (;;) {
    const double length = gapSeconds(random_.uniform());
    if (random_.uniform() * longest < length) return length;
  }
}

void GapModel::begin(State& state, double seconds) {
  const double length = gapSeconds(random_.uniform());
  state.in_gap = true;
  state.next = seconds + length;
  ++gaps_;
  if (lengths_.size() < kKept) lengths_.push_back(static_cast<float>(length));
}

void GapModel::advance(double seconds) {
  for (State& state : states_) {
    if (!(state.mean_between > 0.0)) continue;
    while (seconds >= state.next) {
      if (state.in_gap) {
        state.in_gap = false;
        state.next += state.mean_between * random_.exponential();
      } else {
        begin(state, state.next);
      }
    }
  }
}

}  // namespace understudy::source
