#include "epoch.h"

#include <utility>

namespace framebridge {

namespace {

bool map_all(const SlotsDescription &slots, bool writable, std::vector<Mapping> &mapped,
             Error &error) {
  mapped.resize(slots.names.size());
  for (size_t slot = 0; slot < slots.names.size(); ++slot) {
    const size_t size = static_cast<size_t>(slots.size_bytes);
    std::string found;
    if (!mapped[slot].map(slots.names[slot], size, writable, found)) {
      error = transport_error("shared memory " + slots.names[slot],
                              "a slot of " + std::to_string(size) + " bytes", found,
                              "The stream opens again by itself.");
      return false;
    }
  }
  return true;
}

}  // namespace

std::unique_ptr<Epoch> Epoch::map(const StreamDescription &description, Error &error) {
  auto epoch = std::make_unique<Epoch>();
  epoch->number = description.epoch;
  epoch->source = description.source.format;
  epoch->result = description.result.format;
  epoch->source_stride = description.source.stride;
  epoch->result_stride = description.result.stride;
  if (!map_all(description.source, true, epoch->inputs, error)) return nullptr;
  if (!map_all(description.result, false, epoch->results, error)) return nullptr;
  for (size_t slot = 0; slot < epoch->inputs.size(); ++slot)
    epoch->free_inputs.push(static_cast<uint8_t>(slot));
  epoch->ready.resize(epoch->results.size());
  for (size_t slot = 0; slot < epoch->results.size(); ++slot) {
    Ready &ready = epoch->ready[slot];
    ready.epoch = epoch.get();
    ready.pixels = epoch->results[slot].bytes();
    ready.format = &epoch->result;
    ready.stride = epoch->result_stride;
    ready.slot = static_cast<uint8_t>(slot);
  }
  epoch->last_frame.epoch = epoch.get();
  epoch->last_frame.format = &epoch->source;
  epoch->last_frame.stride = epoch->source_stride;
  epoch->last_frame.origin = FB_PASSED_THROUGH;
  return epoch;
}

}  // namespace framebridge
