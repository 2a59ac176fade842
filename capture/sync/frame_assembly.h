#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "capture/frame/frames.h"
#include "capture/source/protocol.h"
#include "capture/take/packet_log.h"
#include "engine/core/result.h"
#include "engine/core/time.h"

namespace understudy::sync {

/// When a frame that is not complete is closed all the same.
struct AssemblySettings {
  double deadline_us = 3000;  ///< After the frame's first packet.
  double silence_us = 1500;   ///< After the frame's newest packet, if that is earlier.
  std::uint32_t lost_after =
      48;  ///< Frames without a packet after which nobody waits for a camera.
};

/// Says which setting is out of range, if any.
core::Result<void> check(const AssemblySettings& settings);

/// What became of a packet.
enum class PacketVerdict : std::uint8_t {
  stored,           ///< Kept; its camera's exposure is not whole yet.
  camera_complete,  ///< Kept, and its camera's exposure is whole now.
  duplicate,        ///< Was there already.
  late,             ///< Its frame is closed.
  early,            ///< Further ahead than the window; kept by nobody.
  unknown_camera,   ///< Not in the rig.
  inconsistent,     ///< Contradicts another packet of the same exposure.
};

/// Counts since the start.
struct AssemblyCounters {
  std::uint64_t packets = 0;
  std::uint64_t damaged = 0;  ///< Not decodable.
  std::uint64_t duplicate = 0, late = 0, early = 0, unknown_camera = 0, inconsistent = 0;
  std::uint64_t lost = 0;  ///< Camera-frames of live cameras that were missing at the closing.
  std::uint64_t incomplete_frames = 0;
  std::uint64_t empty_frames = 0;  ///< Frames of which no packet came.
  std::uint64_t resyncs = 0;       ///< Jumps to another range of sequences.
};

/// One exposure that is being put together.
struct PendingFrame {
  bool used = false;
  std::uint64_t sequence = 0;
  core::Time exposed{};
  core::Timecode timecode{};
  core::Time received_first{}, received_last{};
  std::uint32_t complete = 0;  ///< Cameras whose exposure is whole.
  struct CameraPart {
    std::uint64_t fragments_seen = 0;  ///< Bit per fragment.
    std::uint8_t fragments = 0;        ///< 0 = no packet yet.
    bool complete = false;
    std::vector<frame::Centroid> centroids;
  };
  std::vector<CameraPart> cameras;
};

/// Puts packets together to exposures, in whatever order they come, while the frame path works on
/// each camera as soon as it is whole. Knows late, lost and duplicate packets; cameras that have
/// fallen silent are not waited for. Never allocates after `makeFrameAssembly`.
struct FrameAssembly {
  static constexpr std::size_t kWindow = 8;  ///< Exposures held at once.

  AssemblySettings settings;
  AssemblyCounters counters;
  std::uint64_t current = 0;  ///< The exposure that is open.
  bool started = false;       ///< A first packet has come.
  std::array<PendingFrame, kWindow> frames;
  std::vector<std::uint64_t> newest;  ///< Per camera: highest sequence heard.
  std::vector<bool> live;             ///< Per camera: waited for.
  std::uint32_t stray = 0;            ///< Packets far outside the window since the last good one.

  PendingFrame& at(std::uint64_t sequence) { return frames[sequence % kWindow]; }
  const PendingFrame& at(std::uint64_t sequence) const { return frames[sequence % kWindow]; }
};

FrameAssembly makeFrameAssembly(const AssemblySettings& settings, std::size_t cameras);

/// Takes one decoded packet in.
PacketVerdict accept(FrameAssembly& assembly, const source::PacketView& packet,
                     core::Time received);

/// True for sequences that the open exposures have no room for yet.
bool isEarly(const FrameAssembly& assembly, std::uint64_t sequence);

/// True if `accept` would forget all exposures on this packet and go on at its sequence: nobody may
/// read their centroids then.
bool startsAnew(const FrameAssembly& assembly, const source::PacketHeader& header);

/// True when the open exposure has all live cameras.
bool isComplete(const FrameAssembly& assembly);

/// When the open exposure has to be closed by deadline; Time::max() while nothing has come of it or
/// a newer one.
core::Time deadline(const FrameAssembly& assembly);

/// Closes the open exposure and opens the next; what arrives for it later is late. Returns which
/// cameras were there.
take::FrameClosing close(FrameAssembly& assembly, take::ClosingReason reason, core::Time now);

}  // namespace understudy::sync
