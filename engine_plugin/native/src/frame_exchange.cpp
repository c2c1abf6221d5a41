#include "frame_exchange.h"

#include <cstdlib>
#include <iterator>
#include <utility>

#include "clock.h"

namespace framebridge {

namespace {

uint64_t packed(int32_t width, int32_t height) {
  return static_cast<uint64_t>(width) << 32 | static_cast<uint32_t>(height);
}

void count(std::atomic<uint64_t> &counter, uint64_t more = 1) {
  counter.fetch_add(more, std::memory_order_relaxed);
}

}  // namespace

FrameExchange::FrameExchange(const Options &options, Waker &waker)
    : options_(options),
      waker_(waker),
      format_(options.source),
      size_(packed(options.source.width, options.source.height)) {
  if (options_.when_gone == FB_PASS_THROUGH) spares_.reserve(format_.width, format_.height);
  make_zeros(format_);
}

FrameExchange::~FrameExchange() { delete zeros_.load(); }

// ---- The submitter. ----

uint64_t FrameExchange::take_frame_id(uint64_t wanted) {
  const uint64_t id = wanted ? wanted : last_id_ + 1;
  if (id <= last_id_) return 0;
  return last_id_ = id;
}

fb_status FrameExchange::submit(const fb_frame &frame, uint64_t since_ns) {
  last_frame_ns_.store(since_ns, std::memory_order_relaxed);
  last_frame_id_.store(frame.frame_id, std::memory_order_release);
  const bool another_size = frame.width != format_.width || frame.height != format_.height;
  if (another_size) {
    format_.width = frame.width;
    format_.height = frame.height;
    size_.store(packed(frame.width, frame.height), std::memory_order_release);
  }
  if (claim(frame, since_ns)) {
    count(counters.sent);
    counters.last_sent_id.store(frame.frame_id, std::memory_order_relaxed);
    waker_.wake();
    return FB_OK;
  }
  if (another_size) waker_.wake();
  count(counters.skipped);
  if (options_.when_gone == FB_PASS_THROUGH)
    spares_.leave(frame, since_ns, outage_.load(std::memory_order_acquire));
  return another_size ? FB_REOPENING : FB_SKIPPED;
}

void FrameExchange::skip(uint64_t frame_id) {
  last_frame_ns_.store(monotonic_ns(), std::memory_order_relaxed);
  last_frame_id_.store(frame_id, std::memory_order_release);
  count(counters.skipped);
}

bool FrameExchange::wants_frames() const {
  return options_.when_gone == FB_PASS_THROUGH || current_.load(std::memory_order_relaxed);
}

bool FrameExchange::claim(const fb_frame &frame, uint64_t since_ns) {
  // Said, and then looked at again: either the thread sees what we have said before it gives the
  // epoch up, or we see that it has another.
  Epoch *epoch = current_.load(std::memory_order_acquire);
  for (Epoch *before = nullptr; epoch != before;) {
    before = epoch;
    submitting_.store(epoch, std::memory_order_seq_cst);
    epoch = current_.load(std::memory_order_seq_cst);
  }
  bool claimed = false;
  Epoch::Filled filled;
  if (epoch && epoch->takes(frame.width, frame.height) && epoch->free_inputs.pop(filled.slot)) {
    const int64_t row_bytes = int64_t{4} * frame.width;
    copy_rows(epoch->inputs[filled.slot].bytes(), epoch->source_stride,
              static_cast<const uint8_t *>(frame.pixels), frame.stride ? frame.stride : row_bytes,
              row_bytes, frame.height);
    filled.frame_id = frame.frame_id;
    filled.since_ns = since_ns;
    // There is room: it has as many places as there are slots.
    claimed = epoch->filled_inputs.push(filled);
  }
  submitting_.store(nullptr, std::memory_order_release);
  return claimed;
}

// ---- The poller. ----

fb_status FrameExchange::poll(fb_result &result) {
  // The state first: a result that came before the loss is then seen before what is given in place
  // of the later ones.
  const int32_t state = state_.load(std::memory_order_acquire);
  Ready *ready = nullptr;
  while (next_ready(ready)) {
    const bool from_bridge = ready->origin == FB_FROM_BRIDGE;
    const bool older = ready->frame_id <= shown_id_ && !(from_bridge && options_.ticks_itself);
    if (older || (!from_bridge && state == FB_LIVE)) {
      if (from_bridge) count(counters.late);
      give_back(ready);
      continue;
    }
    if (held_) give_back(held_);
    held_ = ready;
    show(result, *ready);
    return FB_OK;
  }
  if (state == FB_LIVE || options_.when_gone == FB_HOLD) return FB_NOTHING;
  const bool shown = options_.when_gone == FB_CLEAR ? clear(result) : pass_through(result);
  if (!shown) return FB_NOTHING;
  if (held_) give_back(held_);
  held_ = nullptr;
  count(counters.passed);
  return FB_OK;
}

bool FrameExchange::next_ready(Ready *&ready) {
  if (options_.every) return all_.pop(ready);
  if (!newest_.load(std::memory_order_relaxed)) return false;
  ready = newest_.exchange(nullptr, std::memory_order_acq_rel);
  return ready != nullptr;
}

void FrameExchange::give_back(Ready *ready) {
  // There is room: no more of them are under way than all epochs have slots.
  given_back_.push(ready);
  waker_.wake();
}

void FrameExchange::show(fb_result &result, Ready &ready) {
  const bool from_bridge = ready.origin == FB_FROM_BRIDGE;
  result.origin = ready.origin;
  result.format = *ready.format;
  result.chain = ready.chain;
  result.stride = ready.stride;
  result.frame_id = ready.frame_id;
  result.age_ms = static_cast<double>(monotonic_ns() - ready.since_ns) / 1e6;
  result.model_ms = ready.model_us / 1e3;
  result.pixels = ready.pixels;
  if (!from_bridge) count(counters.passed);
  if (!from_bridge || !options_.ticks_itself) shown_id_ = ready.frame_id;
}

bool FrameExchange::pass_through(fb_result &result) {
  const Spare *spare = spares_.take();
  if (!spare) return false;
  const bool stale = options_.ticks_itself
                         ? spare->outage != outage_.load(std::memory_order_relaxed)
                         : spare->frame_id <= shown_id_;
  if (stale) return false;
  result.origin = FB_PASSED_THROUGH;
  result.format = options_.source;
  result.format.width = spare->width;
  result.format.height = spare->height;
  result.chain = 0;
  result.stride = int64_t{4} * spare->width;
  result.frame_id = shown_id_ = spare->frame_id;
  result.age_ms = static_cast<double>(monotonic_ns() - spare->since_ns) / 1e6;
  result.model_ms = 0;
  result.pixels = spare->bytes.get();
  return true;
}

bool FrameExchange::clear(fb_result &result) {
  const uint64_t frame_id = last_frame_id_.load(std::memory_order_acquire);
  const uint64_t outage = outage_.load(std::memory_order_relaxed);
  const bool nothing_yet = !frame_id && !counters.returned.load(std::memory_order_relaxed);
  if (nothing_yet || (frame_id <= shown_id_ && cleared_in_ == outage)) return false;
  if (Zeros *zeros = zeros_.exchange(nullptr, std::memory_order_acq_rel)) held_zeros_.reset(zeros);
  if (!held_zeros_ || !held_zeros_->bytes) return false;
  cleared_in_ = outage;
  if (frame_id > shown_id_) shown_id_ = frame_id;
  result.origin = FB_CLEARED;
  result.format = held_zeros_->format;
  result.chain = 0;
  result.stride = int64_t{4} * result.format.width;
  result.frame_id = shown_id_;
  const uint64_t since_ns = last_frame_ns_.load(std::memory_order_relaxed);
  result.age_ms = since_ns ? static_cast<double>(monotonic_ns() - since_ns) / 1e6 : 0;
  result.model_ms = 0;
  result.pixels = held_zeros_->bytes.get();
  return true;
}

// ---- The thread. ----

void FrameExchange::wanted_size(int32_t &width, int32_t &height) const {
  const uint64_t size = size_.load(std::memory_order_acquire);
  width = static_cast<int32_t>(size >> 32);
  height = static_cast<int32_t>(size & 0xffffffff);
}

void FrameExchange::set_state(int32_t state) {
  if (state == state_.load(std::memory_order_relaxed)) return;
  if (state_.load(std::memory_order_relaxed) == FB_LIVE)
    outage_.fetch_add(1, std::memory_order_release);
  state_.store(state, std::memory_order_release);
}

void FrameExchange::begin(std::unique_ptr<Epoch> epoch) {
  make_zeros(epoch->result);
  if (begun_) count(counters.restarts);
  begun_ = true;
  current_.store(epoch.get(), std::memory_order_seq_cst);
  std::swap(epoch_, epoch);
  if (!epoch) return;
  lose_frames(*epoch);
  ended_.push_back(std::move(epoch));
}

void FrameExchange::end() {
  if (!epoch_) return;
  current_.store(nullptr, std::memory_order_seq_cst);
  lose_frames(*epoch_);
  if (options_.when_gone == FB_PASS_THROUGH) offer_last_frame(*epoch_);
  ended_.push_back(std::move(epoch_));
}

bool FrameExchange::next_filled(Epoch::Filled &filled) {
  if (!epoch_ || !epoch_->filled_inputs.pop(filled)) return false;
  epoch_->with_worker.set(filled.slot);
  epoch_->under_way[filled.slot] = epoch_->last_filled = filled;
  return true;
}

void FrameExchange::lose_frames(Epoch &epoch) {
  Epoch::Filled filled;
  while (epoch.filled_inputs.pop(filled)) {
    epoch.with_worker.set(filled.slot);
    epoch.last_filled = filled;
  }
  count(counters.lost, epoch.with_worker.count());
}

void FrameExchange::offer_last_frame(Epoch &epoch) {
  // The frame that was sent last, if it was not answered: nobody writes into its slot any more.
  const Epoch::Filled &last = epoch.last_filled;
  if (!last.frame_id || !epoch.with_worker.test(last.slot)) return;
  epoch.last_frame.pixels = epoch.inputs[last.slot].bytes();
  epoch.last_frame.frame_id = last.frame_id;
  epoch.last_frame.since_ns = last.since_ns;
  uint8_t slot;
  publish(epoch.last_frame, slot);
}

bool FrameExchange::publish(Ready &ready, uint8_t &release) {
  Ready *unshown = &ready;
  ++ready.epoch->given;
  if (!options_.every) {
    unshown = newest_.exchange(&ready, std::memory_order_acq_rel);
  } else if (all_.push(&ready)) {
    unshown = nullptr;
  }
  if (!unshown) return false;
  --unshown->epoch->given;
  if (unshown->origin != FB_FROM_BRIDGE) return false;
  count(counters.late);
  if (unshown->epoch != epoch_.get()) return false;
  unshown->epoch->with_client.reset(unshown->slot);
  release = unshown->slot;
  return true;
}

bool FrameExchange::next_release(uint8_t &slot) {
  Ready *ready;
  while (given_back_.pop(ready)) {
    --ready->epoch->given;
    if (ready->epoch != epoch_.get() || ready->origin != FB_FROM_BRIDGE) continue;
    epoch_->with_client.reset(ready->slot);
    slot = ready->slot;
    return true;
  }
  return false;
}

void FrameExchange::clear_away() {
  for (auto each = ended_.begin(); each != ended_.end();) {
    Epoch &epoch = **each;
    if (submitting_.load(std::memory_order_seq_cst) == &epoch) {
      ++each;
      continue;
    }
    // Whoever was in the middle of a submit when it ended has finished by now.
    Epoch::Filled filled;
    while (epoch.filled_inputs.pop(filled)) count(counters.lost);
    each = epoch.given ? std::next(each) : ended_.erase(each);
  }
}

void FrameExchange::make_zeros(const fb_format &format) {
  if (options_.when_gone != FB_CLEAR) return;
  auto zeros = std::make_unique<Zeros>();
  zeros->format = format;
  const size_t rows = static_cast<size_t>(format.height);
  // Not touched, so that they take no memory as long as nobody reads them.
  zeros->bytes = {static_cast<uint8_t *>(std::calloc(rows, static_cast<size_t>(format.width) * 4)),
                  std::free};
  delete zeros_.exchange(zeros.release(), std::memory_order_acq_rel);
}

}  // namespace framebridge
