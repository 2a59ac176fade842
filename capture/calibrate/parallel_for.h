#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

namespace understudy::calibrate {

/// Runs `work(index, thread)` for every index below `count`, on the calling thread and
/// `threads` - 1 others. Which thread takes which index is open: results must not depend on it.
template <class Work>
void parallelFor(std::size_t count, std::size_t threads, const Work& work) {
  std::atomic<std::size_t> next{0};
  const auto run = [&](std::size_t thread) {
    for (std::size_t i = next.fetch_add(1); i < count; i = next.fetch_add(1)) work(i, thread);
  };
  std::vector<std::jthread> others;
  const std::size_t wanted = std::min(threads, count);
  for (std::size_t t = 1; t < wanted; ++t) others.emplace_back([&run, t] { run(t); });
  run(0);
}

}  // namespace understudy::calibrate
