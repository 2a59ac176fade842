#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "engine/core/result.h"
#include "engine/core/time.h"

namespace understudy::take {

/// Why a frame was closed.
enum class ClosingReason : std::uint8_t {
  complete = 0,    ///< All cameras were there.
  deadline = 1,    ///< The time was up.
  superseded = 2,  ///< A newer frame was complete first.
  finished = 3,    ///< The source ended.
};

/// The closing of one frame: a logged input that replay obeys.
struct FrameClosing {
  std::uint64_t sequence = 0;
  core::Time closed{};
  ClosingReason reason = ClosingReason::complete;
  std::array<std::uint64_t, 4> cameras{};  ///< Bit c of word c / 64: camera c was used.

  bool uses(std::uint32_t camera) const { return (cameras[camera / 64] >> (camera % 64)) & 1u; }
  void use(std::uint32_t camera) { cameras[camera / 64] |= std::uint64_t{1} << (camera % 64); }
  bool operator==(const FrameClosing&) const = default;
};

/// A file kept inside the log, such as the rig.
struct LogAttachment {
  std::string name;  ///< Such as "rig.toml".
  std::string media_type;
  std::string data;

  bool operator==(const LogAttachment&) const = default;
};

/// What stands at the start of a log.
struct PacketLogHeader {
  std::string rig_toml{};
  std::vector<std::string> subjects_toml{};
  std::vector<LogAttachment> attachments{};                     ///< Others.
  std::vector<std::pair<std::string, std::string>> metadata{};  ///< Such as program and settings.
};

struct PacketLogOptions {
  std::size_t chunk_bytes = 1 << 20;  ///< Written to the file at least this often.
  std::size_t ring_bytes = 32 << 20;  ///< Between capture thread and writer.
  bool compress = true;               ///< Chunks by zstd, fastest level.
  core::Duration flush_every = std::chrono::milliseconds(500);
};

/// What a writer did.
struct PacketLogStatistics {
  std::uint64_t packets = 0;
  std::uint64_t closings = 0;
  std::uint64_t overflowed = 0;  ///< Records lost because the ring was full; also in the file.
  std::uint64_t bytes = 0;       ///< Of the file.
};

/// Writes raw packets with their arrival stamps and the closings of frames to an MCAP file. One
/// thread gives records; a thread of its own writes them.
class PacketLogWriter {
 public:
  static core::Result<std::unique_ptr<PacketLogWriter>> create(
      const std::filesystem::path& path, const PacketLogHeader& header,
      const PacketLogOptions& options = {});
  /// Closes the file if `close` was not called.
  ~PacketLogWriter();

  /// Keeps one datagram (up to 65,507 bytes). Never blocks, never allocates; false if the ring was
  /// full, which is counted.
  bool packet(core::Time received, std::span<const std::byte> bytes);
  /// Keeps one closing; as `packet`.
  bool closing(const FrameClosing& closing);

  /// Writes what is left, the index and the end mark. Fails if anything could not be written.
  core::Result<PacketLogStatistics> close();

 private:
  struct State;
  explicit PacketLogWriter(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// One datagram of a log.
struct LoggedPacket {
  core::Time received{};
  std::span<const std::byte> bytes;  ///< Valid until the next call of PacketLogReader::next.
};

using LogRecord = std::variant<LoggedPacket, FrameClosing>;

/// How a log ended.
struct LogEnd {
  bool complete = false;             ///< Closed properly: index and end mark are there.
  std::string damage;                ///< What is wrong and where, empty if nothing is.
  std::uint64_t readable_bytes = 0;  ///< Up to here every record is whole.
  std::uint64_t overflowed = 0;      ///< Records that the writer lost, by its own count.
};

/// Reads a log from its start, also one that a crash cut off: every whole record is given, then
/// `end` says what is missing.
class PacketLogReader {
 public:
  /// Opens the file and reads up to the first record. Fails if it is no MCAP file or has no packet
  /// channel of ours.
  static core::Result<std::unique_ptr<PacketLogReader>> open(const std::filesystem::path& path);
  ~PacketLogReader();

  const PacketLogHeader& header() const;
  /// The next record in the order of writing, or nothing at the end.
  std::optional<LogRecord> next();
  /// Filled when `next` has returned nothing.
  const LogEnd& end() const;

 private:
  struct State;
  explicit PacketLogReader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace understudy::take
