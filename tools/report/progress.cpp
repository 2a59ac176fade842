#include "tools/report/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <utility>

namespace understudy::report {

std::string progressText(const std::string& what, std::uint64_t done, std::uint64_t total,
                         core::Duration since_start) {
  const double seconds = core::toSeconds(since_start);
  const double rate = seconds > 0.0 ? static_cast<double>(done) / seconds : 0.0;
  std::string text =
      total > 0 ? fmt::format("{} of {} {}", done, total, what) : fmt::format("{} {}", done, what);
  if (rate > 0.0) text += fmt::format(", {:.{}f}/s", rate, rate < 10.0 ? 1 : 0);
  if (rate > 0.0 && total > done) {
    const double left = std::ceil(static_cast<double>(total - done) / rate);
    text += left < 120.0 ? fmt::format(", {:.0f} s left", left)
                         : fmt::format(", {:.0f} min left", left / 60.0);
  }
  return text;
}

Progress::Progress(std::string what, std::uint64_t total)
    : what_(std::move(what)),
      total_(total),
      terminal_(isatty(STDERR_FILENO) == 1),
      start_(core::Clock::now()),
      drawn_(start_) {}

Progress::~Progress() {
  if (terminal_) std::fputs("\r\033[K", stderr);
}

void Progress::show(std::uint64_t done) {
  if (!terminal_) return;
  const core::Time now = core::Clock::now();
  if (now - drawn_ < std::chrono::milliseconds(100)) return;
  drawn_ = now;
  fmt::print(stderr, "\r\033[K{}", progressText(what_, done, total_, now - start_));
  std::fflush(stderr);
}

}  // namespace understudy::report
