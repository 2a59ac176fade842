#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "capture/source/network_source.h"
#include "capture/source/simulated_feed.h"
#include "engine/core/result.h"

namespace understudy::source {

/// When one frame's packets left.
struct SentFrame {
  std::uint64_t sequence = 0;
  core::Time exposed{};        ///< Middle of the exposure on the host's clock.
  core::Time intended_last{};  ///< Intended departure of the frame's last packet.
  core::Time sent_last{};      ///< Real departure of that packet.
  std::uint32_t packets = 0;   ///< Sent.
  std::uint32_t lost = 0;      ///< Left out by simulated packet loss.
  std::uint32_t failed = 0;    ///< Refused by the system.
};

/// The simulated cameras: sends simulated packets over real UDP, each camera from its own port, at
/// their intended times whatever the receiver does.
class PacketSender {
 public:
  static constexpr std::uint64_t kSentFrames = std::uint64_t{1} << 18;

  /// Opens one socket per camera. `feed` must outlive the sender. Frames are released in the feed
  /// as they leave if `release_frames`; else by whoever reads the truth.
  static core::Result<std::unique_ptr<PacketSender>> create(SimulatedFeed& feed,
                                                            std::size_t cameras,
                                                            const Endpoint& target,
                                                            bool release_frames);
  ~PacketSender();

  /// Starts the thread; the first frame is exposed at `epoch`.
  void start(core::Time epoch);
  /// Ends after the packets in hand, and joins.
  void stop();
  /// True when every frame has left.
  bool finished() const;
  /// Frames that left so far; from any thread.
  std::uint64_t framesSent() const;
  /// The newest kSentFrames frames that left: frame n is entry n % size(). Read only entries of
  /// frames below framesSent().
  const std::vector<SentFrame>& sent() const;

 private:
  struct State;
  explicit PacketSender(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace understudy::source
