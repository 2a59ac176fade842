#include "capture/source/take_source.h"

#include <algorithm>
#include <map>
#include <thread>

namespace understudy::source {
namespace {

// Copies of packets of one call; a batch ends early where it is full.
constexpr std::size_t kBatchBytes = 4 << 20;

// False for what only a damaged log has.
bool isDatagram(const take::LoggedPacket& packet) { return packet.bytes.size() <= kBatchBytes; }

}  // namespace

struct TakeSource::State {
  std::unique_ptr<take::PacketLogReader> reader;
  ReplayPace pace = ReplayPace::fast;
  std::vector<take::FrameClosing> closings;
  std::vector<std::uint64_t> packets_before;
  take::LogEnd end;
  std::uint64_t packets = 0;
  std::vector<std::byte> bytes;
  /// The next packet, read but not yet given.
  std::optional<take::LoggedPacket> pending;
  bool started = false;
  core::Duration shift{};  ///< From recorded to present time.

  void advance() {
    pending.reset();
    while (std::optional<take::LogRecord> record = reader->next()) {
      const auto* packet = std::get_if<take::LoggedPacket>(&*record);
      if (packet == nullptr || !isDatagram(*packet)) continue;
      pending = *packet;
      return;
    }
  }
};

TakeSource::TakeSource(std::unique_ptr<State> state) : state_(std::move(state)) {}
TakeSource::~TakeSource() = default;

core::Result<std::unique_ptr<TakeSource>> TakeSource::open(const std::filesystem::path& path,
                                                           ReplayPace pace) {
  auto state = std::make_unique<State>();
  state->pace = pace;
  auto scan = take::PacketLogReader::open(path);
  if (!scan) return scan.error();
  struct Closing {
    take::FrameClosing closing;
    std::uint64_t packets_before;
  };
  std::map<std::uint64_t, Closing> closings;
  while (std::optional<take::LogRecord> record = scan.value()->next()) {
    if (const auto* closing = std::get_if<take::FrameClosing>(&*record)) {
      closings.emplace(closing->sequence, Closing{*closing, state->packets});
    } else {
      state->packets += isDatagram(std::get<take::LoggedPacket>(*record)) ? 1 : 0;
    }
  }
  state->end = scan.value()->end();
  for (const auto& [sequence, found] : closings) {
    state->closings.push_back(found.closing);
    state->packets_before.push_back(found.packets_before);
  }
  auto reader = take::PacketLogReader::open(path);
  if (!reader) return reader.error();
  state->reader = *std::move(reader);
  state->bytes.resize(kBatchBytes);
  state->advance();
  return std::unique_ptr<TakeSource>(new TakeSource(std::move(state)));
}

std::size_t TakeSource::receive(std::span<RawPacket> packets, core::Time deadline) {
  State& state = *state_;
  if (!state.started && state.pending) {
    state.started = true;
    if (state.pace == ReplayPace::recorded) {
      state.shift = core::Clock::now() - state.pending->received;
    }
  }
  if (state.pace == ReplayPace::recorded && state.pending) {
    std::this_thread::sleep_until(std::min(deadline, state.pending->received + state.shift));
  }
  const core::Time now = core::Clock::now();
  std::size_t count = 0, used = 0;
  while (count < packets.size() && state.pending) {
    const take::LoggedPacket& packet = *state.pending;
    const core::Time received = packet.received + state.shift;
    if (state.pace == ReplayPace::recorded && received > now) break;
    if (used + packet.bytes.size() > state.bytes.size()) break;
    const std::span<std::byte> copy = std::span(state.bytes).subspan(used, packet.bytes.size());
    std::copy(packet.bytes.begin(), packet.bytes.end(), copy.begin());
    packets[count++] = {.received = received, .bytes = copy};
    used += copy.size();
    state.advance();
  }
  return count;
}

bool TakeSource::finished() const { return !state_->pending; }
const take::PacketLogHeader& TakeSource::header() const { return state_->reader->header(); }
const std::vector<take::FrameClosing>& TakeSource::closings() const { return state_->closings; }
const std::vector<std::uint64_t>& TakeSource::packetsBefore() const {
  return state_->packets_before;
}
const take::LogEnd& TakeSource::end() const { return state_->end; }
std::uint64_t TakeSource::packets() const { return state_->packets; }

}  // namespace understudy::source
