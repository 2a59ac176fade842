#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <zstd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <thread>

#include "capture/take/byte_ring.h"
#include "capture/take/crc32.h"
#include "capture/take/log_channels.h"
#include "capture/take/mcap.h"
#include "capture/take/packet_log.h"

namespace understudy::take {
namespace {

constexpr std::size_t kMostDatagram = 65507;
constexpr auto kPollEvery = std::chrono::milliseconds(5);

// Before each record in the ring stand its time and channel.
constexpr std::size_t kRingHeadBytes = 8 + 2;

/// A chunk in the file, for the index.
struct ChunkEntry {
  std::int64_t first_time = 0, last_time = 0;
  std::uint64_t offset = 0, length = 0, index_length = 0;
  std::uint64_t compressed = 0, uncompressed = 0;
  std::vector<std::pair<std::uint16_t, std::uint64_t>> index_offsets;
};

struct AttachmentEntry {
  std::uint64_t offset = 0, length = 0, data_bytes = 0;
  std::string name, media_type;
};

struct MetadataEntry {
  std::uint64_t offset = 0, length = 0;
  std::string name;
};

struct MessageEntry {
  std::int64_t time;
  std::uint64_t offset;
};

}  // namespace

struct PacketLogWriter::State {
  State(std::string file_path, const PacketLogOptions& log_options)
      : path(std::move(file_path)), options(log_options), ring(log_options.ring_bytes) {}
  ~State() {
    if (context != nullptr) ZSTD_freeCCtx(context);
    if (file >= 0) ::close(file);
  }

  std::string path;
  PacketLogOptions options;
  ByteRing ring;
  std::atomic<std::uint64_t> overflowed{0};
  std::atomic<bool> stopping{false};
  std::thread thread;

  // Below: the writer thread's own until it is joined.
  int file = -1;
  std::uint64_t position = 0;
  std::string failure;
  ZSTD_CCtx* context = nullptr;
  std::vector<std::byte> record, chunk, compressed, output;
  std::array<std::vector<MessageEntry>, kLogChannels.size()> messages;
  std::array<std::uint64_t, kLogChannels.size()> counts{};
  std::int64_t chunk_first = 0, chunk_last = 0, first = 0, last = 0;
  bool any = false;
  std::uint64_t reported_lost = 0;
  std::vector<ChunkEntry> chunks;
  std::vector<AttachmentEntry> attachments;
  std::vector<MetadataEntry> metadata;
  PacketLogStatistics statistics;

  bool push(std::int64_t time_ns, LogChannel channel, std::span<const std::byte> body);
  void write(std::span<const std::byte> bytes);
  void flushOutput();
  void writeStart(const PacketLogHeader& header);
  void writeSchemasAndChannels(McapWriter& writer, bool schemas);
  void writeAttachment(const LogAttachment& attachment);
  void writeMetadata(const std::string& name,
                     std::span<const std::pair<std::string, std::string>> entries);
  void run();
  void drain();
  void addMessage(LogChannel channel, std::int64_t time, std::span<const std::byte> data);
  void writeChunk();
  void writeEnd();
  std::uint64_t writeSummary(std::vector<std::byte>& summary, std::uint64_t start);
};

bool PacketLogWriter::State::push(std::int64_t time_ns, LogChannel channel,
                                  std::span<const std::byte> body) {
  std::array<std::byte, kRingHeadBytes> head;
  std::memcpy(head.data(), &time_ns, 8);
  std::memcpy(head.data() + 8, &channel, 2);
  if (ring.push(head, body)) return true;
  overflowed.fetch_add(1, std::memory_order_relaxed);
  return false;
}

void PacketLogWriter::State::write(std::span<const std::byte> bytes) {
  position += bytes.size();
  while (!bytes.empty() && failure.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      failure =
          fmt::format("{}: cannot be written: {}; check free space", path, std::strerror(errno));
      return;
    }
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void PacketLogWriter::State::flushOutput() {
  write(output);
  output.clear();
}

void PacketLogWriter::State::writeSchemasAndChannels(McapWriter& writer, bool schemas) {
  for (const LogChannelText& channel : kLogChannels) {
    const auto id = static_cast<std::uint16_t>(channel.channel);
    const std::size_t record_at = writer.begin(schemas ? McapOp::schema : McapOp::channel);
    writer.integer(id);
    if (schemas) {
      writer.text(channel.schema);
      writer.text("text/plain");
      writer.text(channel.text);
    } else {
      writer.integer(id);
      writer.text(channel.topic);
      writer.text(channel.encoding);
      writer.map({});
    }
    writer.end(record_at);
  }
}

void PacketLogWriter::State::writeAttachment(const LogAttachment& attachment) {
  McapWriter writer(output);
  const std::size_t start = writer.begin(McapOp::attachment);
  const std::size_t content = output.size();
  writer.integer(std::uint64_t{0});  // log_time
  writer.integer(std::uint64_t{0});  // create_time
  writer.text(attachment.name);
  writer.text(attachment.media_type);
  writer.integer(static_cast<std::uint64_t>(attachment.data.size()));
  writer.raw(std::as_bytes(std::span(attachment.data)));
  writer.integer(crc32(std::span(output).subspan(content)));
  writer.end(start);
  attachments.push_back({.offset = position,
                         .length = output.size(),
                         .data_bytes = attachment.data.size(),
                         .name = attachment.name,
                         .media_type = attachment.media_type});
  flushOutput();
}

void PacketLogWriter::State::writeMetadata(
    const std::string& name, std::span<const std::pair<std::string, std::string>> entries) {
  McapWriter writer(output);
  const std::size_t start = writer.begin(McapOp::metadata);
  writer.text(name);
  writer.map(entries);
  writer.end(start);
  metadata.push_back({.offset = position, .length = output.size(), .name = name});
  flushOutput();
}

void PacketLogWriter::State::writeStart(const PacketLogHeader& header) {
  McapWriter writer(output);
  writer.raw(std::as_bytes(std::span(kMcapMagic)));
  const std::size_t start = writer.begin(McapOp::header);
  writer.text("understudy");
  writer.text("understudy packet log 1");
  writer.end(start);
  writeSchemasAndChannels(writer, true);
  writeSchemasAndChannels(writer, false);
  flushOutput();
  writeMetadata("understudy", header.metadata);
  writeAttachment({"rig.toml", "application/toml", header.rig_toml});
  for (std::size_t i = 0; i < header.subjects_toml.size(); ++i) {
    writeAttachment(
        {fmt::format("subject_{}.toml", i), "application/toml", header.subjects_toml[i]});
  }
  for (const LogAttachment& attachment : header.attachments) writeAttachment(attachment);
}

void PacketLogWriter::State::addMessage(LogChannel channel, std::int64_t time,
                                        std::span<const std::byte> data) {
  const auto index = static_cast<std::size_t>(channel) - 1;
  const bool first_of_chunk = chunk.empty();
  chunk_first = first_of_chunk ? time : std::min(chunk_first, time);
  chunk_last = first_of_chunk ? time : std::max(chunk_last, time);
  first = any ? std::min(first, time) : time;
  last = any ? std::max(last, time) : time;
  any = true;
  messages[index].push_back({time, chunk.size()});
  McapWriter writer(chunk);
  const std::size_t start = writer.begin(McapOp::message);
  writer.integer(static_cast<std::uint16_t>(channel));
  writer.integer(static_cast<std::uint32_t>(counts[index]));
  writer.integer(static_cast<std::uint64_t>(time));
  writer.integer(static_cast<std::uint64_t>(time));
  writer.raw(data);
  writer.end(start);
  ++counts[index];
}

void PacketLogWriter::State::writeChunk() {
  if (chunk.empty()) return;
  ChunkEntry entry{.first_time = chunk_first,
                   .last_time = chunk_last,
                   .offset = position,
                   .uncompressed = chunk.size(),
                   .index_offsets = {}};
  std::span<const std::byte> stored = chunk;
  std::string_view compression;
  if (options.compress) {
    compressed.resize(ZSTD_compressBound(chunk.size()));
    const std::size_t size = ZSTD_compressCCtx(context, compressed.data(), compressed.size(),
                                               chunk.data(), chunk.size(), 1);
    if (ZSTD_isError(size) == 0 && size < chunk.size()) {
      stored = std::span(compressed).first(size);
      compression = "zstd";
    }
  }
  entry.compressed = stored.size();
  McapWriter writer(output);
  const std::size_t start = writer.begin(McapOp::chunk);
  writer.integer(static_cast<std::uint64_t>(chunk_first));
  writer.integer(static_cast<std::uint64_t>(chunk_last));
  writer.integer(static_cast<std::uint64_t>(chunk.size()));
  writer.integer(crc32(chunk));
  writer.text(compression);
  writer.integer(static_cast<std::uint64_t>(stored.size()));
  writer.raw(stored);
  writer.end(start);
  entry.length = output.size();
  for (const LogChannelText& channel : kLogChannels) {
    const auto index = static_cast<std::size_t>(channel.channel) - 1;
    if (messages[index].empty()) continue;
    entry.index_offsets.emplace_back(static_cast<std::uint16_t>(channel.channel),
                                     position + output.size());
    const std::size_t index_start = writer.begin(McapOp::message_index);
    writer.integer(static_cast<std::uint16_t>(channel.channel));
    writer.integer(static_cast<std::uint32_t>(16 * messages[index].size()));
    for (const MessageEntry& message : messages[index]) {
      writer.integer(static_cast<std::uint64_t>(message.time));
      writer.integer(message.offset);
    }
    writer.end(index_start);
    messages[index].clear();
  }
  entry.index_length = output.size() - entry.length;
  chunks.push_back(std::move(entry));
  flushOutput();
  chunk.clear();
}

void PacketLogWriter::State::drain() {
  while (ring.pop(record)) {
    std::int64_t time = 0;
    LogChannel channel{};
    std::memcpy(&time, record.data(), 8);
    std::memcpy(&channel, record.data() + 8, 2);
    ++(channel == LogChannel::packets ? statistics.packets : statistics.closings);
    addMessage(channel, time, std::span(record).subspan(kRingHeadBytes));
    if (chunk.size() >= options.chunk_bytes) writeChunk();
  }
  const std::uint64_t lost = overflowed.load(std::memory_order_relaxed);
  if (lost != reported_lost) {
    reported_lost = lost;
    std::array<std::byte, 8> data;
    for (std::size_t i = 0; i < 8; ++i) data[i] = static_cast<std::byte>((lost >> (8 * i)) & 0xff);
    addMessage(LogChannel::lost, core::Clock::now().time_since_epoch().count(), data);
  }
}

void PacketLogWriter::State::run() {
  core::Time last_flush = core::Clock::now();
  while (true) {
    // Read before draining: what came before the stop is written.
    const bool stop = stopping.load(std::memory_order_acquire);
    drain();
    const core::Time now = core::Clock::now();
    if (stop || now - last_flush >= options.flush_every) {
      writeChunk();
      last_flush = now;
    }
    if (stop) return;
    std::this_thread::sleep_for(kPollEvery);
  }
}

// Groups of summary records, each with an offset record that leads to it.
std::uint64_t PacketLogWriter::State::writeSummary(std::vector<std::byte>& summary,
                                                   std::uint64_t start) {
  McapWriter writer(summary);
  struct Group {
    McapOp op;
    std::uint64_t start, length;
  };
  std::vector<Group> groups;
  const auto group = [&](McapOp op, const auto& fill) {
    const std::uint64_t begun = start + summary.size();
    fill();
    const std::uint64_t length = start + summary.size() - begun;
    if (length > 0) groups.push_back({op, begun, length});
  };
  group(McapOp::schema, [&] { writeSchemasAndChannels(writer, true); });
  group(McapOp::channel, [&] { writeSchemasAndChannels(writer, false); });
  group(McapOp::statistics, [&] {
    const std::size_t at = writer.begin(McapOp::statistics);
    writer.integer(counts[0] + counts[1] + counts[2]);
    writer.integer(static_cast<std::uint16_t>(kLogChannels.size()));
    writer.integer(static_cast<std::uint32_t>(kLogChannels.size()));
    writer.integer(static_cast<std::uint32_t>(attachments.size()));
    writer.integer(static_cast<std::uint32_t>(metadata.size()));
    writer.integer(static_cast<std::uint32_t>(chunks.size()));
    writer.integer(static_cast<std::uint64_t>(first));
    writer.integer(static_cast<std::uint64_t>(last));
    writer.integer(static_cast<std::uint32_t>(10 * kLogChannels.size()));
    for (const LogChannelText& channel : kLogChannels) {
      writer.integer(static_cast<std::uint16_t>(channel.channel));
      writer.integer(counts[static_cast<std::size_t>(channel.channel) - 1]);
    }
    writer.end(at);
  });
  group(McapOp::chunk_index, [&] {
    for (const ChunkEntry& entry : chunks) {
      const std::size_t at = writer.begin(McapOp::chunk_index);
      writer.integer(static_cast<std::uint64_t>(entry.first_time));
      writer.integer(static_cast<std::uint64_t>(entry.last_time));
      writer.integer(entry.offset);
      writer.integer(entry.length);
      writer.integer(static_cast<std::uint32_t>(10 * entry.index_offsets.size()));
      for (const auto& [channel, offset] : entry.index_offsets) {
        writer.integer(channel);
        writer.integer(offset);
      }
      writer.integer(entry.index_length);
      writer.text(entry.compressed == entry.uncompressed ? "" : "zstd");
      writer.integer(entry.compressed);
      writer.integer(entry.uncompressed);
      writer.end(at);
    }
  });
  group(McapOp::attachment_index, [&] {
    for (const AttachmentEntry& entry : attachments) {
      const std::size_t at = writer.begin(McapOp::attachment_index);
      writer.integer(entry.offset);
      writer.integer(entry.length);
      writer.integer(std::uint64_t{0});
      writer.integer(std::uint64_t{0});
      writer.integer(entry.data_bytes);
      writer.text(entry.name);
      writer.text(entry.media_type);
      writer.end(at);
    }
  });
  group(McapOp::metadata_index, [&] {
    for (const MetadataEntry& entry : metadata) {
      const std::size_t at = writer.begin(McapOp::metadata_index);
      writer.integer(entry.offset);
      writer.integer(entry.length);
      writer.text(entry.name);
      writer.end(at);
    }
  });
  const std::uint64_t offsets_start = start + summary.size();
  for (const Group& entry : groups) {
    const std::size_t at = writer.begin(McapOp::summary_offset);
    writer.integer(static_cast<std::uint8_t>(entry.op));
    writer.integer(entry.start);
    writer.integer(entry.length);
    writer.end(at);
  }
  return offsets_start;
}

void PacketLogWriter::State::writeEnd() {
  const std::vector<std::pair<std::string, std::string>> closing{
      {"packets", fmt::format("{}", statistics.packets)},
      {"closings", fmt::format("{}", statistics.closings)},
      {"lost", fmt::format("{}", reported_lost)}};
  writeMetadata("understudy.end", closing);
  McapWriter writer(output);
  const std::size_t data_end = writer.begin(McapOp::data_end);
  writer.integer(std::uint32_t{0});
  writer.end(data_end);
  flushOutput();
  const std::uint64_t summary_start = position;
  const std::uint64_t offsets_start = writeSummary(output, summary_start);
  const std::size_t footer = writer.begin(McapOp::footer);
  writer.integer(summary_start);
  writer.integer(offsets_start);
  writer.integer(crc32(output));
  writer.end(footer);
  // The checksum covers the footer's length too, which `end` has just filled in.
  const std::size_t crc_at = output.size() - 4;
  const std::uint32_t crc = crc32(std::span(output).first(crc_at));
  for (std::size_t i = 0; i < 4; ++i) {
    output[crc_at + i] = static_cast<std::byte>((crc >> (8 * i)) & 0xff);
  }
  writer.raw(std::as_bytes(std::span(kMcapMagic)));
  flushOutput();
}

PacketLogWriter::PacketLogWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}

PacketLogWriter::~PacketLogWriter() {
  if (state_->file >= 0) (void)close().has_value();
}

core::Result<std::unique_ptr<PacketLogWriter>> PacketLogWriter::create(
    const std::filesystem::path& path, const PacketLogHeader& header,
    const PacketLogOptions& options) {
  auto state = std::make_unique<State>(path.string(), options);
  state->file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (state->file < 0) {
    return core::makeError(fmt::format("{}: cannot be made: {}; check the folder and permissions",
                                       state->path, std::strerror(errno)));
  }
  state->context = ZSTD_createCCtx();
  state->chunk.reserve(options.chunk_bytes + kMostDatagram);
  state->writeStart(header);
  if (!state->failure.empty()) return core::makeError(state->failure);
  state->thread = std::thread([s = state.get()] { s->run(); });
  return std::unique_ptr<PacketLogWriter>(new PacketLogWriter(std::move(state)));
}

bool PacketLogWriter::packet(core::Time received, std::span<const std::byte> bytes) {
  return state_->push(received.time_since_epoch().count(), LogChannel::packets,
                      bytes.first(std::min(bytes.size(), kMostDatagram)));
}

bool PacketLogWriter::closing(const FrameClosing& closing) {
  std::array<std::byte, kClosingBytes> data;
  std::memcpy(data.data(), &closing.sequence, 8);
  data[8] = static_cast<std::byte>(closing.reason);
  std::memcpy(data.data() + 9, closing.cameras.data(), 32);
  return state_->push(closing.closed.time_since_epoch().count(), LogChannel::closings, data);
}

core::Result<PacketLogStatistics> PacketLogWriter::close() {
  State& state = *state_;
  if (state.file < 0) return core::makeError(state.path + ": the log is closed already");
  state.stopping.store(true, std::memory_order_release);
  if (state.thread.joinable()) state.thread.join();
  state.writeEnd();
  if (fdatasync(state.file) != 0 && errno != EINVAL && errno != EROFS && state.failure.empty()) {
    state.failure = fmt::format("{}: cannot be written: {}; check free space", state.path,
                                std::strerror(errno));
  }
  ::close(state.file);
  state.file = -1;
  state.statistics.overflowed = state.overflowed.load();
  state.statistics.bytes = state.position;
  if (!state.failure.empty()) return core::makeError(state.failure);
  return state.statistics;
}

}  // namespace understudy::take
