#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "capture/pipeline/capture_path.h"
#include "capture/take/packet_log.h"

namespace understudy::pipeline {

/// Says when the frames of a recorded log are to be closed: as they were when it was live, with the
/// cameras that they had then. Where the log is damaged it goes on behind the gap: what the log
/// does not hold any more is not waited for, and frames whose closing is lost are closed with what
/// there is, so that time goes on.
class Replay {
 public:
  /// The closings of the log by sequence, and how many packets it holds before each; both outlive
  /// this.
  Replay(CapturePath& path, std::span<const take::FrameClosing> closings,
         std::span<const std::uint64_t> packets_before);

  /// Lets only the cameras into the open frame that it had. Before every packet, and before what
  /// comes is prepared for after every closing.
  void follow();
  /// How the open frame is to be closed before a packet that would else be too early for the path;
  /// nothing if that can wait. The packet may have any content.
  std::optional<take::ClosingReason> dueBefore(std::span<const std::byte> datagram) const;
  /// Counts a packet that the path was given.
  void noteGiven() { ++given_; }
  /// How the open frame is to be closed now; nothing if it is to wait for packets, or the log holds
  /// no frame after it.
  std::optional<take::ClosingReason> due() const;

 private:
  const take::FrameClosing* closingOfOpen() const;
  bool hasAllOf(const take::FrameClosing& closing) const;
  /// Frames that lack a closing, from the open one to the next that has one; 0 if none has, or they
  /// are too many to be lived through: the path then begins anew.
  std::uint64_t gap() const;

  CapturePath& path_;
  std::span<const take::FrameClosing> closings_;
  std::span<const std::uint64_t> packets_before_;
  std::size_t next_ = 0;  ///< The first closing that is not before the open frame.
  std::uint64_t given_ = 0;
};

}  // namespace understudy::pipeline
