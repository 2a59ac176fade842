#include "capture/pipeline/replay.h"

#include <cassert>

#include "capture/source/protocol.h"

namespace understudy::pipeline {

Replay::Replay(CapturePath& path, std::span<const take::FrameClosing> closings,
               std::span<const std::uint64_t> packets_before)
    : path_(path), closings_(closings), packets_before_(packets_before) {
  assert(closings.size() == packets_before.size());
}

void Replay::follow() {
  if (!path_.started()) {  // No frame is open yet; the log's first packet opens its first one.
    if (!closings_.empty()) path_.restrictTo(closings_.front());
    return;
  }
  while (next_ < closings_.size() && closings_[next_].sequence < path_.openSequence()) ++next_;
  if (const take::FrameClosing* closing = closingOfOpen()) path_.restrictTo(*closing);
}

const take::FrameClosing* Replay::closingOfOpen() const {
  if (!path_.started() || next_ == closings_.size()) return nullptr;
  return closings_[next_].sequence == path_.openSequence() ? &closings_[next_] : nullptr;
}

bool Replay::hasAllOf(const take::FrameClosing& closing) const {
  for (std::uint32_t c = 0; c < path_.rig().cameras.size(); ++c) {
    if (closing.uses(c) && !path_.hasCamera(c)) return false;
  }
  return true;
}

std::uint64_t Replay::gap() const {
  constexpr std::uint64_t kMost = 10000;
  if (!path_.started() || next_ == closings_.size()) return 0;
  const std::uint64_t frames = closings_[next_].sequence - path_.openSequence();
  return frames <= kMost ? frames : 0;
}

std::optional<take::ClosingReason> Replay::dueBefore(std::span<const std::byte> datagram) const {
  source::PacketView view;
  if (closingOfOpen() != nullptr || gap() == 0) return std::nullopt;
  if (source::decodePacket(datagram, view) != source::DecodeResult::ok) return std::nullopt;
  return path_.isEarly(view.header.sequence) ? std::optional(take::ClosingReason::deadline)
                                             : std::nullopt;
}

std::optional<take::ClosingReason> Replay::due() const {
  if (const take::FrameClosing* closing = closingOfOpen()) {
    const bool is_past = given_ >= packets_before_[next_];
    return is_past || hasAllOf(*closing) ? std::optional(closing->reason) : std::nullopt;
  }
  const bool is_past = gap() > 0 && given_ >= packets_before_[next_];
  return is_past ? std::optional(take::ClosingReason::deadline) : std::nullopt;
}

}  // namespace understudy::pipeline
