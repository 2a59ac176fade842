#include "capture/take/mcap.h"

namespace understudy::take {

void McapWriter::map(std::span<const std::pair<std::string, std::string>> entries) {
  std::uint32_t bytes = 0;
  for (const auto& [key, value] : entries) {
    bytes += static_cast<std::uint32_t>(8 + key.size() + value.size());
  }
  integer(bytes);
  for (const auto& [key, value] : entries) {
    text(key);
    text(value);
  }
}

std::size_t McapWriter::begin(McapOp op) {
  integer(static_cast<std::uint8_t>(op));
  const std::size_t begun = bytes_.size();
  integer(std::uint64_t{0});
  return begun;
}

void McapWriter::end(std::size_t begun) {
  const std::uint64_t length = bytes_.size() - begun - 8;
  for (std::size_t i = 0; i < 8; ++i) {
    bytes_[begun + i] = static_cast<std::byte>((length >> (8 * i)) & 0xff);
  }
}

std::span<const std::byte> McapReader::raw(std::uint64_t count) {
  if (!ok_ || count > bytes_.size() - at_) {
    ok_ = false;
    return {};
  }
  const std::span<const std::byte> taken = bytes_.subspan(at_, static_cast<std::size_t>(count));
  at_ += taken.size();
  return taken;
}

std::string McapReader::text() {
  const std::span<const std::byte> bytes = raw(integer<std::uint32_t>());
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::vector<std::pair<std::string, std::string>> McapReader::map() {
  std::vector<std::pair<std::string, std::string>> entries;
  McapReader inside(raw(integer<std::uint32_t>()));
  while (ok_ && inside.ok() && inside.left() > 0) {
    std::string key = inside.text();
    std::string value = inside.text();
    if (inside.ok()) entries.emplace_back(std::move(key), std::move(value));
  }
  ok_ = ok_ && inside.ok();
  return entries;
}

std::optional<McapRecord> nextRecord(McapReader& reader) {
  if (reader.left() < kMcapRecordHead) return std::nullopt;
  const auto op = static_cast<McapOp>(reader.integer<std::uint8_t>());
  const std::uint64_t length = reader.integer<std::uint64_t>();
  if (length > reader.left()) return std::nullopt;
  return McapRecord{.op = op, .content = reader.raw(length)};
}

}  // namespace understudy::take
