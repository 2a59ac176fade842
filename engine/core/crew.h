#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "engine/core/realtime.h"
#include "engine/core/result.h"
#include "engine/core/time.h"
#include "engine/core/wake_up.h"

namespace understudy::core {

/// How many threads a crew has and what they ask of the operating system.
struct CrewSettings {
  std::size_t threads = 2;  ///< With the owner; 1 = nobody helps.
  /// Of each helper.
  RealtimeSettings realtime{.fifo_priority = 0, .lock_memory = false, .flush_to_zero = false};
  /// How long a thread without work looks for some before it sleeps, as waking one costs some 50
  /// us. With more threads than processors they sleep at once: looking takes time from others.
  Duration patience = std::chrono::microseconds(50);
  /// Likewise of the owner in finish(), and of a helper while they are held.
  Duration longest_patience = std::chrono::microseconds(500);
};

/// Threads that help one other, its owner, with tasks that do not depend on each other. All calls
/// are the owner's. After `create` nothing allocates or locks; who does which task is open, so
/// results must not depend on it. Helpers treat denormal numbers as the owner does.
class Crew {
 public:
  /// One task by its index; `thread` is below threads(), the owner is 0.
  struct Work {
    void (*run)(void* context, std::uint32_t index, std::size_t thread) = nullptr;
    void* context = nullptr;
  };

  /// Work that calls `function(index, thread)`, which must live until it is finished.
  template <class Function>
  static Work workOf(Function& function) {
    return {.run = [](void* context, std::uint32_t index,
                      std::size_t thread) { (*static_cast<Function*>(context))(index, thread); },
            .context = &function};
  }

  /// Starts the threads and waits until they are set up. Fails where the system grants no thread.
  static Result<std::unique_ptr<Crew>> create(const CrewSettings& settings);
  /// Ends the threads; what nobody has begun is not done.
  ~Crew();
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  std::size_t threads() const { return helpers_.size() + 1; }

  /// Gives a task to whoever is free first. Where all helpers have enough to do, the owner does one
  /// before this returns.
  void post(const Work& work, std::uint32_t index);
  /// Does what nobody has begun and waits for the rest: afterwards all that was posted is done, and
  /// seen by the owner.
  void finish();
  /// Does the work for every index below `count`, and whatever else was posted.
  void forAll(const Work& work, std::uint32_t count);
  /// While they are held, helpers that are awake sleep late: there will be more work soon.
  void hold(bool held) { held_.store(held, std::memory_order_relaxed); }

  /// Time that helpers spent on tasks so far, as the clock says. With nothing open only.
  Duration worked() const;
  /// Processor time that the helpers that worked since the call before used since then, looking for
  /// work included. With nothing open only.
  Duration takeProcessorTime();
  /// Time that the owner waited in finish() so far.
  Duration ownerWaited() const { return owner_waited_; }
  /// What the first helper was granted.
  const RealtimeReport& realtime() const { return realtime_; }

 private:
  struct Task {
    Work work;
    std::uint32_t index = 0;
  };
  struct alignas(64) Helper {
    std::atomic<Duration::rep> worked{0};
    Duration worked_before{}, used{};  ///< When the owner asked last.
    std::jthread thread;
  };
  /// Between two calls of finish(), so that none is overwritten before it is read.
  static constexpr std::uint32_t kMostTasks = 1024;

  explicit Crew(const CrewSettings& settings);
  void start(const CrewSettings& settings);
  void help(std::size_t thread);
  bool helpOnce(std::size_t thread);
  bool take(Task& task);
  bool doOne();
  void publish(const Work& work, std::uint32_t first, std::uint32_t count);
  void wakeIfWanted();
  std::int32_t waiting() const {  ///< Tasks that nobody has begun.
    return static_cast<std::int32_t>(posted_.load(std::memory_order_seq_cst) -
                                     taken_.load(std::memory_order_relaxed));
  }
  template <class Done>
  bool lookFor(const Done& done, bool is_owner) const;

  std::array<Task, kMostTasks> tasks_;
  alignas(64) std::atomic<std::uint32_t> posted_{0};  ///< Numbers of tasks wrap round.
  std::atomic<bool> flush_denormals_{false};          ///< As the owner does.
  alignas(64) std::atomic<std::uint32_t> taken_{0};
  alignas(64) WakeUp done_;                           ///< Counts tasks.
  alignas(64) std::atomic<std::int32_t> looking_{0};  ///< Helpers awake without a task, about.
  Sleepers sleepers_;
  std::atomic<bool> stop_{false}, held_{false};
  Duration patience_{}, longest_patience_{};
  std::uint32_t finished_ = 0;  ///< Tasks posted until the last call of finish().
  Duration owner_waited_{};
  RealtimeReport realtime_;
  std::atomic<std::uint32_t> ready_{0};  ///< Helpers that are set up.
  std::vector<Helper> helpers_;
};

}  // namespace understudy::core
