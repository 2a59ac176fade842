#include "tests/support/props.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "tests/support/allocations.h"
#include "tests/support/capture.h"
#include "tests/support/stage.h"
#include "tools/scoring/stage_scorer.h"

using namespace understudy;

namespace {

/// A stage, the path and the score of a run. Markers for which `hides(frame, subject, marker)` is
/// true are taken out of all images.
struct Run {
  source::SimulatedStage stage;
  std::unique_ptr<pipeline::CapturePath> path;
  test::StageFeed feed{.stage = stage};
  scoring::StageScorer scorer;
  scoring::CaptureRecord record;

  explicit Run(const source::StageSettings& settings,
               const pipeline::PipelineSettings& pipeline_settings = {})
      : stage(test::figureStage(settings)),
        path(test::makePath(stage, pipeline_settings)),
        scorer(stage.subjects(), stage.knownRig(), {.noise_px = settings.noise_px}),
        record(scoring::makeRecord(stage.subjects())) {}

  template <class Hides>
  void step(Hides hides) {
    feed.simulate();
    test::hideMarkers(feed.frame, hides);
    feed.makePackets();
    feed.give(*path);
    test::closeFrame(*path);
    scoring::copyResult(path->result(), record);
    scorer.add(feed.frame, record);
    path->prepareNext();
  }

  void steps(int frames) {
    for (int f = 0; f < frames; ++f) step([](int, int) { return false; });
  }

  const frame::SkeletonPose& pose(std::size_t subject) const {
    return path->result().poses[subject];
  }

  double errorMm(std::size_t subject) const {
    const math::RigidTransform& wanted = feed.frame.performers[subject].world_from_joint[0];
    return 1000.0 * static_cast<double>(glm::distance(
                        pose(subject).parent_from_joint[0].translation, wanted.translation));
  }
};

std::uint64_t hashOf(const source::StageSettings& settings,
                     const pipeline::PipelineSettings& pipeline_settings = {}) {
  Run run(settings, pipeline_settings);
  run.steps(120);
  return run.path->hash();
}

}  // namespace

TEST_SUITE("pipeline/props") {
  TEST_CASE("props are held to a fraction of a millimetre beside a performer, from the start") {
    Run run({.props = 3});
    run.steps(720);
    const scoring::StageScore score = run.scorer.score();
    CHECK(score.boot_frame == 0);
    CHECK(score.props == 3);
    CHECK(score.prop_position_mm.mean < 1.0);
    CHECK(score.prop_angle_deg.mean < 0.3);
    CHECK(score.props_untracked == 0);
    CHECK(score.props_flipped == 0);
    CHECK(score.props_longest_search == 0);
    CHECK(score.label_correct >= 0.9995);
    CHECK(score.swaps_over_100ms == 0);
    CHECK(score.joint_error_mm.mean < 10.0);
    CHECK(score.joint_error_mm.count == Run({}).scorer.score().joint_error_mm.count + 720 * 18);
  }

  TEST_CASE("without errors a prop is exact") {
    source::StageSettings settings = test::perfectSettings();
    settings.props = 6;
    Run run(settings);
    run.steps(240);
    const scoring::StageScore score = run.scorer.score();
    CHECK(score.prop_position_mm.p99 < 0.1);
    CHECK(score.prop_angle_deg.p99 < 0.1);
    CHECK(score.label_correct >= 0.999);
  }

  TEST_CASE("a prop that nobody saw for a while is lost, and found within 100 ms of its return") {
    Run run({.props = 3});
    run.steps(60);
    for (std::size_t prop = 1; prop <= 3; ++prop) {
      CAPTURE(prop);
      CHECK(run.pose(prop).tracked);
      for (int f = 0; f < 180; ++f) {
        run.step([&](int subject, int) { return subject == static_cast<int>(prop); });
      }
      CHECK_FALSE(run.pose(prop).tracked);
      run.steps(24);
      CHECK(run.pose(prop).tracked);
      CHECK(run.errorMm(prop) < 1.0);
    }
    CHECK(run.scorer.score().props_flipped < 3 * 60);  // It coasts until it is lost.
  }

  TEST_CASE("three markers are enough to hold a prop, and its names stay right") {
    Run run({.props = 3, .gaps = 0.0});
    run.steps(60);
    for (int f = 0; f < 360; ++f) {
      run.step([&](int subject, int marker) { return subject > 0 && marker % 2 == 1; });
      for (std::size_t prop = 1; prop <= 3; ++prop) {
        CHECK(run.pose(prop).tracked);
        CHECK(run.errorMm(prop) < 3.0);
      }
    }
    const scoring::StageScore score = run.scorer.score();
    CHECK(score.swaps_over_100ms == 0);
    CHECK(score.props_untracked == 0);
  }

  TEST_CASE("while a prop is hidden altogether its names go to nobody else") {
    Run run({.props = 3});
    run.steps(60);
    for (int f = 0; f < 200; ++f) {
      run.step([&](int subject, int) { return subject == 1; });
      const auto& slots = run.path->result().labels.subjects[1].markers;
      CHECK(std::none_of(slots.begin(), slots.end(),
                         [](const frame::LabelledMarker& slot) { return slot.confidence > 0.0f; }));
    }
  }

  TEST_CASE("a performer who leaves and returns does not take a prop's markers") {
    Run run({.props = 3});
    run.steps(60);
    for (int f = 0; f < 200; ++f) run.step([&](int subject, int) { return subject == 0; });
    CHECK_FALSE(run.pose(0).tracked);
    run.steps(60);
    for (std::size_t subject = 0; subject < 4; ++subject) CHECK(run.pose(subject).tracked);
    CHECK(run.scorer.score().props_untracked == 0);
    CHECK(run.scorer.score().prop_position_mm.mean < 1.0);
  }

  TEST_CASE("a stage of props alone is possible") {
    source::SimulatedStage stage = test::figureStage({.props = 4});
    test::StageFeed feed{.stage = stage};
    std::vector<subject::Subject> props(stage.subjects().begin() + 1, stage.subjects().end());
    auto path = pipeline::CapturePath::create({}, stage.knownRig(), props);
    REQUIRE(path);
    for (int f = 0; f < 60; ++f) {
      feed.simulate();
      test::hideMarkers(feed.frame, [](int subject, int) { return subject == 0; });
      feed.makePackets();
      feed.give(**path);
      test::closeFrame(**path);
      (*path)->prepareNext();
    }
    for (const frame::SkeletonPose& pose : (*path)->result().poses) CHECK(pose.tracked);
  }

  TEST_CASE("props give the same bytes in any packet order and with any kernels") {
    const std::uint64_t hash = hashOf({.props = 3});
    CHECK(hashOf({.props = 3}) == hash);
    CHECK(hashOf({.props = 3, .shuffle_packets = true}) == hash);
    pipeline::PipelineSettings baseline;
    baseline.kernels = pipeline::KernelChoice::baseline;
    CHECK(hashOf({.props = 3}, baseline) == hash);
    CHECK(hashOf({.props = 4}) != hash);
  }

  TEST_CASE("nothing is allocated while props are lost and found") {
    Run run({.props = 6});
    std::uint64_t allocations = 0;
    for (int f = 0; f < 600; ++f) {
      run.feed.simulate();
      test::hideMarkers(run.feed.frame, [&](int subject, int marker) {
        return subject > 0 && (f / 100 % 2 == 1 || (marker + f / 7) % 3 == 0);
      });
      run.feed.makePackets();
      const std::uint64_t before = test::allocationCount();
      run.feed.give(*run.path);
      test::closeFrame(*run.path);
      run.path->prepareNext();
      if (f >= 120) allocations += test::allocationCount() - before;
    }
    CHECK(allocations == 0);
  }

  TEST_CASE("hostile props are refused or never found, and nothing breaks") {
    source::SimulatedStage stage = test::figureStage({});
    subject::Subject prop = test::makeProp("prop", test::unevenPattern());
    prop.markers[1].offset_joint.x = std::nanf("");
    CHECK_FALSE(pipeline::CapturePath::create({}, stage.knownRig(), {prop}));
    subject::Subject point = test::makeProp("point", test::unevenPattern());
    for (auto& marker : point.markers) marker.offset_joint = glm::vec3(0.0f);
    subject::Subject lone = test::makeProp("lone", test::unevenPattern());
    lone.markers.resize(1);
    subject::Subject bare = lone;
    bare.markers.clear();
    subject::Subject vast = test::makeProp("vast", test::unevenPattern());
    for (auto& marker : vast.markers) marker.offset_joint *= 1e15f;
    auto path = pipeline::CapturePath::create({}, stage.knownRig(), {point, lone, bare, vast});
    REQUIRE(path);
    test::StageFeed feed{.stage = stage};
    for (int f = 0; f < 30; ++f) {
      feed.advance(**path);
      test::closeFrame(**path);
      (*path)->prepareNext();
    }
    for (const frame::SkeletonPose& pose : (*path)->result().poses) CHECK_FALSE(pose.tracked);
  }
}
