#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace understudy::take {

/// The channels of a packet log.
enum class LogChannel : std::uint16_t { packets = 1, closings = 2, lost = 3 };

/// A channel's topic and schema.
struct LogChannelText {
  LogChannel channel;
  std::string_view topic, schema, encoding, text;
};

inline constexpr std::array<LogChannelText, 3> kLogChannels{{
    {LogChannel::packets, "/capture/packets", "understudy.CentroidPacket",
     "application/x-understudy-packet",
     "One datagram as it arrived, unchanged; see capture/source/PROTOCOL.md. log_time: the "
     "kernel's "
     "receive stamp on the host's steady clock, nanoseconds."},
    {LogChannel::closings, "/capture/closings", "understudy.FrameClosing",
     "application/x-understudy-closing",
     "Little-endian: uint64 sequence; uint8 reason (0 complete, 1 deadline, 2 superseded, 3 "
     "finished); uint64[4] cameras used, bit c of word c / 64 is camera c. log_time: when it was "
     "closed."},
    {LogChannel::lost, "/capture/lost", "understudy.LostRecords", "application/x-understudy-lost",
     "Little-endian: uint64 records lost so far because the writer could not keep up."},
}};

inline constexpr std::size_t kClosingBytes = 8 + 1 + 32;

}  // namespace understudy::take
