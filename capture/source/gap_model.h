#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "capture/source/random.h"

namespace understudy::source {

/// Length of a gap in seconds at quantile q (0 to 1) of real production: half are up to 6 frames
/// long, a tenth over 104, one in a hundred over 999. The published table counts frames; we read
/// them at 120 Hz.
double gapSeconds(double q);

/// Mean of gapSeconds.
double meanGapSeconds();

/// When each marker of one performer drops out for all cameras: gaps of production length at
/// random times. A few markers are far worse than the others: 0.78 % missing on average, 6.4 % for
/// the worst. What is expected is the same at any moment: gaps that have begun before the first
/// frame are as long as those are that one meets when one looks in at random.
class GapModel {
 public:
  /// `frequency` scales how often gaps begin; 0 = never.
  GapModel(std::size_t markers, double frequency, Random random);

  /// Moves to this time, which never goes back.
  void advance(double seconds);
  bool dropped(std::size_t marker) const { return states_[marker].in_gap; }
  /// Expected share of time that the marker is missing.
  double missingShare(std::size_t marker) const { return states_[marker].share; }
  std::uint64_t gaps() const { return gaps_; }
  /// Lengths in seconds of the gaps begun so far; the first kKept of them.
  const std::vector<float>& lengths() const { return lengths_; }

  static constexpr std::size_t kKept = 65536;

 private:
  struct State {
    double share = 0;
    double mean_between = 0;  ///< Seconds from a gap's end to the next; 0 = no gaps.
    double next = 0;          ///< When the state changes.
    bool in_gap = false;
  };
  void begin(State& state, double seconds);
  double gapUnderWay();

  std::vector<State> states_;
  std::vector<float> lengths_;
  std::uint64_t gaps_ = 0;
  Random random_;
};

}  // namespace understudy::source
