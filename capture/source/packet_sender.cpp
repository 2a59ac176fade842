#include "capture/source/packet_sender.h"

#include <fmt/format.h>
#include <sys/prctl.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <thread>

#include "capture/source/socket.h"
#include "engine/core/realtime.h"

namespace understudy::source {
namespace {

constexpr int kCameraPriority = 80;  // Above the capture thread's.

// steady_clock is CLOCK_MONOTONIC on Linux.
void sleepUntil(core::Time time) {
  const std::int64_t count = time.time_since_epoch().count();
  const timespec until{.tv_sec = static_cast<time_t>(count / 1'000'000'000),
                       .tv_nsec = static_cast<long>(count % 1'000'000'000)};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr) == EINTR) {
  }
}

}  // namespace

struct PacketSender::State {
  explicit State(SimulatedFeed& from) : feed(from) {}

  SimulatedFeed& feed;
  std::vector<Descriptor> sockets;
  SocketAddress target;
  bool release_frames = false;
  std::vector<SentFrame> sent;
  std::atomic<std::uint64_t> frames_sent{0};
  std::atomic<bool> finished{false};
  std::jthread thread;

  void send(std::stop_token stop, core::Time epoch);
  void sendFrame(const FeedFrame& frame, core::Time epoch, SentFrame& sent_frame);
};

void PacketSender::State::sendFrame(const FeedFrame& frame, core::Time epoch,
                                    SentFrame& sent_frame) {
  sent_frame = {.sequence = frame.packets.sequence,
                .exposed = epoch + frame.truth.stamp.exposed.time_since_epoch(),
                .lost = frame.packets.lost};
  for (const TimedPacket& packet : frame.packets.packets) {
    const core::Time departure = epoch + packet.departure;
    if (core::Clock::now() < departure) sleepUntil(departure);
    const std::span<const std::byte> bytes = frame.packets.datagram(packet);
    const ssize_t result = sendto(sockets[packet.camera].get(), bytes.data(), bytes.size(), 0,
                                  target.get(), target.size);
    sent_frame.intended_last = std::max(sent_frame.intended_last, departure);
    sent_frame.sent_last = core::Clock::now();
    if (result == static_cast<ssize_t>(bytes.size())) {
      ++sent_frame.packets;
    } else {
      ++sent_frame.failed;
    }
  }
}

void PacketSender::State::send(std::stop_token stop, core::Time epoch) {
  // Cameras are devices: they send whatever this machine's processors are busy with.
  core::setUpRealtimeThread(
      {.fifo_priority = kCameraPriority, .lock_memory = false, .flush_to_zero = false});
  prctl(PR_SET_TIMERSLACK, 1ul);  // Wake on time: the default adds up to 50 us.
  for (std::uint64_t index = 0; index < feed.frames() && !stop.stop_requested(); ++index) {
    const FeedFrame* frame = feed.frame(index);
    if (frame == nullptr) break;
    sendFrame(*frame, epoch, sent[index % sent.size()]);
    frames_sent.store(index + 1, std::memory_order_release);
    if (release_frames) feed.release(index + 1);
  }
  finished.store(true, std::memory_order_release);
}

PacketSender::PacketSender(std::unique_ptr<State> state) : state_(std::move(state)) {}
PacketSender::~PacketSender() { stop(); }

core::Result<std::unique_ptr<PacketSender>> PacketSender::create(SimulatedFeed& feed,
                                                                 std::size_t cameras,
                                                                 const Endpoint& target,
                                                                 bool release_frames) {
  core::Result<SocketAddress> address = resolve(target);
  if (!address) return address.error();
  auto state = std::make_unique<State>(feed);
  state->target = *address;
  state->release_frames = release_frames;
  for (std::size_t camera = 0; camera < cameras; ++camera) {
    state->sockets.emplace_back(socket(address->family(), SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (state->sockets.back().get() < 0) {
      return core::makeError(
          fmt::format("no socket for simulated camera {}: {}", camera, std::strerror(errno)));
    }
  }
  state->sent.resize(
      static_cast<std::size_t>(std::min<std::uint64_t>(feed.frames(), PacketSender::kSentFrames)));
  return std::unique_ptr<PacketSender>(new PacketSender(std::move(state)));
}

void PacketSender::start(core::Time epoch) {
  state_->thread = std::jthread(
      [state = state_.get(), epoch](std::stop_token stop) { state->send(std::move(stop), epoch); });
}

void PacketSender::stop() {
  state_->thread.request_stop();
  if (state_->thread.joinable()) state_->thread.join();
}

bool PacketSender::finished() const { return state_->finished.load(std::memory_order_acquire); }
std::uint64_t PacketSender::framesSent() const {
  return state_->frames_sent.load(std::memory_order_acquire);
}
const std::vector<SentFrame>& PacketSender::sent() const { return state_->sent; }

}  // namespace understudy::source
