#include "engine/core/crew.h"

#include <fmt/format.h>
#include <pthread.h>
#include <sched.h>
#include <time.h>

#include <algorithm>
#include <system_error>

namespace understudy::core {
namespace {

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// That this program may use.
std::size_t processors() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return std::thread::hardware_concurrency();
  return static_cast<std::size_t>(CPU_COUNT(&set));
}

Duration processorTime(pthread_t thread) {
  clockid_t clock;
  timespec now{};
  if (pthread_getcpuclockid(thread, &clock) != 0) return {};
  clock_gettime(clock, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

}  // namespace

Result<std::unique_ptr<Crew>> Crew::create(const CrewSettings& settings) {
  std::unique_ptr<Crew> crew(new Crew(settings));
  try {
    crew->start(settings);
  } catch (const std::system_error& error) {
    return makeError(fmt::format("cannot start {} threads: {}; ask for fewer", settings.threads,
                                 error.code().message()));
  }
  return crew;
}

Crew::Crew(const CrewSettings& settings)
    : patience_(settings.threads <= processors() ? settings.patience : Duration{}),
      longest_patience_(settings.threads <= processors() ? settings.longest_patience : Duration{}),
      helpers_(std::max<std::size_t>(settings.threads, 1) - 1) {}

void Crew::start(const CrewSettings& settings) {
  std::uint32_t started = 0;
  for (Helper& helper : helpers_) {
    const std::size_t thread = ++started;
    helper.thread = std::jthread([this, thread, realtime = settings.realtime] {
      pthread_setname_np(pthread_self(), fmt::format("crew {}", thread).c_str());
      RealtimeReport report = setUpRealtimeThread(realtime);
      if (thread == 1) realtime_ = std::move(report);
      ready_.fetch_add(1, std::memory_order_release);
      ready_.notify_one();
      help(thread);
    });
  }
  std::uint32_t ready = 0;
  while ((ready = ready_.load(std::memory_order_acquire)) != started) ready_.wait(ready);
}

Crew::~Crew() {
  stop_.store(true, std::memory_order_seq_cst);
  while (sleepers_.wakeOne()) {
  }
  helpers_.clear();  // Waits for them.
}

// ---- The owner ----

void Crew::post(const Work& work, std::uint32_t index) {
  publish(work, index, 1);
  if (waiting() > static_cast<std::int32_t>(helpers_.size())) doOne();
}

void Crew::forAll(const Work& work, std::uint32_t count) {
  for (std::uint32_t first = 0; first < count; first += kMostTasks) {
    finish();
    publish(work, first, std::min(count - first, kMostTasks));
  }
  finish();
}

void Crew::publish(const Work& work, std::uint32_t first, std::uint32_t count) {
  std::uint32_t posted = posted_.load(std::memory_order_relaxed);
  if (posted - finished_ + count > kMostTasks) finish();
  flush_denormals_.store(denormalsAreFlushed(), std::memory_order_relaxed);
  for (std::uint32_t k = 0; k < count; ++k) tasks_[posted++ % kMostTasks] = {work, first + k};
  posted_.store(posted, std::memory_order_seq_cst);
  wakeIfWanted();
}

bool Crew::doOne() {
  Task task;
  if (!take(task)) return false;
  task.work.run(task.work.context, task.index, 0);
  done_.signal();
  return true;
}

void Crew::finish() {
  const std::uint32_t posted = posted_.load(std::memory_order_relaxed);
  if (finished_ == posted) return;
  while (doOne()) {
  }
  finished_ = posted;
  if (done_.count() == posted) return;
  const Time start = Clock::now();
  if (!lookFor([&] { return done_.count() == posted; }, true)) {
    std::uint32_t done = 0;
    while ((done = done_.count()) != posted) done_.wait(done, std::chrono::seconds(1));
  }
  owner_waited_ += Clock::now() - start;
}

Duration Crew::worked() const {
  Duration sum{};
  for (const Helper& helper : helpers_)
    sum += Duration(helper.worked.load(std::memory_order_relaxed));
  return sum;
}

Duration Crew::takeProcessorTime() {
  Duration sum{};
  for (Helper& helper : helpers_) {
    const Duration worked(helper.worked.load(std::memory_order_relaxed));
    if (worked == helper.worked_before) continue;
    helper.worked_before = worked;
    const Duration used = processorTime(helper.thread.native_handle());
    sum += used - helper.used;
    helper.used = used;
  }
  return sum;
}

// ---- The helpers ----

// Helpers wake each other, so that the owner loses no time with it.
void Crew::wakeIfWanted() {
  if (waiting() > looking_.load(std::memory_order_relaxed) && sleepers_.wakeOne())
    looking_.fetch_add(1, std::memory_order_relaxed);
}

bool Crew::take(Task& task) {
  std::uint32_t at = taken_.load(std::memory_order_relaxed);
  do {
    if (at == posted_.load(std::memory_order_seq_cst)) return false;
  } while (!taken_.compare_exchange_weak(at, at + 1, std::memory_order_acq_rel,
                                         std::memory_order_relaxed));
  task = tasks_[at % kMostTasks];
  return true;
}

bool Crew::helpOnce(std::size_t thread) {
  Task task;
  if (!take(task)) return false;
  looking_.fetch_sub(1, std::memory_order_relaxed);
  std::atomic<Duration::rep>& worked = helpers_[thread - 1].worked;
  Time start = Clock::now();
  do {
    wakeIfWanted();
    // Of each task: the next one may be of another turn of the owner.
    flushDenormalsToZero(flush_denormals_.load(std::memory_order_relaxed));
    task.work.run(task.work.context, task.index, thread);
    const Time end = Clock::now();
    worked.store(worked.load(std::memory_order_relaxed) + Duration(end - start).count(),
                 std::memory_order_relaxed);
    start = end;
    done_.signal();
  } while (take(task));
  looking_.fetch_add(1, std::memory_order_relaxed);
  return true;
}

void Crew::help(std::size_t thread) {
  looking_.fetch_add(1, std::memory_order_relaxed);
  const auto has_news = [this] { return waiting() != 0 || stop_.load(std::memory_order_seq_cst); };
  while (!stop_.load(std::memory_order_seq_cst)) {
    if (helpOnce(thread) || lookFor(has_news, false)) continue;
    looking_.fetch_sub(1, std::memory_order_relaxed);
    // Who wakes it counts it again.
    if (!sleepers_.sleepUnless(has_news)) looking_.fetch_add(1, std::memory_order_relaxed);
  }
}

// Looks for as long as patience lasts; true if it was done by then.
template <class Done>
bool Crew::lookFor(const Done& done, bool is_owner) const {
  const Time start = Clock::now();
  Duration patience{};
  do {
    for (int k = 0; k < 8; ++k) {
      if (done()) return true;
      pause();
    }
    patience = is_owner || held_.load(std::memory_order_relaxed) ? longest_patience_ : patience_;
  } while (Clock::now() - start < patience);
  return done();
}

}  // namespace understudy::core
