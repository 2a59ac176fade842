#include "capture/source/network_source.h"

#include <doctest/doctest.h>

#include <set>
#include <thread>
#include <vector>

#include "capture/source/packet_sender.h"
#include "capture/source/protocol.h"
#include "tests/support/allocations.h"
#include "tests/support/stage.h"

using namespace understudy;
using source::Endpoint;
using source::UdpSource;

namespace {

std::unique_ptr<UdpSource> listenOn(const std::string& address) {
  auto endpoint = source::parseEndpoint(address);
  REQUIRE(endpoint);
  auto udp = UdpSource::create({.listen = *endpoint});
  REQUIRE_MESSAGE(udp, (udp ? "" : udp.error().message));
  return *std::move(udp);
}

}  // namespace

TEST_SUITE("source/network_source") {
  TEST_CASE("addresses are read and written, and wrong ones say how they should look") {
    CHECK(source::parseEndpoint("127.0.0.1:9763")->port == 9763);
    CHECK(source::parseEndpoint("[::1]:80")->address == "::1");
    CHECK(source::format({"::1", 80}) == "[::1]:80");
    CHECK(source::format({"10.0.0.1", 5}) == "10.0.0.1:5");
    for (const char* wrong : {"", "127.0.0.1", "127.0.0.1:", "127.0.0.1:70000", "127.0.0.1:1x",
                              "::1:80", "camera:80", "[127.0.0.1]:80", "300.0.0.1:1"}) {
      const auto endpoint = source::parseEndpoint(wrong);
      REQUIRE_FALSE(endpoint);
      CHECK(endpoint.error().message.find("ADDR:PORT") != std::string::npos);
    }
  }

  TEST_CASE("a port in use is refused in one line") {
    const auto first = listenOn("127.0.0.1:0");
    CHECK(first->endpoint().port != 0);
    CHECK(first->statistics().receive_buffer_bytes > 0);
    const auto second = UdpSource::create({.listen = first->endpoint()});
    REQUIRE_FALSE(second);
    CHECK(second.error().message.find("cannot listen") != std::string::npos);
  }

  TEST_CASE("waiting ends at the deadline and when it is stopped") {
    const auto udp = listenOn("127.0.0.1:0");
    std::vector<source::RawPacket> packets(4);
    const core::Time start = core::Clock::now();
    CHECK(udp->receive(packets, start + std::chrono::milliseconds(20)) == 0);
    CHECK(core::Clock::now() - start >= std::chrono::milliseconds(20));
    CHECK_FALSE(udp->finished());
    std::jthread stopper([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      udp->stop();
    });
    CHECK(udp->receive(packets, core::Time::max()) == 0);
    CHECK(udp->finished());
  }

  TEST_CASE("simulated cameras reach the socket over real UDP, stamped by the kernel") {
    for (const char* address : {"127.0.0.1:0", "[::1]:0"}) {
      auto endpoint = source::parseEndpoint(address);
      auto made = UdpSource::create({.listen = *endpoint});
      if (!made) {
        MESSAGE("SKIPPED: no socket on ", address);
        continue;
      }
      UdpSource& udp = **made;
      constexpr std::uint64_t kFrames = 120;
      source::SimulatedStage stage = test::figureStage({});
      source::SimulatedFeed feed(stage, kFrames, kFrames);
      feed.waitForFrames(kFrames);
      auto sender = source::PacketSender::create(feed, 16, udp.endpoint(), false);
      REQUIRE_MESSAGE(sender, (sender ? "" : sender.error().message));
      const core::Time epoch = core::Clock::now() + std::chrono::milliseconds(20);
      (*sender)->start(epoch);
      std::vector<source::RawPacket> packets(64);
      std::set<std::pair<std::uint64_t, int>> seen;
      std::uint64_t before = 0;
      const core::Time last = epoch + std::chrono::seconds(5);
      core::Duration longest_early{};
      while (seen.size() < kFrames * 16 && core::Clock::now() < last) {
        const std::size_t count =
            udp.receive(packets, core::Clock::now() + std::chrono::milliseconds(100));
        const core::Time now = core::Clock::now();
        for (std::size_t i = 0; i < count; ++i) {
          source::PacketView view;
          REQUIRE(source::decodePacket(packets[i].bytes, view) == source::DecodeResult::ok);
          seen.emplace(view.header.sequence, view.header.camera);
          CHECK(packets[i].received <= now);
          const auto exposed =
              epoch + std::chrono::nanoseconds(view.header.sequence * 1'000'000'000 / 240);
          const core::Time earliest = exposed + source::CameraPacketMaker::kCameraDelay;
          longest_early = std::max(longest_early, core::Duration(earliest - packets[i].received));
        }
        if (seen.size() > 16 && before == 0) before = test::allocationCount();
      }
      CHECK(seen.size() == kFrames * 16);
      // Two clock readings convert the stamp; they may disagree by a scheduling hiccup.
      CHECK(longest_early < std::chrono::milliseconds(1));
      CHECK(udp.statistics().packets == kFrames * 16);
      CHECK(udp.statistics().unstamped == 0);
      CHECK(udp.statistics().kernel_drops == 0);
      (*sender)->stop();
      CHECK((*sender)->finished());
      REQUIRE((*sender)->framesSent() == kFrames);
      for (const source::SentFrame& sent : (*sender)->sent()) {
        CHECK(sent.packets == 16);
        CHECK(sent.sent_last >= sent.intended_last);
      }
    }
  }

  TEST_CASE("a full receive buffer is counted, and strange datagrams are handed on") {
    auto made = UdpSource::create({.listen = {}, .receive_buffer_bytes = 4096});
    REQUIRE(made);
    UdpSource& udp = **made;
    source::SimulatedStage stage = test::figureStage({});
    source::SimulatedFeed feed(stage, 60, 60);
    feed.waitForFrames(60);
    auto sender = source::PacketSender::create(feed, 16, udp.endpoint(), true);
    REQUIRE(sender);
    (*sender)->start(core::Clock::now() - std::chrono::seconds(1));  // Everything is late: at once.
    while (!(*sender)->finished()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    std::vector<source::RawPacket> packets(64);
    std::uint64_t received = 0;
    while (const std::size_t count = udp.receive(packets, core::Clock::now())) received += count;
    CHECK(received < 60 * 16);
    // The counter comes with the next datagram after the loss.
    source::SimulatedStage more_stage = test::figureStage({});
    source::SimulatedFeed more(more_stage, 1, 1);
    auto again = source::PacketSender::create(more, 16, udp.endpoint(), true);
    (*again)->start(core::Clock::now() - std::chrono::seconds(1));
    received += udp.receive(packets, core::Clock::now() + std::chrono::seconds(2));
    CHECK(udp.statistics().kernel_drops > 0);
  }
}
