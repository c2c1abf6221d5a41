// Pictures to pass through: the submitter leaves the newest, the poller takes it, nobody waits.
#pragma once

#include <framebridge.h>

#include <atomic>
#include <cstdint>
#include <memory>

namespace framebridge {

struct Spare {
  std::unique_ptr<uint8_t[]> bytes;  // rows without padding
  size_t capacity = 0;
  int32_t width = 0;
  int32_t height = 0;
  uint64_t frame_id = 0;
  uint64_t since_ns = 0;
  uint64_t outage = 0;  // in which it was left
};

/* Three pictures: one that is written, one that is read, and the newest between them. */
class Spares {
 public:
  /* Make room for frames of this size, so that nothing is allocated later. */
  void reserve(int32_t width, int32_t height);

  /* By the submitter. False: no memory. */
  bool leave(const fb_frame &frame, uint64_t since_ns, uint64_t outage);

  /* By the poller: the newest, if it was not taken yet; it stays until the next is taken. */
  const Spare *take();

 private:
  static constexpr unsigned fresh = 4;

  Spare pictures_[3];
  unsigned writing_ = 0;
  unsigned reading_ = 1;
  std::atomic<unsigned> between_{2};  // its index, and whether it was not taken yet
};

/* Copy rows of `row_bytes`; in one piece where there is no padding. */
void copy_rows(uint8_t *to, int64_t to_stride, const uint8_t *from, int64_t from_stride,
               int64_t row_bytes, int32_t rows);

}  // namespace framebridge
