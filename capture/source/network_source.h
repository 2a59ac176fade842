#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "capture/source/centroid_source.h"
#include "engine/core/result.h"

namespace understudy::source {

/// An address and port, such as "127.0.0.1:9763" or "[::1]:9763"; port 0 lets the system choose.
struct Endpoint {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;
};

/// Reads ADDR:PORT with a numeric IPv4 address or an IPv6 address in brackets.
core::Result<Endpoint> parseEndpoint(const std::string& text);

/// "ADDR:PORT", IPv6 in brackets.
std::string format(const Endpoint& endpoint);

struct UdpSettings {
  Endpoint listen;
  int receive_buffer_bytes = 16 << 20;  ///< Asked for; the system may grant less.
  int batch = 128;                      ///< Datagrams per system call.
};

/// What the socket has seen; read from the capture thread or when it has stopped.
struct UdpStatistics {
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
  std::uint64_t truncated = 0;     ///< Datagrams larger than any of ours, cut off.
  std::uint64_t kernel_drops = 0;  ///< Lost because the receive buffer was full.
  std::uint64_t clock_steps = 0;   ///< Times the system's wall clock jumped.
  std::uint64_t unstamped = 0;     ///< Without kernel stamp: stamped on reading.
  std::uint64_t system_calls = 0;
  int receive_buffer_bytes = 0;  ///< Granted.
};

/// Cameras on the network: receives datagrams with the kernel's arrival stamps.
class UdpSource : public CentroidSource {
 public:
  /// Binds the socket.
  static core::Result<std::unique_ptr<UdpSource>> create(const UdpSettings& settings);
  ~UdpSource() override;

  std::size_t receive(std::span<RawPacket> packets, core::Time deadline) override;
  /// A network never finishes; true only after `stop`.
  bool finished() const override;

  /// Makes `finished` true and a waiting `receive` return; callable from any thread.
  void stop();

  /// Where it listens, with the port that the system chose.
  const Endpoint& endpoint() const;
  const UdpStatistics& statistics() const;

 private:
  struct State;
  explicit UdpSource(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace understudy::source
