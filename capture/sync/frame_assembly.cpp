#include "capture/sync/frame_assembly.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace understudy::sync {
namespace {

core::Duration microseconds(double value) {
  return core::Duration(static_cast<std::int64_t>(value * 1e3));
}

void clear(PendingFrame& frame) {
  frame.used = false;
  frame.complete = 0;
  for (PendingFrame::CameraPart& part : frame.cameras) {
    part.fragments_seen = 0;
    part.fragments = 0;
    part.complete = false;
    part.centroids.clear();
  }
}

void open(PendingFrame& frame, const source::PacketHeader& header, core::Time received) {
  frame.used = true;
  frame.sequence = header.sequence;
  frame.exposed = core::Time(core::Duration(header.exposed_ns));
  frame.timecode = header.timecode;
  frame.received_first = frame.received_last = received;
}

// Forgets everything and goes on at another sequence: the cameras were restarted, or all was quiet
// for long.
void resync(FrameAssembly& assembly, std::uint64_t sequence) {
  for (PendingFrame& frame : assembly.frames) clear(frame);
  // Silence counts from here: old numbers would declare cameras lost at once, or never.
  std::fill(assembly.newest.begin(), assembly.newest.end(), sequence);
  assembly.current = sequence;
  assembly.stray = 0;
  ++assembly.counters.resyncs;
}

void noteHeard(FrameAssembly& assembly, std::uint32_t camera, std::uint64_t sequence) {
  assembly.newest[camera] = std::max(assembly.newest[camera], sequence);
  assembly.live[camera] = true;
}

bool isLate(const FrameAssembly& assembly, std::uint64_t sequence) {
  return sequence < assembly.current;
}

}  // namespace

bool isEarly(const FrameAssembly& assembly, std::uint64_t sequence) {
  return sequence >= assembly.current && sequence - assembly.current >= FrameAssembly::kWindow;
}

namespace {

bool isFar(const FrameAssembly& assembly, std::uint64_t sequence) {
  return isEarly(assembly, sequence) ||
         (isLate(assembly, sequence) && assembly.current - sequence > 1000);
}

}  // namespace

core::Result<void> check(const AssemblySettings& s) {
  const auto sound = [](double value) {
    return value > 0.0 && value < 1e6 && std::isfinite(value);
  };
  if (!sound(s.deadline_us))
    return core::makeError("assembly settings: deadline_us must be in 0..1000000");
  if (!sound(s.silence_us))
    return core::makeError("assembly settings: silence_us must be in 0..1000000");
  if (s.lost_after == 0) return core::makeError("assembly settings: lost_after must be > 0");
  return {};
}

FrameAssembly makeFrameAssembly(const AssemblySettings& settings, std::size_t cameras) {
  FrameAssembly assembly;
  assembly.settings = settings;
  assembly.newest.assign(cameras, 0);
  assembly.live.assign(cameras, true);
  for (PendingFrame& frame : assembly.frames) {
    frame.cameras.resize(cameras);
    for (PendingFrame::CameraPart& part : frame.cameras)
      part.centroids.reserve(source::kMaxCentroidsPerCamera);
  }
  return assembly;
}

// A stage whose every packet is out of the window has started to count anew.
bool startsAnew(const FrameAssembly& assembly, const source::PacketHeader& header) {
  constexpr std::uint32_t kStrayPackets = 4;
  return assembly.started && header.camera < assembly.newest.size() &&
         isFar(assembly, header.sequence) &&
         assembly.stray + 1 >= kStrayPackets * assembly.newest.size();
}

PacketVerdict accept(FrameAssembly& assembly, const source::PacketView& packet,
                     core::Time received) {
  const source::PacketHeader& header = packet.header;
  ++assembly.counters.packets;
  if (header.camera >= assembly.newest.size()) {
    ++assembly.counters.unknown_camera;
    return PacketVerdict::unknown_camera;
  }
  if (!assembly.started) {
    assembly.started = true;
    assembly.current = header.sequence;
  }
  const bool late = isLate(assembly, header.sequence);
  if (startsAnew(assembly, header)) {
    resync(assembly, header.sequence);
  } else if (late || isEarly(assembly, header.sequence)) {
    if (isFar(assembly, header.sequence)) ++assembly.stray;
    late ? ++assembly.counters.late : ++assembly.counters.early;
    return late ? PacketVerdict::late : PacketVerdict::early;
  }
  PendingFrame& frame = assembly.at(header.sequence);
  if (!frame.used) open(frame, header, received);
  PendingFrame::CameraPart& part = frame.cameras[header.camera];
  if (part.fragments == 0) {
    part.fragments = header.fragments;
    part.centroids.resize(header.centroids_total);
  }
  const std::size_t first = header.fragment * source::kCentroidsPerPacket;
  if (part.fragments != header.fragments || part.centroids.size() != header.centroids_total ||
      first + header.centroids > part.centroids.size()) {
    ++assembly.counters.inconsistent;
    return PacketVerdict::inconsistent;
  }
  const std::uint64_t bit = std::uint64_t{1} << header.fragment;
  if (part.fragments_seen & bit) {
    ++assembly.counters.duplicate;
    return PacketVerdict::duplicate;
  }
  part.fragments_seen |= bit;
  packet.centroids(std::span(part.centroids).subspan(first, header.centroids));
  frame.received_first = std::min(frame.received_first, received);
  frame.received_last = std::max(frame.received_last, received);
  assembly.stray = 0;
  noteHeard(assembly, header.camera, header.sequence);
  if (std::popcount(part.fragments_seen) < part.fragments) return PacketVerdict::stored;
  part.complete = true;
  ++frame.complete;
  return PacketVerdict::camera_complete;
}

bool isComplete(const FrameAssembly& assembly) {
  const PendingFrame& frame = assembly.at(assembly.current);
  if (!frame.used || frame.complete == 0) return false;
  if (frame.complete == frame.cameras.size()) return true;
  for (std::size_t c = 0; c < frame.cameras.size(); ++c) {
    if (assembly.live[c] && !frame.cameras[c].complete) return false;
  }
  return true;
}

core::Time deadline(const FrameAssembly& assembly) {
  if (!assembly.started) return core::Time::max();
  const PendingFrame& frame = assembly.at(assembly.current);
  if (frame.used) {
    return std::min(frame.received_first + microseconds(assembly.settings.deadline_us),
                    frame.received_last + microseconds(assembly.settings.silence_us));
  }
  // Nothing of this exposure, but of a newer one: wait as long as for the newer one.
  for (std::size_t ahead = 1; ahead < FrameAssembly::kWindow; ++ahead) {
    const PendingFrame& newer = assembly.at(assembly.current + ahead);
    if (newer.used) return newer.received_first + microseconds(assembly.settings.deadline_us);
  }
  return core::Time::max();
}

take::FrameClosing close(FrameAssembly& assembly, take::ClosingReason reason, core::Time now) {
  PendingFrame& frame = assembly.at(assembly.current);
  take::FrameClosing closing;
  closing.sequence = assembly.current;
  closing.closed = now;
  closing.reason = reason;
  bool missing = false;
  for (std::uint32_t c = 0; c < frame.cameras.size(); ++c) {
    if (frame.used && frame.cameras[c].complete) {
      closing.use(c);
      continue;
    }
    if (!assembly.live[c]) continue;
    missing = true;
    ++assembly.counters.lost;
    const bool silent = assembly.current > assembly.newest[c] &&
                        assembly.current - assembly.newest[c] >= assembly.settings.lost_after;
    if (silent) assembly.live[c] = false;
  }
  assembly.counters.incomplete_frames += missing;
  assembly.counters.empty_frames += !frame.used;
  clear(frame);
  ++assembly.current;
  return closing;
}

}  // namespace understudy::sync
