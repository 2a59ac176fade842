#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "engine/core/histogram.h"
#include "engine/core/time.h"

namespace understudy::core {

/// The instants of one captured frame's way from light to picture, in order. All on the host's
/// clock.
///
/// Light falls into the cameras around `exposed`, the middle of the exposure. Each camera sends a
/// packet; the kernel stamps the frame's first and last one that count: `received_first` and
/// `received_last` (a packet that comes after the frame was closed by its deadline does not count).
/// `assembled`: the frame is closed, complete or by deadline. `reconstructed`, `labelled`,
/// `solved`: the stage of that name has returned. `retargeted`: the palette of every character is
/// published in the PoseRing, visible to readers.
///
/// The other four belong to the first image that shows this very frame: `latched`, the pose was
/// read for the picture; `submitted`, vkQueueSubmit2 returned; `gpu_finished`, the GPU has
/// signalled that the image is complete; `presented`, the display system says that it was shown.
///
/// Span A is exposed -> received_first, span B received_last -> gpu_finished, span C presented ->
/// light leaves the screen.
enum class Instant : std::uint8_t {
  exposed,
  received_first,
  received_last,
  assembled,
  reconstructed,
  labelled,
  solved,
  retargeted,
  latched,
  submitted,
  gpu_finished,
  presented,
  count
};
inline constexpr std::size_t kInstantCount = static_cast<std::size_t>(Instant::count);

/// The ledger of every frame's instants: a fixed ring keyed by sequence, in which a newer frame
/// replaces the one `capacity` before it. Never blocks and never allocates. Different threads may
/// mark different instants at the same time; one instant is always marked by the same thread. Any
/// thread may read.
class LatencyLog {
 public:
  /// `capacity` is a power of two: the number of frames that are remembered.
  explicit LatencyLog(std::size_t capacity);

  /// Writes an instant of a frame. The first mark of an instant stands, except for `received_last`,
  /// where the last one does. A frame that has been replaced is ignored.
  void mark(std::uint64_t sequence, Instant instant, Time time);

  /// The instant, or nothing where it was not marked, or the frame is no longer remembered.
  std::optional<Time> at(std::uint64_t sequence, Instant instant) const;

  /// Highest sequence that was marked with the instant; nothing before the first mark.
  std::optional<std::uint64_t> newest(Instant instant) const;

  std::size_t capacity() const { return frames_.size(); }

 private:
  // A cell says itself whose frame's time it holds, so no thread has to claim a slot for others.
  struct Cell {
    std::atomic<std::uint64_t> tag{0};  // sequence + 1; 0 = empty or being written.
    std::atomic<std::int64_t> time_ns{0};
  };
  using Frame = std::array<Cell, kInstantCount>;

  std::vector<Frame> frames_;
  std::array<std::atomic<std::uint64_t>, kInstantCount> newest_tags_{};
};

/// Both forms of span B over a range of frames.
struct SpanB {
  Histogram all;    ///< Every captured frame until the first finished image of it or a newer one.
  Histogram shown;  ///< Frames that were shown themselves.
  std::uint64_t unfinished = 0;  ///< Received, but no image has come since: not in the histograms.
};

/// Computes span B of the frames first..last that have `received_last`. Images of frames after
/// `last` that the log knows count, too. Frames that the ring has forgotten are not seen: ask
/// before `capacity` frames have passed.
SpanB makeSpanB(const LatencyLog& log, std::uint64_t first, std::uint64_t last);

}  // namespace understudy::core
