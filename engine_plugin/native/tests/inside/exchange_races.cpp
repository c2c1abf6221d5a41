// The engine's two threads against the client's thread, which changes epochs under them as often as
// it can: no frame is torn, none is shown twice or after a newer one, every one is accounted for,
// and no slot is touched by two at once. Made to be run under ThreadSanitizer, too.
//
//   exchange_races SECONDS
#ifdef _WIN32

#include <cstdio>

int main() {
  std::puts("makes slots as POSIX has them");
  return 0;
}

#else

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "checks.h"
#include "clock.h"
#include "frame_exchange.h"

using namespace framebridge;

namespace {

constexpr int side = 16;
constexpr size_t slot_bytes = size_t{side} * side * 4;

/* Segments as a bridge makes them, new ones for each epoch; their names go at once, as a bridge
 * takes them away when it likes. */
struct Segments {
  explicit Segments(const std::string &kind) {
    for (int slot = 0; slot < 3; ++slot) {
      names.push_back("fb-" + std::to_string(getpid()) + kind + std::to_string(slot));
      const int fd = shm_open(("/" + names.back()).c_str(), O_RDWR | O_CREAT, 0600);
      if (fd < 0 || ftruncate(fd, slot_bytes) != 0) std::abort();
      close(fd);
    }
  }
  ~Segments() {
    for (const std::string &name : names) shm_unlink(("/" + name).c_str());
  }
  Segments(const Segments &) = delete;
  Segments &operator=(const Segments &) = delete;
  std::vector<std::string> names;
};

SlotsDescription described(const Segments &segments) {
  SlotsDescription slots;
  slots.format.size = sizeof slots.format;
  slots.format.width = slots.format.height = side;
  slots.stride = side * 4;
  slots.size_bytes = slot_bytes;
  slots.names = segments.names;
  return slots;
}

void paint(uint8_t *pixels, uint64_t number) {
  for (size_t at = 0; at < slot_bytes; at += sizeof number)
    std::memcpy(pixels + at, &number, sizeof number);
}

/* The number that a picture shows; 0 if it is torn. */
uint64_t shown(const uint8_t *pixels) {
  uint64_t first, other;
  std::memcpy(&first, pixels, sizeof first);
  for (size_t at = 0; at < slot_bytes; at += sizeof other) {
    std::memcpy(&other, pixels + at, sizeof other);
    if (other != first) return 0;
  }
  return first;
}

struct Race {
  explicit Race(const FrameExchange::Options &options) : exchange(options, waker) {}

  Waker waker;
  FrameExchange exchange;
  std::atomic<bool> over{false};
  uint64_t ok = 0, skipped = 0, results = 0, passed = 0;  // as the engine's threads count
  bool in_order = true, whole = true;                     // as the poller finds
};

void submit_all(Race &race) {
  std::vector<uint8_t> pixels(slot_bytes);
  while (!race.over) {
    fb_frame frame{};
    frame.size = sizeof frame;
    frame.width = frame.height = side;
    frame.frame_id = race.exchange.take_frame_id(0);
    paint(pixels.data(), frame.frame_id);
    frame.pixels = pixels.data();
    const fb_status status = race.exchange.submit(frame, monotonic_ns());
    ++(status == FB_OK ? race.ok : race.skipped);
  }
}

void poll_all(Race &race) {
  uint64_t last = 0;
  while (!race.over) {
    fb_result result{};
    if (race.exchange.poll(result) != FB_OK) continue;
    race.in_order = race.in_order && result.frame_id > last;
    last = result.frame_id;
    const uint64_t number = shown(static_cast<const uint8_t *>(result.pixels));
    race.whole = race.whole && number == result.frame_id;
    ++(result.origin == FB_FROM_BRIDGE ? race.results : race.passed);
  }
}

/* The client's thread and the worker in one: results are made of frames, in any order of events. */
class Thread {
 public:
  explicit Thread(Race &race) : race_(race) {}

  void run(double length_s) {
    const uint64_t end = monotonic_ns() + static_cast<uint64_t>(length_s * 1e9);
    while (monotonic_ns() < end) {
      FrameExchange &exchange = race_.exchange;
      const unsigned chance = static_cast<unsigned>(random_() % 1024);
      if (chance == 0) {
        begin();
      } else if (chance == 1) {
        exchange.set_state(FB_PAUSED);
        exchange.end();
      }
      take_frames();
      uint8_t slot;
      while (exchange.next_release(slot)) {
      }
      exchange.clear_away();
      if (chance == 2) std::this_thread::yield();
    }
    race_.exchange.set_state(FB_PAUSED);
    race_.exchange.end();
    CHECK(frames_whole_);
  }

 private:
  void begin() {
    ++number_;
    const Segments inputs("i" + std::to_string(number_)), results("r" + std::to_string(number_));
    StreamDescription description;
    description.epoch = number_;
    description.source = described(inputs);
    description.result = described(results);
    Error error;
    auto epoch = Epoch::map(description, error);
    if (!CHECK(epoch != nullptr)) return;
    for (size_t slot = 0; slot < 3; ++slot) {
      std::string found;
      CHECK(written_[slot].map(results.names[slot], slot_bytes, true, found));
    }
    race_.exchange.begin(std::move(epoch));
    race_.exchange.set_state(FB_LIVE);
  }

  void take_frames() {
    FrameExchange &exchange = race_.exchange;
    Epoch::Filled filled;
    while (exchange.next_filled(filled)) {
      Epoch &epoch = *exchange.epoch();
      const uint64_t number = shown(epoch.inputs[filled.slot].bytes());
      frames_whole_ = frames_whole_ && number == filled.frame_id;
      // Some stay unanswered until the epoch ends.
      if (random_() % 16 == 0 && epoch.with_worker.count() < 3) continue;
      epoch.with_worker.reset(filled.slot);
      answer(epoch, filled);
      epoch.free_inputs.push(filled.slot);
    }
  }

  void answer(Epoch &epoch, const Epoch::Filled &filled) {
    Counters &counters = race_.exchange.counters;
    uint8_t slot = 0;
    while (slot < 3 && epoch.with_client.test(slot)) ++slot;
    if (slot == 3 || random_() % 8 == 0) {
      ++counters.dropped;
      return;
    }
    paint(written_[slot].bytes(), filled.frame_id);
    Ready &ready = epoch.ready[slot];
    ready.frame_id = filled.frame_id;
    ready.since_ns = filled.since_ns;
    epoch.with_client.set(slot);
    ++counters.returned;
    uint8_t release;
    race_.exchange.publish(ready, release);
  }

  Race &race_;
  uint32_t number_ = 0;
  Mapping written_[3];  // the worker's own view of the results
  bool frames_whole_ = true;
  std::minstd_rand random_{1};
};

void race(bool every, double length_s) {
  FrameExchange::Options options;
  options.source.width = options.source.height = side;
  options.every = every;
  Race race(options);
  Thread thread(race);
  std::thread submitting([&] { submit_all(race); });
  std::thread polling([&] { poll_all(race); });
  thread.run(length_s);
  race.over = true;
  submitting.join();
  polling.join();
  race.exchange.clear_away();
  const Counters &counters = race.exchange.counters;
  CHECK(race.in_order);
  CHECK(race.whole);
  CHECK(counters.sent == race.ok);
  CHECK(counters.skipped == race.skipped);
  CHECK(counters.sent == counters.returned + counters.dropped + counters.lost);
  CHECK(race.results > 0);
  CHECK(race.passed > 0);
  std::printf(
      "%s: %llu sent, %llu results, %llu passed through, %llu epochs\n",
      every ? "every result" : "the newest", static_cast<unsigned long long>(counters.sent.load()),
      static_cast<unsigned long long>(race.results), static_cast<unsigned long long>(race.passed),
      static_cast<unsigned long long>(counters.restarts.load() + 1));
}

}  // namespace

int main(int count, char **words) {
  const double length_s = count > 1 ? std::atof(words[1]) : 1;
  race(false, length_s);
  race(true, length_s);
  return checks::report();
}

#endif
