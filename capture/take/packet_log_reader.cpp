#include <fmt/format.h>
#include <zstd.h>

#include <cstdio>
#include <cstring>
#include <map>

#include "capture/take/crc32.h"
#include "capture/take/log_channels.h"
#include "capture/take/mcap.h"
#include "capture/take/packet_log.h"

namespace understudy::take {
namespace {

constexpr std::uint64_t kMostChunkBytes = std::uint64_t{256} << 20;
constexpr std::uint64_t kMostRecordBytes = std::uint64_t{1} << 30;

struct FileCloser {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
struct ContextFreer {
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

std::uint64_t readU64(std::span<const std::byte> bytes, std::size_t at) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    value |= std::to_integer<std::uint64_t>(bytes[at + i]) << (8 * i);
  }
  return value;
}

}  // namespace

struct PacketLogReader::State {
  std::string path;
  std::unique_ptr<std::FILE, FileCloser> file;
  std::unique_ptr<ZSTD_DCtx, ContextFreer> context{ZSTD_createDCtx()};
  std::uint64_t file_bytes = 0;
  PacketLogHeader header;
  std::map<std::uint16_t, LogChannel> channels;
  LogEnd end;
  bool at_end = false, footer = false;

  std::vector<std::byte> content;   // Of the record at hand.
  std::vector<std::byte> unpacked;  // Of a compressed chunk.
  McapReader messages{{}};          // What is left of the chunk or message at hand.
  bool cut_off = false;             // The chunk at hand is the file's torn last.

  void damage(const std::string& text) {
    if (end.damage.empty()) end.damage = text;
  }
  /// Reads the next top-level record into `content`; nothing at the end of what can be read.
  std::optional<McapOp> readRecord();
  /// Handles a record; true if `messages` has something now.
  bool take(McapOp op);
  bool takeChunk();
  void takeChannel();
  void takeAttachment();
  void takeMetadata();
  std::optional<LogRecord> readMessage(std::span<const std::byte> bytes);
  void finish();
};

std::optional<McapOp> PacketLogReader::State::readRecord() {
  const std::uint64_t left = file_bytes - end.readable_bytes;
  std::array<std::byte, kMcapRecordHead> head;
  const std::size_t got = std::fread(head.data(), 1, head.size(), file.get());
  if (got == 0) return std::nullopt;
  if (got < head.size()) {
    damage(fmt::format("{}: cut off at byte {}, inside a record's head", path, end.readable_bytes));
    return std::nullopt;
  }
  const auto op = static_cast<McapOp>(head[0]);
  const std::uint64_t length = readU64(head, 1);
  const std::uint64_t there = left - std::min<std::uint64_t>(left, head.size());
  if (length > kMostRecordBytes) {
    damage(fmt::format("{}: record at byte {} claims {} bytes; the rest is not readable", path,
                       end.readable_bytes, length));
    return std::nullopt;
  }
  cut_off = length > there;
  content.resize(static_cast<std::size_t>(std::min(length, there)));
  if (std::fread(content.data(), 1, content.size(), file.get()) != content.size()) {
    damage(fmt::format("{}: cannot be read past byte {}", path, end.readable_bytes));
    return std::nullopt;
  }
  if (cut_off) {
    damage(fmt::format("{}: cut off at byte {}, inside the record that begins at byte {}", path,
                       file_bytes, end.readable_bytes));
    // Of a torn chunk, whole messages can still be had.
    return op == McapOp::chunk ? std::optional(op) : std::nullopt;
  }
  end.readable_bytes += head.size() + length;
  return op;
}

bool PacketLogReader::State::takeChunk() {
  McapReader reader(content);
  reader.integer<std::uint64_t>();
  reader.integer<std::uint64_t>();
  const auto size = reader.integer<std::uint64_t>();
  const auto crc = reader.integer<std::uint32_t>();
  const std::string compression = reader.text();
  const auto stored = reader.integer<std::uint64_t>();
  if (!reader.ok() || size > kMostChunkBytes || (!cut_off && stored != reader.left())) {
    damage(fmt::format("{}: the chunk before byte {} is damaged and left out", path,
                       end.readable_bytes));
    return false;
  }
  std::span<const std::byte> bytes = reader.rest();
  if (compression == "zstd") {
    unpacked.resize(static_cast<std::size_t>(size));
    ZSTD_DCtx_reset(context.get(), ZSTD_reset_session_only);
    ZSTD_outBuffer out{unpacked.data(), unpacked.size(), 0};
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    while (in.pos < in.size && out.pos < out.size) {
      const std::size_t before = in.pos + out.pos;
      const std::size_t result = ZSTD_decompressStream(context.get(), &out, &in);
      if (ZSTD_isError(result) != 0 || in.pos + out.pos == before) break;
    }
    bytes = std::span(unpacked).first(out.pos);
  } else if (!compression.empty()) {
    damage(fmt::format("{}: a chunk is compressed by {}; only zstd and plain can be read", path,
                       compression));
    return false;
  }
  if (!cut_off && (bytes.size() != size || (crc != 0 && crc32(bytes) != crc))) {
    damage(fmt::format("{}: the chunk before byte {} fails its checksum and is left out", path,
                       end.readable_bytes));
    return false;
  }
  messages = McapReader(bytes);
  return true;
}

void PacketLogReader::State::takeChannel() {
  McapReader reader(content);
  const auto id = reader.integer<std::uint16_t>();
  reader.integer<std::uint16_t>();
  const std::string topic = reader.text();
  if (!reader.ok()) return;
  for (const LogChannelText& channel : kLogChannels) {
    if (topic == channel.topic) channels[id] = channel.channel;
  }
}

void PacketLogReader::State::takeAttachment() {
  McapReader reader(content);
  reader.integer<std::uint64_t>();
  reader.integer<std::uint64_t>();
  LogAttachment attachment;
  attachment.name = reader.text();
  attachment.media_type = reader.text();
  const std::span<const std::byte> data = reader.raw(reader.integer<std::uint64_t>());
  const std::size_t covered = reader.at();
  const auto crc = reader.integer<std::uint32_t>();
  if (!reader.ok() || (crc != 0 && crc32(std::span(content).first(covered)) != crc)) {
    damage(fmt::format("{}: attachment {} is damaged and left out", path, attachment.name));
    return;
  }
  attachment.data.assign(reinterpret_cast<const char*>(data.data()), data.size());
  if (attachment.name == "rig.toml") {
    header.rig_toml = std::move(attachment.data);
  } else if (attachment.name == fmt::format("subject_{}.toml", header.subjects_toml.size())) {
    header.subjects_toml.push_back(std::move(attachment.data));
  } else {
    header.attachments.push_back(std::move(attachment));
  }
}

void PacketLogReader::State::takeMetadata() {
  McapReader reader(content);
  const std::string name = reader.text();
  const auto entries = reader.map();
  if (reader.ok() && name == "understudy") header.metadata = entries;
}

bool PacketLogReader::State::take(McapOp op) {
  switch (op) {
    case McapOp::channel:
      takeChannel();
      return false;
    case McapOp::attachment:
      takeAttachment();
      return false;
    case McapOp::metadata:
      takeMetadata();
      return false;
    case McapOp::chunk:
      return takeChunk();
    case McapOp::message:
      // The same bytes with their head again, as inside a chunk.
      unpacked.clear();
      {
        McapWriter writer(unpacked);
        const std::size_t start = writer.begin(McapOp::message);
        writer.raw(content);
        writer.end(start);
      }
      messages = McapReader(unpacked);
      return true;
    case McapOp::footer:
      footer = true;
      return false;
    default:
      return false;
  }
}

std::optional<LogRecord> PacketLogReader::State::readMessage(std::span<const std::byte> bytes) {
  McapReader reader(bytes);
  const auto channel = channels.find(reader.integer<std::uint16_t>());
  reader.integer<std::uint32_t>();
  const auto time = static_cast<std::int64_t>(reader.integer<std::uint64_t>());
  reader.integer<std::uint64_t>();
  if (!reader.ok() || channel == channels.end()) return std::nullopt;
  const std::span<const std::byte> data = reader.rest();
  const core::Time stamp{core::Duration(time)};
  switch (channel->second) {
    case LogChannel::packets:
      return LoggedPacket{.received = stamp, .bytes = data};
    case LogChannel::closings: {
      if (data.size() != kClosingBytes) break;
      const auto reason = std::to_integer<std::uint8_t>(data[8]);
      if (reason > static_cast<std::uint8_t>(ClosingReason::finished)) break;
      FrameClosing closing{.sequence = readU64(data, 0),
                           .closed = stamp,
                           .reason = static_cast<ClosingReason>(reason)};
      for (std::size_t i = 0; i < closing.cameras.size(); ++i) {
        closing.cameras[i] = readU64(data, 9 + 8 * i);
      }
      return closing;
    }
    case LogChannel::lost:
      if (data.size() == 8) end.overflowed = readU64(data, 0);
      return std::nullopt;
  }
  damage(fmt::format("{}: a closing of a frame is malformed and left out", path));
  return std::nullopt;
}

void PacketLogReader::State::finish() {
  at_end = true;
  if (!footer) {
    damage(fmt::format("{}: there is no end mark: the recording was cut off at byte {}", path,
                       file_bytes));
    return;
  }
  std::array<std::byte, 8> magic{};
  std::fseek(file.get(), -8, SEEK_END);
  if (std::fread(magic.data(), 1, 8, file.get()) != 8 ||
      std::memcmp(magic.data(), kMcapMagic.data(), 8) != 0) {
    damage(fmt::format("{}: the closing magic is missing", path));
  }
  end.complete = end.damage.empty();
}

PacketLogReader::PacketLogReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
PacketLogReader::~PacketLogReader() = default;

core::Result<std::unique_ptr<PacketLogReader>> PacketLogReader::open(
    const std::filesystem::path& path) {
  auto state = std::make_unique<State>();
  state->path = path.string();
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    return core::makeError(state->path + ": is a folder; name a packet log (.mcap)");
  }
  state->file.reset(std::fopen(path.c_str(), "rbe"));
  if (!state->file) {
    return core::makeError(
        fmt::format("{}: cannot be opened: {}", state->path, std::strerror(errno)));
  }
  std::fseek(state->file.get(), 0, SEEK_END);
  const long size = std::ftell(state->file.get());
  std::rewind(state->file.get());
  state->file_bytes = size < 0 ? 0 : static_cast<std::uint64_t>(size);
  std::array<std::byte, 8> magic{};
  if (std::fread(magic.data(), 1, 8, state->file.get()) != 8 ||
      std::memcmp(magic.data(), kMcapMagic.data(), 8) != 0) {
    return core::makeError(state->path + ": is no packet log: it does not begin with MCAP's magic");
  }
  state->end.readable_bytes = 8;
  while (const std::optional<McapOp> op = state->readRecord()) {
    if (state->take(*op) || state->footer) break;
  }
  bool packets = false;
  for (const auto& [id, channel] : state->channels) packets |= channel == LogChannel::packets;
  if (!packets) {
    return core::makeError(fmt::format("{}: holds no channel {}; it is no packet log of Understudy",
                                       state->path, kLogChannels[0].topic));
  }
  return std::unique_ptr<PacketLogReader>(new PacketLogReader(std::move(state)));
}

const PacketLogHeader& PacketLogReader::header() const { return state_->header; }

std::optional<LogRecord> PacketLogReader::next() {
  State& state = *state_;
  while (!state.at_end) {
    while (const std::optional<McapRecord> record = nextRecord(state.messages)) {
      if (record->op != McapOp::message) continue;
      if (auto result = state.readMessage(record->content)) return result;
    }
    state.messages = McapReader({});
    const std::optional<McapOp> op =
        state.footer || state.cut_off ? std::nullopt : state.readRecord();
    if (!op) {
      state.finish();
      break;
    }
    state.take(*op);
  }
  return std::nullopt;
}

const LogEnd& PacketLogReader::end() const { return state_->end; }

}  // namespace understudy::take
