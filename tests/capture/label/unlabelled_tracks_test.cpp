#include "capture/label/unlabelled_tracks.h"

#include <doctest/doctest.h>

#include <limits>
#include <vector>

#include "tests/support/allocations.h"

using namespace understudy;

namespace {

constexpr double kRate = 120.0;

// One subject of four markers; every frame sees what the test says.
struct Bench {
  label::TrackSettings settings;
  label::TrackState state = label::makeTrackState();
  label::TrackWorkspace workspace = label::makeTrackWorkspace(4, 64);
  frame::PredictedMarkers predictions;
  frame::MarkerCloud cloud;
  frame::LabelledMarkers labels;
  std::uint64_t sequence = 10;

  Bench() {
    predictions.markers.reserve(64);
    cloud.markers.reserve(64);
    labels.unlabelled.reserve(64);
    labels.subjects.resize(1);
    labels.subjects[0].markers.resize(4);
  }

  void next(std::uint64_t frames = 1) {
    sequence += frames;
    cloud.markers.clear();
    labels.unlabelled.clear();
    labels.stamp.sequence = sequence;
    for (frame::LabelledMarker& slot : labels.subjects[0].markers) slot = {};
    predictions.markers.clear();
    predictions.stamp.sequence = sequence;
  }
  void predict() { label::PredictTracks{settings, kRate, state, workspace, predictions}.run(); }
  void see(const glm::vec3& position, std::int32_t prediction = frame::kNoPrediction) {
    frame::Marker marker{
        .position = position, .covariance = glm::mat3(1e-7f), .rays = 4, .prediction = prediction};
    cloud.markers.push_back(marker);
    labels.unlabelled.push_back(marker);
  }
  void update() {
    label::UpdateTracks{settings, kRate, predictions, cloud, state, workspace, labels}.run();
  }
  std::uint32_t track(std::size_t marker = 0) const { return labels.unlabelled[marker].track; }
};

glm::vec3 thrown(int frame) {
  const float t = static_cast<float>(frame) / static_cast<float>(kRate);
  return {4.0f * t, 1.0f + 5.0f * t - 4.905f * t * t, 0.0f};
}

}  // namespace

TEST_SUITE("label/unlabelled_tracks") {
  TEST_CASE("a thrown marker keeps its track through a gap of ten frames") {
    Bench bench;
    std::uint32_t id = 0;
    for (int f = 0; f < 60; ++f) {
      bench.next();
      bench.predict();
      const bool hidden = f >= 20 && f < 30;
      if (f >= 3 && f < 32) {
        REQUIRE(bench.predictions.markers.size() == 1);
        CHECK(bench.predictions.markers[0].subject == frame::kNoSubject);
        CHECK(glm::distance(bench.predictions.markers[0].position, thrown(f)) < 0.06f);
      }
      if (!hidden) bench.see(thrown(f));
      bench.update();
      if (hidden) continue;
      if (f == 0) id = bench.track();
      CHECK(bench.track() != 0);
      CHECK(bench.track() == id);
    }
  }

  TEST_CASE("markers that cross 20 mm apart keep their tracks, in whatever order they are seen") {
    Bench bench;
    std::uint32_t one = 0, other = 0;
    for (int f = 0; f < 60; ++f) {
      bench.next();
      const float x = 0.012f * static_cast<float>(f - 30);
      const bool swapped = f % 3 == 1;
      const glm::vec3 right(x, 1.0f, 0.0f), left(-x, 1.0f, 0.02f);
      bench.see(swapped ? left : right);
      bench.see(swapped ? right : left);
      bench.update();
      const std::uint32_t first = bench.track(swapped ? 1 : 0);
      const std::uint32_t second = bench.track(swapped ? 0 : 1);
      if (f == 0) {
        one = first;
        other = second;
        CHECK(one != other);
      }
      CHECK(first == one);
      CHECK(second == other);
    }
  }

  TEST_CASE("a track whose marker is named ends in that frame") {
    for (const bool matched : {true, false}) {
      CAPTURE(matched);
      Bench bench;
      const glm::vec3 place(0.0f, 1.0f, 0.0f);
      for (int f = 0; f < 10; ++f) {
        bench.next();
        bench.see(place);
        bench.update();
      }
      REQUIRE(bench.state.tracks.size() == 1);
      bench.next();
      bench.predict();
      REQUIRE(bench.predictions.markers.size() == 1);
      bench.see(place, matched ? 0 : frame::kNoPrediction);
      bench.labels.unlabelled.clear();
      bench.labels.subjects[0].markers[2] = {place, glm::mat3(1e-7f), 1.0f};
      bench.update();
      CHECK(bench.state.tracks.empty());
    }
  }

  TEST_CASE("a track beside a subject's prediction is silent") {
    Bench bench;
    for (int f = 0; f < 10; ++f) {
      bench.next();
      bench.see({0.0f, 1.0f, 0.0f});
      bench.update();
    }
    bench.next();
    bench.predictions.markers.push_back({0, 1, {0.01f, 1.0f, 0.0f}, 0.002f});
    bench.predict();
    CHECK(bench.predictions.markers.size() == 1);
    bench.next();
    bench.predictions.markers.push_back({0, 1, {0.02f, 1.0f, 0.0f}, 0.002f});
    bench.predict();
    CHECK(bench.predictions.markers.size() == 2);
  }

  TEST_CASE("a track ends after its twelfth frame without a marker, and when the count jumps") {
    Bench bench;
    for (int f = 0; f < 10; ++f) {
      bench.next();
      bench.see({0.0f, 1.0f, 0.0f});
      bench.update();
    }
    for (int f = 0; f < 12; ++f) {
      bench.next();
      bench.update();
      CHECK(bench.state.tracks.size() == 1);
    }
    bench.next();
    bench.update();
    CHECK(bench.state.tracks.empty());
    for (const std::uint64_t jump : {std::uint64_t{1000}, ~std::uint64_t{0}}) {  // Ahead, back.
      bench.next();
      bench.see({0.0f, 1.0f, 0.0f});
      bench.update();
      const std::uint32_t before = bench.track();
      bench.next(jump);
      bench.see({0.0f, 1.0f, 0.0f});
      bench.update();
      CHECK(bench.track() != before);
    }
  }

  TEST_CASE("places that are not finite or too many make no tracks, and nothing allocates") {
    Bench bench;
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const float infinite = std::numeric_limits<float>::infinity();
    const std::uint64_t before = test::allocationCount();
    for (int f = 0; f < 20; ++f) {
      bench.next();
      bench.predict();
      bench.see({nan, 0.0f, 0.0f});
      bench.see({0.0f, infinite, 0.0f});
      bench.see({0.0f, 0.0f, -3e38f});
      for (int i = 0; i < 40; ++i) bench.see({0.0f, 1.0f, 0.2f * static_cast<float>(i)});
      bench.cloud.markers[0].prediction = 1 << 30;
      bench.labels.unlabelled[0].prediction = 1 << 30;
      bench.labels.unlabelled[5].covariance = glm::mat3(nan);
      bench.update();
    }
    CHECK(test::allocationCount() == before);
    CHECK(bench.state.tracks.size() == 40);
    for (std::size_t m = 0; m < 3; ++m) CHECK(bench.track(m) == 0);
  }

  TEST_CASE("settings out of range are refused") {
    CHECK(label::check({}));
    CHECK_FALSE(label::check({.acceleration_density = 0.0}));
    CHECK_FALSE(label::check({.largest_gate = 0.001}));
    CHECK_FALSE(label::check({.fewest_seen = 0}));
  }
}
