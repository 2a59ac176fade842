#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "capture/frame/frames.h"
#include "capture/solve/recognise_prop.h"
#include "capture/solve/solve_subject.h"

namespace understudy::solve {

/// What suits rigid things: markers that do not slide, and motion that may be more sudden than a
/// body's. Which props are lost is decided by FindProps.
SolveSettings propSolveSettings();

/// What is remembered of the props between frames.
struct FindPropsState {
  struct Prop {
    std::size_t subject = 0;
    PropPattern pattern;
    double hidden = 0;               ///< Seconds without any marker.
    double few = 0;                  ///< Seconds with fewer than three.
    std::uint64_t next_attempt = 0;  ///< Sequence.
  };
  std::vector<Prop> props;
  std::size_t turn = 0;  ///< The prop that is looked for first.
};

FindPropsState makeFindPropsState(std::span<const subject::Subject> subjects,
                                  const PropSettings& settings);

/// Scratch; one per thread.
struct FindPropsWorkspace {
  std::vector<glm::dvec3> points;         ///< Unnamed markers, then those of one prop.
  std::vector<std::uint8_t> taken;        ///< Beside `points`.
  std::vector<PropPlacement> placements;  ///< One per prop.
  std::vector<math::RigidTransformd> pose;
  PropWorkspace search;
};

FindPropsWorkspace makeFindPropsWorkspace(const FindPropsState& state, std::size_t most_points);

/// Keeps and finds the props of one frame, between labelling and solving. A tracked prop gives up
/// the markers that do not agree with the others' distances and takes the unnamed ones that lie
/// where its markers must be; props that are not tracked, and tracked ones that another placement
/// would explain better by two markers, are looked for among the unnamed markers, the best fit
/// first.
struct FindProps {
  const PropSettings& settings;
  std::span<const subject::Subject> subjects;
  std::span<const SolveModel> models;
  std::uint64_t sequence;
  double seconds;                              ///< Since the frame before.
  const frame::PredictedMarkers& predictions;  ///< That the frame was labelled with.
  frame::LabelledMarkers& labels;
  std::span<SolveState> states;  ///< One per subject; tracking of props starts and ends here.
  FindPropsState& state;
  FindPropsWorkspace& workspace;

  void run() const;
};

}  // namespace understudy::solve
