#include "capture/source/labelled_recording.h"

#include <cmath>
#include <limits>

namespace understudy::source {

LabelledRecording::LabelledRecording(const SimulatedStage& stage, std::size_t performer)
    : rig_(stage.knownRig()), performer_(performer) {
  for (const camera::Camera& camera : rig_.cameras) {
    centres_.push_back(camera::centreWorld(camera));
    world_from_camera_.push_back(glm::transpose(glm::mat3_cast(camera.camera_from_world.rotation)));
  }
  for (const subject::SubjectMarker& marker : stage.subjects()[performer].markers) {
    clip_.names.push_back(marker.name);
  }
  clip_.rate_hz = rig_.rate_hz;
  rays_.resize(clip_.names.size());
}

void LabelledRecording::add(const StageFrame& frame) {
  const std::vector<MarkerTruth>& truth = frame.performers[performer_].markers;
  for (Rays& rays : rays_) rays = {};
  for (std::size_t c = 0; c < frame.cameras.size(); ++c) {
    for (std::size_t b = 0; b < frame.centroid_truth[c].size(); ++b) {
      const CentroidTruth& blob = frame.centroid_truth[c][b];
      if (blob.performer != static_cast<std::int32_t>(performer_) || blob.merged) continue;
      if (blob.marker < 0) continue;
      const frame::Centroid& centroid = frame.cameras[c].centroids[b];
      const glm::dvec2 flat = camera::normalisedFromPixel(
          rig_.cameras[c],
          {static_cast<double>(centroid.x_px), static_cast<double>(centroid.y_px)});
      const glm::dvec3 ray =
          world_from_camera_[c] * glm::normalize(glm::dvec3(flat.x, flat.y, 1.0));
      // A marker twice as far off is seen half as sharply; how far it is, is known well enough.
      const glm::dvec3 about(truth[static_cast<std::size_t>(blob.marker)].position);
      const double weight = 1.0 / glm::dot(about - centres_[c], about - centres_[c]);
      const glm::dmat3 across = weight * (glm::dmat3(1.0) - glm::outerProduct(ray, ray));
      Rays& rays = rays_[static_cast<std::size_t>(blob.marker)];
      rays.sum += across;
      rays.right += across * centres_[c];
    }
  }
  for (std::size_t m = 0; m < rays_.size(); ++m) {
    const bool met = truth[m].seen_2 && std::abs(glm::determinant(rays_[m].sum)) > 1e-12;
    clip_.positions.push_back(met ? glm::vec3(glm::inverse(rays_[m].sum) * rays_[m].right)
                                  : glm::vec3(std::numeric_limits<float>::quiet_NaN()));
  }
  ++clip_.frames;
}

}  // namespace understudy::source
