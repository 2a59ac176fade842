#include "capture/reconstruct/reconstruct.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <vector>

#include "capture/camera/ring_rig.h"
#include "tests/support/allocations.h"
#include "tests/support/reconstruct_frame.h"

using namespace understudy;

namespace {

// A rig that looks at points, and the three stages after each other.
struct Bench {
  camera::Rig rig;
  reconstruct::ReconstructSettings settings;
  reconstruct::ReconstructState state;
  reconstruct::ReconstructWorkspace workspace;
  reconstruct::ReconstructCounters counters;
  frame::PredictedMarkers predictions;
  frame::MarkerCloud cloud;
  std::vector<std::vector<frame::Centroid>> images;
  std::mt19937_64 random{7};

  explicit Bench(camera::Rig its_rig = camera::makeRingRig(16, 1, 240))
      : rig(std::move(its_rig)),
        state(reconstruct::makeReconstructState(rig, 256)),
        workspace(reconstruct::makeReconstructWorkspace(state)),
        images(rig.cameras.size()) {
    cloud.markers.reserve(1024);
  }

  double normal() { return std::normal_distribution<double>()(random); }
  double uniform(double from, double to) {
    return std::uniform_real_distribution<double>(from, to)(random);
  }
  glm::dvec3 pointInVolume() { return {uniform(-1.2, 1.2), uniform(0.1, 1.9), uniform(-1.2, 1.2)}; }

  bool inView(std::size_t c, const glm::dvec3& point) const {
    const camera::Camera& camera = rig.cameras[c];
    if (!(camera::depth(camera, point) > 0.1)) return false;
    const glm::dvec2 px = camera::project(camera, point);
    return px.x > 0 && px.y > 0 && px.x < camera.width_px && px.y < camera.height_px;
  }

  // Camera c sees the point, with noise; false if it is out of its image.
  bool see(std::size_t c, const glm::dvec3& point, double noise_px = 0.0) {
    if (!inView(c, point)) return false;
    const glm::dvec2 px =
        camera::project(rig.cameras[c], point) + noise_px * glm::dvec2(normal(), normal());
    images[c].push_back({.x_px = float(px.x), .y_px = float(px.y), .radius_px = 2.0f});
    return true;
  }
  std::size_t seeAll(const glm::dvec3& point, double noise_px = 0.0) {
    std::size_t views = 0;
    for (std::size_t c = 0; c < rig.cameras.size(); ++c) views += see(c, point, noise_px);
    return views;
  }

  void predict(const glm::dvec3& point, float sigma = 0.005f) {
    predictions.markers.push_back(
        {.marker = std::uint32_t(predictions.markers.size()), .position = point, .sigma = sigma});
  }

  void run(std::vector<std::uint32_t> order = {}) {
    if (order.empty()) {
      order.resize(rig.cameras.size());
      std::iota(order.begin(), order.end(), 0u);
    }
    test::reconstructFrame(*this, order);
  }

  // Forgets what was learnt from the frames before.
  void restart() { state = reconstruct::makeReconstructState(rig, 256); }

  void clear() {
    predictions.markers.clear();
    for (auto& image : images) image.clear();
  }
};

// Two cameras side by side 5 m before the origin, and a third at a right angle.
camera::Rig nearlyParallelRig(double apart) {
  camera::Rig rig;
  for (int c = 0; c < 3; ++c) {
    camera::Camera camera{.name = "c" + std::to_string(c),
                          .width_px = 2048,
                          .height_px = 1088,
                          .fx_px = 1500,
                          .fy_px = 1500,
                          .cx_px = 1024,
                          .cy_px = 544};
    // Camera z looks along -z of the world (c = 0, 1) or along -x; +y of the image is down.
    const glm::dvec3 z = c < 2 ? glm::dvec3(0, 0, -1) : glm::dvec3(-1, 0, 0), y(0, -1, 0);
    const glm::dvec3 centre = c < 2 ? glm::dvec3(c * apart, 0, 5) : glm::dvec3(5, 0, 0);
    camera.camera_from_world.rotation =
        glm::normalize(glm::quat_cast(glm::transpose(glm::dmat3(glm::cross(y, z), y, z))));
    camera.camera_from_world.translation = -(camera.camera_from_world.rotation * centre);
    rig.cameras.push_back(camera);
  }
  return rig;
}

}  // namespace

TEST_SUITE("reconstruct/reconstruct") {
  TEST_CASE("a predicted marker is found where it is, by two cameras or by sixteen") {
    Bench bench;
    for (int trial = 0; trial < 50; ++trial) {
      bench.clear();
      const glm::dvec3 point = bench.pointInVolume();
      bench.predict(point + 0.003 * glm::dvec3(bench.normal(), bench.normal(), bench.normal()));
      const std::size_t wanted = 2 + std::size_t(trial) % 15;
      std::size_t views = 0;
      for (std::size_t c = 0; c < 16 && views < wanted; ++c) {
        views += bench.see((c * 5) % 16, point);  // Round the ring, so that angles are sound.
      }
      if (views < 2) continue;
      bench.run();
      REQUIRE(bench.cloud.markers.size() == 1);
      const frame::Marker& marker = bench.cloud.markers[0];
      CHECK(marker.prediction == 0);
      CHECK(marker.rays == views);
      CHECK(glm::distance(glm::dvec3(marker.position), point) < 2e-5);
      CHECK(marker.residual_px < 0.02);  // The image is taken for straight over the step.
    }
  }

  TEST_CASE("with noise the error fits the covariance that comes with it") {
    Bench bench;
    const double noise_px = bench.settings.centroid_sigma_px;
    double sum = 0;
    int count = 0;
    for (int trial = 0; trial < 400; ++trial) {
      bench.clear();
      const glm::dvec3 point = bench.pointInVolume();
      bench.predict(point);
      if (bench.seeAll(point, noise_px) < 3) continue;
      bench.run();
      REQUIRE(bench.cloud.markers.size() == 1);
      const frame::Marker& marker = bench.cloud.markers[0];
      const glm::dvec3 error = glm::dvec3(marker.position) - point;
      const double squared = glm::dot(error, glm::inverse(glm::dmat3(marker.covariance)) * error);
      CHECK(squared < 30.0);  // Chi-squared of 3: one in a million.
      sum += squared / 3.0;
      ++count;
    }
    REQUIRE(count > 300);
    // Below 1 by design: residuals above the noise widen the covariance, smaller ones do not
    // narrow it.
    CHECK(sum / count > 0.6);
    CHECK(sum / count < 1.1);
  }

  TEST_CASE("two rays at a small angle make no marker, a third ray across does") {
    for (const double apart : {0.05, 0.2}) {
      Bench bench(nearlyParallelRig(apart));
      const glm::dvec3 point(0.1, 0.2, 0.0);
      bench.predict(point);
      bench.see(0, point);
      bench.see(1, point);
      bench.run();
      CHECK(bench.cloud.markers.empty());
      bench.see(2, point);
      bench.run();
      REQUIRE(bench.cloud.markers.size() == 1);
      CHECK(bench.cloud.markers[0].rays == 3);
    }
    // The same two cameras a metre apart are enough.
    Bench bench(nearlyParallelRig(1.0));
    const glm::dvec3 point(0.1, 0.2, 0.0);
    bench.predict(point);
    bench.see(0, point);
    bench.see(1, point);
    bench.run();
    CHECK(bench.cloud.markers.size() == 1);
  }

  TEST_CASE("the cold search finds every marker of a random cloud that three cameras see") {
    Bench bench;
    std::size_t wanted = 0, found = 0, ghosts = 0;
    constexpr int kTrials = 20;
    for (int trial = 0; trial < kTrials; ++trial) {
      bench.clear();
      std::vector<glm::dvec3> points;
      for (int p = 0; p < 53; ++p) {
        const glm::dvec3 point = bench.pointInVolume();
        if (bench.seeAll(point, 0.1) >= 3) points.push_back(point);
      }
      for (auto& image : bench.images) {  // One false blob per camera.
        image.push_back({.x_px = float(bench.uniform(0, 2048)),
                         .y_px = float(bench.uniform(0, 1088)),
                         .radius_px = 2.0f});
      }
      bench.run();
      CHECK_FALSE(bench.counters.cold_budget_spent);
      std::size_t matched = 0;
      for (const glm::dvec3& point : points) {
        matched += std::any_of(bench.cloud.markers.begin(), bench.cloud.markers.end(),
                               [&](const frame::Marker& m) {
                                 return glm::distance(glm::dvec3(m.position), point) < 0.003;
                               });
      }
      wanted += points.size();
      found += matched;
      ghosts += bench.cloud.markers.size() - matched;
      for (const frame::Marker& marker : bench.cloud.markers) {
        CHECK(marker.prediction == frame::kNoPrediction);
        CHECK(marker.rays >= 3);
      }
    }
    CHECK(double(found) > 0.995 * double(wanted));
    CHECK(double(ghosts) < 0.01 * double(wanted));
  }

  TEST_CASE("what is not where it was predicted is found by the cold search, once") {
    Bench bench;
    const glm::dvec3 point(0.2, 1.0, 0.1);
    bench.predict(point + glm::dvec3(0.3, 0.0, 0.0));
    bench.seeAll(point);
    bench.run();
    REQUIRE(bench.cloud.markers.size() == 1);
    CHECK(bench.cloud.markers[0].prediction == frame::kNoPrediction);
    CHECK(glm::distance(glm::dvec3(bench.cloud.markers[0].position), point) < 1e-4);
  }

  TEST_CASE("two rays make a marker only where one is predicted") {
    Bench bench;
    const glm::dvec3 point(0.0, 1.0, 0.0);
    REQUIRE(bench.see(0, point));
    REQUIRE(bench.see(5, point));
    bench.run();
    CHECK(bench.cloud.markers.empty());
    bench.predict(point);
    bench.run();
    CHECK(bench.cloud.markers.size() == 1);
  }

  TEST_CASE("a ray that is far off is dropped and does not move the marker") {
    Bench bench;
    const glm::dvec3 point(0.1, 1.1, -0.2);
    bench.predict(point);
    bench.seeAll(point);
    bench.images[2].back().x_px += 4.0f;
    bench.run();
    REQUIRE(bench.cloud.markers.size() == 1);
    CHECK(bench.counters.dropped_rays == 1);
    CHECK(glm::distance(glm::dvec3(bench.cloud.markers[0].position), point) < 2e-5);
  }

  TEST_CASE("the order of cameras does not change a byte") {
    Bench bench;
    for (int p = 0; p < 40; ++p) {
      const glm::dvec3 point = bench.pointInVolume();
      if (p < 30) bench.predict(point + glm::dvec3(0.004 * bench.normal()), 0.01f);
      bench.seeAll(point, 0.3);
    }
    bench.run();
    const std::vector<frame::Marker> markers = bench.cloud.markers;
    REQUIRE(markers.size() > 30);
    std::vector<std::uint32_t> order(16);
    std::iota(order.begin(), order.end(), 0u);
    for (int trial = 0; trial < 30; ++trial) {
      std::shuffle(order.begin(), order.end(), bench.random);
      bench.restart();
      bench.run(order);
      REQUIRE(bench.cloud.markers.size() == markers.size());
      for (std::size_t m = 0; m < markers.size(); ++m) {
        const frame::Marker &a = markers[m], &b = bench.cloud.markers[m];
        CHECK(a.position == b.position);
        CHECK(a.covariance == b.covariance);
        CHECK(a.residual_px == b.residual_px);
        CHECK(a.angle == b.angle);
        CHECK(a.rays == b.rays);
        CHECK(a.prediction == b.prediction);
      }
    }
  }

  TEST_CASE("empty images give no markers, and a full frame allocates nothing") {
    Bench bench;
    bench.predict({0, 1, 0});
    bench.run();
    CHECK(bench.cloud.markers.empty());
    for (int p = 0; p < 300; ++p) bench.seeAll(bench.pointInVolume(), 0.1);
    const std::vector<std::uint32_t> order{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    std::vector<std::uint32_t> given = order;
    const std::uint64_t before = test::allocationCount();
    bench.run(std::move(given));
    CHECK(test::allocationCount() == before);
    CHECK(bench.cloud.markers.size() > 200);
  }

  TEST_CASE("settings out of range are refused with their name") {
    reconstruct::ReconstructSettings settings;
    CHECK(reconstruct::check(settings));
    settings.centroid_sigma_px = 0;
    CHECK_FALSE(reconstruct::check(settings));
    settings = {.smallest_cold_rays = 1};
    CHECK_FALSE(reconstruct::check(settings));
  }
}
