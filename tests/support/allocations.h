#pragma once

#include <cstdint>

namespace understudy::test {

/// Calls of operator new in the whole test program so far.
std::uint64_t allocationCount();

}  // namespace understudy::test
