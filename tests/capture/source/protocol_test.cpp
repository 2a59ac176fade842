#include "capture/source/protocol.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "capture/source/packet_kernels.h"
#include "tests/support/centroids.h"

using namespace understudy;
using source::DecodeResult;

namespace {

using Packet = std::vector<std::byte>;

Packet encode(const source::PacketHeader& header, const std::vector<frame::Centroid>& centroids,
              std::size_t fragment = 0) {
  Packet packet(source::kMaxPacketBytes);
  packet.resize(source::encodePacket(header, centroids, fragment, packet));
  return packet;
}

// CRC-32C bit by bit, written anew from the page.
std::uint32_t slowCrc(const Packet& packet) {
  std::uint32_t crc = 0xffffffffu;
  for (std::size_t i = 0; i < packet.size(); ++i) {
    if (i >= 44 && i < 48) continue;
    crc ^= std::to_integer<std::uint32_t>(packet[i]);
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 1u) != 0 ? (crc >> 1) ^ 0x82f63b78u : crc >> 1;
  }
  return ~crc;
}

void seal(Packet& packet) {
  const std::uint32_t crc = slowCrc(packet);
  std::memcpy(packet.data() + 44, &crc, 4);
}

DecodeResult decode(const Packet& packet) {
  source::PacketView view;
  return source::decodePacket(packet, view);
}

// The bytes of an example on the protocol's page.
Packet readExample(const std::string& name) {
  std::ifstream page(std::string(UNDERSTUDY_SOURCE_DIR) + "/capture/source/PROTOCOL.md");
  Packet bytes;
  std::string line;
  bool inside = false;
  while (std::getline(page, line)) {
    if (line == "```") inside = false;
    if (inside) {
      std::istringstream words(line);
      std::string word;
      while (words >> word) bytes.push_back(static_cast<std::byte>(std::stoul(word, nullptr, 16)));
    }
    if (line == "```example " + name) inside = true;
  }
  return bytes;
}

std::vector<frame::Centroid> someCentroids(std::size_t count) {
  std::vector<frame::Centroid> centroids;
  std::mt19937 random(5);
  std::uniform_real_distribution<float> place(0.0f, 2048.0f), shape(1.0f, 8.0f);
  for (std::size_t i = 0; i < count; ++i) {
    centroids.push_back(
        source::quantise({place(random), place(random), shape(random), shape(random)}));
  }
  return centroids;
}

}  // namespace

TEST_SUITE("source/protocol") {
  TEST_CASE("the examples of PROTOCOL.md are what the encoder writes and the decoder reads") {
    const core::Timecode timecode{
        .hours = 10, .minutes = 20, .seconds = 30, .frames = 12, .rate = 25};
    const Packet two = readExample("two-blobs");
    CHECK(two == encode({.camera = 3,
                         .sequence = 240,
                         .exposed_ns = 1'500'000'000,
                         .exposure_ns = 400'000,
                         .timecode = timecode},
                        {{1024.5f, 544.25f, 2.0f, 1.0f}, {10.0f, 20.125f, 3.5f, 1.75f}}));
    source::PacketView view;
    REQUIRE(source::decodePacket(two, view) == DecodeResult::ok);
    CHECK(view.header.camera == 3);
    CHECK(view.header.timecode == timecode);
    CHECK(view.header.centroids == 2);
    CHECK(test::centroidsOf(view)[1].y_px == 20.125f);
    CHECK(test::centroidsOf(view)[1].elongation == 1.75f);

    const Packet nothing = readExample("nothing");
    CHECK(nothing ==
          encode({.camera = 255, .sequence = 0x0102030405060708ull, .exposed_ns = -1}, {}));
    REQUIRE(source::decodePacket(nothing, view) == DecodeResult::ok);
    CHECK(view.header.exposed_ns == -1);
    CHECK(view.header.sequence == 0x0102030405060708ull);
  }

  TEST_CASE("the checksum is CRC-32C as the page defines it") {
    for (const std::size_t count : {0u, 1u, 2u, 3u, 50u, 142u}) {
      const Packet packet = encode({.camera = 1, .sequence = 99}, someCentroids(count));
      std::uint32_t stored = 0;
      std::memcpy(&stored, packet.data() + 44, 4);
      CHECK(stored == slowCrc(packet));
    }
  }

  TEST_CASE("every build of the loops over a packet gives the same") {
    const source::PacketKernels &plain = source::plainPacketKernels(),
                                &fast = source::packetKernels();
    std::mt19937 random(5);
    for (std::size_t count = 1; count < 40; ++count) {
      std::vector<std::byte> bytes(count * source::kCentroidBytes);
      for (std::byte& byte : bytes) byte = static_cast<std::byte>(random() & 0xff);
      std::vector<frame::Centroid> one(count), other(count);
      plain.centroids(bytes, one);
      fast.centroids(bytes, other);
      CHECK(std::memcmp(one.data(), other.data(), count * sizeof(frame::Centroid)) == 0);
      for (std::size_t skip = 0; skip < std::min<std::size_t>(9, bytes.size()); ++skip) {
        const auto rest = std::span<const std::byte>(bytes).subspan(skip);
        CHECK(plain.crc(7u, rest) == fast.crc(7u, rest));
      }
    }
  }

  TEST_CASE("centroids come back to the last bit once they are rounded") {
    const auto centroids = someCentroids(500);
    const source::PacketHeader header{
        .camera = 17, .sequence = 1u << 20, .exposed_ns = 123456789, .exposure_ns = 10};
    std::vector<frame::Centroid> back;
    CHECK(source::fragmentCount(500) == 4);
    for (std::size_t fragment = 0; fragment < 4; ++fragment) {
      const Packet packet = encode(header, centroids, fragment);
      CHECK(packet.size() <= source::kMaxPacketBytes);
      source::PacketView view;
      REQUIRE(source::decodePacket(packet, view) == DecodeResult::ok);
      CHECK(view.header.fragment == fragment);
      CHECK(view.header.fragments == 4);
      CHECK(view.header.centroids_total == 500);
      CHECK(view.header.sequence == header.sequence);
      for (const frame::Centroid& c : test::centroidsOf(view)) back.push_back(c);
    }
    REQUIRE(back.size() == centroids.size());
    for (std::size_t i = 0; i < back.size(); ++i) {
      CHECK(back[i].x_px == centroids[i].x_px);
      CHECK(back[i].y_px == centroids[i].y_px);
      CHECK(back[i].radius_px == centroids[i].radius_px);
      CHECK(back[i].elongation == centroids[i].elongation);
    }
  }

  TEST_CASE("values out of range are clamped and numbers that are none become zero") {
    const frame::Centroid c = source::quantise({-5.0f, 1e9f, std::nanf(""), 0.0f});
    CHECK(c.x_px == 0.0f);
    CHECK(c.y_px == doctest::Approx(16384.0f));
    CHECK(c.radius_px == 0.0f);
    CHECK(c.elongation == 1.0f);
  }

  TEST_CASE("more blobs than fit are left out and the packet says so") {
    const std::vector<frame::Centroid> many(source::kMaxCentroidsPerCamera + 10);
    CHECK(source::fragmentCount(many.size()) == source::kMaxFragments);
    source::PacketView view;
    const Packet last = encode({}, many, source::kMaxFragments - 1);
    REQUIRE(source::decodePacket(last, view) == DecodeResult::ok);
    CHECK(view.header.overloaded);
    CHECK(view.header.centroids_total == source::kMaxCentroidsPerCamera);
  }

  TEST_CASE("each broken rule has its own reason") {
    const Packet good = encode({.camera = 2, .sequence = 7}, someCentroids(3));
    CHECK(decode(good) == DecodeResult::ok);
    CHECK(decode({}) == DecodeResult::too_short);
    CHECK(decode(Packet(good.begin(), good.begin() + 47)) == DecodeResult::too_short);
    CHECK(decode(Packet(source::kMaxPacketBytes + 1)) == DecodeResult::too_long);
    const auto broken = [&](std::size_t at, int value, bool sealed = true) {
      Packet packet = good;
      packet[at] = static_cast<std::byte>(value);
      if (sealed) seal(packet);
      return decode(packet);
    };
    CHECK(broken(0, 'X') == DecodeResult::bad_magic);
    CHECK(broken(4, 2) == DecodeResult::wrong_version);
    CHECK(broken(60, 0x55, false) == DecodeResult::bad_checksum);
    CHECK(broken(5, 2) == DecodeResult::bad_reserved);
    CHECK(broken(30, 1) == DecodeResult::bad_reserved);
    CHECK(broken(37, 2) == DecodeResult::bad_reserved);
    CHECK(broken(38, 1) == DecodeResult::bad_reserved);
    CHECK(broken(7, 1) == DecodeResult::bad_camera);
    CHECK(broken(24, 1) == DecodeResult::bad_fragment);
    CHECK(broken(25, 0) == DecodeResult::bad_fragment);
    CHECK(broken(25, 65) == DecodeResult::bad_fragment);
    CHECK(broken(26, 4) == DecodeResult::bad_length);
    CHECK(broken(28, 2) == DecodeResult::bad_fragment);
    CHECK(broken(36, 30) == DecodeResult::ok);
    CHECK(broken(32, 5) == DecodeResult::bad_timecode);
    CHECK(broken(57, 0) == DecodeResult::bad_centroid);
    Packet longer = good;
    longer.push_back(std::byte{0});
    seal(longer);
    CHECK(decode(longer) == DecodeResult::bad_length);
    CHECK(source::describe(DecodeResult::bad_checksum) == "checksum does not match");
  }

  TEST_CASE("any datagram is survived, and only sound ones are accepted") {
    std::mt19937 random(11);
    std::uniform_int_distribution<int> byte(0, 255);
    int accepted = 0;
    for (int round = 0; round < 20000; ++round) {
      Packet packet;
      if (round % 2 == 0) {
        packet.resize(random() % 1600);
        for (std::byte& b : packet) b = static_cast<std::byte>(byte(random));
        if (packet.size() >= 5 && round % 4 == 0) {
          std::memcpy(packet.data(), "USCP\x01", 5);
          if (packet.size() >= 48) seal(packet);
        }
      } else {
        packet = encode({.camera = 5, .sequence = 3}, someCentroids(random() % 20));
        for (int flips = 0; flips < 3; ++flips) {
          packet[random() % packet.size()] = static_cast<std::byte>(byte(random));
        }
        if (round % 3 == 0) packet.resize(random() % (packet.size() + 1));
        if (packet.size() >= 48) seal(packet);
      }
      source::PacketView view;
      if (source::decodePacket(packet, view) != DecodeResult::ok) continue;
      ++accepted;
      CHECK(view.header.fragment < view.header.fragments);
      CHECK(view.header.camera < 256);
      for (const frame::Centroid& c : test::centroidsOf(view)) CHECK(c.elongation >= 1.0f);
    }
    CHECK(accepted > 100);
  }
}
