// Counts how often the engine's thread allocates in fb_submit and fb_poll after its first frame.
//
//   allocations FRAMES WIDTH HEIGHT WHEN_GONE     with the bridge that is found, or without one
//
// Prints what it counted. Where the C library's own allocator cannot be asked it says so and
// exits 3.
#include <framebridge.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED
#endif

#if defined(__GLIBC__) && !defined(SANITIZED)

namespace {
thread_local long allocations = 0;
}

// In place of the C library's, for the library under test as well; operator new comes here, too.
extern "C" {
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);

void *malloc(size_t size) noexcept {
  ++allocations;
  return __libc_malloc(size);
}
void *calloc(size_t count, size_t size) noexcept {
  ++allocations;
  return __libc_calloc(count, size);
}
void *realloc(void *memory, size_t size) noexcept {
  ++allocations;
  return __libc_realloc(memory, size);
}
}

int main(int count, char **words) {
  if (count != 5) return 2;
  const int frames = std::atoi(words[1]);
  fb_options options{};
  options.size = sizeof options;
  options.abi_version = FB_ABI_VERSION;
  options.source.width = std::atoi(words[2]);
  options.source.height = std::atoi(words[3]);
  options.when_gone = std::atoi(words[4]);
  options.model = "passthrough";
  fb_client client = 0;
  if (fb_create(&options, &client) != FB_OK) return 1;
  const std::vector<unsigned char> pixels(static_cast<size_t>(options.source.width) *
                                          static_cast<size_t>(options.source.height) * 4);
  long after_first = 0;
  long results = 0;
  const auto begin = std::chrono::steady_clock::now();
  for (int frame = 0; frame < frames; ++frame) {
    fb_frame submitted{};
    submitted.size = sizeof submitted;
    submitted.width = options.source.width;
    submitted.height = options.source.height;
    submitted.pixels = pixels.data();
    fb_result result{};
    result.size = sizeof result;
    if (fb_submit(client, &submitted, nullptr) < 0) return 1;
    if (fb_poll(client, &result) == FB_OK && result.origin == FB_FROM_BRIDGE) ++results;
    if (frame == 0) after_first = allocations;
    if (frame % 8 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    // Those that come before the stream is live count as well, but are not all there is to see.
    const auto waited = std::chrono::steady_clock::now() - begin;
    if (frame == frames / 2 && results < 10 && waited < std::chrono::seconds(20)) --frame;
  }
  const long counted = allocations - after_first;
  fb_destroy(client);
  std::printf("%ld allocations in %d frames, %ld results\n", counted, frames, results);
  return 0;
}

#else

int main() {
  std::puts("the allocator of this C library, or of this sanitizer, cannot be asked");
  return 3;
}

#endif
