#include "clock.h"

#if defined(_WIN32)
#include <windows.h>
#elif defined(__APPLE__)
#include <mach/mach_time.h>
#else
#include <time.h>
#endif

namespace framebridge {

#if defined(_WIN32)

uint64_t monotonic_ns() {
  LARGE_INTEGER ticks, rate;
  QueryPerformanceCounter(&ticks);
  QueryPerformanceFrequency(&rate);
  const uint64_t count = static_cast<uint64_t>(ticks.QuadPart);
  const uint64_t a_second = static_cast<uint64_t>(rate.QuadPart);
  // In two parts: ticks times 10^9 would overflow after minutes.
  return count / a_second * second_ns + count % a_second * second_ns / a_second;
}

#elif defined(__APPLE__)

uint64_t monotonic_ns() {
  static const mach_timebase_info_data_t base = [] {
    mach_timebase_info_data_t info;
    mach_timebase_info(&info);
    return info;
  }();
  const uint64_t ticks = mach_absolute_time();
  return ticks / base.denom * base.numer + ticks % base.denom * base.numer / base.denom;
}

#else

uint64_t monotonic_ns() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * second_ns + static_cast<uint64_t>(now.tv_nsec);
}

#endif

}  // namespace framebridge
