#include "engine/core/realtime.h"

#include <doctest/doctest.h>
#include <pthread.h>
#include <sched.h>

#include <limits>
#include <thread>

using namespace understudy;

TEST_SUITE("core/realtime") {
  TEST_CASE("what the report says of the scheduling is what the kernel says") {
    core::RealtimeReport report;
    int policy = -1, priority = -1;
    std::thread([&] {
      report = core::setUpRealtimeThread({.fifo_priority = 10, .lock_memory = false});
      sched_param parameters{};
      pthread_getschedparam(pthread_self(), &policy, &parameters);
      priority = parameters.sched_priority;
    }).join();
    CHECK(report.fifo == ((policy & ~SCHED_RESET_ON_FORK) == SCHED_FIFO));
    if (report.fifo) CHECK(priority == 10);
    CHECK(report.lines.size() == 2);
  }

  TEST_CASE("denormal numbers are zero in the thread that asked, and only there") {
    const volatile float tiny = std::numeric_limits<float>::denorm_min();
    const volatile float one = 1.0f;
    float there = -1.0f;
    bool granted = false;
    std::thread([&] {
      granted = core::flushDenormalsToZero();
      there = tiny * one;
    }).join();
    if (granted) CHECK(there == 0.0f);
    CHECK(tiny * one > 0.0f);
  }

  TEST_CASE("a processor that does not exist is refused in words, and nothing fails") {
    core::RealtimeReport report;
    std::thread([&] {
      report = core::setUpRealtimeThread({.fifo_priority = 0,
                                          .lock_memory = false,
                                          .stack_bytes = 64 * 1024,
                                          .flush_to_zero = false,
                                          .processor = 100000});
    }).join();
    CHECK_FALSE(report.pinned);
    REQUIRE(report.lines.size() == 1);
    CHECK(report.lines[0].find("100000") != std::string::npos);
  }
}
