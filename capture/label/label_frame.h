#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "capture/frame/frames.h"
#include "capture/label/assignment.h"
#include "engine/core/result.h"

namespace understudy::label {

/// Gates of labelling.
struct LabelSettings {
  double gate_sigmas =
      4.0;  ///< How far from its predicted place a marker may be, in its sigmas ...
  double smallest_gate = 0.025;  ///< ... but at least this, metres,
  double largest_gate = 0.20;    ///< and at most this.
  double duplicate_radius =
      0.008;  ///< An unlabelled marker this near a labelled one is its double, metres.
};

/// Says which setting is out of range, if any.
core::Result<void> check(const LabelSettings& settings);

/// Scratch; one per thread.
struct LabelWorkspace {
  struct Pair {
    std::int32_t slot, marker;
    double cost;
  };
  std::vector<std::uint8_t> slot_filled;  ///< Per prediction.
  std::vector<std::int32_t> open;         ///< Cloud markers without a name.
  std::vector<Pair> pairs;
  std::vector<std::int32_t> component;       ///< Union-find over slots, then open markers.
  std::vector<std::int32_t> slots, markers;  ///< Of one component.
  std::vector<double> cost;
  std::vector<std::int32_t> chosen;
  std::vector<std::uint8_t> done;
  AssignmentWorkspace assignment;
};

LabelWorkspace makeLabelWorkspace(std::size_t most_predictions, std::size_t most_markers);

/// Names the markers of one frame: those that reconstruction matched to a prediction carry its
/// name, the others are assigned to predicted markers that are still open, exactly, one component
/// of the gate graph at a time.
struct LabelFrame {
  const LabelSettings& settings;
  const frame::PredictedMarkers& predictions;
  const frame::MarkerCloud& cloud;
  LabelWorkspace& workspace;
  frame::LabelledMarkers&
      labelled;  ///< Subjects and their slots are laid out by the caller; `tracked` is left alone.

  void run() const;
};

}  // namespace understudy::label
