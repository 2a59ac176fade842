#include "tools/scoring/cloud_score.h"

#include <algorithm>
#include <cmath>

#include "engine/math/lens.h"

namespace understudy::scoring {
namespace {

// Fisher information that one camera's blob gives about the place of a marker (Kay, "Fundamentals
// of statistical signal processing", 1993, eq. 3.31): J^T J / sigma^2 of the projection.
glm::dmat3 informationOfView(const camera::Camera& camera, const glm::dvec3& point_world,
                             double sigma_px) {
  const glm::dvec3 p = camera.camera_from_world * point_world;
  const glm::dvec2 ideal(p.x / p.z, p.y / p.z);
  const glm::dmat2 lens = math::distortJacobian(camera.lens, ideal);
  const glm::dquat world_from_camera = glm::conjugate(camera.camera_from_world.rotation);
  const glm::dvec3 along_x = world_from_camera * (glm::dvec3(1.0, 0.0, -ideal.x) / p.z);
  const glm::dvec3 along_y = world_from_camera * (glm::dvec3(0.0, 1.0, -ideal.y) / p.z);
  const glm::dvec3 u = (camera.fx_px / sigma_px) * (lens[0][0] * along_x + lens[1][0] * along_y);
  const glm::dvec3 v = (camera.fy_px / sigma_px) * (lens[0][1] * along_x + lens[1][1] * along_y);
  return glm::outerProduct(u, u) + glm::outerProduct(v, v);
}

}  // namespace

CloudScore::CloudScore(const camera::Rig& known_rig, double noise_px, std::size_t markers)
    : rig_(known_rig), noise_px_(noise_px), found_(markers, -1), information_(markers) {}

void CloudScore::add(const source::StageFrame& truth, const TrueMarkers& markers,
                     const frame::MarkerCloud& cloud) {
  frames_ += 1;
  findOwners(markers, cloud);
  if (noise_px_ > 0.0) gatherInformation(truth, markers);
  for (std::size_t i = 0; i < markers.size(); ++i) {
    const bool found = found_[i] >= 0;
    seen_2_ += markers[i].seen_2 ? 1 : 0;
    seen_3_ += markers[i].seen_3 ? 1 : 0;
    found_2_ += markers[i].seen_2 && found ? 1 : 0;
    found_3_ += markers[i].seen_3 && found ? 1 : 0;
    if (!found) continue;
    const frame::Marker& marker = cloud.markers[static_cast<std::size_t>(found_[i])];
    const glm::dvec3 error = glm::dvec3(marker.position) - glm::dvec3(markers[i].position);
    error_mm_.add(1000.0 * glm::length(error));
    if (noise_px_ > 0.0) compareWithBound(markers, i, glm::dot(error, error));
    const glm::dmat3 covariance(marker.covariance);
    if (!(glm::determinant(covariance) > 0.0)) continue;
    nees_sum_ += glm::dot(error, glm::inverse(covariance) * error);
    nees_count_ += 1;
  }
}

void CloudScore::findOwners(const TrueMarkers& markers, const frame::MarkerCloud& cloud) {
  std::fill(found_.begin(), found_.end(), -1);
  const auto distance = [&](std::int32_t c, std::size_t i) {
    return glm::distance(cloud.markers[static_cast<std::size_t>(c)].position, markers[i].position);
  };
  for (std::size_t c = 0; c < cloud.markers.size(); ++c) {
    const std::int32_t owner = markers.nearest(cloud.markers[c].position, kGhostRadius);
    if (owner < 0) {
      ghosts_ += 1;
      continue;
    }
    const auto i = static_cast<std::size_t>(owner);
    if (found_[i] >= 0) ghosts_ += 1;  // This one or the one before.
    if (found_[i] < 0 || distance(static_cast<std::int32_t>(c), i) < distance(found_[i], i)) {
      found_[i] = static_cast<std::int32_t>(c);
    }
  }
}

void CloudScore::gatherInformation(const source::StageFrame& truth, const TrueMarkers& markers) {
  constexpr double kReferenceRadiusPx = 2.0;  // That the stage's noise is stated for.
  std::fill(information_.begin(), information_.end(), glm::dmat3(0.0));
  for (std::size_t c = 0; c < truth.cameras.size(); ++c) {
    for (std::size_t b = 0; b < truth.centroid_truth[c].size(); ++b) {
      const source::CentroidTruth& owner = truth.centroid_truth[c][b];
      if (owner.performer < 0 || owner.merged) continue;
      const std::size_t i = markers.index(static_cast<std::size_t>(owner.performer),
                                          static_cast<std::size_t>(owner.marker));
      const double radius_px =
          std::max(0.5, static_cast<double>(truth.cameras[c].centroids[b].radius_px));
      information_[i] += informationOfView(rig_.cameras[c], glm::dvec3(markers[i].position),
                                           noise_px_ * std::sqrt(kReferenceRadiusPx / radius_px));
    }
  }
}

void CloudScore::compareWithBound(const TrueMarkers& markers, std::size_t index, double squared) {
  if (!markers[index].seen_2 || !(glm::determinant(information_[index]) > 0.0)) return;
  const glm::dmat3 bound = glm::inverse(information_[index]);
  error_squares_ += squared;
  bound_squares_ += bound[0][0] + bound[1][1] + bound[2][2];
}

}  // namespace understudy::scoring
