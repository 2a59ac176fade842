#pragma once

#include <doctest/doctest.h>

#include <limits>
#include <string>
#include <vector>

#include "capture/file/marker_clip.h"
#include "capture/subject/static_fit.h"
#include "tests/support/stage.h"

namespace understudy::test {

/// The names of common body sets that ship with the program.
inline subject::LandmarkNames landmarkNames() {
  auto names = subject::loadLandmarkNames(std::string(UNDERSTUDY_SOURCE_DIR) +
                                          "/assets/markersets/landmarks.toml");
  REQUIRE_MESSAGE(names, (names ? "" : names.error().message));
  return *std::move(names);
}

/// A clip of `frames` frames with nothing seen.
inline file::MarkerClip emptyClip(std::size_t markers, std::size_t frames) {
  file::MarkerClip clip;
  for (std::size_t m = 0; m < markers; ++m) clip.names.push_back("M" + std::to_string(m));
  clip.rate_hz = 120.0;
  clip.frames = frames;
  clip.positions.assign(markers * frames,
                        glm::vec3(std::numeric_limits<float>::quiet_NaN(), 0.0f, 0.0f));
  return clip;
}

/// The invented figure's markers as a recording, with the truth of its joints beside it.
struct RecordedFigure {
  file::MarkerClip clip;
  subject::Subject subject;                                         ///< The true one.
  std::vector<std::vector<math::RigidTransform>> world_from_joint;  ///< Per frame.
};

inline RecordedFigure recordFigure(std::size_t frames) {
  source::SimulatedStage stage = figureStage(perfectSettings(), 2, 60.0);
  RecordedFigure figure;
  figure.subject = stage.subjects()[0];
  figure.clip = emptyClip(figure.subject.markers.size(), frames);
  figure.clip.rate_hz = 60.0;
  source::StageFrame frame = stage.makeFrame();
  for (std::size_t f = 0; f < frames; ++f) {
    stage.simulate(frame);
    const source::PerformerTruth& truth = frame.performers[0];
    figure.world_from_joint.push_back(truth.world_from_joint);
    for (std::size_t m = 0; m < truth.markers.size(); ++m) {
      figure.clip.names[m] = figure.subject.markers[m].name;
      figure.clip.positions[f * truth.markers.size() + m] = truth.markers[m].position;
    }
  }
  return figure;
}

}  // namespace understudy::test
