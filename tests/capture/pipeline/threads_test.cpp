#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "engine/core/hash.h"
#include "tests/support/allocations.h"
#include "tests/support/capture.h"
#include "tests/support/props.h"
#include "tests/support/stage.h"

using namespace understudy;

namespace {

constexpr std::size_t kCameras = 12;

// Every camera is matched by whoever is free, however little there is to do.
pipeline::PipelineSettings settingsOf(std::uint32_t threads) {
  return {.threads = threads, .share_from = 0};
}

struct Outcome {
  std::uint64_t poses = 0;  ///< The path's own hash.
  std::uint64_t counters =
      0;  ///< Of all frames: what reconstruction counted, and how many markers.
  std::uint64_t rays = 0;
  std::uint64_t late = 0, duplicate = 0, incomplete = 0, resyncs = 0;
  std::size_t tracked = 0, threads = 0;

  bool operator==(const Outcome& other) const {
    return poses == other.poses && counters == other.counters && rays == other.rays &&
           late == other.late && duplicate == other.duplicate && incomplete == other.incomplete &&
           resyncs == other.resyncs && tracked == other.tracked;
  }
};

// Packets of a frame: some lost, some twice, some after the closing.
struct Hardship {
  std::mt19937 random{11};
  std::vector<std::vector<std::byte>> held{};  ///< Packets that come after the closing.
  std::uint64_t clock_ms = 0;

  void give(const test::StageFeed& feed, pipeline::CapturePath& path) {
    for (const source::TimedPacket& packet : feed.packets.packets) {
      const auto bytes = feed.packets.datagram(packet);
      const std::uint32_t fate = random() % 64;
      if (fate == 0) continue;
      if (fate < 3) {
        held.emplace_back(bytes.begin(), bytes.end());
        continue;
      }
      path.packet(bytes, core::Time(packet.departure));
      if (fate < 6) path.packet(bytes, core::Time(packet.departure));
    }
  }

  void giveLate(pipeline::CapturePath& path) {
    for (const auto& bytes : held)
      path.packet(bytes, core::Time(std::chrono::milliseconds(clock_ms)));
    held.clear();
  }
};

void count(const pipeline::CapturePath& path, core::Hasher& hasher, Outcome& outcome) {
  const reconstruct::ReconstructCounters& c = path.result().reconstruct;
  const std::uint64_t counted[] = {c.cold_tests,
                                   c.rays,
                                   c.merged,
                                   c.ambiguous,
                                   c.checked,
                                   c.dropped_rays,
                                   path.result().cloud.markers.size()};
  hasher.update(std::as_bytes(std::span(counted)));
  outcome.rays += c.rays;
}

// Two groups of performers, with everything that can go wrong with packets; in the middle of an
// exposure the cameras begin to count anew, twice.
Outcome runHard(const pipeline::PipelineSettings& settings, std::size_t actors = 5,
                int frames = 96) {
  source::SimulatedStage stage = test::figureStage({.actors = actors,
                                                    .spacing = 0.9,
                                                    .false_blobs = 0.1,
                                                    .gaps = 5,
                                                    .packet_loss = 0.02,
                                                    .shuffle_packets = true},
                                                   kCameras);
  test::StageFeed feed{.stage = stage};
  const auto path = test::makePath(stage, settings);
  Outcome outcome;
  outcome.threads = path->threads();
  core::Hasher hasher;
  Hardship hardship;
  std::uint64_t first = 0;
  for (int f = 0; f < frames; ++f) {
    feed.simulate();
    const std::uint64_t sequence = feed.frame.stamp.sequence;
    if (f == frames / 2 || f == 3 * frames / 4) {
      feed.frame.stamp.sequence = sequence + first;
      feed.makePackets();
      hardship.give(feed, *path);  // Of the old count, and never closed.
      first = f == frames / 2 ? 1000000 : 2000;
    }
    feed.frame.stamp.sequence = sequence + first;
    feed.makePackets();
    hardship.clock_ms = static_cast<std::uint64_t>(4 * f + 4);
    hardship.give(feed, *path);
    const bool is_jump = first != 0 && path->openSequence() != feed.frame.stamp.sequence;
    if (is_jump) continue;  // The path still waits for the old count.
    test::closeFrame(*path);
    count(*path, hasher, outcome);
    // Some frames hear of the late ones before, some after the next one is prepared.
    if (f % 2 == 0) path->prepareNext();
    hardship.giveLate(*path);
    if (f % 2 == 1) path->prepareNext();
  }
  outcome.poses = path->hash();
  outcome.counters = hasher.digest();
  outcome.late = path->counters().late;
  outcome.duplicate = path->counters().duplicate;
  outcome.incomplete = path->counters().incomplete_frames;
  outcome.resyncs = path->counters().resyncs;
  for (const frame::SkeletonPose& pose : path->result().poses) outcome.tracked += pose.tracked;
  return outcome;
}

}  // namespace

TEST_SUITE("pipeline/threads") {
  TEST_CASE(
      "any number of threads gives the same bytes and counts, with packets lost, late and twice") {
    const Outcome one = runHard(settingsOf(1));
    CHECK(one.threads == 1);
    CHECK(one.tracked == 5);
    CHECK(one.rays > 10000);
    CHECK(one.late > 20);
    CHECK(one.duplicate > 20);
    CHECK(one.incomplete > 20);
    CHECK(one.resyncs == 2);
    for (const std::uint32_t threads : {2u, 3u, 8u}) {
      CAPTURE(threads);
      const Outcome some = runHard(settingsOf(threads));
      CHECK(some.threads == threads);
      CHECK(some == one);
    }
    // Small cameras are matched by the path's own thread, the subjects solved by all.
    CHECK(runHard({.threads = 2}) == one);
  }

  TEST_CASE("nothing is allocated after warm-up by several threads either") {
    source::SimulatedStage stage = test::figureStage({.actors = 5, .gaps = 5}, kCameras);
    test::StageFeed feed{.stage = stage};
    const auto path = test::makePath(stage, settingsOf(3));
    std::uint64_t allocations = 0;
    for (int f = 0; f < 240; ++f) {
      feed.simulate();
      feed.makePackets();
      const std::uint64_t before = test::allocationCount();
      if (f % 50 != 49) feed.give(*path);
      test::closeFrame(*path);
      path->prepareNext();
      if (f >= 120) allocations += test::allocationCount() - before;
    }
    CHECK(allocations == 0);
  }

  TEST_CASE("all threads' processor time is counted, and what is not the path's own is said") {
    source::SimulatedStage stage = test::figureStage({.actors = 5}, kCameras);
    for (const std::uint32_t threads : {1u, 3u}) {
      test::StageFeed feed{.stage = stage};
      const auto path = test::makePath(stage, settingsOf(threads));
      core::Duration crew{}, all{}, waited{};
      for (int f = 0; f < 60; ++f) {
        feed.advance(*path);
        test::closeFrame(*path);
        const pipeline::StageTimes& cpu = path->result().cpu;
        all += cpu.sync + cpu.reconstruct + cpu.label + cpu.solve;
        crew += cpu.crew;
        waited += cpu.waited;
        CHECK(cpu.crew <= cpu.reconstruct + cpu.solve);
        CHECK(cpu.reconstruct >= core::Duration{});
        path->prepareNext();
      }
      CHECK(all > crew);
      CHECK((crew > core::Duration{}) == (threads > 1));
      if (threads == 1) CHECK(waited == core::Duration{});
    }
  }

  TEST_CASE("no more threads are started than there are cameras; impossible numbers are refused") {
    source::SimulatedStage stage = test::figureStage({}, kCameras);
    CHECK(test::makePath(stage, {.threads = 1024})->threads() == kCameras);
    CHECK(test::makePath(stage)->threads() == 1);
    CHECK(test::makePath(stage)->crewReport() == nullptr);
    CHECK(test::makePath(stage, {.threads = 2})->crewReport() != nullptr);
    for (const std::uint32_t threads : {0u, 1025u}) {
      const auto path =
          pipeline::CapturePath::create({.threads = threads}, stage.knownRig(), stage.subjects());
      REQUIRE_FALSE(path);
      CHECK(path.error().message.find("threads") != std::string::npos);
    }
  }

  TEST_CASE("paths begin and end at any moment, with cameras that nobody has matched yet") {
    source::SimulatedStage stage = test::figureStage({}, kCameras);
    for (std::uint32_t round = 0; round < 24; ++round) {
      test::StageFeed feed{.stage = stage};
      const auto path = test::makePath(stage, settingsOf(2 + round % 4));
      for (std::uint32_t f = 0; f < round % 3; ++f) {
        feed.advance(*path);
        test::closeFrame(*path);
        path->prepareNext();
      }
      feed.advance(*path);  // Never closed.
    }
  }
}
