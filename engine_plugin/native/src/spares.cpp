#include "spares.h"

#include <cstring>
#include <new>

namespace framebridge {

namespace {

bool make_room(Spare &spare, size_t size) {
  if (spare.capacity >= size) return true;
  spare.bytes.reset();
  spare.capacity = 0;
  // Not filled with anything: as long as it is not used it takes no memory.
  spare.bytes.reset(new (std::nothrow) uint8_t[size]);
  if (!spare.bytes) return false;
  spare.capacity = size;
  return true;
}

}  // namespace

void copy_rows(uint8_t *to, int64_t to_stride, const uint8_t *from, int64_t from_stride,
               int64_t row_bytes, int32_t rows) {
  if (to_stride == row_bytes && from_stride == row_bytes) {
    std::memcpy(to, from, static_cast<size_t>(row_bytes) * static_cast<size_t>(rows));
    return;
  }
  for (int32_t row = 0; row < rows; ++row)
    std::memcpy(to + row * to_stride, from + row * from_stride, static_cast<size_t>(row_bytes));
}

void Spares::reserve(int32_t width, int32_t height) {
  const size_t size = static_cast<size_t>(width) * static_cast<size_t>(height) * 4;
  for (Spare &spare : pictures_) make_room(spare, size);
}

bool Spares::leave(const fb_frame &frame, uint64_t since_ns, uint64_t outage) {
  Spare &spare = pictures_[writing_];
  const int64_t row_bytes = int64_t{4} * frame.width;
  if (!make_room(spare, static_cast<size_t>(row_bytes) * static_cast<size_t>(frame.height)))
    return false;
  const int64_t stride = frame.stride ? frame.stride : row_bytes;
  copy_rows(spare.bytes.get(), row_bytes, static_cast<const uint8_t *>(frame.pixels), stride,
            row_bytes, frame.height);
  spare.width = frame.width;
  spare.height = frame.height;
  spare.frame_id = frame.frame_id;
  spare.since_ns = since_ns;
  spare.outage = outage;
  writing_ = between_.exchange(writing_ | fresh, std::memory_order_acq_rel) & ~fresh;
  return true;
}

const Spare *Spares::take() {
  if (!(between_.load(std::memory_order_relaxed) & fresh)) return nullptr;
  reading_ = between_.exchange(reading_, std::memory_order_acq_rel) & ~fresh;
  return &pictures_[reading_];
}

}  // namespace framebridge
