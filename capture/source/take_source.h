#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "capture/source/centroid_source.h"
#include "capture/take/packet_log.h"
#include "engine/core/result.h"

namespace understudy::source {

enum class ReplayPace : std::uint8_t {
  fast,      ///< As fast as packets are taken; stamps as recorded.
  recorded,  ///< At the recorded distances in time; stamps moved to now.
};

/// A recorded packet log as a source.
class TakeSource : public CentroidSource {
 public:
  /// Reads the log once for its closings and its state, then stands at its start.
  static core::Result<std::unique_ptr<TakeSource>> open(const std::filesystem::path& path,
                                                        ReplayPace pace);
  ~TakeSource() override;

  std::size_t receive(std::span<RawPacket> packets, core::Time deadline) override;
  bool finished() const override;

  const take::PacketLogHeader& header() const;
  /// How every recorded frame was closed, by sequence. Replay closes frames with exactly these
  /// cameras, whatever arrives when.
  const std::vector<take::FrameClosing>& closings() const;
  /// How many packets the log holds before each of these.
  const std::vector<std::uint64_t>& packetsBefore() const;
  /// Whether the log is whole.
  const take::LogEnd& end() const;
  /// Packets in the log.
  std::uint64_t packets() const;

 private:
  struct State;
  explicit TakeSource(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace understudy::source
