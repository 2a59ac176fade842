#include <doctest/doctest.h>

#include <filesystem>
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
      file, {.rig_toml = camera::formatRig(stage.knownRig()),
             .subjects_toml = {subject::formatSubject(stage.subjects()[0])}});
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

// Replays a log with its own rig and subjects, obeying its closings.
std::uint64_t replayRun(const std::filesystem::path& file,
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
  std::size_t next = 0;
  const auto isSatisfied = [&] {
    if (next == closings.size() || closings[next].sequence != path.openSequence()) return false;
    for (std::uint32_t c = 0; c < rig->cameras.size(); ++c) {
      if (closings[next].uses(c) && !path.hasCamera(c)) return false;
    }
    return true;
  };
  path.restrictTo(closings.at(0));
  std::vector<source::RawPacket> packets(20);
  while (!(*take)->finished()) {
    const std::size_t count = (*take)->receive(packets, {});
    for (std::size_t i = 0; i < count; ++i) {
      path.packet(packets[i].bytes, packets[i].received);
      while (isSatisfied()) {
        path.closeFrame(closings[next].reason);
        CHECK(path.result().closing.cameras == closings[next].cameras);
        if (++next < closings.size()) path.restrictTo(closings[next]);
        path.prepareNext();
      }
    }
  }
  CHECK(next == closings.size());
  return path.hash();
}

}  // namespace

TEST_SUITE("pipeline/replay") {
  TEST_CASE("a run with lost and late packets and closings by deadline is replayed to the byte") {
    const auto file = logPath("deadline.mcap");
    const std::uint64_t hash = recordRun(file, 400);
    CHECK(replayRun(file) == hash);
    CHECK(replayRun(file, {.kernels = pipeline::KernelChoice::baseline}) == hash);
    CHECK(replayRun(file, {.threads = 3, .share_from = 0}) == hash);
    std::filesystem::remove(file);
  }
}
