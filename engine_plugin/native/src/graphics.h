// What the client asks of a graphics device: to read and write textures without waiting.
#pragma once

#include <framebridge.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "errors.h"

namespace framebridge {

struct Outcome {
  fb_status status = FB_OK;
  Error error = {};  // empty unless the status is an error

  bool failed() const { return status < 0; }
};

/* FB-E020: a texture that cannot be read or written. */
inline Outcome texture_error(std::string place, std::string expected, std::string found,
                             std::string remedy) {
  return {FB_ERROR_FORMAT,
          {"FB-E020", "FrameFormatError", std::move(place), std::move(expected), std::move(found),
           std::move(remedy)}};
}

/* FB-E080: the graphics device lacks something, was lost, or is none that is known. */
inline Outcome device_error(std::string place, std::string expected, std::string found,
                            std::string remedy) {
  return {FB_ERROR_GRAPHICS,
          {"FB-E080", "EngineError", std::move(place), std::move(expected), std::move(found),
           std::move(remedy)}};
}

struct Size {
  int32_t width = 0;
  int32_t height = 0;

  bool operator==(const Size &other) const {
    return width == other.width && height == other.height;
  }
  bool operator!=(const Size &other) const { return !(*this == other); }
  std::string text() const { return std::to_string(width) + " x " + std::to_string(height); }
};

// A texture that was read into memory, mapped until it is given back.
struct Readback {
  const void *pixels = nullptr;
  int64_t stride = 0;
  Size size;
  uint64_t frame_id = 0;
  uint64_t since_ns = 0;  // when the reading was begun
};

/* Bytes of a row of whole pixels. */
inline int64_t row_bytes(const Size &size) { return int64_t{size.width} * 4; }

/* Copy rows, each into its place. */
inline void copy_rows(void *to, int64_t to_stride, const void *from, int64_t from_stride,
                      int64_t bytes, int32_t rows) {
  if (to_stride == bytes && from_stride == bytes) {
    std::memcpy(to, from, static_cast<size_t>(bytes * rows));
    return;
  }
  for (int64_t row = 0; row < rows; ++row) {
    std::memcpy(static_cast<char *>(to) + row * to_stride,
                static_cast<const char *>(from) + row * from_stride, static_cast<size_t>(bytes));
  }
}

// The buffers that one client has on one graphics device. Everything is called on a thread that may
// use the device, between `enter` and `leave`, and nothing waits for the device.
//
// A texture is on its way through a ring: `begin_reading`, and in one of the next events, once the
// device says that it is done, `map_oldest`. They come out in the order in which they went in.
class DeviceTextures {
 public:
  static constexpr int ring_size = 3;

  virtual ~DeviceTextures() = default;

  /* Whether this is still the device or context on which all of this was made. If not, only
   * `abandon` may follow. */
  virtual bool is_current() const = 0;

  /* After `leave` the device's state is as it was before `enter`. */
  virtual void enter() = 0;
  virtual void leave() = 0;

  /* Whether a reading may begin; if not, at one of the next events. */
  virtual bool can_read() const = 0;
  /* The texture is not looked at any more afterwards. */
  virtual Outcome begin_reading(void *texture, const Size &size, uint64_t frame_id,
                                uint64_t since_ns) = 0;
  /* OK: it must be given back before anything else is called. NOTHING: none is complete. */
  virtual Outcome map_oldest(Readback &readback) = 0;
  virtual void give_back_oldest() = 0;

  /* Whether a picture can be written now; if not, at one of the next events. */
  virtual bool can_write() = 0;
  /* Write a picture into a texture of exactly its size. OK, NOTHING: not this time. */
  virtual Outcome write(void *texture, const Size &size, const void *pixels, int64_t stride) = 0;

  /* Forget all that was made on a device that is no more, and give nothing back to it. */
  virtual void abandon() = 0;
};

struct MadeTextures {
  Outcome outcome;
  std::unique_ptr<DeviceTextures> textures;  // null after an error
};

}  // namespace framebridge
