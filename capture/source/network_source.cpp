#include "capture/source/network_source.h"

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <vector>

#include "capture/source/socket.h"

namespace understudy::source {
namespace {

constexpr std::size_t kDatagramBytes = 2048;  // More than any packet of ours.
// A change of the clocks' distance beyond this is a step. The system's clock may be slewed by up to
// 500 millionths; twice that is allowed for.
constexpr core::Duration kClockStep = std::chrono::milliseconds(1);
constexpr std::int64_t kSlewDivisor = 1000;

std::int64_t nanoseconds(const timespec& t) {
  return static_cast<std::int64_t>(t.tv_sec) * 1'000'000'000 + t.tv_nsec;
}

std::int64_t wallClock() {
  timespec t{};
  clock_gettime(CLOCK_REALTIME, &t);
  return nanoseconds(t);
}

std::string systemError() { return std::strerror(errno); }

}  // namespace

Descriptor::~Descriptor() {
  if (fd_ >= 0) close(fd_);
}

core::Result<SocketAddress> resolve(const Endpoint& endpoint) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  const std::string port = fmt::format("{}", endpoint.port);
  const int failure = getaddrinfo(endpoint.address.c_str(), port.c_str(), &hints, &found);
  if (failure != 0) {
    return core::makeError(fmt::format("address {}: {}; give a numeric address", format(endpoint),
                                       gai_strerror(failure)));
  }
  SocketAddress address;
  std::memcpy(&address.storage, found->ai_addr, found->ai_addrlen);
  address.size = found->ai_addrlen;
  freeaddrinfo(found);
  return address;
}

struct UdpSource::State {
  Descriptor socket, wake;
  Endpoint endpoint;
  UdpStatistics statistics;
  std::atomic<bool> stopped{false};
  std::vector<std::byte> bytes;
  std::vector<mmsghdr> messages;
  std::vector<iovec> pieces;
  /// Room for a time stamp and a drop counter.
  using Control = std::array<std::byte, CMSG_SPACE(sizeof(timespec)) + CMSG_SPACE(4)>;
  std::vector<Control> controls;
  std::uint32_t last_drops = 0;
  /// Wall clock minus steady clock, of the last batch.
  std::int64_t wall_from_steady = 0;
  core::Time last_batch{};

  core::Result<void> open(const UdpSettings& settings);
  void prepare(std::size_t count);
  std::size_t readBatch(std::span<RawPacket> packets);
  core::Time arrival(const msghdr& header, core::Time now, std::int64_t offset, bool stepped);
  std::int64_t measureClocks(core::Time& now, bool& stepped);
};

core::Result<void> UdpSource::State::open(const UdpSettings& settings) {
  const std::string name = format(settings.listen);
  core::Result<SocketAddress> address = resolve(settings.listen);
  if (!address) return address.error();
  socket = Descriptor(::socket(address->family(), SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (socket.get() < 0) {
    return core::makeError(fmt::format("{}: no socket: {}", name, systemError()));
  }
  const int off = 0, on = 1;
  if (address->family() == AF_INET6) {
    setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  }
  const int bytes_wanted = settings.receive_buffer_bytes;
  if (setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUFFORCE, &bytes_wanted, sizeof bytes_wanted) !=
      0) {
    setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUF, &bytes_wanted, sizeof bytes_wanted);
  }
  socklen_t size = sizeof statistics.receive_buffer_bytes;
  getsockopt(socket.get(), SOL_SOCKET, SO_RCVBUF, &statistics.receive_buffer_bytes, &size);
  setsockopt(socket.get(), SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
  setsockopt(socket.get(), SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on);
  if (bind(socket.get(), address->get(), address->size) != 0) {
    return core::makeError(
        fmt::format("{}: cannot listen there: {}; choose another address or port, or port 0 for a "
                    "free one",
                    name, systemError()));
  }
  SocketAddress bound;
  bound.size = sizeof bound.storage;
  getsockname(socket.get(), reinterpret_cast<sockaddr*>(&bound.storage), &bound.size);
  endpoint = settings.listen;
  endpoint.port = ntohs(bound.family() == AF_INET6
                            ? reinterpret_cast<const sockaddr_in6*>(&bound.storage)->sin6_port
                            : reinterpret_cast<const sockaddr_in*>(&bound.storage)->sin_port);
  wake = Descriptor(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (wake.get() < 0) {
    return core::makeError(fmt::format("{}: no event counter: {}", name, systemError()));
  }
  const auto batch = static_cast<std::size_t>(std::clamp(settings.batch, 1, 1024));
  bytes.resize(batch * kDatagramBytes);
  messages.resize(batch);
  pieces.resize(batch);
  controls.resize(batch);
  bool stepped = false;
  wall_from_steady = measureClocks(last_batch, stepped);
  statistics.clock_steps = 0;
  return {};
}

void UdpSource::State::prepare(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    pieces[i] = {.iov_base = bytes.data() + i * kDatagramBytes, .iov_len = kDatagramBytes};
    messages[i] = {};
    messages[i].msg_hdr.msg_iov = &pieces[i];
    messages[i].msg_hdr.msg_iovlen = 1;
    messages[i].msg_hdr.msg_control = controls[i].data();
    messages[i].msg_hdr.msg_controllen = controls[i].size();
  }
}

// Wall minus steady clock, from a reading of the one between two of the other.
std::int64_t UdpSource::State::measureClocks(core::Time& now, bool& stepped) {
  const core::Time before = core::Clock::now();
  const std::int64_t wall = wallClock();
  now = core::Clock::now();
  const core::Time middle = before + (now - before) / 2;
  const std::int64_t offset = wall - middle.time_since_epoch().count();
  const core::Duration change(offset - wall_from_steady);
  const core::Duration allowed = kClockStep + (now - last_batch) / kSlewDivisor;
  stepped = change > allowed || change < -allowed;
  if (stepped) ++statistics.clock_steps;
  return offset;
}

core::Time UdpSource::State::arrival(const msghdr& header, core::Time now, std::int64_t offset,
                                     bool stepped) {
  bool stamped = false;
  core::Time received = now;
  msghdr& control = const_cast<msghdr&>(header);
  for (cmsghdr* c = CMSG_FIRSTHDR(&control); c != nullptr; c = CMSG_NXTHDR(&control, c)) {
    if (c->cmsg_level != SOL_SOCKET) continue;
    if (c->cmsg_type == SCM_TIMESTAMPNS) {
      timespec t{};
      std::memcpy(&t, CMSG_DATA(c), sizeof t);
      received = core::Time(core::Duration(nanoseconds(t) - offset));
      stamped = true;
    } else if (c->cmsg_type == SO_RXQ_OVFL) {
      std::uint32_t drops = 0;
      std::memcpy(&drops, CMSG_DATA(c), sizeof drops);
      statistics.kernel_drops += drops - last_drops;  // The counter wraps.
      last_drops = drops;
    }
  }
  if (!stamped) ++statistics.unstamped;
  // After a step, stamps from before it may land anywhere.
  if (stepped && received < last_batch) received = now;
  return std::min(received, now);
}

std::size_t UdpSource::State::readBatch(std::span<RawPacket> packets) {
  const std::size_t most = std::min(packets.size(), messages.size());
  prepare(most);
  ++statistics.system_calls;
  const int count =
      recvmmsg(socket.get(), messages.data(), static_cast<unsigned>(most), MSG_DONTWAIT, nullptr);
  if (count <= 0) return 0;
  core::Time now{};
  bool stepped = false;
  const std::int64_t offset = measureClocks(now, stepped);
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
    const mmsghdr& message = messages[i];
    const std::size_t size = std::min<std::size_t>(message.msg_len, kDatagramBytes);
    if ((message.msg_hdr.msg_flags & MSG_TRUNC) != 0) ++statistics.truncated;
    packets[i] = {.received = arrival(message.msg_hdr, now, offset, stepped),
                  .bytes = std::span(bytes).subspan(i * kDatagramBytes, size)};
    statistics.bytes += size;
  }
  wall_from_steady = offset;
  last_batch = now;
  statistics.packets += static_cast<std::uint64_t>(count);
  return static_cast<std::size_t>(count);
}

UdpSource::UdpSource(std::unique_ptr<State> state) : state_(std::move(state)) {}
UdpSource::~UdpSource() = default;

core::Result<std::unique_ptr<UdpSource>> UdpSource::create(const UdpSettings& settings) {
  auto state = std::make_unique<State>();
  if (const core::Result<void> opened = state->open(settings); !opened) return opened.error();
  return std::unique_ptr<UdpSource>(new UdpSource(std::move(state)));
}

std::size_t UdpSource::receive(std::span<RawPacket> packets, core::Time deadline) {
  State& state = *state_;
  if (packets.empty()) return 0;
  while (!state.stopped.load(std::memory_order_acquire)) {
    if (const std::size_t count = state.readBatch(packets); count > 0) return count;
    const core::Time now = core::Clock::now();
    if (now >= deadline) return 0;
    const std::int64_t wait = std::min<std::int64_t>((deadline - now).count(), 3'600'000'000'000);
    const timespec timeout{.tv_sec = static_cast<time_t>(wait / 1'000'000'000),
                           .tv_nsec = static_cast<long>(wait % 1'000'000'000)};
    std::array<pollfd, 2> polled{{{.fd = state.socket.get(), .events = POLLIN, .revents = 0},
                                  {.fd = state.wake.get(), .events = POLLIN, .revents = 0}}};
    ++state.statistics.system_calls;
    if (ppoll(polled.data(), polled.size(), &timeout, nullptr) == 0) return 0;
  }
  return 0;
}

bool UdpSource::finished() const { return state_->stopped.load(std::memory_order_acquire); }

void UdpSource::stop() {
  state_->stopped.store(true, std::memory_order_release);
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(state_->wake.get(), &one, sizeof one);
}

const Endpoint& UdpSource::endpoint() const { return state_->endpoint; }
const UdpStatistics& UdpSource::statistics() const { return state_->statistics; }

}  // namespace understudy::source
