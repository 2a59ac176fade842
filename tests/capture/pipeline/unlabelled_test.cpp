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

// A performer whom nobody knows.
Followed follow(const source::StageSettings& stage_settings, std::uint32_t fewest_seen,
                int frames) {
  source::SimulatedStage stage = test::figureStage(stage_settings);
  test::StageFeed feed{.stage = stage};
  pipeline::PipelineSettings settings;
  settings.tracks.fewest_seen = fewest_seen;
  auto path = pipeline::CapturePath::create(settings, stage.knownRig(), {});
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
    const Followed searched = follow({}, kNever, 240);
    const Followed followed = follow({}, label::TrackSettings{}.fewest_seen, 240);
    MESSAGE("cold tests " << searched.cold_tests << " -> " << followed.cold_tests << ", tracks "
                          << searched.tracks << " -> " << followed.tracks << ", markers "
                          << searched.markers << " -> " << followed.markers << ", warm "
                          << followed.warm);
    CHECK(followed.cold_tests * 4 < searched.cold_tests);
    CHECK(followed.tracks < searched.tracks);
    CHECK(followed.markers * 100 >= searched.markers * 99);
    CHECK(followed.warm * 10 >= followed.markers * 9);
    CHECK(followed.allocations == 0);
  }

  TEST_CASE("the order of packets changes neither the places nor the tracks of markers") {
    const Followed one = follow({}, 3, 120);
    CHECK(follow({.shuffle_packets = true}, 3, 120).hash == one.hash);
  }
}
