#include "handles.h"

#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>
#include <utility>

#include "client.h"

namespace framebridge {

namespace {

// A place's word: its generation in the high half, and in the low half how many hold its client.
// The generation is odd while there is one.
constexpr uint64_t one_generation = uint64_t{1} << 32;
constexpr uint64_t holders_mask = one_generation - 1;

struct Place {
  std::atomic<uint64_t> word{0};
  std::unique_ptr<Client> client;
};

// Never destroyed: at the end of a process that has left clients behind, their threads may be gone
// already, and nobody could wait for them.
Place *const places = new Place[max_clients];
std::mutex changing;

// The low byte of a handle is the place's number plus one, so that no handle is 0.
Place *place_of(fb_client handle) {
  const uint64_t number = handle & 0xff;
  return number >= 1 && number <= max_clients ? &places[number - 1] : nullptr;
}

uint64_t generation_of(fb_client handle) { return handle >> 8; }

}  // namespace

fb_client add_client(std::unique_ptr<Client> &client) {
  const std::lock_guard<std::mutex> lock(changing);
  for (uint64_t number = 1; number <= max_clients; ++number) {
    Place &place = places[number - 1];
    if (place.client) continue;
    place.client = std::move(client);
    const uint64_t word = place.word.load(std::memory_order_relaxed) + one_generation;
    place.word.store(word, std::memory_order_release);
    return word / one_generation << 8 | number;
  }
  return 0;
}

Client *pin_client(fb_client handle) {
  Place *place = place_of(handle);
  if (!place) return nullptr;
  const uint64_t generation = generation_of(handle);
  uint64_t word = place->word.load(std::memory_order_relaxed);
  do {
    if (word / one_generation != generation || generation % 2 == 0) return nullptr;
  } while (!place->word.compare_exchange_weak(word, word + 1, std::memory_order_acquire,
                                              std::memory_order_relaxed));
  return place->client.get();
}

void unpin_client(fb_client handle) {
  place_of(handle)->word.fetch_sub(1, std::memory_order_release);
}

std::unique_ptr<Client> remove_client(fb_client handle) {
  Place *place = place_of(handle);
  if (!place) return nullptr;
  const uint64_t generation = generation_of(handle);
  uint64_t word = place->word.load(std::memory_order_relaxed);
  do {
    if (word / one_generation != generation || generation % 2 == 0) return nullptr;
  } while (!place->word.compare_exchange_weak(
      word, word + one_generation, std::memory_order_acquire, std::memory_order_relaxed));
  // No new holder from here on; those that there are hold it for the length of a call.
  while (place->word.load(std::memory_order_acquire) & holders_mask)
    std::this_thread::sleep_for(std::chrono::microseconds(50));
  const std::lock_guard<std::mutex> lock(changing);
  return std::move(place->client);
}

}  // namespace framebridge
