#include "capture/source/simulated_feed.h"

#include <doctest/doctest.h>

#include <thread>

#include "tests/support/stage.h"

using namespace understudy;

TEST_SUITE("source/simulated_feed") {
  TEST_CASE("frames made ahead are those of the stage") {
    const source::StageSettings settings{};
    source::SimulatedStage ahead = test::figureStage(settings), stage = test::figureStage(settings);
    source::SimulatedFeed feed(ahead, 50, 8);
    source::CameraPacketMaker maker(settings, 16);
    source::StageFrame frame = stage.makeFrame();
    source::FramePackets packets;
    for (std::uint64_t i = 0; i < 50; ++i) {
      stage.simulate(frame);
      maker.make(frame, packets);
      const source::FeedFrame* made = feed.frame(i);
      REQUIRE(made != nullptr);
      CHECK(made->packets.bytes == packets.bytes);
      CHECK(made->truth.stamp == frame.stamp);
      CHECK(made->truth.performers[0].markers[7].position ==
            frame.performers[0].markers[7].position);
      feed.release(i + 1);
      CHECK(feed.tryFrame(i) == nullptr);
    }
    CHECK(feed.frame(50) == nullptr);
  }

  TEST_CASE("no frame is overwritten before it is released") {
    source::SimulatedStage stage = test::figureStage({});
    source::SimulatedFeed feed(stage, 1000, 4);
    feed.waitForFrames(4);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    CHECK(feed.tryFrame(4) == nullptr);
    CHECK(feed.tryFrame(0)->truth.stamp.sequence == 0);
    feed.release(1);
    CHECK(feed.frame(4)->truth.stamp.sequence == 4);
    feed.stop();
    CHECK(feed.frame(900) == nullptr);
    CHECK(feed.tryFrame(2) != nullptr);
  }
}
