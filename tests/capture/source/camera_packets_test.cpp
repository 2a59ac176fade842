#include "capture/source/camera_packets.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>

#include "capture/source/protocol.h"
#include "capture/source/simulated_source.h"
#include "tests/support/allocations.h"
#include "tests/support/centroids.h"
#include "tests/support/stage.h"

using namespace understudy;
using source::FramePackets;

namespace {

source::PacketView decode(std::span<const std::byte> datagram) {
  source::PacketView view;
  REQUIRE(source::decodePacket(datagram, view) == source::DecodeResult::ok);
  return view;
}

// All centroids of a frame by camera, from its packets in any order.
std::map<int, std::map<int, std::vector<frame::Centroid>>> assemble(const FramePackets& packets) {
  std::map<int, std::map<int, std::vector<frame::Centroid>>> cameras;
  for (const source::TimedPacket& packet : packets.packets) {
    const source::PacketView view = decode(packets.datagram(packet));
    auto& centroids = cameras[view.header.camera][view.header.fragment];
    for (const frame::Centroid& c : test::centroidsOf(view)) centroids.push_back(c);
  }
  return cameras;
}

}  // namespace

TEST_SUITE("source/camera_packets") {
  TEST_CASE("packets hold exactly what the cameras saw, spread over the arrival window") {
    source::SimulatedStage stage = test::figureStage({.actors = 4});
    source::CameraPacketMaker maker(stage.settings(), 16);
    source::StageFrame frame = stage.makeFrame();
    FramePackets packets;
    std::set<std::uint32_t> first_cameras;
    bool fragmented = false;
    for (int i = 0; i < 30; ++i) {
      stage.simulate(frame);
      maker.make(frame, packets);
      first_cameras.insert(packets.packets.front().camera);
      const auto cameras = assemble(packets);
      REQUIRE(cameras.size() == 16);
      for (const auto& [camera, fragments] : cameras) {
        std::vector<frame::Centroid> centroids;
        for (const auto& [fragment, part] : fragments) {
          centroids.insert(centroids.end(), part.begin(), part.end());
        }
        const auto& seen = frame.cameras[static_cast<std::size_t>(camera)].centroids;
        REQUIRE(centroids.size() == seen.size());
        for (std::size_t k = 0; k < seen.size(); ++k) {
          CHECK(centroids[k].x_px == seen[k].x_px);
          CHECK(centroids[k].elongation == seen[k].elongation);
        }
        fragmented |= fragments.size() > 1;
      }
      const core::Duration exposed = frame.stamp.exposed.time_since_epoch();
      for (const source::TimedPacket& packet : packets.packets) {
        const core::Duration after =
            packet.departure - exposed - source::CameraPacketMaker::kCameraDelay;
        CHECK(after.count() >= 0);
        CHECK(after < std::chrono::microseconds(600));
      }
      CHECK(std::is_sorted(packets.packets.begin(), packets.packets.end(),
                           [](const auto& a, const auto& b) { return a.departure < b.departure; }));
    }
    CHECK(first_cameras.size() > 5);
    CHECK(fragmented);
  }

  TEST_CASE("each camera has a clock of its own, and drift is as large as asked for") {
    source::StageSettings settings{.clock_drift_ppm = 50};
    source::CameraPacketMaker maker(settings, 4);
    source::StageFrame frame;
    frame.cameras.resize(4);
    FramePackets packets;
    std::map<int, std::vector<std::int64_t>> stamps;
    for (int second = 0; second <= 10; second += 10) {
      frame.stamp.exposed = core::Time(std::chrono::seconds(second));
      maker.make(frame, packets);
      for (const source::TimedPacket& packet : packets.packets) {
        const source::PacketView view = decode(packets.datagram(packet));
        stamps[view.header.camera].push_back(view.header.exposed_ns);
      }
    }
    std::set<std::int64_t> offsets;
    for (const auto& [camera, times] : stamps) {
      const double ppm = static_cast<double>(times[1] - times[0] - 10'000'000'000) / 1e4;
      CHECK(std::abs(ppm) <= 50.0);
      CHECK(std::abs(ppm) > 0.01);
      offsets.insert(times[0]);
    }
    CHECK(offsets.size() == 4);
  }

  TEST_CASE("loss leaves out its share, and shuffling changes nothing but the order") {
    source::StageSettings plain{}, lossy = plain, shuffled = plain;
    lossy.packet_loss = 0.1;
    shuffled.packet_loss = 0.1;
    shuffled.shuffle_packets = true;
    source::SimulatedStage stage = test::figureStage(plain);
    source::CameraPacketMaker a(plain, 16), b(lossy, 16), c(shuffled, 16);
    source::StageFrame frame = stage.makeFrame();
    FramePackets pa, pb, pc;
    std::size_t lost = 0, sent = 0, reordered = 0;
    for (int i = 0; i < 200; ++i) {
      stage.simulate(frame);
      a.make(frame, pa);
      b.make(frame, pb);
      c.make(frame, pc);
      CHECK(pa.lost == 0);
      lost += pb.lost;
      sent += pa.packets.size();
      CHECK(pb.packets.size() + pb.lost == pa.packets.size());
      std::set<std::uint32_t> cameras_b, cameras_c;
      for (const auto& packet : pb.packets) cameras_b.insert(packet.camera);
      for (const auto& packet : pc.packets) cameras_c.insert(packet.camera);
      CHECK(cameras_b == cameras_c);
      for (std::size_t k = 0; k < pb.packets.size(); ++k) {
        CHECK(pb.packets[k].departure == pc.packets[k].departure);
        reordered += pb.packets[k].camera != pc.packets[k].camera ? 1 : 0;
      }
    }
    CHECK(static_cast<double>(lost) / static_cast<double>(sent) ==
          doctest::Approx(0.1).epsilon(0.15));
    CHECK(reordered > 1000);
  }

  TEST_CASE("the simulated source gives every packet of a frame once, without allocating") {
    source::SimulatedStage stage = test::figureStage({});
    source::SimulatedSource from(stage, 100, core::Time(std::chrono::seconds(5)));
    std::vector<source::RawPacket> packets(7);
    std::size_t frames = 0;
    std::uint64_t before = 0;
    while (from.advance()) {
      if (++frames == 20) before = test::allocationCount();
      std::size_t count = 0;
      while (const std::size_t got = from.receive(packets, {})) {
        for (std::size_t i = 0; i < got; ++i) {
          source::PacketView view;
          const auto result = source::decodePacket(packets[i].bytes, view);
          if (result != source::DecodeResult::ok || view.header.sequence != frames - 1 ||
              packets[i].received < core::Time(std::chrono::seconds(5))) {
            FAIL("a wrong packet");
          }
        }
        count += got;
      }
      if (count != 16) FAIL("packets are missing");
    }
    CHECK(test::allocationCount() == before);
    CHECK(frames == 100);
    CHECK(from.finished());
  }
}
