#include "capture/reconstruct/view_camera.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "capture/reconstruct/buffers.h"

namespace understudy::reconstruct {
namespace {

constexpr double kLensTolerance_px = 0.002;
constexpr int kMostNewtonSteps = 4;
constexpr int kProbes = 48;  // Along each axis of the sensor.

glm::dvec2 idealOf(const PreparedCamera& camera, double x_px, double y_px) {
  return camera.focal_px * camera::normalisedFromPixel(camera.camera, {x_px, y_px});
}

// The polynomial in squared distorted radius that gives undistorted over distorted radius:
// interpolation at Chebyshev's points, by divided differences, turned into plain terms.
void fitRadial(PreparedCamera& camera) {
  const camera::Camera& c = camera.camera;
  double largest = 0.0;
  for (const double x : {0.0, static_cast<double>(c.width_px)}) {
    for (const double y : {0.0, static_cast<double>(c.height_px)}) {
      const double dx = (x - c.cx_px) / c.fx_px, dy = (y - c.cy_px) / c.fy_px;
      largest = std::max(largest, dx * dx + dy * dy);
    }
  }
  const math::Lens radial{.k1 = c.lens.k1, .k2 = c.lens.k2, .k3 = c.lens.k3};
  std::array<double, kLensTerms> node{}, difference{}, term{};
  for (int i = 0; i < kLensTerms; ++i) {
    const double angle = 3.14159265358979323846 * (i + 0.5) / kLensTerms;
    const std::size_t k = static_cast<std::size_t>(i);
    node[k] = 0.5 * largest * (1.0 - std::cos(angle));
    const double radius = std::sqrt(node[k]);
    difference[k] = math::undistort(radial, {radius, 0.0}).x / radius;
  }
  for (std::size_t order = 1; order < kLensTerms; ++order) {
    for (std::size_t k = kLensTerms - 1; k >= order; --k) {
      difference[k] = (difference[k] - difference[k - 1]) / (node[k] - node[k - order]);
    }
  }
  for (std::size_t k = kLensTerms; k-- > 0;) {  // Horner: term = term * (t - node) + difference.
    for (std::size_t j = kLensTerms - 1; j > 0; --j) term[j] = term[j - 1] - node[k] * term[j];
    term[0] = difference[k] - node[k] * term[0];
  }
  for (std::size_t k = 0; k < kLensTerms; ++k) {
    camera.view.radial[k] = static_cast<float>(term[k]);
  }
}

// Where the sensor's rim lies in the ideal plane, with a margin for predictions beyond it.
void fitBounds(PreparedCamera& camera) {
  constexpr double kMargin_px = 32.0;
  const double width = camera.camera.width_px, height = camera.camera.height_px;
  glm::dvec2 least(1e30), most(-1e30);
  for (int i = 0; i <= kProbes; ++i) {
    const double x = width * i / kProbes, y = height * i / kProbes;
    for (const glm::dvec2& rim : {idealOf(camera, x, 0.0), idealOf(camera, x, height),
                                  idealOf(camera, 0.0, y), idealOf(camera, width, y)}) {
      // A lens that is no lens: what is further out than this is not used.
      const glm::dvec2 limit(4.0 * std::max(width, height));
      const glm::dvec2 kept = glm::clamp(rim, -limit, limit);
      if (!(std::isfinite(kept.x) && std::isfinite(kept.y))) continue;
      least = glm::min(least, kept);
      most = glm::max(most, kept);
    }
  }
  camera.view.least_u = static_cast<float>(least.x - kMargin_px);
  camera.view.least_v = static_cast<float>(least.y - kMargin_px);
  camera.view.most_u = static_cast<float>(most.x + kMargin_px);
  camera.view.most_v = static_cast<float>(most.y + kMargin_px);
}

// Largest distance of the kernel's result from the lens's own, over the sensor.
double lensError_px(const PreparedCamera& camera) {
  double worst = 0.0;
  alignas(32) float centroids[8 * 4], slack[8];
  Ray rays[8];
  std::int32_t place[8];
  const PlaceGrid grid = makePlaceGrid(camera.view);
  const double width = camera.camera.width_px, height = camera.camera.height_px;
  for (int i = 0; i <= kProbes; ++i) {
    for (int j = 0; j <= kProbes; j += 8) {
      for (int k = 0; k < 8; ++k) {
        centroids[4 * k] = static_cast<float>(width * i / kProbes);
        centroids[4 * k + 1] = static_cast<float>(height * std::min(j + k, kProbes) / kProbes);
        centroids[4 * k + 2] = 2.0f;
        centroids[4 * k + 3] = 1.0f;
      }
      baselineProjectionKernels().undistort(camera.view, grid, 1.0f, centroids, 0, 8,
                                            {rays, slack, place});
      for (int k = 0; k < 8; ++k) {
        const glm::dvec2 wanted = idealOf(camera, static_cast<double>(centroids[4 * k]),
                                          static_cast<double>(centroids[4 * k + 1]));
        const double error = glm::distance(
            wanted, glm::dvec2(static_cast<double>(rays[k].u), static_cast<double>(rays[k].v)));
        worst = error >= 0.0 ? std::max(worst, error) : 1e30;  // Also where it is no number.
      }
    }
  }
  return worst;
}

}  // namespace

PreparedCamera prepareCamera(const camera::Camera& camera) {
  PreparedCamera prepared;
  prepared.camera = camera;
  prepared.focal_px = 0.5 * (camera.fx_px + camera.fy_px);
  prepared.centre = camera::centreWorld(camera);
  prepared.projection.focal_px = prepared.focal_px;
  ViewCamera& view = prepared.view;
  const glm::dmat3 rotation = glm::mat3_cast(camera.camera_from_world.rotation);
  for (int r = 0; r < 3; ++r) {
    for (int c = 0; c < 3; ++c) {
      prepared.projection.rotation[3 * r + c] = rotation[c][r];
      view.rotation[3 * r + c] = static_cast<float>(rotation[c][r]);
    }
    prepared.projection.translation[r] = camera.camera_from_world.translation[r];
    view.centre[r] = static_cast<float>(prepared.centre[r]);
  }
  view.focal_px = static_cast<float>(prepared.focal_px);
  view.width_px = static_cast<float>(camera.width_px);
  view.height_px = static_cast<float>(camera.height_px);
  view.centre_x_px = static_cast<float>(camera.cx_px);
  view.centre_y_px = static_cast<float>(camera.cy_px);
  view.inverse_fx = static_cast<float>(1.0 / camera.fx_px);
  view.inverse_fy = static_cast<float>(1.0 / camera.fy_px);
  view.k1 = static_cast<float>(camera.lens.k1);
  view.k2 = static_cast<float>(camera.lens.k2);
  view.k3 = static_cast<float>(camera.lens.k3);
  view.p1 = static_cast<float>(camera.lens.p1);
  view.p2 = static_cast<float>(camera.lens.p2);
  fitBounds(prepared);
  fitRadial(prepared);
  while (view.newton_steps <= kMostNewtonSteps && lensError_px(prepared) > kLensTolerance_px) {
    ++view.newton_steps;
  }
  prepared.exact_lens = view.newton_steps > kMostNewtonSteps;
  if (prepared.exact_lens) view.newton_steps = 0;
  return prepared;
}

}  // namespace understudy::reconstruct
