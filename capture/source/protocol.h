#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "capture/frame/frames.h"
#include "engine/core/stamp.h"

/// The open centroid protocol, version 1; PROTOCOL.md gives it byte by byte.
namespace understudy::source {

inline constexpr std::uint8_t kProtocolVersion = 1;
inline constexpr std::size_t kPacketHeaderBytes = 48;
inline constexpr std::size_t kCentroidBytes = 10;
/// UDP payload of one Ethernet frame over IPv4.
inline constexpr std::size_t kMaxPacketBytes = 1472;
inline constexpr std::size_t kCentroidsPerPacket =
    (kMaxPacketBytes - kPacketHeaderBytes) / kCentroidBytes;
inline constexpr std::size_t kMaxFragments = 64;
inline constexpr std::size_t kMaxCentroidsPerCamera = kCentroidsPerPacket * kMaxFragments;
/// Positions are multiples of 1 / kPositionSteps px, from 0 to below 16384 px.
inline constexpr float kPositionSteps = 1024.0f;
/// Radius and elongation are multiples of 1 / kShapeSteps, up to 255.99.
inline constexpr float kShapeSteps = 256.0f;

/// What every packet says about its camera and exposure.
struct PacketHeader {
  std::uint16_t camera = 0;       ///< Index in the rig, below camera::kMaxCameras.
  bool overloaded = false;        ///< The camera saw more blobs than it sent.
  std::uint64_t sequence = 0;     ///< The shared genlock count.
  std::int64_t exposed_ns = 0;    ///< Middle of the exposure on the camera's own clock.
  std::uint32_t exposure_ns = 0;  ///< Length of the exposure; 0 = not said.
  std::uint8_t fragment = 0;      ///< 0 to fragments - 1.
  std::uint8_t fragments = 1;     ///< Packets of this camera for this exposure, 1 to kMaxFragments.
  std::uint16_t centroids = 0;    ///< In this packet.
  std::uint16_t centroids_total = 0;  ///< In all fragments together.
  core::Timecode timecode{};

  bool operator==(const PacketHeader&) const = default;
};

/// Why a datagram is not a packet of ours.
enum class DecodeResult : std::uint8_t {
  ok,
  too_short,      ///< Less than a header.
  too_long,       ///< More than kMaxPacketBytes.
  bad_magic,      ///< Somebody else's datagram.
  wrong_version,  ///< A version that this program does not speak.
  bad_checksum,   ///< Damaged on the way.
  bad_length,     ///< Its size does not fit its number of centroids.
  bad_camera,     ///< Camera number out of range.
  bad_fragment,   ///< Fragment number or count out of range.
  bad_timecode,   ///< Not a time of day.
  bad_reserved,   ///< Reserved bits are set.
  bad_centroid,   ///< A centroid with elongation below 1.
};

/// The reason in words, such as "checksum does not match".
std::string_view describe(DecodeResult result);

/// A decoded packet: a view of the datagram, which must outlive it.
struct PacketView {
  PacketHeader header;
  std::span<const std::byte> centroid_bytes;  ///< header.centroids * kCentroidBytes.

  /// Reads its centroids; `out` has room for exactly so many.
  void centroids(std::span<frame::Centroid> out) const;
};

/// Reads a datagram of any content. Fills `view` only when it returns ok. Never allocates.
DecodeResult decodePacket(std::span<const std::byte> datagram, PacketView& view);

/// Number of packets for that many centroids, at least 1; more than kMaxCentroidsPerCamera count as
/// that many.
std::size_t fragmentCount(std::size_t centroids);

/// Writes packet `fragment` of one camera's exposure and returns its size. Camera, stamp and
/// timecode are taken from `header`, which need not say counts and fragments. Centroids beyond
/// kMaxCentroidsPerCamera are left out and the packet says so. `packet` has kMaxPacketBytes. Never
/// allocates.
std::size_t encodePacket(const PacketHeader& header, std::span<const frame::Centroid> centroids,
                         std::size_t fragment, std::span<std::byte> packet);

/// The centroid as it arrives after a trip through the protocol: clamped and rounded.
frame::Centroid quantise(const frame::Centroid& centroid);

}  // namespace understudy::source
