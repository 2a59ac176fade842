#include "engine/core/wake_up.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <climits>

namespace understudy::core {
namespace {

static_assert(sizeof(std::atomic<std::uint32_t>) == sizeof(std::uint32_t), "a futex is 32 bits");

long futex(std::atomic<std::uint32_t>& word, int operation, std::uint32_t value,
           const timespec* timeout) {
  return syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(&word), operation | FUTEX_PRIVATE_FLAG,
                 value, timeout, nullptr, 0);
}

}  // namespace

void WakeUp::signal() {
  count_.fetch_add(1, std::memory_order_seq_cst);
  if (sleepers_.load(std::memory_order_seq_cst) > 0) futex(count_, FUTEX_WAKE, INT_MAX, nullptr);
}

std::uint32_t WakeUp::wait(std::uint32_t seen, Duration longest) {
  if (longest.count() <= 0) return count();
  const timespec timeout{.tv_sec = static_cast<time_t>(longest.count() / 1000000000),
                         .tv_nsec = static_cast<long>(longest.count() % 1000000000)};
  sleepers_.fetch_add(1, std::memory_order_seq_cst);
  futex(count_, FUTEX_WAIT, seen, &timeout);
  sleepers_.fetch_sub(1, std::memory_order_seq_cst);
  return count();
}

bool Sleepers::wakeOne() {
  if (!leave()) return false;
  permits_.fetch_add(1, std::memory_order_seq_cst);
  futex(permits_, FUTEX_WAKE, 1, nullptr);
  return true;
}

// Takes one of the sleepers off the list.
bool Sleepers::leave() {
  std::uint32_t asleep = asleep_.load(std::memory_order_seq_cst);
  while (asleep > 0) {
    if (asleep_.compare_exchange_weak(asleep, asleep - 1, std::memory_order_seq_cst)) return true;
  }
  return false;
}

void Sleepers::takePermit() {
  for (;;) {
    std::uint32_t permits = permits_.load(std::memory_order_seq_cst);
    while (permits > 0) {
      if (permits_.compare_exchange_weak(permits, permits - 1, std::memory_order_seq_cst)) return;
    }
    futex(permits_, FUTEX_WAIT, 0, nullptr);
  }
}

}  // namespace understudy::core
