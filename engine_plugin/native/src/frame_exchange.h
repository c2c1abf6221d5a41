// Frames and results between the engine's threads and the client's, without locks and without a
// wait: slots of the epoch now, rings, and pictures to pass through while there is none.
//
// Three sides: the submitter and the poller, which are threads of the engine, and the thread of the
// client. Each may be in the middle of a call while another acts.
#pragma once

#include <framebridge.h>

#include <atomic>
#include <cstdint>
#include <list>
#include <memory>

#include "epoch.h"
#include "spares.h"
#include "waker.h"

namespace framebridge {

/* What fb_statistics counts; written by one side each, read by anybody. */
struct Counters {
  std::atomic<uint64_t> sent{0}, returned{0}, dropped{0}, skipped{0}, late{0}, withheld{0},
      taken{0}, lost{0}, passed{0}, restarts{0}, connections{0}, last_sent_id{0}, last_result_id{0};
  std::atomic<double> latency_ms{0};
};

/* Zeros of a result's size, for FB_CLEAR. */
struct Zeros {
  fb_format format{};
  std::unique_ptr<uint8_t, void (*)(void *)> bytes{nullptr, nullptr};
};

class FrameExchange {
 public:
  struct Options {
    fb_format source{};
    int32_t when_gone = FB_PASS_THROUGH;
    bool every = false;
    bool ticks_itself = false;  // its results belong to no frame
  };

  FrameExchange(const Options &options, Waker &waker);
  ~FrameExchange();

  Counters counters;

  // The submitter's side; see Client.

  uint64_t take_frame_id(uint64_t wanted);
  fb_status submit(const fb_frame &frame, uint64_t since_ns);
  void skip(uint64_t frame_id);
  bool wants_frames() const;
  const fb_format &format() const { return format_; }

  // The poller's side.

  fb_status poll(fb_result &result);

  // Anybody's.

  int32_t state() const { return state_.load(std::memory_order_acquire); }

  // The thread's side.

  /* The size that frames have now. */
  void wanted_size(int32_t &width, int32_t &height) const;

  /* What the poller gives instead of results begins, or ends, with this. */
  void set_state(int32_t state);

  /* Frames go into the slots of this epoch from now on; of the one before nothing is sent more. */
  void begin(std::unique_ptr<Epoch> epoch);
  void end();
  Epoch *epoch() { return epoch_.get(); }

  /* The next frame that lies in a slot of the epoch and is to be sent. */
  bool next_filled(Epoch::Filled &filled);

  /* A result slot of the epoch that is to be released. */
  bool next_release(uint8_t &slot);

  /* A result of the epoch. True: it, or an older one, is not shown to anybody, and its slot is to
   * be released. */
  bool publish(Ready &ready, uint8_t &release);

  /* Give up the ended epochs that nobody looks at any more. */
  void clear_away();

 private:
  bool claim(const fb_frame &frame, uint64_t since_ns);
  void lose_frames(Epoch &epoch);
  void offer_last_frame(Epoch &epoch);
  void make_zeros(const fb_format &format);
  bool next_ready(Ready *&ready);
  void give_back(Ready *ready);
  void show(fb_result &result, Ready &ready);
  bool pass_through(fb_result &result);
  bool clear(fb_result &result);

  const Options options_;
  Waker &waker_;

  // The submitter's.
  fb_format format_;  // of frames now
  uint64_t last_id_ = 0;

  // Between submitter and thread. `submitting_` is the epoch that the submitter is about to write
  // into: while it names one, that one stays.
  std::atomic<Epoch *> current_{nullptr};
  std::atomic<Epoch *> submitting_{nullptr};
  std::atomic<uint64_t> size_;  // of frames: width in the high half, height in the low one

  // Between submitter and poller.
  Spares spares_;
  std::atomic<uint64_t> last_frame_id_{0};  // submitted or skipped
  std::atomic<uint64_t> last_frame_ns_{0};

  // Between thread and poller.
  std::atomic<int32_t> state_{FB_ABSENT};
  std::atomic<uint64_t> outage_{1};  // which one it is, or was
  std::atomic<Ready *> newest_{nullptr};
  SpscRing<Ready *, 1024> all_;  // in place of it, where every result is wanted
  SpscRing<Ready *, 1024> given_back_;
  std::atomic<Zeros *> zeros_{nullptr};

  // The poller's.
  Ready *held_ = nullptr;  // what the engine looks at
  uint64_t shown_id_ = 0;
  uint64_t cleared_in_ = 0;  // outage
  std::unique_ptr<Zeros> held_zeros_;

  // The thread's.
  std::unique_ptr<Epoch> epoch_;
  bool begun_ = false;
  std::list<std::unique_ptr<Epoch>> ended_;
};

}  // namespace framebridge
