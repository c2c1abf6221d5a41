// What belongs to one epoch of a stream: its mapped slots, and whose they are.
#pragma once

#include <bitset>
#include <cstdint>
#include <memory>
#include <vector>

#include "messages.h"
#include "shared_memory.h"
#include "spsc_ring.h"

namespace framebridge {

constexpr size_t max_slots = 128;

struct Epoch;

/* A picture for the poller: a result, or a frame that went unanswered. */
struct Ready {
  Epoch *epoch = nullptr;
  const uint8_t *pixels = nullptr;
  const fb_format *format = nullptr;
  int64_t stride = 0;
  int32_t origin = FB_FROM_BRIDGE;
  uint8_t slot = 0;       // of a result
  uint64_t frame_id = 0;  // the number of the tick, where the stream ticks by itself
  uint64_t since_ns = 0;  // when its frame was submitted; of a tick, when it arrived
  uint32_t model_us = 0;
  uint32_t chain = 0;
};

/* The thread's, but for what is said to be shared. It goes only when nobody looks at it. */
struct Epoch {
  /* Null, and an error: a slot cannot be mapped. */
  static std::unique_ptr<Epoch> map(const StreamDescription &description, Error &error);

  uint32_t number = 0;
  fb_format source{}, result{};
  int64_t source_stride = 0, result_stride = 0;
  std::vector<Mapping> inputs, results;

  // Shared with the submitter: slots go to them by the one, and come back with a frame by the
  // other.
  struct Filled {
    uint8_t slot = 0;
    uint64_t frame_id = 0;
    uint64_t since_ns = 0;
  };
  SpscRing<uint8_t, max_slots> free_inputs;
  SpscRing<Filled, max_slots> filled_inputs;

  std::bitset<max_slots> with_worker;  // input slots whose submit is unanswered
  Filled under_way[max_slots];         // what is in them
  Filled last_filled;

  // One for each result slot, in place, and one for the last frame. A poller reads what the thread
  // wrote before it published it, and the thread writes it anew only after it came back.
  std::vector<Ready> ready;
  Ready last_frame;
  std::bitset<max_slots> with_client;  // result slots that were not released yet
  int given = 0;                       // of these records, how many the poller has or may take

  bool takes(int32_t width, int32_t height) const {
    return source.width == width && source.height == height;
  }
};

}  // namespace framebridge
