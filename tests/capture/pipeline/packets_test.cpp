#include <doctest/doctest.h>

#include <cstring>
#include <random>
#include <vector>

#include "capture/source/protocol.h"
#include "tests/support/capture.h"
#include "tests/support/stage.h"

using namespace understudy;

namespace {

using Bytes = std::vector<std::byte>;

// What happened to the packets of a clean run, and its poses.
struct Run {
  std::uint64_t hash = 0;
  sync::AssemblyCounters counters;
  std::uint64_t late = 0;
};

constexpr int kFrames = 120;

// Runs the figure's stage; `disturb(path, packets)` may give the path other datagrams before and
// after each frame's own.
template <class Disturb>
Run runWith(Disturb disturb) {
  source::SimulatedStage stage = test::figureStage({});
  test::StageFeed feed{.stage = stage};
  const auto path = test::makePath(stage);
  for (int f = 0; f < kFrames; ++f) {
    feed.simulate();
    feed.makePackets();
    if (f > 0) disturb(*path, feed.packets, false);
    feed.give(*path);
    disturb(*path, feed.packets, true);
    test::closeFrame(*path);
    path->prepareNext();
  }
  REQUIRE(path->result().poses[0].tracked);
  return {.hash = path->hash(), .counters = path->counters()};
}

Run cleanRun() {
  static const Run run = runWith([](pipeline::CapturePath&, const source::FramePackets&, bool) {});
  return run;
}

// A valid packet of one camera with that sequence and a few blobs.
Bytes packetOf(std::uint16_t camera, std::uint64_t sequence, std::size_t blobs = 5) {
  std::vector<frame::Centroid> centroids;
  for (std::size_t b = 0; b < blobs; ++b) {
    centroids.push_back({.x_px = 100.0f + 20.0f * float(b), .y_px = 300.0f, .radius_px = 2.0f});
  }
  Bytes packet(source::kMaxPacketBytes);
  packet.resize(
      source::encodePacket({.camera = camera, .sequence = sequence}, centroids, 0, packet));
  return packet;
}

}  // namespace

TEST_SUITE("pipeline/packets") {
  TEST_CASE("random bytes and damaged packets are counted and change nothing") {
    std::mt19937 random(1);
    std::uint64_t sent = 0;
    const Run run =
        runWith([&](pipeline::CapturePath& path, const source::FramePackets& packets, bool after) {
          for (int i = 0; i < 20; ++i) {
            Bytes bytes(random() % 2000);
            for (std::byte& byte : bytes) byte = std::byte(random() & 0xff);
            CHECK(path.packet(bytes, {}) == sync::PacketVerdict::inconsistent);
            ++sent;
          }
          const auto original = packets.datagram(packets.packets[random() % 16]);
          Bytes damaged(original.begin(), original.end());
          damaged[random() % damaged.size()] ^= std::byte(1u << (random() % 8));
          path.packet(damaged, {});
          damaged.assign(original.begin(), original.end());
          damaged.resize(random() % damaged.size());
          path.packet(damaged, {});
          path.packet({}, {});
          sent += 3;
          (void)after;
        });
    CHECK(run.counters.damaged == sent);
    CHECK(run.counters.packets == cleanRun().counters.packets);
    CHECK(run.hash == cleanRun().hash);
  }

  TEST_CASE("duplicates are counted and change nothing") {
    std::uint64_t sent = 0;
    const Run run =
        runWith([&](pipeline::CapturePath& path, const source::FramePackets& packets, bool after) {
          if (!after) return;
          for (const source::TimedPacket& packet : packets.packets) {
            if (packet.camera % 3 != 0) continue;
            CHECK(path.packet(packets.datagram(packet), {}) == sync::PacketVerdict::duplicate);
            ++sent;
          }
        });
    CHECK(run.counters.duplicate == sent);
    CHECK(run.counters.lost == 0);
    CHECK(run.hash == cleanRun().hash);
  }

  TEST_CASE("late packets, packets from the future and of unknown cameras are counted") {
    std::uint64_t sent = 0;
    const Run run =
        runWith([&](pipeline::CapturePath& path, const source::FramePackets& packets, bool after) {
          if (after || packets.sequence < 10) return;
          const std::uint64_t now = packets.sequence;
          CHECK(path.packet(packetOf(3, now - 7), {}) == sync::PacketVerdict::late);
          CHECK(path.packet(packetOf(3, now + 5000), {}) == sync::PacketVerdict::early);
          CHECK(path.packet(packetOf(16, now), {}) == sync::PacketVerdict::unknown_camera);
          CHECK(path.packet(packetOf(250, now), {}) == sync::PacketVerdict::unknown_camera);
          ++sent;
        });
    CHECK(run.counters.late == sent);
    CHECK(run.counters.early == sent);
    CHECK(run.counters.unknown_camera == 2 * sent);
    CHECK(run.counters.resyncs == 0);
    CHECK(run.hash == cleanRun().hash);
  }

  TEST_CASE("packets that contradict the first one of their exposure are counted") {
    std::uint64_t sent = 0;
    const Run run =
        runWith([&](pipeline::CapturePath& path, const source::FramePackets& packets, bool after) {
          if (!after) return;
          // More blobs than the camera said before.
          const Bytes other = packetOf(4, packets.sequence, 140);
          CHECK(path.packet(other, {}) == sync::PacketVerdict::inconsistent);
          ++sent;
        });
    CHECK(run.counters.inconsistent == sent);
    CHECK(run.hash == cleanRun().hash);
  }

  TEST_CASE("an exposure in many fragments counts when the last one is there, in any order") {
    std::vector<frame::Centroid> centroids;
    for (int b = 0; b < 400; ++b) {
      centroids.push_back({.x_px = 4.0f * float(b), .y_px = 2.0f * float(b), .radius_px = 1.5f});
    }
    const std::size_t fragments = source::fragmentCount(centroids.size());
    REQUIRE(fragments == 3);
    source::SimulatedStage stage = test::figureStage({});
    const auto path = test::makePath(stage);
    for (const std::size_t fragment : {std::size_t{2}, std::size_t{0}, std::size_t{1}}) {
      CHECK_FALSE(path->hasCamera(7));
      Bytes packet(source::kMaxPacketBytes);
      packet.resize(
          source::encodePacket({.camera = 7, .sequence = 0}, centroids, fragment, packet));
      CHECK(path->packet(packet, {}) ==
            (fragment == 1 ? sync::PacketVerdict::camera_complete : sync::PacketVerdict::stored));
    }
    CHECK(path->hasCamera(7));
  }

  TEST_CASE("cameras full of blobs that are no markers overflow nothing") {
    source::SimulatedStage stage = test::figureStage({});
    const auto path = test::makePath(stage);
    std::mt19937 random(3);
    std::uniform_real_distribution<float> x(0.0f, 2048.0f), y(0.0f, 1088.0f);
    for (std::uint64_t f = 0; f < 3; ++f) {
      for (std::uint16_t c = 0; c < 16; ++c) {
        std::vector<frame::Centroid> centroids(3000);
        for (auto& blob : centroids) blob = {.x_px = x(random), .y_px = y(random), .radius_px = 2};
        for (std::size_t k = 0; k < source::fragmentCount(centroids.size()); ++k) {
          Bytes packet(source::kMaxPacketBytes);
          packet.resize(source::encodePacket({.camera = c, .sequence = f}, centroids, k, packet));
          path->packet(packet, {});
        }
      }
      CHECK(path->complete());
      test::closeFrame(*path);
      CHECK(path->result().reconstruct.cold_budget_spent);
      path->prepareNext();
    }
    CHECK_FALSE(path->result().poses[0].tracked);
  }
}
