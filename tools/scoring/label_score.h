#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "capture/frame/frames.h"
#include "tools/scoring/identity_score.h"
#include "tools/scoring/recovery.h"
#include "tools/scoring/spread.h"
#include "tools/scoring/true_markers.h"

namespace understudy::scoring {

/// Figures of labelling, of the live output, over all subjects, props among them. A slot is right
/// if it is filled and, of all true markers, its own is the nearest to what fills it and within
/// kRightRadius. A slot that sits on another true marker in that sense is swapped; a swap begins
/// with the first such frame and ends when the slot is filled by anything else: while the slot
/// stays empty nothing was put right, so the swap goes on. A subject is right where at least half
/// of its markers that `seen_2` holds for are (and there is one).
class LabelScore {
 public:
  static constexpr float kRightRadius = 0.03f;  ///< Metres.

  /// Number of markers per subject.
  LabelScore(double rate_hz, const std::vector<std::size_t>& counts);

  /// Takes one frame; a frame without subjects counts every marker as missed.
  /// `really` says per true marker which one it is held to be (empty: each itself), for recordings
  /// whose names change hands.
  void add(std::uint64_t sequence, const TrueMarkers& markers, const frame::LabelledMarkers& labels,
           std::span<const std::int32_t> really = {});

  /// Share of the markers that `seen_2` holds for whose slots are right.
  double correct() const { return ratio(right_, wanted_); }
  std::uint64_t swaps() const { return swaps_; }
  std::uint64_t swapsOver100ms() const { return long_swaps_; }
  /// Identity F1, see IdentityScore; the slots are the computed identities.
  double idf1() const { return identity_.idf1(); }
  /// Outages of markers; `seen_2` says that one is visible.
  const RecoveryMeter& markerRecovery() const { return marker_recovery_; }
  /// Outages of whole subjects; one is visible if `seen_2` holds for at least half of its markers.
  const RecoveryMeter& subjectRecovery() const { return subject_recovery_; }
  /// True if the subject was right in the frame before this call.
  bool isRight(std::size_t subject) const { return subjects_[subject].right; }
  /// Share of subjects that were right in the first frame in which the path called them tracked.
  double rightAtFirst() const { return ratio(right_at_first_, found_); }

 private:
  struct Slot {
    bool swapped = false, counted_long = false;
    std::uint64_t since = 0;
  };
  struct Subject {
    std::size_t markers = 0;
    bool right = false, found = false;
  };
  void follow(Slot& slot, std::uint64_t sequence, bool filled, bool elsewhere);
  bool scoreSlot(std::uint64_t sequence, const TrueMarkers& markers, std::size_t index,
                 const frame::LabelledMarker* slot, std::span<const std::int32_t> really);

  double rate_hz_;
  std::vector<Slot> slots_;
  std::vector<Subject> subjects_;
  IdentityScore identity_;
  RecoveryMeter marker_recovery_, subject_recovery_;
  double wanted_ = 0, right_ = 0;
  double found_ = 0, right_at_first_ = 0;
  std::uint64_t swaps_ = 0, long_swaps_ = 0;
};

}  // namespace understudy::scoring
