#include "capture/solve/swap_guard.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/support/guard_bench.h"

using namespace understudy;

namespace {

// The invented figure alone.
struct Bench : test::GuardBench {
  Bench() : GuardBench(test::perfectSettings()) {}

  // Hides two markers for ten frames; they come back in frame 50 with each other's names. Returns
  // the frame in which the guard put them right, 0 for never.
  std::uint64_t exchangeAtReturn(std::size_t one, std::size_t other) {
    std::uint64_t right_since = 0;
    for (std::uint64_t f = 0; f < 90; ++f) {
      look(f);
      auto& slots = labels.subjects[0].markers;
      if (f >= 40 && f < 50) slots[one] = slots[other] = {};
      // Names follow the tracks: once they are right they stay so.
      if (f >= 50 && right_since == 0) std::swap(slots[one], slots[other]);
      finish();
      if (f >= 50 && right_since == 0 && isRight(one) && isRight(other)) right_since = f;
    }
    return right_since;
  }
};

}  // namespace

TEST_SUITE("solve/swap_guard") {
  TEST_CASE("names that were never in doubt are left alone, and nothing happens") {
    Bench bench;
    for (std::uint64_t f = 0; f < 120; ++f) {
      bench.look(f);
      bench.finish();
      for (std::size_t m = 0; m < bench.subjects[0].markers.size(); ++m) CHECK(bench.isRight(m));
    }
    CHECK(bench.events.empty());
  }

  TEST_CASE(
      "a planted swap is put right within ten frames, on segments of two and of more markers") {
    const char* pairs[][2] = {{"LIHD", "LOHD"}, {"RIWR", "ROWR"}, {"LUPA", "LUAF"},
                              {"RFHD", "THD"},  {"LMT5", "LMT1"}, {"LFRM", "LELB"}};
    for (const auto& pair : pairs) {
      CAPTURE(pair[0]);
      Bench bench;
      const std::uint64_t right =
          bench.exchangeAtReturn(bench.marker(pair[0]), bench.marker(pair[1]));
      CHECK(right >= 50);
      CHECK(right <= 60);
    }
  }

  TEST_CASE("the event says which frames were wrong, and what it says puts them right") {
    Bench bench;
    bench.settings.decisive = 1e-9;  // No frame decides alone, so that some are given out wrong.
    const std::size_t one = bench.marker("LUPA"), other = bench.marker("LUAF");
    const std::uint64_t right = bench.exchangeAtReturn(one, other);
    REQUIRE(right > 50);
    REQUIRE(bench.events.size() == 1);
    const frame::CaptureEvent& event = bench.events[0];
    CHECK(event.kind == frame::CaptureEventKind::swap_corrected);
    CHECK(event.subject == 0);
    CHECK(event.first_sequence == 50);
    CHECK(event.last_sequence == right - 1);
    REQUIRE(event.exchange_count == 1);
    frame::LabelledMarkers past = bench.labels;
    std::swap(past.subjects[0].markers[one], past.subjects[0].markers[other]);
    for (const std::uint64_t sequence : {std::uint64_t{49}, std::uint64_t{50}, right}) {
      CAPTURE(sequence);
      frame::LabelledMarkers corrected = past;
      corrected.stamp.sequence = sequence;
      frame::applyCorrection(event, corrected);
      const bool is_right = corrected.subjects[0].markers[one].position ==
                            bench.truth.performers[0].markers[one].position;
      CHECK(is_right == (sequence == 50));
    }
  }

  TEST_CASE("a name that was wrong while its marker was alone comes right when the other is back") {
    Bench bench;
    bench.settings.sure_after = 30;
    const std::size_t one = bench.marker("LIHD"), other = bench.marker("LOHD");
    std::uint64_t right_since = 0;
    for (std::uint64_t f = 0; f < 180; ++f) {
      bench.look(f);
      auto& slots = bench.labels.subjects[0].markers;
      if (f >= 20 && right_since == 0) std::swap(slots[one], slots[other]);
      if (f >= 20 && f < 140) slots[one] = {};  // Long enough for any name to be sure.
      bench.finish();
      if (f >= 140 && right_since == 0 && bench.isRight(one) && bench.isRight(other))
        right_since = f;
    }
    CHECK(right_since >= 140);
    CHECK(right_since <= 150);
  }

  TEST_CASE("a marker whose place an unnamed one has taken gets its name back") {
    Bench bench;
    const std::size_t one = bench.marker("RUPA");
    std::uint64_t right_since = 0;
    for (std::uint64_t f = 0; f < 90; ++f) {
      bench.look(f);
      frame::LabelledMarker& slot = bench.labels.subjects[0].markers[one];
      if (f >= 40 && f < 50) slot = {};
      if (f >= 50 && right_since == 0) {  // A reflection 50 mm off took the name.
        frame::Marker own;
        own.position = slot.position;
        own.rays = 4;
        bench.labels.unlabelled.push_back(own);
        slot.position += glm::vec3(0.0f, 0.05f, 0.0f);
      }
      bench.finish();
      if (f >= 50 && right_since == 0 && bench.isRight(one)) right_since = f;
    }
    CHECK(right_since >= 50);
    CHECK(right_since <= 60);
  }

  TEST_CASE("guarding allocates nothing, whatever it finds") {
    Bench bench;
    bench.exchangeAtReturn(bench.marker("LIHD"), bench.marker("LOHD"));
    CHECK(bench.allocations == 0);
  }

  TEST_CASE("a correction with a spare place takes a name away; what is not there is left alone") {
    frame::LabelledMarkers labels;
    labels.stamp.sequence = 7;
    labels.subjects.resize(1);
    labels.subjects[0].markers.resize(2);
    labels.subjects[0].markers[0] = {glm::vec3(1.0f), glm::mat3(1.0f), 1.0f};
    frame::CaptureEvent event{.kind = frame::CaptureEventKind::swap_corrected,
                              .first_sequence = 7,
                              .last_sequence = 7,
                              .exchange_count = 4};
    event.exchanges[0] = {0, 0, frame::kSparePlace, 3};
    event.exchanges[1] = {0, 1, 5, 0};
    event.exchanges[2] = {0, 9, 0, 1};
    event.exchanges[3] = {0, 1, frame::kSparePlace, 900};
    frame::applyCorrection(event, labels);
    CHECK(labels.subjects[0].markers[0].confidence == 0.0f);
    CHECK(labels.subjects[0].markers[1].confidence == 0.0f);
  }

  TEST_CASE("settings out of range are named") {
    solve::SwapGuardSettings settings;
    CHECK(solve::check(settings));
    settings.clearly_better = 1.0;
    REQUIRE_FALSE(solve::check(settings));
    CHECK(solve::check(settings).error().message.find("clearly_better") != std::string::npos);
  }
}
