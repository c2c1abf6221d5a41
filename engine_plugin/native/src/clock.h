// The machine's monotonic clock, the one that PROTOCOL.md names for each system.
#pragma once

#include <cstdint>

namespace framebridge {

/* Nanoseconds since some moment that is the same for all processes of this machine. */
uint64_t monotonic_ns();

constexpr uint64_t millisecond_ns = 1000000;
constexpr uint64_t second_ns = 1000 * millisecond_ns;

}  // namespace framebridge
