#include "capture/source/camera_packets.h"

#include <algorithm>
#include <cmath>

#include "capture/source/protocol.h"

namespace understudy::source {
namespace {

constexpr double kMicrosecondsPerFragment = 12.0;  // 1472 bytes at 1 Gbit/s.
constexpr std::uint32_t kExposureNs = 400'000;

double uniform(std::mt19937_64& random) { return static_cast<double>(random() >> 11) * 0x1p-53; }

template <class Item>
void shuffle(std::vector<Item>& items, std::mt19937_64& random) {
  for (std::size_t i = items.size(); i > 1; --i) {
    const double pick = uniform(random) * static_cast<double>(i);
    std::swap(items[i - 1], items[static_cast<std::size_t>(pick)]);
  }
}

}  // namespace

CameraPacketMaker::CameraPacketMaker(const StageSettings& settings, std::size_t cameras)
    : settings_(settings),
      order_(cameras),
      delays_us_(cameras),
      random_(settings.seed ^ 0x7061636b657473ull),
      loss_random_(settings.seed ^ 0x6c6f7373ull),
      shuffle_random_(settings.seed ^ 0x73687566666c65ull) {
  for (std::size_t c = 0; c < cameras; ++c) {
    order_[c] = static_cast<std::uint32_t>(c);
    // Each camera was switched on at a time of its own.
    const auto seconds = static_cast<std::int64_t>(1.0 + 3600.0 * uniform(random_));
    const double drift = (2.0 * uniform(random_) - 1.0) * settings.clock_drift_ppm * 1e-6;
    clocks_.push_back({.offset = std::chrono::seconds(seconds), .drift = drift});
  }
}

void CameraPacketMaker::make(const StageFrame& frame, FramePackets& packets) {
  packets.sequence = frame.stamp.sequence;
  packets.packets.clear();
  packets.bytes.clear();
  packets.lost = 0;
  const core::Duration exposed = frame.stamp.exposed.time_since_epoch();
  shuffle(order_, random_);
  for (double& delay : delays_us_) delay = settings_.arrival_window_us * uniform(random_);
  std::sort(delays_us_.begin(), delays_us_.end());
  for (std::size_t i = 0; i < order_.size(); ++i) {
    const std::uint32_t camera = order_[i];
    const CameraClock& clock = clocks_[camera];
    const double seconds = core::toSeconds(exposed);
    const PacketHeader header{
        .camera = static_cast<std::uint16_t>(camera),
        .sequence = frame.stamp.sequence,
        .exposed_ns = (exposed + clock.offset).count() +
                      static_cast<std::int64_t>(std::llround(seconds * clock.drift * 1e9)),
        .exposure_ns = kExposureNs,
        .timecode = frame.stamp.timecode};
    const std::vector<frame::Centroid>& centroids = frame.cameras[camera].centroids;
    const std::size_t fragments = fragmentCount(centroids.size());
    for (std::size_t fragment = 0; fragment < fragments; ++fragment) {
      const double microseconds =
          delays_us_[i] + kMicrosecondsPerFragment * static_cast<double>(fragment);
      const std::size_t offset = packets.bytes.size();
      packets.bytes.resize(offset + kMaxPacketBytes);
      const std::size_t size =
          encodePacket(header, centroids, fragment, std::span(packets.bytes).subspan(offset));
      packets.bytes.resize(offset + size);
      if (settings_.packet_loss > 0.0 && uniform(loss_random_) < settings_.packet_loss) {
        ++packets.lost;
        packets.bytes.resize(offset);
        continue;
      }
      packets.packets.push_back(
          {.camera = camera,
           .offset = static_cast<std::uint32_t>(offset),
           .size = static_cast<std::uint32_t>(size),
           .departure = exposed + kCameraDelay +
                        core::Duration(static_cast<std::int64_t>(microseconds * 1000.0))});
    }
  }
  if (settings_.shuffle_packets) {
    // Departures stay where they are; what leaves then is drawn anew.
    for (std::size_t i = packets.packets.size(); i > 1; --i) {
      TimedPacket& a = packets.packets[i - 1];
      TimedPacket& b =
          packets
              .packets[static_cast<std::size_t>(uniform(shuffle_random_) * static_cast<double>(i))];
      std::swap(a, b);
      std::swap(a.departure, b.departure);
    }
  }
  // Not stable_sort, which allocates; offsets differ, so the order is fixed.
  std::sort(packets.packets.begin(), packets.packets.end(),
            [](const TimedPacket& a, const TimedPacket& b) {
              return a.departure != b.departure ? a.departure < b.departure : a.offset < b.offset;
            });
}

}  // namespace understudy::source
