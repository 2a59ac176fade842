#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "tests/support/guard_bench.h"

using namespace understudy;

namespace {

source::StageSettings twoPerformers() {
  source::StageSettings settings = test::perfectSettings();
  settings.actors = 2;
  settings.spacing = 0.5;
  return settings;
}

// Two figures side by side.
struct PairBench : test::GuardBench {
  PairBench() : GuardBench(twoPerformers()) { REQUIRE(subjects.size() == 2); }

  // Hides both performers' markers for ten frames; they come back in frame 50 as each other's.
  // Returns the frame in which the guard put them right, 0 for never.
  std::uint64_t exchangeAtReturn(const std::vector<std::size_t>& markers) {
    std::uint64_t right_since = 0;
    const auto allRight = [&] {
      return std::all_of(markers.begin(), markers.end(), [&](std::size_t m) { return isRight(m); });
    };
    for (std::uint64_t f = 0; f < 90; ++f) {
      look(f);
      for (const std::size_t m : markers) {
        frame::LabelledMarker &one = labels.subjects[0].markers[m],
                              &other = labels.subjects[1].markers[m];
        if (f >= 40 && f < 50) one = other = {};
        // Names follow the tracks: once they are right they stay so.
        if (f >= 50 && right_since == 0) std::swap(one, other);
      }
      finish();
      if (f >= 50 && right_since == 0 && allRight()) right_since = f;
    }
    return right_since;
  }
};

}  // namespace

TEST_SUITE("solve/guard_rivals") {
  TEST_CASE(
      "two performers whose hand markers were exchanged are put right, and the correction event "
      "says since when") {
    PairBench bench;
    bench.settings.decisive = 1e-9;  // No frame decides alone, so that some are given out wrong.
    const std::vector<std::size_t> hand{bench.marker("LIHD"), bench.marker("LOHD")};
    const std::uint64_t right = bench.exchangeAtReturn(hand);
    REQUIRE(right > 50);
    CHECK(right <= 62);
    REQUIRE(bench.events.size() == 1);
    const frame::CaptureEvent& event = bench.events[0];
    CHECK(event.kind == frame::CaptureEventKind::swap_corrected);
    CHECK(event.first_sequence == 50);
    CHECK(event.last_sequence == right - 1);
    REQUIRE(event.exchange_count >= hand.size());
    frame::LabelledMarkers past = bench.labels;
    past.stamp.sequence = 50;
    for (const std::size_t m : hand)
      std::swap(past.subjects[0].markers[m], past.subjects[1].markers[m]);
    frame::applyCorrection(event, past);
    for (const std::size_t m : hand) {
      for (std::size_t s = 0; s < 2; ++s) {
        CHECK(past.subjects[s].markers[m].position ==
              bench.truth.performers[s].markers[m].position);
      }
    }
  }

  TEST_CASE("two performers side by side with right names are left alone") {
    PairBench bench;
    for (std::uint64_t f = 0; f < 120; ++f) {
      bench.look(f);
      bench.finish();
    }
    CHECK(bench.events.empty());
    CHECK(bench.isRight(bench.marker("LIHD")));
  }

  TEST_CASE("testing two subjects together allocates nothing") {
    PairBench bench;
    bench.exchangeAtReturn({bench.marker("LIHD"), bench.marker("LOHD")});
    CHECK(bench.allocations == 0);
  }
}
