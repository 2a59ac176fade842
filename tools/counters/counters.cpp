#include "tools/counters/counters.h"

#include <cerrno>
#include <cstddef>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)

namespace understudy::counters {

std::optional<std::uint64_t> threadAllocations() { return std::nullopt; }

}  // namespace understudy::counters

#else

namespace {

// Initial-exec: reading it never allocates, unlike a thread-local of a library that is loaded
// later.
__attribute__((tls_model("initial-exec"))) thread_local std::uint64_t allocations = 0;

}  // namespace

// glibc's own allocator under its second names. operator new ends in malloc, so it is counted once.
extern "C" {

void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* memory, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);

void* malloc(std::size_t size) {
  ++allocations;
  return __libc_malloc(size);
}

void* calloc(std::size_t count, std::size_t size) {
  ++allocations;
  return __libc_calloc(count, size);
}

void* realloc(void* memory, std::size_t size) {
  ++allocations;
  return __libc_realloc(memory, size);
}

void* memalign(std::size_t alignment, std::size_t size) {
  ++allocations;
  return __libc_memalign(alignment, size);
}

void* aligned_alloc(std::size_t alignment, std::size_t size) {
  ++allocations;
  return __libc_memalign(alignment, size);
}

int posix_memalign(void** memory, std::size_t alignment, std::size_t size) {
  ++allocations;
  void* made = __libc_memalign(alignment, size);
  if (made == nullptr) return ENOMEM;
  *memory = made;
  return 0;
}

}  // extern "C"

namespace understudy::counters {

std::optional<std::uint64_t> threadAllocations() { return allocations; }

}  // namespace understudy::counters

#endif
