#include "capture/source/take_source.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include "capture/camera/rig_file.h"
#include "capture/source/simulated_source.h"
#include "capture/subject/subject_file.h"
#include "tests/support/stage.h"

using namespace understudy;

namespace {

std::filesystem::path recordStage(std::uint64_t frames, std::vector<std::byte>& all) {
  const auto path = std::filesystem::temp_directory_path() /
                    ("understudy_take_" + std::to_string(getpid()) + ".mcap");
  source::SimulatedStage stage = test::figureStage({});
  auto log = take::PacketLogWriter::create(
      path, {.rig_toml = camera::formatRig(stage.knownRig()),
             .subjects_toml = {subject::formatSubject(stage.subjects()[0])}});
  REQUIRE_MESSAGE(log, (log ? "" : log.error().message));
  source::SimulatedSource from(stage, frames);
  std::vector<source::RawPacket> packets(64);
  while (from.advance()) {
    const std::size_t count = from.receive(packets, {});
    for (std::size_t i = 0; i < count; ++i) {
      CHECK((*log)->packet(packets[i].received, packets[i].bytes));
      all.insert(all.end(), packets[i].bytes.begin(), packets[i].bytes.end());
    }
    take::FrameClosing closing{.sequence = from.packets().sequence, .closed = {}};
    for (std::uint32_t c = 0; c < 16; ++c) closing.use(c);
    CHECK((*log)->closing(closing));
  }
  CHECK((*log)->close());
  return path;
}

}  // namespace

TEST_SUITE("source/take_source") {
  TEST_CASE("a replay gives the same packets with the same stamps, rig and subject") {
    std::vector<std::byte> recorded, replayed;
    const auto path = recordStage(50, recorded);
    auto take = source::TakeSource::open(path, source::ReplayPace::fast);
    REQUIRE_MESSAGE(take, (take ? "" : take.error().message));
    CHECK((*take)->end().complete);
    CHECK((*take)->packets() == 800);
    REQUIRE((*take)->closings().size() == 50);
    CHECK((*take)->closings()[49].sequence == 49);
    CHECK((*take)->closings()[49].uses(15));
    CHECK_FALSE((*take)->closings()[49].uses(16));
    std::vector<source::RawPacket> packets(33);
    core::Time before{};
    while (!(*take)->finished()) {
      const std::size_t count = (*take)->receive(packets, {});
      REQUIRE(count > 0);
      for (std::size_t i = 0; i < count; ++i) {
        CHECK(packets[i].received >= before);
        before = packets[i].received;
        replayed.insert(replayed.end(), packets[i].bytes.begin(), packets[i].bytes.end());
      }
    }
    CHECK(replayed == recorded);
    const auto rig = camera::parseRig((*take)->header().rig_toml, "take");
    REQUIRE(rig);
    CHECK(rig->cameras[9].camera_from_world ==
          test::figureStage({}).knownRig().cameras[9].camera_from_world);
    CHECK(subject::parseSubject((*take)->header().subjects_toml[0], "take"));
  }

  TEST_CASE("a replay at the recorded pace takes as long as the recording") {
    std::vector<std::byte> recorded;
    auto take = source::TakeSource::open(recordStage(24, recorded), source::ReplayPace::recorded);
    REQUIRE(take);
    std::vector<source::RawPacket> packets(64);
    const core::Time start = core::Clock::now();
    std::size_t count = 0;
    while (!(*take)->finished()) {
      const std::size_t got =
          (*take)->receive(packets, core::Clock::now() + std::chrono::milliseconds(3));
      for (std::size_t i = 0; i < got; ++i) CHECK(packets[i].received <= core::Clock::now());
      count += got;
    }
    CHECK(count == 24 * 16);
    CHECK(core::Clock::now() - start > std::chrono::milliseconds(90));
  }

  TEST_CASE("what is no take is refused in one line") {
    const auto take = source::TakeSource::open("/nonexistent/take.mcap", source::ReplayPace::fast);
    REQUIRE_FALSE(take);
    CHECK(take.error().message.find("/nonexistent/take.mcap") != std::string::npos);
  }
}
