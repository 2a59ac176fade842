#include "capture/label/label_frame.h"

#include <doctest/doctest.h>

#include <vector>

#include "tests/support/allocations.h"

using namespace understudy;

namespace {

// Subjects of a few markers, the frame before, and what is expected and seen now.
struct Bench {
  label::LabelSettings settings;
  frame::PredictedMarkers predictions;
  frame::MarkerCloud cloud;
  frame::LabelledMarkers labelled;
  label::LabelWorkspace workspace = label::makeLabelWorkspace(64, 64);

  explicit Bench(std::vector<std::size_t> markers) {
    for (const std::size_t count : markers) labelled.subjects.emplace_back().markers.resize(count);
    labelled.unlabelled.reserve(64);
    cloud.markers.reserve(64);
  }

  void before(std::uint32_t subject, std::uint32_t marker, const glm::vec3& position) {
    labelled.subjects[subject].markers[marker] = {position, glm::mat3(1e-8f), 1.0f};
  }
  std::int32_t expect(std::uint32_t subject, std::uint32_t marker, const glm::vec3& position,
                      float sigma = 0.06f) {
    predictions.markers.push_back({subject, marker, position, sigma});
    return static_cast<std::int32_t>(predictions.markers.size()) - 1;
  }
  void see(const glm::vec3& position, std::int32_t prediction = frame::kNoPrediction) {
    frame::Marker marker;
    marker.position = position;
    marker.rays = 4;
    marker.prediction = prediction;
    cloud.markers.push_back(marker);
  }
  void run() {
    label::LabelFrame{.settings = settings,
                      .predictions = predictions,
                      .cloud = cloud,
                      .workspace = workspace,
                      .labelled = labelled}
        .run();
  }
  const frame::LabelledMarker& slot(std::size_t subject, std::size_t marker) const {
    return labelled.subjects[subject].markers[marker];
  }
};

}  // namespace

TEST_SUITE("label/label_frame") {
  TEST_CASE(
      "a limb that turns about keeps its names although each marker is where another was due") {
    // Five markers 40 mm apart that moved 30 mm a frame along their line, and now move back.
    Bench bench({5});
    for (std::uint32_t m = 0; m < 5; ++m) {
      const glm::vec3 last(0.04f * float(m), 1.0f, 0.0f);
      bench.before(0, m, last);
      bench.expect(0, m, last + glm::vec3(0.03f, 0.0f, 0.0f));
    }
    for (std::uint32_t m = 0; m < 5; ++m) {
      // Reconstruction matched all but the first to the prediction of the marker before.
      bench.see({0.04f * float(m) - 0.03f, 1.0f, 0.0f},
                m == 0 ? frame::kNoPrediction : static_cast<std::int32_t>(m) - 1);
    }
    bench.run();
    for (std::uint32_t m = 0; m < 5; ++m) {
      CHECK(bench.slot(0, m).confidence > 0.0f);
      CHECK(bench.slot(0, m).position.x == doctest::Approx(0.04f * float(m) - 0.03f));
    }
    CHECK(bench.labelled.unlabelled.empty());
  }

  TEST_CASE("a marker of which two predictions got a part of the rays has one name") {
    // The second one is hidden; some cameras see the first where it is expected.
    Bench bench({2});
    bench.before(0, 0, {0.0f, 1.0f, 0.0f});
    const std::int32_t first = bench.expect(0, 0, {0.0f, 1.0f, 0.0f}, 0.005f);
    const std::int32_t second = bench.expect(0, 1, {0.025f, 1.0f, 0.0f}, 0.02f);
    bench.see({0.001f, 1.0f, 0.0f}, first);
    bench.see({0.002f, 1.0f, 0.0f}, second);
    bench.cloud.markers[1].rays = 12;
    bench.run();
    CHECK(bench.slot(0, 0).confidence > 0.0f);
    CHECK(bench.slot(0, 0).position.x == 0.002f);  // As more cameras saw it.
    CHECK(bench.slot(0, 1).confidence == 0.0f);
    CHECK(bench.labelled.unlabelled.empty());
  }

  TEST_CASE("two markers that are expected as near as they are keep both names") {
    Bench bench({2});
    const std::int32_t first = bench.expect(0, 0, {0.0f, 1.0f, 0.0f}, 0.005f);
    const std::int32_t second = bench.expect(0, 1, {0.012f, 1.0f, 0.0f}, 0.005f);
    bench.see({0.004f, 1.0f, 0.0f}, first);
    bench.see({0.013f, 1.0f, 0.0f}, second);
    bench.run();
    CHECK(bench.slot(0, 0).confidence > 0.0f);
    CHECK(bench.slot(0, 1).confidence > 0.0f);
  }

  TEST_CASE("a point that several hidden markers could be has no name") {
    Bench bench({2});
    bench.expect(0, 0, {0.078f, 1.0f, 0.0f}, 0.18f);
    bench.expect(0, 1, {-0.131f, 1.0f, 0.0f}, 0.18f);
    bench.see({0.0f, 1.0f, 0.0f});
    bench.run();
    CHECK(bench.slot(0, 0).confidence == 0.0f);
    CHECK(bench.slot(0, 1).confidence == 0.0f);
    CHECK(bench.labelled.unlabelled.size() == 1);
  }

  TEST_CASE("markers of two performers that pass each other closely keep their names") {
    Bench bench({1, 1});
    for (int step = -10; step <= 10; ++step) {
      const glm::vec3 one(0.002f * float(step), 1.0f, 0.004f),
          other(-0.002f * float(step), 1.0f, 0);
      bench.predictions.markers.clear();
      bench.cloud.markers.clear();
      // Both are expected a little off, and nobody matched them.
      bench.expect(0, 0, one + glm::vec3(0.001f, 0.0f, 0.0f));
      bench.expect(1, 0, other - glm::vec3(0.001f, 0.0f, 0.0f));
      bench.see(other);
      bench.see(one);
      bench.run();
      CHECK(bench.slot(0, 0).position == one);
      CHECK(bench.slot(1, 0).position == other);
    }
  }

  TEST_CASE("a gap that ends beside another performer's marker waits for its own marker") {
    Bench bench({1, 1});
    const glm::vec3 place(0.0f, 1.0f, 0.0f), foreign(0.02f, 1.0f, 0.0f);
    bench.before(1, 0, foreign);
    bench.expect(0, 0, place, 0.02f);
    const std::int32_t match = bench.expect(1, 0, foreign, 0.02f);
    bench.see(foreign, match);
    bench.run();
    CHECK(bench.slot(0, 0).confidence == 0.0f);
    CHECK(bench.slot(1, 0).position == foreign);
    bench.see(place + glm::vec3(0.003f, 0.0f, 0.0f));
    bench.run();
    CHECK(bench.slot(0, 0).confidence == 1.0f);
    CHECK(bench.slot(0, 0).position.x == doctest::Approx(0.003f));
    CHECK(bench.slot(1, 0).position == foreign);
  }

  TEST_CASE(
      "a lone marker of a hidden limb gets no name where it suits two; two markers get theirs") {
    Bench bench({2});
    bench.expect(0, 0, {0.00f, 1.0f, 0.0f}, 0.2f);
    bench.expect(0, 1, {0.04f, 1.0f, 0.0f}, 0.2f);
    bench.see({0.02f, 1.1f, 0.0f}, 0);
    bench.run();
    CHECK(bench.slot(0, 0).confidence == 0.0f);
    CHECK(bench.slot(0, 1).confidence == 0.0f);
    REQUIRE(bench.labelled.unlabelled.size() == 1);
    bench.see({0.06f, 1.1f, 0.0f});
    bench.run();
    CHECK(bench.slot(0, 0).position.x == doctest::Approx(0.02f));
    CHECK(bench.slot(0, 1).position.x == doctest::Approx(0.06f));
  }

  TEST_CASE(
      "confidence is one where a marker was expected and falls with the distance from there") {
    float last = 1.0f;
    for (const float off : {0.0f, 0.01f, 0.03f, 0.06f, 0.15f}) {
      Bench bench({1});
      bench.before(0, 0, {0.0f, 1.0f, 0.0f});
      bench.expect(0, 0, {0.0f, 1.0f, 0.0f});
      bench.see({off, 1.0f, 0.0f}, 0);
      bench.run();
      const float confidence = bench.slot(0, 0).confidence;
      CHECK(confidence == doctest::Approx(off <= 0.015f ? 1.0f : std::max(0.2f, 0.015f / off)));
      CHECK(confidence <= last);
      last = confidence;
    }
  }

  TEST_CASE("naming allocates nothing") {
    Bench bench({5});
    for (std::uint32_t m = 0; m < 5; ++m) {
      bench.expect(0, m, {0.04f * float(m), 1.0f, 0.0f});
      bench.see({0.04f * float(m) + 0.03f, 1.0f, 0.0f}, static_cast<std::int32_t>(m));
    }
    const std::uint64_t before = test::allocationCount();
    for (int frame = 0; frame < 10; ++frame) bench.run();
    CHECK(test::allocationCount() == before);
  }
}
