#pragma once

#include <cstddef>
#include <vector>

#include "capture/file/marker_clip.h"
#include "capture/source/simulated_stage.h"

namespace understudy::source {

/// What a finished stage would have recorded of one performer: every marker that is seen at a sound
/// angle, where the rays of its own blobs meet (least squares, by the rig that the pipeline is
/// given), under its right name. Gaps stay gaps. This is what subject calibration starts from;
/// names are the truth's, places are measured.
class LabelledRecording {
 public:
  LabelledRecording(const SimulatedStage& stage, std::size_t performer);

  /// Appends the frame.
  void add(const StageFrame& frame);
  const file::MarkerClip& clip() const { return clip_; }

 private:
  struct Rays {
    glm::dmat3 sum{0.0};
    glm::dvec3 right{0.0};
  };

  const camera::Rig& rig_;
  std::size_t performer_;
  std::vector<glm::dvec3> centres_;
  std::vector<glm::dmat3> world_from_camera_;
  std::vector<Rays> rays_;
  file::MarkerClip clip_;
};

}  // namespace understudy::source
