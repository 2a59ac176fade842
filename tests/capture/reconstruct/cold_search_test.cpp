#include "capture/reconstruct/cold_search.h"

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

// A ring of cameras that looks at points of which nothing is expected.
struct Stage {
  camera::Rig rig;
  reconstruct::ReconstructSettings settings;
  reconstruct::ReconstructState state;
  reconstruct::ReconstructWorkspace workspace;
  reconstruct::ReconstructCounters counters;
  frame::PredictedMarkers predictions;
  frame::MarkerCloud cloud;
  std::vector<std::vector<frame::Centroid>> images;
  std::mt19937_64 random{11};

  explicit Stage(std::size_t cameras, std::size_t actors = 1)
      : rig(camera::makeRingRig(cameras, actors, 240)),
        state(reconstruct::makeReconstructState(rig, 64)),
        workspace(reconstruct::makeReconstructWorkspace(state)),
        images(cameras) {
    cloud.markers.reserve(8192);
  }

  double uniform(double from, double to) {
    return std::uniform_real_distribution<double>(from, to)(random);
  }
  glm::dvec3 pointInVolume() { return {uniform(-1.5, 1.5), uniform(0.1, 1.9), uniform(-1.5, 1.5)}; }

  bool see(std::size_t c, const glm::dvec3& point, double noise_px = 0.0, float radius_px = 2.0f) {
    const camera::Camera& camera = rig.cameras[c];
    if (!(camera::depth(camera, point) > 0.3)) return false;
    std::normal_distribution<double> normal;
    const glm::dvec2 px =
        camera::project(camera, point) + noise_px * glm::dvec2(normal(random), normal(random));
    if (!(px.x > 0 && px.y > 0 && px.x < camera.width_px && px.y < camera.height_px)) return false;
    images[c].push_back({.x_px = float(px.x), .y_px = float(px.y), .radius_px = radius_px});
    return true;
  }

  std::size_t seeAll(const glm::dvec3& point, double noise_px = 0.0) {
    std::size_t views = 0;
    for (std::size_t c = 0; c < images.size(); ++c) views += see(c, point, noise_px);
    return views;
  }

  void run(const std::vector<std::uint32_t>& order) { test::reconstructFrame(*this, order); }
  void run() {
    std::vector<std::uint32_t> order(images.size());
    std::iota(order.begin(), order.end(), 0u);
    run(order);
  }

  double nearest(const glm::dvec3& point) const {
    double best = 1e9;
    for (const frame::Marker& marker : cloud.markers)
      best = std::min(best, glm::distance(glm::dvec3(marker.position), point));
    return best;
  }
};

bool isSame(const frame::Marker& a, const frame::Marker& b) {
  return a.position == b.position && a.covariance == b.covariance && a.rays == b.rays &&
         a.residual_px == b.residual_px && a.angle == b.angle;
}

// Two markers that every `apart`th camera sees apart and the others as one blob in their middle.
void checkMergedPair(std::size_t cameras, std::size_t apart, const glm::dvec3& b) {
  Stage stage(cameras);
  const glm::dvec3 a(0.2, 1.0, 0.1);
  for (std::size_t c = 0; c < cameras; ++c) {
    if (c % apart == 0) {
      stage.see(c, a, 0.1);
      stage.see(c, b, 0.1);
    } else {
      stage.see(c, 0.5 * (a + b), 0.1, 2.0f * std::sqrt(2.0f));
    }
  }
  stage.run();
  CHECK(stage.cloud.markers.size() == 2);
  CHECK(stage.nearest(a) < 0.001);
  CHECK(stage.nearest(b) < 0.001);
}

}  // namespace

TEST_SUITE("reconstruct/cold_search") {
  TEST_CASE("clean images give every marker that three cameras see, exactly, and nothing else") {
    for (const std::size_t cameras : {3u, 8u, 16u, 64u}) {
      CAPTURE(cameras);
      Stage stage(cameras);
      std::vector<glm::dvec3> points;
      for (int p = 0; p < 60; ++p) {
        const glm::dvec3 point = stage.pointInVolume();
        const bool apart = std::all_of(points.begin(), points.end(), [&](const glm::dvec3& other) {
          return glm::distance(point, other) > 0.05;
        });
        if (apart && stage.seeAll(point) >= 3) points.push_back(point);
      }
      stage.run();
      CHECK_FALSE(stage.counters.cold_budget_spent);
      CHECK(stage.cloud.markers.size() <= points.size() + (cameras == 3 ? 2 : 0));
      std::size_t found = 0;
      for (const glm::dvec3& point : points) found += stage.nearest(point) < 1e-4;
      CHECK(found >= points.size() - (cameras == 3 ? 1 : 0));
    }
  }

  TEST_CASE("the widest angle and the covariance come with the marker") {
    Stage stage(4);
    const glm::dvec3 point(0.0, 1.0, 0.0);
    REQUIRE(stage.seeAll(point) == 4);
    stage.run();
    REQUIRE(stage.cloud.markers.size() == 1);
    const frame::Marker& marker = stage.cloud.markers[0];
    double widest = 0;
    for (const camera::Camera& a : stage.rig.cameras) {
      for (const camera::Camera& b : stage.rig.cameras) {
        widest = std::max(widest, glm::distance(glm::normalize(point - camera::centreWorld(a)),
                                                glm::normalize(point - camera::centreWorld(b))));
      }
    }
    CHECK(double(marker.angle) == doctest::Approx(widest).epsilon(0.001));
    CHECK(marker.rays == 4);
    CHECK(marker.covariance[0][0] > 0.0f);
    CHECK(std::sqrt(marker.covariance[0][0]) < 0.002f);
  }

  TEST_CASE("random blobs in every camera give hardly a ghost") {
    Stage stage(64);
    for (int frame = 0; frame < 5; ++frame) {
      for (auto& image : stage.images) {
        image.clear();
        for (int blob = 0; blob < 12; ++blob) {
          image.push_back({.x_px = float(stage.uniform(0, 2048)),
                           .y_px = float(stage.uniform(0, 1088)),
                           .radius_px = float(stage.uniform(0.6, 4.0))});
        }
      }
      stage.run();
      CHECK(stage.cloud.markers.size() <= 2);
    }
  }

  TEST_CASE("the middle of two markers whose blobs merge in half the views is no marker") {
    checkMergedPair(32, 2, {0.22, 1.0, 0.1});
  }

  TEST_CASE("two markers whose common image is taken for one in most views are both found") {
    checkMergedPair(64, 4, {0.212, 1.0, 0.1});
  }

  TEST_CASE("what the budget leaves over is found in the frames after") {
    Stage stage(16);
    stage.settings.cold_tests = 300;
    std::vector<glm::dvec3> points;
    for (int p = 0; p < 80; ++p) {
      const glm::dvec3 point = stage.pointInVolume();
      if (stage.seeAll(point) >= 5) points.push_back(point);
    }
    std::vector<bool> found(points.size());
    stage.run();
    CHECK(stage.counters.cold_budget_spent);
    CHECK(stage.counters.cold_tests < 3000);
    CHECK(stage.cloud.markers.size() < points.size());
    for (int frame = 0; frame < 400; ++frame) {
      for (std::size_t p = 0; p < points.size(); ++p)
        found[p] = found[p] || stage.nearest(points[p]) < 0.001;
      stage.run();
    }
    CHECK(std::count(found.begin(), found.end(), true) > 0.9 * double(points.size()));
  }

  TEST_CASE("blobs of which nothing could be made cost little from then on, a new marker is seen") {
    Stage stage(64);
    for (auto& image : stage.images) {
      for (int blob = 0; blob < 6; ++blob) {
        image.push_back({.x_px = float(stage.uniform(0, 2048)),
                         .y_px = float(stage.uniform(0, 1088)),
                         .radius_px = float(stage.uniform(0.6, 4.0))});
      }
    }
    stage.settings.smallest_cold_rays = 6;  // No ghost may disturb.
    stage.run();
    REQUIRE(stage.cloud.markers.empty());
    const std::uint32_t whole = stage.counters.cold_tests;
    stage.run();
    CHECK(stage.counters.cold_tests < 1200);
    CHECK(10 * stage.counters.cold_tests < whole);
    CHECK_FALSE(stage.counters.cold_budget_spent);
    const glm::dvec3 point(0.1, 1.2, 0.3);
    REQUIRE(stage.seeAll(point, 0.1) > 20);
    int frames = 1;
    for (stage.run(); stage.cloud.markers.empty() && frames < 20; ++frames) stage.run();
    CHECK(frames < 20);
    CHECK(stage.nearest(point) < 0.001);
    stage.run();  // And from then on in every frame.
    CHECK(stage.nearest(point) < 0.001);
  }

  TEST_CASE("the order of packets does not change a byte, nor does the run before") {
    Stage stage(16), other(16);
    for (int p = 0; p < 120; ++p) stage.seeAll(stage.pointInVolume(), 0.2);
    other.images = stage.images;
    stage.run();
    REQUIRE(stage.cloud.markers.size() > 60);
    std::vector<std::uint32_t> order(16);
    std::iota(order.begin(), order.end(), 0u);
    for (int trial = 0; trial < 5; ++trial) {
      std::shuffle(order.begin(), order.end(), stage.random);
      other.run(order);
      REQUIRE(other.cloud.markers.size() == stage.cloud.markers.size());
      for (std::size_t m = 0; m < stage.cloud.markers.size(); ++m)
        CHECK(isSame(stage.cloud.markers[m], other.cloud.markers[m]));
    }
  }

  TEST_CASE("both kernels give the same bytes") {
    if (!__builtin_cpu_supports("avx2")) {
      MESSAGE("skipped: no AVX2 here");
      return;
    }
    Stage stage(16), other(16);
    for (int p = 0; p < 200; ++p) stage.seeAll(stage.pointInVolume(), 0.2);
    other.images = stage.images;
    stage.run();
    frame::MarkerCloud expected = stage.cloud;
    std::vector<std::uint32_t> order(16);
    std::iota(order.begin(), order.end(), 0u);
    test::reconstructFrame(other, order, reconstruct::v3ProjectionKernels());
    REQUIRE(expected.markers.size() > 100);
    REQUIRE(other.cloud.markers.size() == expected.markers.size());
    for (std::size_t m = 0; m < expected.markers.size(); ++m)
      CHECK(isSame(expected.markers[m], other.cloud.markers[m]));
  }

  TEST_CASE("hostile images end within the budget and without a fault") {
    Stage stage(16);
    const float nan = std::nanf("");
    const auto fill = [&](const frame::Centroid& centroid) {
      for (auto& image : stage.images) image.assign(2048, centroid);
    };
    // One test more or less can cost a look into every camera for every candidate put off.
    const std::uint32_t bound = stage.settings.cold_tests + 16u * 16384u + 1000000u;
    fill({.x_px = 1024.0f, .y_px = 544.0f, .radius_px = 2.0f});
    stage.run();
    CHECK(stage.counters.cold_tests < bound);
    fill({.x_px = nan, .y_px = nan, .radius_px = nan});
    stage.run();
    CHECK(stage.cloud.markers.empty());
    fill({.x_px = 3e38f, .y_px = -3e38f, .radius_px = 1e30f});
    stage.run();
    fill({.x_px = 1024.0f, .y_px = 544.0f, .radius_px = nan});
    stage.run();
    for (auto& image : stage.images) {
      for (frame::Centroid& centroid : image)
        centroid = {.x_px = float(stage.uniform(0, 2048)), .y_px = float(stage.uniform(0, 1088))};
    }
    stage.run();
    CHECK(stage.counters.cold_tests < bound);
    for (const frame::Marker& marker : stage.cloud.markers)
      CHECK(std::isfinite(marker.position.x + marker.position.y + marker.position.z));
  }

  TEST_CASE("one camera, two cameras and none that sees anything give no marker") {
    for (const std::size_t cameras : {1u, 2u}) {
      Stage stage(cameras);
      stage.seeAll({0.0, 1.0, 0.0});
      stage.run();
      CHECK(stage.cloud.markers.empty());
    }
    Stage stage(16);
    stage.run();
    CHECK(stage.cloud.markers.empty());
  }

  TEST_CASE("the search allocates nothing") {
    Stage stage(16);
    for (int p = 0; p < 300; ++p) stage.seeAll(stage.pointInVolume(), 0.1);
    std::vector<std::uint32_t> order(16);
    std::iota(order.begin(), order.end(), 0u);
    const std::uint64_t before = test::allocationCount();
    stage.run(order);
    stage.run(order);
    CHECK(test::allocationCount() == before);
    CHECK(stage.cloud.markers.size() > 200);
  }
}
