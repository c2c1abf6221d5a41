// The doorbell as PROTOCOL.md lays it out: written in place, read by offset, nothing allocated.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace framebridge {

constexpr std::size_t max_doorbell_bytes = 29;
constexpr std::uint8_t no_slot = 127;  // the input slot of a `done` that gives none back

// Reasons of `dropped`.
constexpr std::uint8_t reason_newer = 0;
constexpr std::uint8_t reason_failed = 1;
constexpr std::uint8_t reason_withheld = 2;
constexpr std::uint8_t reason_taken = 3;

using SubmitBytes = std::array<std::uint8_t, 26>;
using ReleaseBytes = std::array<std::uint8_t, 8>;

/* Give an input slot, 0 to 127, to the worker. */
SubmitBytes write_submit(std::uint32_t epoch, std::uint8_t slot, std::uint64_t frame_id,
                         std::uint64_t time_ns);

/* Give a result slot, 0 to 127, back to the worker. */
ReleaseBytes write_release(std::uint32_t epoch, std::uint8_t slot);

enum class RingKind { none, done, dropped };

/* What the worker says. Slots are 0 to 127; whether there is such a slot the reader checks. */
struct Ring {
  RingKind kind = RingKind::none;
  std::uint32_t epoch = 0;
  std::uint8_t source_slot = no_slot;
  std::uint8_t result_slot = no_slot;  // of `done`
  std::uint8_t reason = 0;             // of `dropped`
  std::uint64_t frame_id = 0;
  std::uint32_t model_us = 0;  // of `done`
  std::uint32_t chain = 0;     // of `done`
};

/* A message of the worker; kind `none` for anything else. */
Ring read_ring(const void *bytes, std::size_t size);

}  // namespace framebridge
