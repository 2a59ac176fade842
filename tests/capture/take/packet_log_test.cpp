#include "capture/take/packet_log.h"

#include <doctest/doctest.h>

#include <cstring>
#include <fstream>
#include <random>
#include <thread>

#include "capture/take/byte_ring.h"
#include "capture/take/crc32.h"
#include "tests/support/allocations.h"

using namespace understudy;
using take::FrameClosing;
using take::LoggedPacket;
using take::PacketLogReader;
using take::PacketLogWriter;

// A second reader, npm's @mcap/core 2 with all checksums on, has read packed and plain logs of ours
// to the last record, by their index and as a stream; it is no part of this test.
namespace {

struct Written {
  core::Time received;
  std::vector<std::byte> bytes;
};

std::filesystem::path temporary(const std::string& name) {
  return std::filesystem::temp_directory_path() / ("understudy_" + name);
}

std::vector<Written> somePackets(std::size_t count) {
  std::mt19937 random(3);
  std::vector<Written> packets;
  for (std::size_t i = 0; i < count; ++i) {
    Written packet{core::Time(std::chrono::microseconds(1000 * i + random() % 300)), {}};
    packet.bytes.resize(48 + random() % 600);
    for (std::size_t k = 0; k < packet.bytes.size(); ++k) {
      packet.bytes[k] = static_cast<std::byte>(k % 7 == 0 ? random() : i);
    }
    packets.push_back(std::move(packet));
  }
  return packets;
}

FrameClosing closingOf(std::uint64_t sequence) {
  FrameClosing closing{.sequence = sequence,
                       .closed = core::Time(std::chrono::milliseconds(sequence)),
                       .reason = take::ClosingReason::deadline};
  closing.use(static_cast<std::uint32_t>(sequence % 256));
  closing.use(200);
  return closing;
}

const take::PacketLogHeader kHeader{.rig_toml = "rate_hz = 240.0\n",
                                    .subjects_toml = {"name = \"a\"", "name = \"b\""},
                                    .attachments = {{"notes.txt", "text/plain", "hello"}},
                                    .metadata = {{"program", "test"}, {"seed", "7"}}};

void writeLog(const std::filesystem::path& path, const std::vector<Written>& packets,
              bool compress) {
  auto writer =
      PacketLogWriter::create(path, kHeader, {.chunk_bytes = 20000, .compress = compress});
  REQUIRE_MESSAGE(writer, (writer ? "" : writer.error().message));
  for (std::size_t i = 0; i < packets.size(); ++i) {
    CHECK((*writer)->packet(packets[i].received, packets[i].bytes));
    if (i % 16 == 15) CHECK((*writer)->closing(closingOf(i / 16)));
  }
  const auto closed = (*writer)->close();
  REQUIRE_MESSAGE(closed, (closed ? "" : closed.error().message));
  CHECK(closed->packets == packets.size());
  CHECK(closed->overflowed == 0);
  CHECK(closed->bytes == std::filesystem::file_size(path));
}

std::vector<char> readAll(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void writeAll(const std::filesystem::path& path, std::span<const char> bytes) {
  std::ofstream(path, std::ios::binary)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

/// Whole packets that can be read, all of which must be the true ones in order.
std::size_t readable(const std::filesystem::path& path, const std::vector<Written>& packets,
                     take::LogEnd* end = nullptr) {
  auto reader = PacketLogReader::open(path);
  if (!reader) return 0;
  std::size_t count = 0;
  while (const auto record = (*reader)->next()) {
    const auto* packet = std::get_if<LoggedPacket>(&*record);
    if (packet == nullptr) continue;
    if (count < packets.size() && packet->bytes.size() == packets[count].bytes.size() &&
        std::memcmp(packet->bytes.data(), packets[count].bytes.data(), packet->bytes.size()) == 0) {
      ++count;
    }
  }
  if (end != nullptr) *end = (*reader)->end();
  return count;
}

}  // namespace

TEST_SUITE("take/packet_log") {
  TEST_CASE("a log gives back every record in order, packed and plain") {
    const std::vector<Written> packets = somePackets(1000);
    for (const bool compress : {false, true}) {
      const std::filesystem::path path = temporary("log.mcap");
      writeLog(path, packets, compress);
      auto reader = PacketLogReader::open(path);
      REQUIRE_MESSAGE(reader, (reader ? "" : reader.error().message));
      CHECK((*reader)->header().rig_toml == kHeader.rig_toml);
      CHECK((*reader)->header().subjects_toml == kHeader.subjects_toml);
      CHECK((*reader)->header().attachments == kHeader.attachments);
      CHECK((*reader)->header().metadata == kHeader.metadata);
      std::size_t count = 0, closings = 0;
      while (const auto record = (*reader)->next()) {
        if (const auto* packet = std::get_if<LoggedPacket>(&*record)) {
          REQUIRE(count < packets.size());
          CHECK(packet->received == packets[count].received);
          CHECK(std::equal(packet->bytes.begin(), packet->bytes.end(), packets[count].bytes.begin(),
                           packets[count].bytes.end()));
          ++count;
        } else {
          CHECK(std::get<FrameClosing>(*record) == closingOf(closings));
          CHECK(count == 16 * (closings + 1));
          ++closings;
        }
      }
      CHECK(count == 1000);
      CHECK(closings == 62);
      CHECK((*reader)->end().complete);
      CHECK((*reader)->end().damage.empty());
    }
  }

  TEST_CASE("a log cut off anywhere gives every whole record before the cut and says so") {
    const std::vector<Written> packets = somePackets(300);
    const std::filesystem::path path = temporary("whole.mcap"), cut = temporary("cut.mcap");
    for (const bool compress : {false, true}) {
      writeLog(path, packets, compress);
      const std::vector<char> whole = readAll(path);
      std::mt19937 random(4);
      std::size_t last = 0;
      for (std::size_t bytes = 0; bytes < whole.size(); bytes += 1 + random() % 1500) {
        writeAll(cut, std::span(whole).first(bytes));
        take::LogEnd end;
        const std::size_t count = readable(cut, packets, &end);
        CHECK(count >= last);
        last = count;
        if (count > 0) {
          CHECK_FALSE(end.complete);
          CHECK(end.damage.find("cut.mcap") != std::string::npos);
        }
      }
      CHECK(last == 300);
      if (!compress) {
        // Of a torn plain chunk the whole messages are had, to the last one.
        writeAll(cut, std::span(whole).first(60000));
        CHECK(readable(cut, packets) > 140);
      }
    }
  }

  TEST_CASE("any damage is survived") {
    const std::vector<Written> packets = somePackets(200);
    const std::filesystem::path path = temporary("sound.mcap"), bad = temporary("bad.mcap");
    writeLog(path, packets, true);
    const std::vector<char> whole = readAll(path);
    std::mt19937 random(8);
    std::size_t damaged = 0;
    for (int round = 0; round < 400; ++round) {
      std::vector<char> bytes = whole;
      for (int flips = 0; flips < 4; ++flips) {
        bytes[random() % bytes.size()] = static_cast<char>(random());
      }
      if (round % 5 == 0) {
        // A length that lies.
        const std::uint64_t length = random();
        std::memcpy(bytes.data() + random() % (bytes.size() - 8), &length, 8);
      }
      writeAll(bad, bytes);
      take::LogEnd end;
      readable(bad, packets, &end);
      damaged += end.complete ? 0 : 1;
    }
    CHECK(damaged > 100);
    for (const std::string text : {"", "\x89MCAP0\r\n", "not a log at all"}) {
      writeAll(bad, text);
      const auto reader = PacketLogReader::open(bad);
      REQUIRE_FALSE(reader);
      CHECK(reader.error().message.find("bad.mcap") != std::string::npos);
    }
    CHECK_FALSE(PacketLogReader::open("/nonexistent/x.mcap"));
    CHECK_FALSE(PacketLogReader::open(std::filesystem::temp_directory_path()));
    CHECK_FALSE(PacketLogWriter::create("/nonexistent/x.mcap", kHeader));
  }

  TEST_CASE("what does not fit the ring is counted in the statistics and in the file") {
    const std::filesystem::path path = temporary("overflow.mcap");
    auto writer = PacketLogWriter::create(path, kHeader, {.ring_bytes = 4096});
    REQUIRE(writer);
    const std::vector<std::byte> bytes(1000);
    std::size_t kept = 0;
    for (int i = 0; i < 200; ++i) kept += (*writer)->packet({}, bytes) ? 1 : 0;
    const auto closed = (*writer)->close();
    REQUIRE(closed);
    CHECK(closed->overflowed == 200 - kept);
    CHECK(closed->overflowed > 0);
    CHECK(closed->packets == kept);
    auto reader = PacketLogReader::open(path);
    REQUIRE(reader);
    while ((*reader)->next()) {
    }
    CHECK((*reader)->end().overflowed == closed->overflowed);
    CHECK((*reader)->end().complete);
    CHECK_FALSE((*writer)->close());
  }

  TEST_CASE("the thread that gives records allocates nothing") {
    auto writer = PacketLogWriter::create(temporary("quiet.mcap"), kHeader,
                                          {.flush_every = std::chrono::hours(1)});
    REQUIRE(writer);
    const std::vector<std::byte> bytes(600);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    // The writer sleeps 5 ms between looks; this takes less.
    std::uint64_t most = 1;
    for (int attempt = 0; attempt < 20 && most > 0; ++attempt) {
      const std::uint64_t before = test::allocationCount();
      for (int i = 0; i < 100; ++i) (*writer)->packet({}, bytes);
      (*writer)->closing({});
      most = test::allocationCount() - before;
    }
    CHECK(most == 0);
  }

  TEST_CASE("the ring hands over every record across threads") {
    take::ByteRing ring(4096);
    constexpr int kRecords = 50000;
    std::jthread giver([&ring] {
      for (int i = 0; i < kRecords; ++i) {
        std::vector<std::byte> body(static_cast<std::size_t>(i % 300), static_cast<std::byte>(i));
        const auto head = std::as_bytes(std::span(&i, 1));
        while (!ring.push(head, body)) std::this_thread::yield();
      }
    });
    std::vector<std::byte> record;
    for (int i = 0; i < kRecords; ++i) {
      while (!ring.pop(record)) std::this_thread::yield();
      int number = -1;
      std::memcpy(&number, record.data(), sizeof number);
      REQUIRE(number == i);
      REQUIRE(record.size() == 4 + static_cast<std::size_t>(i % 300));
      if (record.size() > 4) REQUIRE(record.back() == static_cast<std::byte>(i));
    }
  }

  TEST_CASE("the checksum is that of ISO 3309") {
    const char text[] = "123456789";
    CHECK(take::crc32(std::as_bytes(std::span(text, 9))) == 0xcbf43926u);
    CHECK(take::crc32(std::as_bytes(std::span(text + 4, 5)),
                      take::crc32(std::as_bytes(std::span(text, 4)))) == 0xcbf43926u);
  }
}
