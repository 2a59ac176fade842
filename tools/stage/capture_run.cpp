#include "tools/stage/capture_run.h"

#include <algorithm>

#include "engine/core/thread_time.h"
#include "tools/counters/counters.h"

namespace understudy::stage {
namespace {

constexpr std::size_t kBatch = 256;         // Datagrams taken at once.
constexpr std::size_t kMostPoints = 8192;   // Markers that the overlay is given.
constexpr std::uint64_t kStatusEvery = 24;  // Frames between two copies for the panel.
constexpr core::Duration kIdle = std::chrono::milliseconds(20);

}  // namespace

void CaptureRun::prepare() {
  packets_.resize(kBatch);
  for (const subject::Subject& subject : path.subjects()) {
    status.subjects.push_back({.markers = static_cast<std::uint32_t>(subject.markers.size())});
  }
  status.camera_received.assign(path.rig().cameras.size(), 0);
  status_copy_ = status;
  marker_copy_.points.resize(kMostPoints);
  for (int i = 0; i < 3; ++i) {  // Each of the triple buffer's values gets its full size.
    status_out.publish(status);
    status_out.update();
    markers_out.publish(marker_copy_);
    markers_out.update();
  }
  allocations_counted = counters::threadAllocations().has_value();
}

void CaptureRun::run() {
  while (!stop.load(std::memory_order_relaxed) && !finished.load(std::memory_order_relaxed)) {
    step(core::Clock::now() + kIdle);
    // Cameras that send nothing readable must be seen as such, though no frame ever closes.
    if (status.frames == 0) status_out.publish(status);
    if (source.finished() && path.deadline() == core::Time::max()) break;
    if (core::Clock::now() >= end_at) break;
  }
  finished.store(true, std::memory_order_release);
  status_out.publish(status);
  news.signal();
}

bool CaptureRun::step(core::Time deadline) {
  const std::uint64_t before = counters::threadAllocations().value_or(0);
  const std::uint64_t frames_before = status.frames;
  const core::Time wait_until = replay ? deadline : std::min(deadline, path.deadline());
  // A frame's time is up only when a look into the socket that began after its deadline has found
  // no more of it.
  const core::Time asked = core::Clock::now();
  if (one_at_a_time && replay) {
    if (const auto reason = replay->due()) {
      close(*reason);
      return true;
    }
  }
  const std::size_t batch = one_at_a_time ? 1 : packets_.size();
  const std::size_t count = source.receive(std::span(packets_).first(batch), wait_until);
  for (std::size_t i = 0; i < count; ++i) give(packets_[i]);
  status.packets = path.counters();
  if (!replay) {
    if (count < packets_.size()) {
      while (asked >= path.deadline()) close(take::ClosingReason::deadline);
    }
  } else if (source.finished()) {
    closeReplayed();
    if (!replay->due()) finished.store(true, std::memory_order_release);
  }
  if (status.frames > kWarmUpFrames)
    warm_allocations += counters::threadAllocations().value_or(0) - before;
  return status.frames > frames_before;
}

void CaptureRun::give(const source::RawPacket& packet) {
  if (recorder != nullptr) recorder->packet(packet.received, packet.bytes);
  if (replay) {
    replay->follow();
    while (const auto reason = replay->dueBefore(packet.bytes)) close(*reason);
  }
  path.packet(packet.bytes, packet.received);
  if (replay) {
    replay->noteGiven();
    closeReplayed();
  } else {
    while (path.complete()) close(take::ClosingReason::complete);
  }
}

void CaptureRun::closeReplayed() {
  replay->follow();
  while (const auto reason = replay->due()) {
    close(*reason);
    if (one_at_a_time) return;
  }
}

void CaptureRun::close(take::ClosingReason reason) {
  path.closeFrame(reason);
  finishFrame();
  if (replay) replay->follow();
  path.prepareNext();
}

// Hands the closed frame on: the palette first, everything else afterwards.
void CaptureRun::finishFrame() {
  const pipeline::FrameResult& result = path.result();
  const std::uint64_t sequence = result.stamp.sequence;
  const core::Duration cpu_start = core::threadTime();
  // What is solved is present. A lost subject is held, then fades; the frame in which it vanishes
  // is shown, too.
  const bool shown =
      std::any_of(result.poses.begin(), result.poses.end(),
                  [](const frame::SkeletonPose& pose) { return pose.presence > 0.0f; });
  const bool publish = !result.empty && (shown || was_shown_);
  was_shown_ = shown;
  if (!result.empty) {
    log.mark(sequence, core::Instant::received_first, result.received_first);
    log.mark(sequence, core::Instant::received_last, result.received_last);
  }
  if (publish) publisher.publish(result.stamp, result.poses, ring);
  const core::Time retargeted = core::Clock::now();
  log.mark(sequence, core::Instant::assembled, result.assembled);
  log.mark(sequence, core::Instant::reconstructed, result.reconstructed);
  log.mark(sequence, core::Instant::labelled, result.labelled);
  log.mark(sequence, core::Instant::solved, result.solved);
  log.mark(sequence, core::Instant::retargeted, retargeted);
  const core::Duration retarget_cpu = core::threadTime() - cpu_start;

  if (status.frames == 0) status.first_sequence = sequence;
  status.last_sequence = sequence;
  ++status.frames;
  status.empty += result.empty;
  status.not_solved += !result.empty && !publish;
  status.published += publish;
  if (status.frames > kWarmUpFrames && publish) {
    ++warm_frames;
    times.capture.record(result.solved - result.received_last);
    times.capture_retargeted.record(retargeted - result.received_last);
    times.sync.record(result.cpu.sync);
    times.reconstruct.record(result.cpu.reconstruct);
    times.label.record(result.cpu.label);
    times.solve.record(result.cpu.solve);
    times.retarget.record(retarget_cpu);
    times.crew.record(result.cpu.crew);
    times.waited.record(result.cpu.waited);
  }
  note();
  if (publish) news.signal();
  if (recorder != nullptr) recorder->closing(result.closing);
  if (records != nullptr) {
    if (scoring::CaptureRecord* record = records->next(); record != nullptr) {
      scoring::copyResult(result, *record);
      records->push();
    }
  }
  if (sequence >= last_wanted || status.frames >= most_frames)
    finished.store(true, std::memory_order_release);
}

std::vector<std::string> CaptureRun::schedulingLines() const {
  std::vector<std::string> lines = realtime.lines;
  if (const core::RealtimeReport* crew = path.crewReport(); crew != nullptr) {
    for (const std::string& line : crew->lines) lines.push_back("other threads: " + line);
  }
  return lines;
}

void CaptureRun::note() {
  const pipeline::FrameResult& result = path.result();
  for (const frame::CaptureEvent& event : result.events) {
    status.found += event.kind == frame::CaptureEventKind::subject_found;
    status.lost += event.kind == frame::CaptureEventKind::subject_lost;
    status.swaps_corrected += event.kind == frame::CaptureEventKind::swap_corrected;
  }
  for (std::uint32_t c = 0; c < status.camera_received.size(); ++c)
    status.camera_received[c] += result.closing.uses(c);
  MarkerView& view = markers_out.next();
  view.sequence = result.stamp.sequence;
  view.points.clear();
  for (std::size_t s = 0; s < result.labels.subjects.size(); ++s) {
    CaptureStatus::Subject& subject = status.subjects[s];
    subject.seen = 0;
    subject.tracked = result.poses[s].tracked;
    subject.presence = result.poses[s].presence;
    for (const frame::LabelledMarker& marker : result.labels.subjects[s].markers) {
      if (!(marker.confidence > 0.0f)) continue;
      ++subject.seen;
      if (view.points.size() < kMostPoints) view.points.push_back({marker.position, true});
    }
  }
  for (const frame::Marker& marker : result.labels.unlabelled) {
    if (view.points.size() < kMostPoints) view.points.push_back({marker.position, false});
  }
  markers_out.publish();
  status.packets = path.counters();
  if (status.frames % kStatusEvery == 0) status_out.publish(status);
}

}  // namespace understudy::stage
