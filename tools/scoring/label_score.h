#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "capture/frame/frames.h"
#include "tools/scoring/spread.h"
#include "tools/scoring/true_markers.h"

namespace understudy::scoring {

/// Figures of labelling. A slot is right if it is filled and, of all true markers, its own is the
/// nearest to what fills it and within kRightRadius. A slot that sits on another true marker in
/// that sense is swapped; a swap begins with the first such frame and ends when the slot is filled
/// by anything else: while the slot stays empty nothing was put right, so the swap goes on.
class LabelScore {
 public:
  static constexpr float kRightRadius = 0.03f;  ///< Metres.

  LabelScore(double rate_hz, std::size_t markers);

  /// Takes one frame; a frame without subjects counts every marker as missed.
  /// `really` says per true marker which one it is held to be (empty: each itself), for recordings
  /// whose names change hands.
  void add(std::uint64_t sequence, const TrueMarkers& markers, const frame::LabelledMarkers& labels,
           std::span<const std::int32_t> really = {});

  /// Share of the markers that `seen_2` holds for whose slots are right.
  double correct() const { return ratio(right_, wanted_); }
  std::uint64_t swaps() const { return swaps_; }
  std::uint64_t swapsOver100ms() const { return long_swaps_; }
  /// Identity F1 (Ristani et al., "Performance measures and a data set for multi-target,
  /// multi-camera tracking", 2016) with slots as identities, over markers that `seen_2` holds for:
  /// right slots against slots filled wrongly and markers missed.
  double idf1() const { return ratio(2.0 * right_, 2.0 * right_ + wrong_ + (wanted_ - right_)); }

 private:
  struct Slot {
    bool swapped = false, counted_long = false;
    std::uint64_t since = 0;
  };
  void follow(Slot& slot, std::uint64_t sequence, bool filled, bool elsewhere);

  double rate_hz_;
  std::vector<Slot> slots_;
  double wanted_ = 0, right_ = 0, wrong_ = 0;
  std::uint64_t swaps_ = 0, long_swaps_ = 0;
};

}  // namespace understudy::scoring
