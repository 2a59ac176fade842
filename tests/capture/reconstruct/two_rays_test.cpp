#include "capture/reconstruct/two_rays.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <vector>

#include "capture/camera/ring_rig.h"
#include "capture/reconstruct/reconstruct.h"
#include "tests/support/allocations.h"
#include "tests/support/reconstruct_frame.h"

using namespace understudy;

namespace {

// A ring of cameras of which two see what no prediction expects, frame after frame.
struct Stage {
  camera::Rig rig;
  reconstruct::ReconstructSettings settings;
  reconstruct::ReconstructState state;
  reconstruct::ReconstructWorkspace workspace;
  reconstruct::ReconstructCounters counters;
  frame::PredictedMarkers predictions;
  frame::MarkerCloud cloud;
  std::vector<std::vector<frame::Centroid>> images;
  std::mt19937_64 random{5};
  std::uint64_t sequence = 0;

  explicit Stage(std::size_t cameras = 16)
      : rig(camera::makeRingRig(cameras, 1, 240)),
        state(reconstruct::makeReconstructState(rig, 64)),
        workspace(reconstruct::makeReconstructWorkspace(state)),
        images(cameras) {
    cloud.markers.reserve(8192);
  }

  void clear() {
    for (auto& image : images) image.clear();
  }

  void see(std::size_t c, const glm::dvec3& point, double noise_px = 0.0) {
    std::normal_distribution<double> normal;
    const glm::dvec2 px = camera::project(rig.cameras[c], point) +
                          noise_px * glm::dvec2(normal(random), normal(random));
    images[c].push_back({.x_px = float(px.x), .y_px = float(px.y), .radius_px = 2.0f});
  }

  void run(const std::vector<std::uint32_t>& order, const reconstruct::ProjectionKernels& kernels =
                                                        reconstruct::baselineProjectionKernels()) {
    test::reconstructFrame(*this, order, kernels, {.sequence = sequence++});
  }
  void run() {
    std::vector<std::uint32_t> order(images.size());
    std::iota(order.begin(), order.end(), 0u);
    run(order);
  }

  // One frame of a point that cameras 2 and 5 see.
  void runWith(const glm::dvec3& point, double noise_px = 0.0) {
    clear();
    see(2, point, noise_px);
    see(5, point, noise_px);
    run();
  }
};

const glm::dvec3 kPoint(0.2, 1.1, -0.1), kStep(0.004, -0.002, 0.003);  // About 1.3 m/s.

// What another camera sees on the line of sight of camera 2 might be camera 2's marker, too.
void checkSecondPartner(std::size_t camera) {
  Stage stage;
  const glm::dvec3 ray = kPoint - camera::centreWorld(stage.rig.cameras[2]);
  for (int frame = 0; frame < 40; ++frame) {
    stage.clear();
    stage.see(2, kPoint, 0.1);
    stage.see(5, kPoint, 0.1);
    stage.see(camera, kPoint + 0.1 * ray, 0.1);
    stage.run();
    REQUIRE(stage.cloud.markers.empty());
  }
}

}  // namespace

TEST_SUITE("reconstruct/two_rays") {
  TEST_CASE("a marker that two cameras see is there after so many frames, not before") {
    Stage stage;
    int first = -1;
    for (int frame = 0; frame < 30; ++frame) {
      const glm::dvec3 point = kPoint + double(frame) * kStep;
      stage.runWith(point);
      REQUIRE(stage.cloud.markers.size() <= 1);
      if (first >= 0) REQUIRE(stage.cloud.markers.size() == 1);
      if (stage.cloud.markers.empty()) continue;
      if (first < 0) first = frame;
      const frame::Marker& marker = stage.cloud.markers[0];
      CHECK(glm::distance(glm::dvec3(marker.position), point) < 1e-4);
      CHECK(marker.rays == 2);
      CHECK(marker.prediction == frame::kNoPrediction);
      CHECK(double(marker.angle) ==
            doctest::Approx(
                glm::distance(glm::normalize(point - camera::centreWorld(stage.rig.cameras[2])),
                              glm::normalize(point - camera::centreWorld(stage.rig.cameras[5]))))
                .epsilon(0.001));
    }
    // The pair's cameras may have to wait for their turn.
    CHECK(first >= stage.settings.two_ray_frames - 1);
    CHECK(first < stage.settings.two_ray_frames + 10);
  }

  TEST_CASE("its covariance is what two rays are worth") {
    Stage stage;
    stage.settings.centroid_sigma_px = 0.2;
    double nees = 0, count = 0;
    for (int frame = 0; frame < 400; ++frame) {
      const glm::dvec3 point = kPoint + 0.3 * glm::dvec3(std::sin(0.01 * frame), 0.0, 0.0);
      stage.runWith(point, 0.2);
      for (const frame::Marker& marker : stage.cloud.markers) {
        const glm::dvec3 error = glm::dvec3(marker.position) - point;
        nees += glm::dot(error, glm::inverse(glm::dmat3(marker.covariance)) * error) / 3.0;
        count += 1;
      }
    }
    CHECK(count > 300);
    CHECK(nees / count > 0.75);
    CHECK(nees / count < 1.15);
  }

  TEST_CASE("blobs that only cross each other's lines are no marker") {
    Stage stage;
    std::uniform_real_distribution<double> spread(-1.0, 1.0);
    const auto direction = [&] {
      return glm::dvec3(spread(stage.random), spread(stage.random), spread(stage.random));
    };
    const camera::Camera& from = stage.rig.cameras[2];
    const camera::Camera& to = stage.rig.cameras[5];
    // How fast the second blob leaves the first one's line, px per frame.
    const auto leaving = [&](const glm::dvec3& one, const glm::dvec3& other) {
      const glm::dvec3 seen = kPoint + one;
      const glm::dvec2 line = camera::project(to, seen + 0.1 * (seen - camera::centreWorld(from))) -
                              camera::project(to, seen);
      const glm::dvec2 off = camera::project(to, kPoint + other) - camera::project(to, seen);
      return std::abs(line.x * off.y - line.y * off.x) / glm::length(line);
    };
    int trials = 0;
    while (trials < 60) {
      const glm::dvec3 one = 0.008 * direction(), other = 0.008 * direction();
      if (leaving(one, other) < 0.4) continue;
      ++trials;
      // Where they meet, in the middle of their ways, they might be one marker.
      for (int frame = -15; frame <= 15; ++frame) {
        stage.clear();
        stage.see(2, kPoint + double(frame) * one, 0.1);
        stage.see(5, kPoint + double(frame) * other, 0.1);
        stage.run();
        REQUIRE(stage.cloud.markers.empty());
      }
    }
  }

  TEST_CASE("where a line has two partners there is no telling") { checkSecondPartner(5); }

  TEST_CASE("a third camera's blob on one of the lines forbids it too") { checkSecondPartner(4); }

  TEST_CASE("what is left over beside a known marker is not another one") {
    Stage stage;
    for (int frame = 0; frame < 40; ++frame) {
      stage.clear();
      for (std::size_t c = 6; c < 14; ++c) stage.see(c, kPoint, 0.1);
      stage.see(2, kPoint + glm::dvec3(0.0, 0.012, 0.0), 0.1);
      stage.see(5, kPoint + glm::dvec3(0.0, 0.012, 0.0), 0.1);
      stage.run();
      CHECK(stage.cloud.markers.size() == 1);
    }
  }

  TEST_CASE("rays that meet at a narrow angle make none, nor do rays that meet outside") {
    Stage narrow(128);
    Stage outside;
    for (int frame = 0; frame < 200; ++frame) {
      narrow.clear();
      narrow.see(2, kPoint);
      narrow.see(3, kPoint);
      narrow.run();
      REQUIRE(narrow.cloud.markers.empty());
      const glm::dvec3 beyond =
          kPoint - 1.5 * (camera::centreWorld(outside.rig.cameras[3]) - kPoint);
      outside.runWith(beyond);
      REQUIRE(outside.cloud.markers.empty());
    }
  }

  TEST_CASE("a lost frame begins the count anew, and 0 frames mean never") {
    Stage stage;
    for (int frame = 0; frame < 60; ++frame) {
      if (frame % 7 == 6) ++stage.sequence;
      stage.runWith(kPoint);
      REQUIRE(stage.cloud.markers.empty());
    }
    Stage never;
    never.settings.two_ray_frames = 0;
    for (int frame = 0; frame < 60; ++frame) {
      never.runWith(kPoint);
      REQUIRE(never.cloud.markers.empty());
    }
  }

  TEST_CASE(
      "neither the order of packets nor the kernels change a byte, and nothing is allocated") {
    Stage stage, other;
    std::vector<std::uint32_t> order(16);
    std::iota(order.begin(), order.end(), 0u);
    const bool v3 = __builtin_cpu_supports("avx2");
    const std::vector<glm::dvec3> places{
        {0.2, 1.1, -0.1}, {-0.5, 0.3, 0.4}, {0.6, 1.6, 0.5}, {-0.4, 1.4, -0.6}, {0.1, 0.6, 0.7}};
    std::size_t seen = 0;
    std::uint64_t allocated = 0;
    for (int frame = 0; frame < 60; ++frame) {
      stage.clear();
      for (std::size_t k = 0; k < places.size(); ++k) {  // Each before two cameras.
        const glm::dvec3 point = places[k] + double(frame) * kStep;
        stage.see(2 * k, point, 0.1);
        stage.see(2 * k + 3, point, 0.1);
      }
      other.images = stage.images;
      stage.run();
      std::shuffle(order.begin(), order.end(), stage.random);
      const std::uint64_t before = test::allocationCount();
      other.run(order,
                v3 ? reconstruct::v3ProjectionKernels() : reconstruct::baselineProjectionKernels());
      allocated += test::allocationCount() - before;
      REQUIRE(stage.cloud.markers.size() == other.cloud.markers.size());
      seen = std::max(seen, stage.cloud.markers.size());
      for (std::size_t m = 0; m < stage.cloud.markers.size(); ++m) {
        CHECK(stage.cloud.markers[m].position == other.cloud.markers[m].position);
        CHECK(stage.cloud.markers[m].covariance == other.cloud.markers[m].covariance);
      }
    }
    CHECK(allocated == 0);
    CHECK(seen >= 3);
  }

  TEST_CASE("hostile images are followed without a fault, and within the work of a frame") {
    Stage stage;
    std::uniform_real_distribution<float> spread(0.0f, 1000.0f);
    for (int frame = 0; frame < 20; ++frame) {
      for (auto& image : stage.images) {
        image.resize(300);
        for (frame::Centroid& centroid : image)
          centroid = {.x_px = spread(stage.random), .y_px = spread(stage.random)};
      }
      stage.settings.smallest_cold_rays = 16;
      stage.run();
      for (const frame::Marker& marker : stage.cloud.markers)
        CHECK(std::isfinite(marker.position.x + marker.position.y + marker.position.z));
      CHECK(stage.state.two_rays.pairs.size() <= reconstruct::kMostTwoRays);
    }
  }
}
