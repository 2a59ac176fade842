#include <doctest/doctest.h>

#include <set>

#include "engine/core/hash.h"
#include "tests/support/allocations.h"
#include "tests/support/capture.h"
#include "tests/support/stage.h"

using namespace understudy;

namespace {

struct Followed {
  std::size_t tracks = 0;  ///< Ids that were given, in all frames.
  std::uint64_t cold_tests = 0;
  std::uint64_t markers = 0;      ///< Without a name, in all frames.
  std::uint64_t warm = 0;         ///< Of these, matched to a prediction.
  std::uint64_t allocations = 0;  ///< After the first 20 frames.
  std::uint64_t hash = 0;         ///< Of places and tracks.
};

// A performer whom nobody knows, or who is known.
Followed follow(const source::StageSettings& stage_settings, std::uint32_t fewest_seen, int frames,
                bool known = false) {
  source::SimulatedStage stage = test::figureStage(stage_settings);
  test::StageFeed feed{.stage = stage};
  pipeline::PipelineSettings settings;
  settings.tracks.fewest_seen = fewest_seen;
  auto path = pipeline::CapturePath::create(
      settings, stage.knownRig(), known ? stage.subjects() : std::vector<subject::Subject>{});
  REQUIRE(path);
  Followed followed;
  std::set<std::uint32_t> ids;
  core::Hasher hasher;
  for (int f = 0; f < frames; ++f) {
    feed.simulate();
    feed.makePackets();
    const std::uint64_t before = test::allocationCount();
    feed.give(**path);
    test::closeFrame(**path);
    (*path)->prepareNext();
    if (f >= 20) followed.allocations += test::allocationCount() - before;
    followed.cold_tests += (*path)->result().reconstruct.cold_tests;
    for (const frame::Marker& marker : (*path)->result().labels.unlabelled) {
      ++followed.markers;
      followed.warm += marker.prediction != frame::kNoPrediction ? 1 : 0;
      ids.insert(marker.track);
      hasher.update(std::as_bytes(std::span(&marker.position, 1)));
      hasher.update(std::as_bytes(std::span(&marker.track, 1)));
    }
  }
  followed.tracks = ids.size();
  followed.hash = hasher.digest();
  return followed;
}

}  // namespace

TEST_SUITE("pipeline/unlabelled") {
  TEST_CASE("the markers of a body that nobody knows are followed instead of searched for") {
    constexpr std::uint32_t kNever = 1u << 30;
    constexpr std::uint32_t kUsual = label::TrackSettings{}.fewest_seen;
    constexpr int kFrames = 240;
    const Followed searched = follow({}, kNever, kFrames);
    const Followed followed = follow({}, kUsual, kFrames);
    const Followed known = follow({}, kUsual, kFrames, true);
    MESSAGE("cold tests " << searched.cold_tests << " -> " << followed.cold_tests
                          << ", of a known body " << known.cold_tests << "; tracks "
                          << followed.tracks << ", markers " << searched.markers << " -> "
                          << followed.markers << ", warm " << followed.warm);
    // What is left to the search is what it has of a known body too.
    CHECK(followed.cold_tests * 10 <= known.cold_tests * 12);
    CHECK(followed.cold_tests < searched.cold_tests);
    // One track per marker.
    CHECK(followed.tracks * kFrames * 100 <= followed.markers * 102);
    CHECK(followed.markers * 100 >= searched.markers * 99);
    CHECK(followed.warm * 10 >= followed.markers * 9);
    CHECK(followed.allocations == 0);
  }

  TEST_CASE("the order of packets changes neither the places nor the tracks of markers") {
    const Followed one = follow({}, 3, 120);
    CHECK(follow({.shuffle_packets = true}, 3, 120).hash == one.hash);
  }

  TEST_CASE("a body that stood as unnamed tracks is recognised in one frame and its tracks end") {
    source::SimulatedStage stage = test::figureStage({});
    test::StageFeed feed{.stage = stage};
    const auto path = test::makePath(stage);
    constexpr int kShown = 60;
    constexpr std::int32_t kFew = 4;  // Too few to recognise anybody by.
    int found = -1;
    for (int f = 0; f < kShown + 40; ++f) {
      feed.simulate();
      if (f < kShown)
        test::hideMarkers(feed.frame, [](int, std::int32_t marker) { return marker >= kFew; });
      feed.makePackets();
      feed.give(*path);
      test::closeFrame(*path);
      const frame::LabelledMarkers& labels = path->result().labels;
      std::size_t named = 0;
      for (const frame::LabelledMarker& slot : labels.subjects[0].markers)
        named += slot.confidence > 0.0f ? 1 : 0;
      if (f < kShown) CHECK(named == 0);
      if (f == kShown - 1) CHECK(labels.unlabelled.size() >= 3);
      if (found < 0 && named > 0) {
        found = f;
        CHECK(named >= 45);
      }
      if (found >= 0) CHECK(labels.unlabelled.size() <= 2);
      path->prepareNext();
    }
    CHECK(found >= kShown);
    CHECK(found <= kShown + 12);
  }
}
