#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "capture/camera/ring_rig.h"
#include "capture/reconstruct/buffers.h"
#include "capture/reconstruct/reconstruct.h"
#include "capture/reconstruct/view_camera.h"

using namespace understudy;
using namespace understudy::reconstruct;

namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

bool hasAvx2() { return __builtin_cpu_supports("avx2"); }

// A stage of points that come back every frame, seen with noise.
struct Stage {
  camera::Rig rig;
  ReconstructSettings settings;
  ReconstructState state;
  ReconstructWorkspace workspace;
  ReconstructCounters counters;
  frame::PredictedMarkers predictions;
  frame::MarkerCloud cloud;
  std::vector<std::vector<frame::Centroid>> images;
  const ProjectionKernels* kernels = &baselineProjectionKernels();
  std::mt19937_64 random{11};

  explicit Stage(camera::Rig its_rig = camera::makeRingRig(16, 1, 240), std::size_t most = 256)
      : rig(std::move(its_rig)),
        state(makeReconstructState(rig, most)),
        workspace(makeReconstructWorkspace(state)),
        images(rig.cameras.size()) {
    settings.smallest_cold_rays = 1 << 20;  // Predicted markers only.
    cloud.markers.reserve(4096);
  }

  double normal() { return std::normal_distribution<double>()(random); }
  double uniform(double from, double to) {
    return std::uniform_real_distribution<double>(from, to)(random);
  }
  glm::dvec3 point() { return {uniform(-1.2, 1.2), uniform(0.1, 1.9), uniform(-1.2, 1.2)}; }

  void see(std::size_t c, const glm::dvec3& at, double noise_px) {
    if (!(camera::depth(rig.cameras[c], at) > 0.1)) return;
    const glm::dvec2 px =
        camera::project(rig.cameras[c], at) + noise_px * glm::dvec2(normal(), normal());
    if (px.x < 0 || px.y < 0 || px.x >= 2048 || px.y >= 1088) return;
    images[c].push_back({.x_px = float(px.x), .y_px = float(px.y), .radius_px = 2.0f});
  }
  void predict(const glm::dvec3& at, float sigma = 0.003f) {
    predictions.markers.push_back({.position = at, .sigma = sigma});
  }
  void match() {
    counters = {};
    PredictFrame{
        .settings = settings, .kernels = *kernels, .predictions = predictions, .state = state}
        .run();
    for (std::uint32_t c = 0; c < rig.cameras.size(); ++c) matchOne(c);
  }
  void matchOne(std::uint32_t c) {
    MatchCamera{.settings = settings,
                .camera = c,
                .centroids = images[c],
                .state = state,
                .sums = state.sums,
                .workspace = workspace,
                .counters = counters}
        .run();
  }
  void finish() {
    FinishFrame{.settings = settings,
                .stamp = {},
                .state = state,
                .workspace = workspace,
                .cloud = cloud,
                .counters = counters}
        .run();
  }
  void run() {
    match();
    finish();
  }
  void clear() {
    predictions.markers.clear();
    for (auto& image : images) image.clear();
  }
};

void checkSameBytes(const std::vector<float>& a, const std::vector<float>& b) {
  REQUIRE(a.size() == b.size());
  CHECK(std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}

std::vector<frame::Marker> runRandomFrames(const ProjectionKernels& kernels) {
  Stage stage;
  stage.kernels = &kernels;
  std::vector<frame::Marker> markers;
  for (int f = 0; f < 12; ++f) {
    stage.clear();
    for (int p = 0; p < 200; ++p) {
      const glm::dvec3 at = stage.point();
      const float sigma = p % 10 == 0 ? 0.03f : 0.003f;
      stage.predict(at + 0.002 * glm::dvec3(stage.normal(), stage.normal(), stage.normal()), sigma);
      for (std::size_t c = 0; c < 16; ++c) {
        if (stage.uniform(0, 1) < 0.6) stage.see(c, at, 0.1);
      }
    }
    for (auto& image : stage.images) {
      for (auto& blob : image) {
        blob.elongation = float(1.0 + 0.15 * std::abs(stage.normal()));
        blob.radius_px = float(stage.uniform(0.0, 5.0));
      }
    }
    stage.run();
    markers.insert(markers.end(), stage.cloud.markers.begin(), stage.cloud.markers.end());
  }
  return markers;
}

}  // namespace

TEST_SUITE("reconstruct/warm_path") {
  TEST_CASE("both builds of the kernels make the same bytes of whole frames") {
    if (!hasAvx2()) return;
    const std::vector<frame::Marker> a = runRandomFrames(baselineProjectionKernels());
    const std::vector<frame::Marker> b = runRandomFrames(v3ProjectionKernels());
    REQUIRE(a.size() == b.size());
    REQUIRE(a.size() > 1500);
    for (std::size_t m = 0; m < a.size(); ++m) {
      CHECK(std::memcmp(&a[m].position, &b[m].position, sizeof(a[m].position)) == 0);
      CHECK(std::memcmp(&a[m].covariance, &b[m].covariance, sizeof(a[m].covariance)) == 0);
      CHECK(a[m].residual_px == b[m].residual_px);
      CHECK(a[m].angle == b[m].angle);
      CHECK(a[m].rays == b[m].rays);
    }
  }

  TEST_CASE("both builds undistort and project hostile numbers to the same bytes") {
    if (!hasAvx2()) return;
    const PreparedCamera camera = prepareCamera(camera::makeRingRig(8, 1, 240).cameras[0]);
    std::mt19937_64 random(3);
    std::vector<float> centroids(8 * 4 * 16), points(3 * 128), reach(128, 0.01f);
    const float hostile[] = {kNan, kInfinity, -kInfinity, 1e30f, -1e30f, 0.0f, 1e-40f, -1.0f};
    for (float& value : centroids) {
      value = random() % 4 == 0 ? hostile[random() % 8] : float(random() % 2000);
    }
    for (float& value : points) {
      value = random() % 16 == 0 ? hostile[random() % 8] : float(random() % 400) * 0.01f - 2.0f;
    }
    std::vector<float> results[2];
    for (int build = 0; build < 2; ++build) {
      const ProjectionKernels& k = build == 0 ? baselineProjectionKernels() : v3ProjectionKernels();
      std::vector<float> out(128), views(4 * 128);
      std::vector<Ray> rays(128);
      std::vector<std::int32_t> place(128), predicted(2 * 128);
      const PlaceGrid grid = makePlaceGrid(camera.view);
      k.undistort(camera.view, grid, 1.0f, centroids.data(), 0, 128,
                  {rays.data(), out.data(), place.data()});
      const PredictedViews v{&views[0],   &views[128],   &views[256],
                             &views[384], &predicted[0], &predicted[128]};
      k.project(camera.view, {2.0f, 60.0f, 0.3f}, grid, &points[0], &points[128], &points[256],
                reach.data(), 128, v);
      for (std::size_t i = 0; i < 128; ++i) {
        CHECK(rays[i].centroid == i);
        if (place[i] != kNoPlace) {
          CHECK((place[i] & 0xffff) <= kMostQuanta);
          CHECK((place[i] >> 16) <= kMostQuanta);
          CHECK(place[i] >= 0);
        }
        for (const float value : {rays[i].u, rays[i].v, rays[i].weight}) out.push_back(value);
        // Out of view the image has no meaning; what matters is that nothing is looked for.
        if (!(views[384 + i] > 0.0f)) {
          views[i] = views[128 + i] = views[256 + i] = 0.0f;
          CHECK(predicted[128 + i] == 0);
        }
        for (const std::int32_t value : {place[i], predicted[128 + i]}) {
          results[build].push_back(float(value));
        }
      }
      for (const float value : out) CHECK(std::isfinite(value));
      results[build].insert(results[build].end(), out.begin(), out.end());
      results[build].insert(results[build].end(), views.begin(), views.end());
    }
    checkSameBytes(results[0], results[1]);
  }

  TEST_CASE("centroids are undistorted to 0.005 px all over the sensor, whatever the lens") {
    const math::Lens lenses[] = {{},
                                 {.k1 = -0.1, .k2 = 0.02},
                                 {.k1 = -0.25, .k2 = 0.08, .k3 = -0.01},
                                 {.k1 = 0.1, .p1 = 0.001, .p2 = -0.002},
                                 {.k1 = -0.6, .k2 = 0.4}};
    for (const math::Lens& lens : lenses) {
      camera::Rig rig = camera::makeRingRig(1, 1, 240);
      rig.cameras[0].lens = lens;
      rig.cameras[0].fy_px = 1512;
      Stage stage(rig);
      const camera::Camera& camera = stage.rig.cameras[0];
      for (int y = 0; y <= 1088; y += 34) {
        stage.clear();
        for (int x = 0; x <= 2048; x += 32) {
          stage.images[0].push_back({.x_px = float(x), .y_px = float(y), .radius_px = 2.0f});
        }
        stage.match();
        REQUIRE(stage.state.free[0].size() == stage.images[0].size());
        for (const FreeCentroid& free : stage.state.free[0]) {
          const frame::Centroid& blob = stage.images[0][std::size_t(free.index)];
          const glm::dvec2 ideal =
              stage.state.cameras[0].focal_px *
              camera::normalisedFromPixel(camera, {double(blob.x_px), double(blob.y_px)});
          CHECK(glm::distance(ideal, glm::dvec2(free.u, free.v)) < 0.005);
        }
      }
    }
  }

  TEST_CASE("pairs are those of a search through all, whatever the size of the gates") {
    for (const float sigma : {0.001f, 0.004f, 0.02f, 0.06f}) {
      Stage stage;
      for (int p = 0; p < 250; ++p) {
        const glm::dvec3 at = 0.4 * stage.point() + glm::dvec3(0, 0.6, 0);
        stage.predict(at, p % 9 == 0 ? 0.05f : sigma);
        for (std::size_t c = 0; c < 16; ++c) {
          if (stage.uniform(0, 1) < 0.8) {
            stage.see(c, at + 0.001 * glm::dvec3(stage.normal(), stage.normal(), 0), 0.5);
          }
        }
      }
      PredictFrame{.settings = stage.settings,
                   .kernels = *stage.kernels,
                   .predictions = stage.predictions,
                   .state = stage.state}
          .run();
      std::size_t rays = 0;
      for (std::uint32_t c = 0; c < 16; ++c) {
        stage.matchOne(c);
        const PredictedViews views =
            viewsOf(stage.workspace, makePlaceGrid(stage.state.cameras[c].view));
        const UndistortedCentroids seen = centroidsOf(stage.state, stage.workspace, c);
        const std::size_t count = stage.images[c].size();
        const auto distance = [&](std::size_t p, std::size_t i) {
          const float du = seen.rays[i].u - views.u[p];
          const float dv = seen.rays[i].v - views.v[p];
          const float squared = du * du + dv * dv;
          return views.gate_px[p] > 0 && squared <= views.gate_px[p] * views.gate_px[p] ? squared
                                                                                        : 1e30f;
        };
        // The nearest and second of the others for everyone.
        std::vector<std::size_t> centroid_of(250, 9999);
        for (std::size_t p = 0; p < 250; ++p) {
          float best = 1e30f;
          for (std::size_t i = 0; i < count; ++i) {
            if (distance(p, i) < best) best = distance(p, i), centroid_of[p] = i;
          }
        }
        for (std::size_t i = 0; i < count; ++i) {
          std::size_t first = 9999, second = 9999;
          float best = 1e30f, next = 1e30f;
          for (std::size_t p = 0; p < 250; ++p) {
            const float d = distance(p, i);
            if (d < best) {
              next = best, second = first, best = d, first = p;
            } else if (d < next) {
              next = d, second = p;
            }
          }
          const bool mutual = first != 9999 && centroid_of[first] == i;
          const bool shared = second != 9999 && centroid_of[second] == i;
          if (shared) continue;  // Decided by shape.
          const Ray* ray = first == 9999 ? nullptr : rayOf(stage.state, c, first);
          CHECK((ray != nullptr && ray->centroid == i) == mutual);
          rays += mutual;
        }
      }
      CHECK(rays > 500);
    }
  }

  TEST_CASE("packets without any order are listed row by row, and say where they had what") {
    Stage stage;
    for (int f = 0; f < 4; ++f) {
      stage.clear();
      std::mt19937_64 same_points(4);
      stage.random = same_points;
      for (int p = 0; p < 150; ++p) {
        const glm::dvec3 at = stage.point();
        stage.predict(at);
        for (std::size_t c = 0; c < 16; ++c) stage.see(c, at, 0.0);
      }
      stage.random.seed(static_cast<std::uint64_t>(f));
      for (auto& image : stage.images) std::shuffle(image.begin(), image.end(), stage.random);
      stage.run();
    }
    for (std::uint32_t c = 0; c < 16; ++c) {
      CHECK_FALSE(stage.state.orders[c].is_raster);
      const std::vector<frame::Centroid>& image = stage.images[c];
      const UndistortedCentroids seen = centroidsOf(stage.state, stage.workspace, c);
      const camera::Camera& camera = stage.rig.cameras[c];
      std::vector<bool> there(image.size());
      for (std::size_t i = 0; i < image.size(); ++i) {
        const Ray& ray = seen.rays[i];
        REQUIRE(ray.centroid < image.size());
        CHECK_FALSE(there[ray.centroid]);
        there[ray.centroid] = true;
        const frame::Centroid& centroid = image[ray.centroid];
        const glm::dvec2 ideal =
            stage.state.cameras[c].focal_px *
            camera::normalisedFromPixel(camera, {centroid.x_px, centroid.y_px});
        CHECK(std::abs(double(ray.u) - ideal.x) < 0.01);
        CHECK(std::abs(double(ray.v) - ideal.y) < 0.01);
        if (i > 0) CHECK(ray.v > seen.rays[i - 1].v - 0.3f);
      }
    }
  }

  TEST_CASE("whoever was seen before is found as by one who has seen nothing, in any order") {
    // Frames of points that move; some hide for a while, some come near to each other.
    std::vector<glm::dvec3> points, velocities;
    Stage followed;
    for (int p = 0; p < 200; ++p) {
      points.push_back(0.7 * followed.point() + glm::dvec3(0, 0.3, 0));
      velocities.push_back(0.004 *
                           glm::dvec3(followed.normal(), followed.normal(), followed.normal()));
    }
    std::size_t rays = 0, others = 0;
    for (int f = 0; f < 60; ++f) {
      const bool is_shuffled = f / 10 % 3 == 2;
      followed.clear();
      for (std::size_t p = 0; p < points.size(); ++p) {
        points[p] += velocities[p];
        if (glm::length(points[p] - glm::dvec3(0, 1, 0)) > 1.4) velocities[p] = -velocities[p];
        followed.predict(points[p] + 0.0005 * glm::dvec3(followed.normal(), followed.normal(), 0));
        for (std::size_t c = 0; c < 16; ++c) {
          if ((p * 7 + c * 13 + std::size_t(f) / 9) % 5 != 0) followed.see(c, points[p], 0.1);
        }
      }
      for (auto& image : followed.images) {
        std::sort(image.begin(), image.end(),
                  [](const auto& a, const auto& b) { return a.y_px < b.y_px; });
        if (is_shuffled) std::shuffle(image.begin(), image.end(), followed.random);
      }
      followed.run();
      Stage fresh;
      fresh.predictions = followed.predictions;
      fresh.images = followed.images;
      fresh.run();
      for (std::size_t c = 0; c < 16; ++c) {
        for (std::size_t p = 0; p < points.size(); ++p) {
          const Ray* a = rayOf(followed.state, c, p);
          const Ray* b = rayOf(fresh.state, c, p);
          if (b == nullptr) continue;
          ++rays;
          others += a == nullptr || a->centroid != b->centroid;
        }
      }
    }
    CHECK(rays > 100000);
    // One that hides while another's centroid is in its gate is asked in turns only.
    CHECK(double(others) < 0.001 * double(rays));
  }

  TEST_CASE("predictions may come and go between frames, and packets be empty or full") {
    Stage stage(camera::makeRingRig(4, 1, 240), 512);
    std::vector<glm::dvec3> points;
    for (int p = 0; p < 400; ++p) points.push_back(stage.point());
    for (const std::size_t number : {400u, 3u, 0u, 1u, 400u, 7u, 399u}) {
      for (const std::size_t copies : {1u, 0u, 12u, 1u}) {
        stage.clear();
        for (std::size_t p = 0; p < number; ++p) stage.predict(points[p], 0.01f);
        for (std::size_t k = 0; k < copies; ++k) {
          for (const glm::dvec3& point : points) {
            for (std::size_t c = 0; c < 4; ++c) stage.see(c, point, 1.0);
          }
        }
        stage.run();
        for (std::size_t c = 0; c < 4; ++c) {
          for (std::size_t p = 0; p < number; ++p) {
            const Ray* ray = rayOf(stage.state, c, p);
            if (ray != nullptr) CHECK(ray->centroid < stage.images[c].size());
          }
        }
      }
    }
  }

  TEST_CASE("a crowd in one row of the image is told apart, in whatever order it comes") {
    for (const float gate_px : {2.0f, 5.0f, 30.0f}) {
      Stage stage(camera::makeRingRig(2, 1, 240), 512);
      stage.settings.smallest_gate_px = gate_px;
      const camera::Camera& camera = stage.rig.cameras[0];
      // Points on a line across the image, seen 8 px apart, more than are in sight of each.
      const PreparedCamera& prepared = stage.state.cameras[0];
      for (int k = 0; k < 200; ++k) {
        const glm::dvec2 px(220.0 + 8.0 * k, 500.0 + 0.2 * (k % 5));
        const glm::dvec2 ideal = camera::normalisedFromPixel(camera, px);
        const double* r = prepared.projection.rotation;
        const glm::dvec3 ray(r[0] * ideal.x + r[3] * ideal.y + r[6],
                             r[1] * ideal.x + r[4] * ideal.y + r[7],
                             r[2] * ideal.x + r[5] * ideal.y + r[8]);
        stage.predict(prepared.centre + 3.0 * ray, 1e-4f);
        stage.images[0].push_back({.x_px = float(px.x), .y_px = float(px.y), .radius_px = 2.0f});
      }
      std::vector<std::size_t> order(200);
      for (std::size_t i = 0; i < 200; ++i) order[i] = i;
      std::shuffle(order.begin(), order.end(), stage.random);
      std::vector<frame::Centroid> shuffled;
      for (const std::size_t i : order) shuffled.push_back(stage.images[0][i]);
      stage.images[0] = shuffled;
      stage.match();
      for (std::size_t i = 0; i < 200; ++i) {
        const Ray* ray = rayOf(stage.state, 0, order[i]);
        REQUIRE(ray != nullptr);
        CHECK(ray->centroid == i);
      }
      CHECK(stage.state.free[0].empty());
    }
  }

  TEST_CASE("more cameras than are summed up at once give the same bytes in any order") {
    std::vector<frame::Marker> first;
    for (int run = 0; run < 3; ++run) {
      Stage stage(camera::makeRingRig(40, 1, 240));
      std::vector<glm::dvec3> points;
      for (int p = 0; p < 60; ++p) {
        points.push_back(stage.point());
        stage.predict(points.back() +
                      0.001 * glm::dvec3(stage.normal(), stage.normal(), stage.normal()));
        for (std::size_t c = 0; c < 40; ++c) stage.see(c, points.back(), 0.1);
      }
      PredictFrame{.settings = stage.settings,
                   .kernels = *stage.kernels,
                   .predictions = stage.predictions,
                   .state = stage.state}
          .run();
      std::vector<std::uint32_t> order(40);
      for (std::uint32_t c = 0; c < 40; ++c) order[c] = c;
      std::mt19937_64 random(std::uint64_t(run) + 1);
      if (run > 0) std::shuffle(order.begin(), order.end(), random);
      for (const std::uint32_t c : order) stage.matchOne(c);
      stage.finish();
      REQUIRE(stage.cloud.markers.size() == 60);
      if (run == 0) first = stage.cloud.markers;
      for (std::size_t k = 0; k < 60; ++k) {
        const frame::Marker& marker = stage.cloud.markers[k];
        CHECK(marker.rays > 16);
        CHECK(glm::distance(glm::dvec3(marker.position), points[k]) < 5e-4);
        CHECK(std::memcmp(&marker.position, &first[k].position, sizeof(marker.position)) == 0);
        CHECK(std::memcmp(&marker.covariance, &first[k].covariance, sizeof(marker.covariance)) ==
              0);
      }
    }
  }

  TEST_CASE("hostile centroids are left alone and harm nobody") {
    Stage stage;
    const glm::dvec3 at(0.1, 1.0, 0.2);
    stage.predict(at);
    stage.predict(glm::dvec3(std::nan(""), 1.0, 0.0));
    stage.predict(glm::dvec3(0.0, 1e30, 0.0), kInfinity);
    stage.predict(at + glm::dvec3(0.5, 0.0, 0.0), kNan);
    stage.predict(at + glm::dvec3(0.0, 0.0, 0.5), -1.0f);
    for (std::size_t c = 0; c < 16; ++c) {
      for (const float bad : {kNan, kInfinity, -kInfinity, 1e30f, -1e30f, 16384.0f}) {
        stage.images[c].push_back({.x_px = bad, .y_px = 500.0f, .radius_px = 2.0f});
        stage.images[c].push_back({.x_px = 500.0f, .y_px = bad, .radius_px = 2.0f});
      }
      stage.images[c].push_back(
          {.x_px = 900.0f, .y_px = 40.0f, .radius_px = kNan, .elongation = kNan});
      stage.images[c].push_back(
          {.x_px = 950.0f, .y_px = 40.0f, .radius_px = 1e30f, .elongation = kInfinity});
      stage.see(c, at, 0.0);
      stage.images[c].back().radius_px = c % 2 == 0 ? 0.0f : 2.0f;
    }
    for (int f = 0; f < 5; ++f) {
      stage.run();
      REQUIRE(stage.cloud.markers.size() == 1);
      CHECK(glm::distance(glm::dvec3(stage.cloud.markers[0].position), at) < 1e-4);
      CHECK(std::isfinite(stage.cloud.markers[0].covariance[0][0]));
      for (const CameraHealth& health : stage.state.health) CHECK(std::isfinite(health.sigma_px));
      for (const auto& free : stage.state.free) CHECK(free.size() <= 2);
    }
    for (auto& image : stage.images) {
      image.assign(5000, {.x_px = 700.0f, .y_px = 300.0f, .radius_px = 2.0f});
    }
    stage.run();
    for (const auto& free : stage.state.free) CHECK(free.size() <= kMaxCentroids);
    for (auto& image : stage.images) image.clear();
    stage.run();
    CHECK(stage.cloud.markers.empty());
  }

  TEST_CASE("a packet that is matched twice counts once") {
    Stage stage;
    const glm::dvec3 at(0.1, 1.0, 0.2);
    stage.predict(at);
    for (std::size_t c = 0; c < 16; ++c) stage.see(c, at, 0.1);
    stage.match();
    for (std::uint32_t c = 0; c < 16; ++c) stage.matchOne(c);
    stage.finish();
    REQUIRE(stage.cloud.markers.size() == 1);
    CHECK(stage.cloud.markers[0].rays <= 16);
  }

  TEST_CASE("a blob of two markers is split by its shape, and both get their share") {
    Stage stage;
    const glm::dvec3 a(0.1, 1.0, 0.2), b = a + glm::dvec3(0.0, 0.012, 0.0);
    stage.predict(a + glm::dvec3(0.0005, 0.0, -0.0005));
    stage.predict(b + glm::dvec3(-0.0005, 0.0005, 0.0));
    std::size_t merged = 0;
    for (std::size_t c = 0; c < 16; ++c) {
      if (c < 4) {
        stage.see(c, a, 0.0);
        stage.see(c, b, 0.0);
        continue;
      }
      const glm::dvec2 pa = camera::project(stage.rig.cameras[c], a);
      const glm::dvec2 pb = camera::project(stage.rig.cameras[c], b);
      const glm::dvec2 middle = 0.5 * (pa + pb);
      if (middle.x < 0 || middle.y < 0 || middle.x > 2048 || middle.y > 1088) continue;
      // Second moments of two discs of 2 px.
      const double apart = glm::distance(pa, pb);
      stage.images[c].push_back({.x_px = float(middle.x),
                                 .y_px = float(middle.y),
                                 .radius_px = float(2.0 * std::sqrt(2.0)),
                                 .elongation = float(std::sqrt(1.0 + apart * apart / 4.0))});
      ++merged;
    }
    REQUIRE(merged > 6);
    stage.run();
    CHECK(stage.counters.merged == merged);
    REQUIRE(stage.cloud.markers.size() == 2);
    CHECK(glm::distance(glm::dvec3(stage.cloud.markers[0].position), a) < 3e-4);
    CHECK(glm::distance(glm::dvec3(stage.cloud.markers[1].position), b) < 3e-4);
    CHECK(stage.cloud.markers[0].rays > merged);
  }

  TEST_CASE("every camera's noise is measured, and the covariance is honest then") {
    Stage stage;
    const auto noiseOf = [](std::size_t c) { return c % 2 == 0 ? 0.06 : 0.3; };
    double squares = 0, bound = 0, count = 0;
    for (int f = 0; f < 300; ++f) {
      stage.clear();
      std::vector<glm::dvec3> points;
      for (int p = 0; p < 40; ++p) {
        points.push_back(stage.point());
        stage.predict(points.back() +
                      0.001 * glm::dvec3(stage.normal(), stage.normal(), stage.normal()));
        for (std::size_t c = 0; c < 16; ++c) {
          if (stage.uniform(0, 1) < 0.7) stage.see(c, points.back(), noiseOf(c));
        }
      }
      stage.run();
      if (f < 100) continue;
      for (const frame::Marker& marker : stage.cloud.markers) {
        const glm::dvec3 error =
            glm::dvec3(marker.position) - points[std::size_t(marker.prediction)];
        if (glm::length(error) > 0.01) continue;
        squares += glm::dot(error, glm::inverse(glm::dmat3(marker.covariance)) * error) / 3.0;
        bound += marker.covariance[0][0];
        count += 1;
      }
    }
    for (std::size_t c = 0; c < 16; ++c) {
      CHECK(stage.state.health[c].sigma_px == doctest::Approx(noiseOf(c)).epsilon(0.1));
    }
    CHECK(squares / count > 0.9);
    CHECK(squares / count < 1.1);
    CHECK(bound / count > 0.0);
  }

  TEST_CASE("a camera that was knocked shows in its own health, not in that of others") {
    Stage stage;
    for (int f = 0; f < 200; ++f) {
      stage.clear();
      for (int p = 0; p < 40; ++p) {
        const glm::dvec3 at = stage.point();
        stage.predict(at);
        for (std::size_t c = 0; c < 16; ++c) {
          const std::size_t before = stage.images[c].size();
          stage.see(c, at, 0.1);
          if (c == 3 && stage.images[c].size() > before) stage.images[c].back().x_px += 0.4f;
        }
      }
      stage.run();
    }
    for (std::size_t c = 0; c < 16; ++c) {
      const CameraHealth& health = stage.state.health[c];
      REQUIRE(health.rays > 100);
      const double mean = health.residual_px.x / health.rays;
      CHECK(mean == doctest::Approx(c == 3 ? 0.4 : 0.0).epsilon(0.0).scale(1.0).epsilon(0.12));
      CHECK((health.sigma_px > 0.2) == (c == 3));
    }
  }
}
