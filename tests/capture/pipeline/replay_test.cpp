#include "capture/pipeline/replay.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>
#include <vector>

#include "capture/camera/rig_file.h"
#include "capture/source/take_source.h"
#include "capture/subject/subject_file.h"
#include "capture/take/packet_log.h"
#include "tests/support/capture.h"
#include "tests/support/stage.h"

using namespace understudy;

namespace {

std::filesystem::path logPath(const char* name) {
  return std::filesystem::temp_directory_path() / (std::string("understudy_replay_") + name);
}

// Runs the figure's stage with lost and late packets, keeps everything in a log, and returns the
// hash of its poses.
std::uint64_t recordRun(const std::filesystem::path& file, int frames) {
  source::SimulatedStage stage = test::figureStage({.packet_loss = 0.02, .shuffle_packets = true});
  test::StageFeed feed{.stage = stage};
  const auto path = test::makePath(stage);
  auto log = take::PacketLogWriter::create(
      file,
      {.rig_toml = camera::formatRig(stage.knownRig()),
       .subjects_toml = {subject::formatSubject(stage.subjects()[0])}},
      {.chunk_bytes = 512 << 10});
  REQUIRE_MESSAGE(log, (log ? "" : log.error().message));
  std::mt19937 random(9);
  std::vector<std::vector<std::byte>> held;  // Packets that come after the closing.
  std::size_t late = 0;
  const auto give = [&](std::span<const std::byte> bytes, core::Time received) {
    REQUIRE((*log)->packet(received, bytes));
    path->packet(bytes, received);
  };
  for (int f = 0; f < frames; ++f) {
    feed.simulate();
    feed.makePackets();
    for (const source::TimedPacket& packet : feed.packets.packets) {
      const auto bytes = feed.packets.datagram(packet);
      if (random() % 25 == 0) {
        held.emplace_back(bytes.begin(), bytes.end());
      } else {
        give(bytes, core::Time(packet.departure));
      }
    }
    test::closeFrame(*path);
    REQUIRE((*log)->closing(path->result().closing));
    // Some frames hear of the late ones before, some after the next one is prepared.
    if (f % 2 == 0) path->prepareNext();
    late += held.size();
    for (const auto& bytes : held) give(bytes, core::Time(std::chrono::milliseconds(4 * f + 4)));
    held.clear();
    if (f % 2 == 1) path->prepareNext();
  }
  CHECK(late > 50);
  CHECK(path->counters().late == late);
  CHECK(path->counters().incomplete_frames > 50);
  REQUIRE((*log)->close());
  REQUIRE(path->result().poses[0].tracked);
  return path->hash();
}

struct Replayed {
  std::uint64_t hash = 0;
  std::size_t closings = 0;  // That the log holds.
  std::size_t frames = 0, tracked = 0, as_recorded = 0;
  bool last_tracked = false;
};

// Replays a log with its own rig and subjects, obeying its closings.
Replayed replayRun(const std::filesystem::path& file,
                   const pipeline::PipelineSettings& settings = {}) {
  auto take = source::TakeSource::open(file, source::ReplayPace::fast);
  REQUIRE_MESSAGE(take, (take ? "" : take.error().message));
  const auto rig = camera::parseRig((*take)->header().rig_toml, "take");
  const auto subject = subject::parseSubject((*take)->header().subjects_toml.at(0), "take");
  REQUIRE(rig);
  REQUIRE(subject);
  auto created = pipeline::CapturePath::create(settings, *rig, {*subject});
  REQUIRE(created);
  pipeline::CapturePath& path = **created;
  const std::vector<take::FrameClosing>& closings = (*take)->closings();
  pipeline::Replay replay(path, closings, (*take)->packetsBefore());
  Replayed replayed;
  const auto close = [&](take::ClosingReason reason) {
    path.closeFrame(reason);
    const take::FrameClosing& closing = path.result().closing;
    replayed.frames += 1;
    replayed.tracked += path.result().poses[0].tracked ? 1 : 0;
    replayed.as_recorded +=
        std::any_of(closings.begin(), closings.end(), [&](const take::FrameClosing& recorded) {
          return recorded.sequence == closing.sequence && recorded.cameras == closing.cameras;
        });
    replay.follow();
    path.prepareNext();
  };
  std::vector<source::RawPacket> packets(20);
  while (!(*take)->finished()) {
    const std::size_t count = (*take)->receive(packets, {});
    for (std::size_t i = 0; i < count; ++i) {
      replay.follow();
      while (const auto reason = replay.dueBefore(packets[i].bytes)) close(*reason);
      path.packet(packets[i].bytes, packets[i].received);
      replay.noteGiven();
      replay.follow();
      while (const auto reason = replay.due()) close(*reason);
    }
  }
  replayed.closings = closings.size();
  replayed.last_tracked = path.result().poses[0].tracked;
  replayed.hash = path.hash();
  return replayed;
}

}  // namespace

TEST_SUITE("pipeline/replay") {
  TEST_CASE("a run with lost and late packets and closings by deadline is replayed to the byte") {
    const auto file = logPath("deadline.mcap");
    const std::uint64_t hash = recordRun(file, 400);
    const Replayed replayed = replayRun(file);
    CHECK(replayed.hash == hash);
    CHECK(replayed.closings == 400);
    CHECK(replayed.frames == 400);
    CHECK(replayed.as_recorded == 400);
    CHECK(replayRun(file, {.kernels = pipeline::KernelChoice::baseline}).hash == hash);
    CHECK(replayRun(file, {.threads = 3, .share_from = 0}).hash == hash);
    std::filesystem::remove(file);
  }

  TEST_CASE("a log with damaged pieces is played on behind each of them") {
    const auto file = logPath("damaged.mcap");
    recordRun(file, 400);
    const auto size = static_cast<std::streamoff>(std::filesystem::file_size(file));
    for (const std::streamoff at : {size / 3, size * 2 / 3}) {
      std::fstream bytes(file, std::ios::in | std::ios::out | std::ios::binary);
      bytes.seekp(at);
      bytes.write("torn", 4);
    }
    const Replayed replayed = replayRun(file);
    CHECK(replayed.closings < 390);
    CHECK(replayed.closings > 200);
    CHECK(replayed.frames == 400);  // Time went on in the gaps.
    CHECK(replayed.as_recorded + 8 > replayed.closings);
    CHECK(replayed.tracked + 60 > replayed.closings);
    CHECK(replayed.last_tracked);
    std::filesystem::remove(file);
  }

  TEST_CASE("closings that no packet belongs to end a replay and do not hold it up") {
    source::SimulatedStage stage = test::figureStage({});
    const auto path = test::makePath(stage);
    std::vector<take::FrameClosing> closings(3);
    closings[1].sequence = 1u << 20;
    closings[2].sequence = ~std::uint64_t{0};
    const std::vector<std::uint64_t> before(3, 0);
    pipeline::Replay replay(*path, closings, before);
    replay.follow();
    CHECK_FALSE(replay.due());
    test::StageFeed feed{.stage = stage};
    feed.simulate();
    feed.makePackets();
    path->packet(feed.packets.datagram(feed.packets.packets[0]), {});
    replay.noteGiven();
    replay.follow();
    int closed = 0;
    while (const auto reason = replay.due()) {
      path->closeFrame(*reason);
      replay.follow();
      path->prepareNext();
      REQUIRE(++closed < 10);
    }
    CHECK(closed == 1);
  }
}
