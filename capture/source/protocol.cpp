#include "capture/source/protocol.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>

#include "capture/camera/rig_file.h"
#include "capture/source/packet_kernels.h"

namespace understudy::source {
namespace {

constexpr std::array<std::uint8_t, 4> kMagic{'U', 'S', 'C', 'P'};
constexpr std::size_t kChecksumAt = 44;
constexpr std::uint8_t kFlagOverloaded = 1;
constexpr std::uint8_t kFlagDropFrame = 1;

std::uint32_t byteAt(std::span<const std::byte> bytes, std::size_t at) {
  return std::to_integer<std::uint32_t>(bytes[at]);
}

// Over the whole datagram but the checksum itself.
std::uint32_t checksum(std::span<const std::byte> datagram) {
  const PacketKernels& kernels = packetKernels();
  const std::uint32_t head = kernels.crc(0xffffffffu, datagram.first(kChecksumAt));
  return ~kernels.crc(head, datagram.subspan(kChecksumAt + 4));
}

template <std::size_t kBytes>
std::uint64_t read(std::span<const std::byte> bytes, std::size_t at) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < kBytes; ++i) {
    value |= std::to_integer<std::uint64_t>(bytes[at + i]) << (8 * i);
  }
  return value;
}

template <std::size_t kBytes>
void write(std::span<std::byte> bytes, std::size_t at, std::uint64_t value) {
  for (std::size_t i = 0; i < kBytes; ++i) {
    bytes[at + i] = static_cast<std::byte>((value >> (8 * i)) & 0xff);
  }
}

std::uint32_t toFixed(float value, float steps, std::uint32_t least, std::uint32_t most) {
  const double scaled = std::floor(static_cast<double>(value) * static_cast<double>(steps) + 0.5);
  if (!(scaled > static_cast<double>(least))) return least;  // Also what is not a number.
  if (scaled > static_cast<double>(most)) return most;
  return static_cast<std::uint32_t>(scaled);
}

constexpr std::uint32_t kMostPosition = 0xffffff;
constexpr std::uint32_t kMostShape = 0xffff;
constexpr std::uint32_t kRound = 256;  // Elongation 1.

bool isTimeOfDay(const core::Timecode& t) {
  return t.hours < 24 && t.minutes < 60 && t.seconds < 60 &&
         (t.rate == 0 ? t.hours + t.minutes + t.seconds + t.frames == 0 && !t.drop_frame
                      : t.frames < t.rate);
}

DecodeResult checkHeader(const PacketHeader& h, std::size_t bytes) {
  if (bytes != kPacketHeaderBytes + h.centroids * kCentroidBytes) return DecodeResult::bad_length;
  if (h.camera >= camera::kMaxCameras) return DecodeResult::bad_camera;
  if (h.fragments < 1 || h.fragments > kMaxFragments || h.fragment >= h.fragments ||
      h.centroids > h.centroids_total || h.centroids_total > kCentroidsPerPacket * h.fragments ||
      (h.fragments == 1 && h.centroids != h.centroids_total)) {
    return DecodeResult::bad_fragment;
  }
  if (!isTimeOfDay(h.timecode)) return DecodeResult::bad_timecode;
  return DecodeResult::ok;
}

}  // namespace

std::string_view describe(DecodeResult result) {
  switch (result) {
    case DecodeResult::ok:
      return "ok";
    case DecodeResult::too_short:
      return "shorter than a packet header";
    case DecodeResult::too_long:
      return "longer than any packet";
    case DecodeResult::bad_magic:
      return "not a packet of the centroid protocol";
    case DecodeResult::wrong_version:
      return "a protocol version that is not known here";
    case DecodeResult::bad_checksum:
      return "checksum does not match";
    case DecodeResult::bad_length:
      return "size does not fit the number of centroids";
    case DecodeResult::bad_camera:
      return "camera number out of range";
    case DecodeResult::bad_fragment:
      return "fragment number or count out of range";
    case DecodeResult::bad_timecode:
      return "timecode is no time of day";
    case DecodeResult::bad_reserved:
      return "reserved bits are set";
    case DecodeResult::bad_centroid:
      return "a centroid has an elongation below 1";
  }
  return "unknown";
}

void PacketView::centroids(std::span<frame::Centroid> out) const {
  assert(out.size() == header.centroids);
  packetKernels().centroids(centroid_bytes, out);
}

DecodeResult decodePacket(std::span<const std::byte> datagram, PacketView& view) {
  if (datagram.size() < kPacketHeaderBytes) return DecodeResult::too_short;
  if (datagram.size() > kMaxPacketBytes) return DecodeResult::too_long;
  for (std::size_t i = 0; i < kMagic.size(); ++i) {
    if (byteAt(datagram, i) != kMagic[i]) return DecodeResult::bad_magic;
  }
  if (byteAt(datagram, 4) != kProtocolVersion) return DecodeResult::wrong_version;
  if (read<4>(datagram, kChecksumAt) != checksum(datagram)) return DecodeResult::bad_checksum;
  const auto byte = [&](std::size_t at) { return static_cast<std::uint8_t>(byteAt(datagram, at)); };
  if ((byte(5) & ~kFlagOverloaded) != 0 || (byte(37) & ~kFlagDropFrame) != 0 ||
      read<2>(datagram, 38) != 0) {
    return DecodeResult::bad_reserved;
  }
  PacketHeader header{.camera = static_cast<std::uint16_t>(read<2>(datagram, 6)),
                      .overloaded = (byte(5) & kFlagOverloaded) != 0,
                      .sequence = read<8>(datagram, 8),
                      .exposed_ns = static_cast<std::int64_t>(read<8>(datagram, 16)),
                      .exposure_ns = static_cast<std::uint32_t>(read<4>(datagram, 40)),
                      .fragment = byte(24),
                      .fragments = byte(25),
                      .centroids = static_cast<std::uint16_t>(read<2>(datagram, 26)),
                      .centroids_total = static_cast<std::uint16_t>(read<2>(datagram, 28)),
                      .timecode = {.hours = byte(32),
                                   .minutes = byte(33),
                                   .seconds = byte(34),
                                   .frames = byte(35),
                                   .rate = byte(36),
                                   .drop_frame = (byte(37) & kFlagDropFrame) != 0}};
  if (read<2>(datagram, 30) != 0) return DecodeResult::bad_reserved;
  if (const DecodeResult checked = checkHeader(header, datagram.size());
      checked != DecodeResult::ok) {
    return checked;
  }
  const std::span<const std::byte> centroids = datagram.subspan(kPacketHeaderBytes);
  for (std::size_t i = 0; i < header.centroids; ++i) {
    if (read<2>(centroids, i * kCentroidBytes + 8) < kRound) return DecodeResult::bad_centroid;
  }
  view = {.header = header, .centroid_bytes = centroids};
  return DecodeResult::ok;
}

std::size_t fragmentCount(std::size_t centroids) {
  const std::size_t sent = std::min(centroids, kMaxCentroidsPerCamera);
  return std::max<std::size_t>(1, (sent + kCentroidsPerPacket - 1) / kCentroidsPerPacket);
}

std::size_t encodePacket(const PacketHeader& header, std::span<const frame::Centroid> centroids,
                         std::size_t fragment, std::span<std::byte> packet) {
  const bool overloaded = header.overloaded || centroids.size() > kMaxCentroidsPerCamera;
  const std::size_t total = std::min(centroids.size(), kMaxCentroidsPerCamera);
  const std::size_t fragments = fragmentCount(total);
  const std::size_t first = fragment * kCentroidsPerPacket;
  const std::size_t count = std::min(kCentroidsPerPacket, total - std::min(total, first));
  const std::size_t bytes = kPacketHeaderBytes + count * kCentroidBytes;
  std::fill_n(packet.begin(), kPacketHeaderBytes, std::byte{0});
  for (std::size_t i = 0; i < kMagic.size(); ++i) packet[i] = static_cast<std::byte>(kMagic[i]);
  write<1>(packet, 4, kProtocolVersion);
  write<1>(packet, 5, overloaded ? kFlagOverloaded : 0);
  write<2>(packet, 6, header.camera);
  write<8>(packet, 8, header.sequence);
  write<8>(packet, 16, static_cast<std::uint64_t>(header.exposed_ns));
  write<1>(packet, 24, fragment);
  write<1>(packet, 25, fragments);
  write<2>(packet, 26, count);
  write<2>(packet, 28, total);
  const core::Timecode& t = header.timecode;
  write<1>(packet, 32, t.hours);
  write<1>(packet, 33, t.minutes);
  write<1>(packet, 34, t.seconds);
  write<1>(packet, 35, t.frames);
  write<1>(packet, 36, t.rate);
  write<1>(packet, 37, t.drop_frame ? kFlagDropFrame : 0);
  write<4>(packet, 40, header.exposure_ns);
  for (std::size_t i = 0; i < count; ++i) {
    const frame::Centroid& c = centroids[first + i];
    const std::size_t at = kPacketHeaderBytes + i * kCentroidBytes;
    write<3>(packet, at, toFixed(c.x_px, kPositionSteps, 0, kMostPosition));
    write<3>(packet, at + 3, toFixed(c.y_px, kPositionSteps, 0, kMostPosition));
    write<2>(packet, at + 6, toFixed(c.radius_px, kShapeSteps, 0, kMostShape));
    write<2>(packet, at + 8, toFixed(c.elongation, kShapeSteps, kRound, kMostShape));
  }
  write<4>(packet, kChecksumAt, checksum(packet.first(bytes)));
  return bytes;
}

frame::Centroid quantise(const frame::Centroid& c) {
  const auto back = [](std::uint32_t fixed, float steps) {
    return static_cast<float>(fixed) / steps;
  };
  return {.x_px = back(toFixed(c.x_px, kPositionSteps, 0, kMostPosition), kPositionSteps),
          .y_px = back(toFixed(c.y_px, kPositionSteps, 0, kMostPosition), kPositionSteps),
          .radius_px = back(toFixed(c.radius_px, kShapeSteps, 0, kMostShape), kShapeSteps),
          .elongation = back(toFixed(c.elongation, kShapeSteps, kRound, kMostShape), kShapeSteps)};
}

}  // namespace understudy::source
