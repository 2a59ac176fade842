#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// Records of the MCAP container, version 0 (mcap.dev/spec), little-endian.
namespace understudy::take {

inline constexpr std::string_view kMcapMagic{"\x89MCAP0\r\n", 8};

enum class McapOp : std::uint8_t {
  header = 0x01,
  footer = 0x02,
  schema = 0x03,
  channel = 0x04,
  message = 0x05,
  chunk = 0x06,
  message_index = 0x07,
  chunk_index = 0x08,
  attachment = 0x09,
  attachment_index = 0x0a,
  statistics = 0x0b,
  metadata = 0x0c,
  metadata_index = 0x0d,
  summary_offset = 0x0e,
  data_end = 0x0f,
};

/// Appends MCAP's basic types to a buffer.
class McapWriter {
 public:
  explicit McapWriter(std::vector<std::byte>& bytes) : bytes_(bytes) {}

  template <class Integer>
  void integer(Integer value) {
    for (std::size_t i = 0; i < sizeof value; ++i) {
      bytes_.push_back(static_cast<std::byte>((value >> (8 * i)) & 0xff));
    }
  }
  void raw(std::span<const std::byte> bytes) {
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  }
  void text(std::string_view text) {
    integer(static_cast<std::uint32_t>(text.size()));
    raw(std::as_bytes(std::span(text)));
  }
  void map(std::span<const std::pair<std::string, std::string>> entries);

  /// Begins a record; `end` with what this returns fills in its length.
  std::size_t begin(McapOp op);
  void end(std::size_t begun);

 private:
  std::vector<std::byte>& bytes_;
};

/// Reads MCAP's basic types; anything past the end makes `ok` false and gives zeros.
class McapReader {
 public:
  explicit McapReader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  template <class Integer>
  Integer integer() {
    Integer value = 0;
    const std::span<const std::byte> taken = raw(sizeof value);
    for (std::size_t i = 0; i < taken.size(); ++i) {
      value = static_cast<Integer>(
          value | static_cast<Integer>(std::to_integer<std::uint64_t>(taken[i]) << (8 * i)));
    }
    return value;
  }
  /// The next bytes, or none if there are not as many.
  std::span<const std::byte> raw(std::uint64_t count);
  std::string text();
  std::vector<std::pair<std::string, std::string>> map();
  std::span<const std::byte> rest() { return raw(bytes_.size() - at_); }

  bool ok() const { return ok_; }
  std::size_t at() const { return at_; }
  std::size_t left() const { return bytes_.size() - at_; }

 private:
  std::span<const std::byte> bytes_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

/// One record inside a buffer.
struct McapRecord {
  McapOp op{};
  std::span<const std::byte> content;
};

inline constexpr std::size_t kMcapRecordHead = 9;  ///< Op and length.

/// The next whole record, or nothing.
std::optional<McapRecord> nextRecord(McapReader& reader);

}  // namespace understudy::take
