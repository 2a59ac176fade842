#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "capture/frame/frames.h"
#include "capture/label/assignment.h"
#include "capture/label/doubles.h"
#include "engine/core/result.h"

namespace understudy::label {

/// Gates of labelling.
struct LabelSettings {
  double gate_sigmas =
      4.0;  ///< How far from its predicted place a marker may be, in its sigmas ...
  double smallest_gate = 0.025;  ///< ... but at least this, metres,
  double largest_gate = 0.20;    ///< and at most this.
  double doubted_jump = 0.015;   ///< A match this far from its predicted place is not believed but
                                 ///< assigned anew with its surroundings, metres.
  double duplicate_radius =
      0.008;  ///< An unlabelled marker this near a labelled one is its double, metres.
  DoubleSettings doubles;
};

/// Says which setting is out of range, if any.
core::Result<void> check(const LabelSettings& settings);

/// Scratch; one per thread.
struct LabelWorkspace {
  struct Pair {
    std::int32_t slot, marker;
    double cost;
  };
  std::size_t named_predictions = 0;      ///< Those of subjects, which come first.
  std::vector<std::uint8_t> slot_filled;  ///< Per prediction.
  std::vector<std::int32_t> match;        ///< Per prediction: cloud marker, -1 for none.
  std::vector<glm::vec3> step;  ///< Per prediction: the move that is expected since the last
                                ///< frame; zero where the marker was not seen.
  std::vector<std::uint8_t> seen_before;  ///< Per prediction: in the last frame.
  std::vector<std::int32_t> jumped;       ///< Predictions whose match was not believed.
  std::vector<std::uint8_t> is_double;    ///< Per cloud marker: stands for one that has a name.
  std::vector<std::uint8_t> is_named;     ///< Per cloud marker: by reconstruction's match.
  std::vector<std::int32_t> open;         ///< Cloud markers without a name.
  std::vector<Pair> pairs;
  std::vector<std::int32_t> component;       ///< Union-find over slots, then open markers.
  std::vector<std::int32_t> slots, markers;  ///< Of one component.
  std::vector<double> cost;
  std::vector<std::int32_t> chosen, best_chosen;
  std::vector<std::uint8_t> done;
  AssignmentWorkspace assignment;
};

LabelWorkspace makeLabelWorkspace(std::size_t most_predictions, std::size_t most_markers);

/// Names the markers of one frame. A marker that reconstruction matched to a prediction carries its
/// name if it is where it was expected. Where one is not, all names about it are open again, since
/// a limb that moved otherwise than foreseen puts markers where others were expected: they are
/// assigned exactly, one component of the gate graph at a time, under three guesses of what the
/// limb did - went on, stopped, bounced - of which the one that fits best counts. Markers that no
/// prediction of a subject has are assigned in the same way to those that are open. A component may
/// hold markers of several subjects.
///
/// LabelledMarker::confidence is 1 for a marker where it was expected and falls with its distance
/// from there, to 0.2; a marker that another open name would suit as well gets 0.3. Such a marker
/// gets no name at all where the slot was empty in the frame before: the body decides when more of
/// the limb is in sight (solve::RecoverLimbs).
struct LabelFrame {
  const LabelSettings& settings;
  const frame::PredictedMarkers& predictions;
  const frame::MarkerCloud& cloud;
  LabelWorkspace& workspace;
  frame::LabelledMarkers& labelled;  ///< Subjects and their slots are laid out by the caller and
                                     ///< hold the frame before; `tracked` is left alone.

  void run() const;
};

}  // namespace understudy::label
