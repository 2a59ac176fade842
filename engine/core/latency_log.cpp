#include "engine/core/latency_log.h"

#include <algorithm>
#include <bit>
#include <cassert>

namespace understudy::core {
namespace {

std::size_t indexOf(Instant instant) {
  assert(instant < Instant::count);
  return static_cast<std::size_t>(instant);
}

}  // namespace

LatencyLog::LatencyLog(std::size_t capacity) : frames_(capacity) {
  assert(std::has_single_bit(capacity));
}

void LatencyLog::mark(std::uint64_t sequence, Instant instant, Time time) {
  Cell& cell = frames_[sequence & (frames_.size() - 1)][indexOf(instant)];
  const std::uint64_t tag = sequence + 1;
  const std::uint64_t present = cell.tag.load(std::memory_order_relaxed);
  if (present > tag || (present == tag && instant != Instant::received_last)) return;
  // A seqlock with one writer. Release on the time orders it after the emptied tag for a reader
  // that sees the new time.
  cell.tag.store(0, std::memory_order_relaxed);
  cell.time_ns.store(time.time_since_epoch().count(), std::memory_order_release);
  cell.tag.store(tag, std::memory_order_release);
  std::atomic<std::uint64_t>& newest_tag = newest_tags_[indexOf(instant)];
  if (newest_tag.load(std::memory_order_relaxed) < tag) {
    newest_tag.store(tag, std::memory_order_release);
  }
}

std::optional<Time> LatencyLog::at(std::uint64_t sequence, Instant instant) const {
  const Cell& cell = frames_[sequence & (frames_.size() - 1)][indexOf(instant)];
  if (cell.tag.load(std::memory_order_acquire) != sequence + 1) return std::nullopt;
  const std::int64_t time_ns = cell.time_ns.load(std::memory_order_acquire);
  if (cell.tag.load(std::memory_order_relaxed) != sequence + 1) return std::nullopt;
  return Time(Duration(time_ns));
}

std::optional<std::uint64_t> LatencyLog::newest(Instant instant) const {
  const std::uint64_t tag = newest_tags_[indexOf(instant)].load(std::memory_order_acquire);
  if (tag == 0) return std::nullopt;
  return tag - 1;
}

SpanB makeSpanB(const LatencyLog& log, std::uint64_t first, std::uint64_t last) {
  SpanB spans;
  const std::uint64_t newest_image = log.newest(Instant::gpu_finished).value_or(0);
  std::optional<Time> earliest;  // Of the images of this frame and all newer ones.
  for (std::uint64_t next = std::max(last, newest_image) + 1; next > first; --next) {
    const std::uint64_t sequence = next - 1;
    const std::optional<Time> finished = log.at(sequence, Instant::gpu_finished);
    if (finished && (!earliest || *finished < *earliest)) earliest = finished;
    if (sequence > last) continue;
    const std::optional<Time> received = log.at(sequence, Instant::received_last);
    if (!received) continue;
    if (!earliest) {
      ++spans.unfinished;
      continue;
    }
    spans.all.record(*earliest - *received);
    if (finished) spans.shown.record(*finished - *received);
  }
  return spans;
}

}  // namespace understudy::core
