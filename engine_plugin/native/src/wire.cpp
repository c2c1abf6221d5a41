#include "wire.h"

namespace framebridge {
namespace {

// MessagePack's tags. Every integer has its full width, so all offsets are fixed.
constexpr std::uint8_t array_3 = 0x93, array_5 = 0x95, array_7 = 0x97;
constexpr std::uint8_t u32 = 0xce, u64 = 0xcf;
constexpr std::uint8_t submit_kind = 1, done_kind = 2, dropped_kind = 3, release_kind = 4;
constexpr std::size_t done_bytes = 28, dropped_bytes = 18;

void put(std::uint8_t *out, std::uint64_t number, int width) {
  for (int i = 0; i < width; ++i) {
    out[i] = static_cast<std::uint8_t>(number >> (8 * (width - 1 - i)));
  }
}

std::uint64_t get(const std::uint8_t *in, int width) {
  std::uint64_t number = 0;
  for (int i = 0; i < width; ++i) number = number << 8 | in[i];
  return number;
}

std::uint32_t get_u32(const std::uint8_t *in) { return static_cast<std::uint32_t>(get(in, 4)); }

// A number below 128 is its own tag.
bool is_small(std::uint8_t byte) { return byte < 0x80; }

}  // namespace

SubmitBytes write_submit(std::uint32_t epoch, std::uint8_t slot, std::uint64_t frame_id,
                         std::uint64_t time_ns) {
  SubmitBytes out{array_5, submit_kind, u32};
  put(&out[3], epoch, 4);
  out[7] = slot;
  out[8] = u64;
  put(&out[9], frame_id, 8);
  out[17] = u64;
  put(&out[18], time_ns, 8);
  return out;
}

ReleaseBytes write_release(std::uint32_t epoch, std::uint8_t slot) {
  ReleaseBytes out{array_3, release_kind, u32};
  put(&out[3], epoch, 4);
  out[7] = slot;
  return out;
}

Ring read_ring(const void *bytes, std::size_t size) {
  const auto *in = static_cast<const std::uint8_t *>(bytes);
  Ring ring;
  if (size == done_bytes && in[0] == array_7 && in[1] == done_kind && in[2] == u32 &&
      is_small(in[7]) && is_small(in[8]) && in[9] == u64 && in[18] == u32 && in[23] == u32) {
    ring.kind = RingKind::done;
    ring.epoch = get_u32(&in[3]);
    ring.source_slot = in[7];
    ring.result_slot = in[8];
    ring.frame_id = get(&in[10], 8);
    ring.model_us = get_u32(&in[19]);
    ring.chain = get_u32(&in[24]);
  } else if (size == dropped_bytes && in[0] == array_5 && in[1] == dropped_kind && in[2] == u32 &&
             is_small(in[7]) && in[8] == u64 && is_small(in[17])) {
    ring.kind = RingKind::dropped;
    ring.epoch = get_u32(&in[3]);
    ring.source_slot = in[7];
    ring.frame_id = get(&in[9], 8);
    ring.reason = in[17];
  }
  return ring;
}

}  // namespace framebridge
