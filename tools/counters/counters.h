#pragma once

#include <cstdint>
#include <optional>

/// Counts what the frame path must not do, at its source. Linking this library puts its malloc and
/// operator new in the place of the system's, for the whole program.
namespace understudy::counters {

/// Memory allocations of the calling thread so far (malloc, calloc, realloc, aligned forms and
/// operator new); nothing where they cannot be counted, as under AddressSanitizer, which needs
/// malloc for itself.
std::optional<std::uint64_t> threadAllocations();

}  // namespace understudy::counters
