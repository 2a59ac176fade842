#include "tools/scoring/stage_meter.h"

#include <doctest/doctest.h>

#include <cmath>

#include "tests/support/stage.h"

using namespace understudy;

namespace {

source::StageFrame frameOf(std::size_t performers, std::size_t markers) {
  source::StageFrame frame;
  frame.performers.resize(performers);
  for (source::PerformerTruth& performer : frame.performers) {
    performer.markers.assign(markers, {.views = 4, .seen_2 = true, .seen_3 = true});
  }
  return frame;
}

}  // namespace

TEST_SUITE("scoring/stage_meter") {
  TEST_CASE("planted gaps show with their number, length and share") {
    scoring::StageMeter meter({10, 10}, 240.0);
    for (int f = 0; f < 1000; ++f) {
      source::StageFrame frame = frameOf(2, 10);
      // One marker drops out for 48 frames of 240 Hz (24 of 120 Hz) five times.
      source::MarkerTruth& dropping = frame.performers[1].markers[3];
      if (f % 200 < 48) dropping = {.dropped = true};
      // Another is hidden, but not dropped, from frame 900 to the end.
      if (f >= 900) frame.performers[0].markers[0].seen_2 = false;
      meter.add(frame);
    }
    const scoring::StageFigures figures = meter.figures({});
    CHECK(figures.dropped.gap_frames.count == 5);
    CHECK(figures.dropped.gap_frames.p50 == doctest::Approx(24.0).epsilon(0.01));
    CHECK(figures.dropped.mean == doctest::Approx(240.0 / 20000.0));
    CHECK(figures.dropped.worst == doctest::Approx(0.24));
    CHECK(figures.missing.gap_frames.count == 6);
    CHECK(figures.missing.gap_frames.max == doctest::Approx(50.0));
    CHECK(figures.missing.mean == doctest::Approx(340.0 / 20000.0));
    CHECK(figures.missing.worst == doctest::Approx(0.24));
  }

  TEST_CASE("a run without gaps has none, and a run without frames has no figures") {
    scoring::StageMeter meter({5}, 120.0);
    CHECK(std::isnan(meter.figures({}).missing.mean));
    CHECK(std::isnan(meter.figures({}).merged));
    meter.add(frameOf(1, 5));
    CHECK(meter.figures({}).missing.mean == 0.0);
    CHECK(meter.figures({}).missing.gap_frames.count == 0);
    CHECK(std::isnan(meter.figures({}).missing.gap_frames.p50));
  }

  TEST_CASE("shares of views and blobs are those of the stage's counts") {
    const source::StageStatistics counts{.frames = 10,
                                         .marker_frames = 1000,
                                         .dropped = 200,
                                         .unseen = 40,
                                         .marker_views = 8000,
                                         .hidden_by_body = 2000,
                                         .hidden_by_marker = 80,
                                         .merged = 400,
                                         .images = 160,
                                         .blobs = 4800,
                                         .false_blobs = 96};
    const scoring::StageFigures figures = scoring::StageMeter({100}, 240.0).figures(counts);
    CHECK(figures.hidden_by_body == 0.25);
    CHECK(figures.hidden_by_marker == 0.01);
    CHECK(figures.merged == 0.05);
    CHECK(figures.false_blobs == 0.02);
    CHECK(figures.blobs_per_image == 30.0);
    CHECK(figures.hidden_everywhere == 0.05);
  }

  TEST_CASE("the simulated stage is counted as it was made: two overlapping views merge") {
    source::StageSettings settings = test::perfectSettings();
    settings.false_blobs = 0.05;
    settings.body_occlusion = true;
    settings.merge_blobs = true;
    source::SimulatedStage stage = test::figureStage(settings);
    source::StageFrame frame = stage.makeFrame();
    scoring::StageMeter meter({stage.subjects()[0].markers.size()}, 240.0);
    std::size_t merged = 0, blobs = 0, false_blobs = 0, own = 0;
    for (int f = 0; f < 60; ++f) {
      stage.simulate(frame);
      meter.add(frame);
      for (const auto& camera : frame.centroid_truth) {
        blobs += camera.size();
        for (const source::CentroidTruth& truth : camera) false_blobs += truth.performer < 0;
      }
      for (const source::MarkerTruth& marker : frame.performers[0].markers) {
        merged += marker.merged_views;
        own += marker.views;
      }
    }
    const source::StageStatistics counts = stage.statistics();
    const scoring::StageFigures figures = meter.figures(counts);
    CHECK(counts.images == 60 * 16);
    CHECK(double(false_blobs) / double(blobs) == doctest::Approx(figures.false_blobs));
    CHECK(double(merged) / double(counts.marker_views) == doctest::Approx(figures.merged));
    CHECK(figures.false_blobs == doctest::Approx(0.05).epsilon(0.3));
    // What is neither hidden nor merged is a blob of its own.
    CHECK(own + merged + counts.hidden_by_body + counts.hidden_by_marker == counts.marker_views);
    CHECK(figures.dropped.mean == 0.0);
  }
}
