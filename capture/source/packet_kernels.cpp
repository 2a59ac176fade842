#include "capture/source/packet_kernels.h"

#include <array>
#include <cassert>
#include <cstring>

#include "capture/source/protocol.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace understudy::source {
namespace {

static_assert(sizeof(frame::Centroid) == 4 * sizeof(float));

using CrcTables = std::array<std::array<std::uint32_t, 256>, 4>;

constexpr CrcTables makeCrcTables() {
  CrcTables tables{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1u) != 0 ? 0x82f63b78u : 0u);
    tables[0][i] = crc;
  }
  for (std::uint32_t i = 0; i < 256; ++i) {
    for (std::size_t k = 1; k < 4; ++k) {
      const std::uint32_t before = tables[k - 1][i];
      tables[k][i] = (before >> 8) ^ tables[0][before & 0xff];
    }
  }
  return tables;
}
constexpr CrcTables kCrc = makeCrcTables();

std::uint32_t byteAt(std::span<const std::byte> bytes, std::size_t at) {
  return std::to_integer<std::uint32_t>(bytes[at]);
}

// Four bytes a step.
std::uint32_t plainCrc(std::uint32_t crc, std::span<const std::byte> bytes) {
  std::size_t i = 0;
  for (; i + 4 <= bytes.size(); i += 4) {
    crc ^= byteAt(bytes, i) | byteAt(bytes, i + 1) << 8 | byteAt(bytes, i + 2) << 16 |
           byteAt(bytes, i + 3) << 24;
    crc = kCrc[3][crc & 0xff] ^ kCrc[2][(crc >> 8) & 0xff] ^ kCrc[1][(crc >> 16) & 0xff] ^
          kCrc[0][crc >> 24];
  }
  for (; i < bytes.size(); ++i) crc = (crc >> 8) ^ kCrc[0][(crc ^ byteAt(bytes, i)) & 0xff];
  return crc;
}

void plainCentroids(std::span<const std::byte> bytes, std::span<frame::Centroid> centroids) {
  assert(bytes.size() == centroids.size() * kCentroidBytes);
  const auto read = [&](std::size_t at, std::size_t count) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < count; ++i) value |= byteAt(bytes, at + i) << (8 * i);
    return static_cast<float>(value);
  };
  for (std::size_t i = 0; i < centroids.size(); ++i) {
    const std::size_t at = i * kCentroidBytes;
    centroids[i] = {.x_px = read(at, 3) / kPositionSteps,
                    .y_px = read(at + 3, 3) / kPositionSteps,
                    .radius_px = read(at + 6, 2) / kShapeSteps,
                    .elongation = read(at + 8, 2) / kShapeSteps};
  }
}

constexpr PacketKernels kPlain{.name = "plain", .crc = plainCrc, .centroids = plainCentroids};

#if defined(__x86_64__)

[[gnu::target("sse4.2")]] std::uint32_t crcBySse(std::uint32_t crc,
                                                 std::span<const std::byte> bytes) {
  std::uint64_t wide = crc;
  std::size_t i = 0;
  for (; i + 8 <= bytes.size(); i += 8) {
    std::uint64_t eight;
    std::memcpy(&eight, &bytes[i], sizeof eight);
    wide = _mm_crc32_u64(wide, eight);
  }
  crc = static_cast<std::uint32_t>(wide);
  for (; i < bytes.size(); ++i) crc = _mm_crc32_u8(crc, std::to_integer<std::uint8_t>(bytes[i]));
  return crc;
}

// Sixteen bytes are read for ten, so that the last one is left to the plain kernel. Steps are
// powers of two: their inverses lose nothing.
[[gnu::target("sse4.2")]] void centroidsBySse(std::span<const std::byte> bytes,
                                              std::span<frame::Centroid> centroids) {
  const __m128i order = _mm_setr_epi8(0, 1, 2, -1, 3, 4, 5, -1, 6, 7, -1, -1, 8, 9, -1, -1);
  const __m128 scale = _mm_setr_ps(1.0f / kPositionSteps, 1.0f / kPositionSteps, 1.0f / kShapeSteps,
                                   1.0f / kShapeSteps);
  std::size_t i = 0;
  for (; i * kCentroidBytes + sizeof(__m128i) <= bytes.size(); ++i) {
    const __m128i raw =
        _mm_loadu_si128(reinterpret_cast<const __m128i*>(&bytes[i * kCentroidBytes]));
    const __m128 values = _mm_mul_ps(_mm_cvtepi32_ps(_mm_shuffle_epi8(raw, order)), scale);
    _mm_storeu_ps(&centroids[i].x_px, values);
  }
  plainCentroids(bytes.subspan(i * kCentroidBytes), centroids.subspan(i));
}

constexpr PacketKernels kSse{.name = "sse4.2", .crc = crcBySse, .centroids = centroidsBySse};

#endif

}  // namespace

const PacketKernels& plainPacketKernels() { return kPlain; }

const PacketKernels& packetKernels() {
#if defined(__x86_64__)
  static const bool has_sse = __builtin_cpu_supports("sse4.2");
  if (has_sse) return kSse;
#endif
  return kPlain;
}

}  // namespace understudy::source
