#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>

#include <charconv>

#include "capture/source/network_source.h"

namespace understudy::source {

core::Result<Endpoint> parseEndpoint(const std::string& text) {
  const auto wrong = [&text](const std::string& why) {
    return core::makeError(fmt::format(
        "address \"{}\": {}; write ADDR:PORT, such as 127.0.0.1:9763 or [::1]:9763", text, why));
  };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) return wrong("there is no port");
  Endpoint endpoint;
  endpoint.address = text.substr(0, colon);
  const bool bracketed = endpoint.address.size() >= 2 && endpoint.address.front() == '[' &&
                         endpoint.address.back() == ']';
  if (bracketed) endpoint.address = endpoint.address.substr(1, endpoint.address.size() - 2);
  if (!bracketed && endpoint.address.find(':') != std::string::npos) {
    return wrong("an IPv6 address needs brackets");
  }
  const char* first = text.data() + colon + 1;
  const char* last = text.data() + text.size();
  const auto [end, error] = std::from_chars(first, last, endpoint.port);
  if (error != std::errc() || end != last || first == last) {
    return wrong("the port must be a number from 0 to 65535");
  }
  addrinfo hints{};
  hints.ai_family = bracketed ? AF_INET6 : AF_INET;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(endpoint.address.c_str(), "0", &hints, &found) != 0) {
    return wrong("the address is not numeric");
  }
  freeaddrinfo(found);
  return endpoint;
}

std::string format(const Endpoint& endpoint) {
  return endpoint.address.find(':') == std::string::npos
             ? fmt::format("{}:{}", endpoint.address, endpoint.port)
             : fmt::format("[{}]:{}", endpoint.address, endpoint.port);
}

}  // namespace understudy::source
