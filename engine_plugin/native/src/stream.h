// The client's stream: opened, adopted, lost, opened again.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "connection.h"
#include "doorbell.h"
#include "frame_exchange.h"
#include "knobs.h"
#include "messages.h"
#include "tickets.h"
#include "troubles.h"

namespace framebridge {

/* By the client's thread alone. */
class Stream {
 public:
  static constexpr uint64_t never = ~uint64_t{0};

  Stream(OpenRequest wanted, std::shared_ptr<void> context, FrameExchange &exchange, Knobs &knobs,
         Tickets &tickets, Troubles &troubles);

  /* The bridge has greeted us. */
  void connected(Connection &connection);

  /* It has gone, and the stream with it. `state`: what the client is now. */
  void disconnected(int32_t state);

  /* Whatever is due now: open anew, give a frame of another size its stream, turn knobs. */
  void carry_on(Connection &connection, uint64_t now);

  /* When carry_on is due again without any event. */
  uint64_t due() const { return again_at_; }

  /* An answer to one of ours, or an event of our stream. */
  void take(Connection &connection, const Message &message);

  /* Carry out a load or a reset, and answer its ticket in the end. `connection` may be null. False:
   * not yet, since an answer is awaited that it depends on. */
  bool command(Connection *connection, const Command &command, int64_t ticket);

  /* What the bridge said last about it, as JSON; empty: nothing yet. */
  const std::string &description() const { return description_; }

  Doorbell *doorbell() { return doorbell_.get(); }

  /* How the formats are, once there was an epoch. */
  const fb_format &source() const { return source_; }
  const fb_format &result() const { return result_; }

 private:
  void open(Connection &connection);
  void close(Connection &connection);
  void opened(Connection &connection, const Message &message);
  void refused(Connection &connection, const Error &error);
  void adopt(const StreamDescription &description);
  void end_epoch(int32_t state);
  void paused(const Message &message);
  void knobs_answered(const Message &message);
  void knobs_are_right();
  bool load(Connection *connection, const Command &command, int64_t ticket);
  bool reset(Connection *connection, uint32_t seed, int64_t ticket);
  bool size_has_changed();

  OpenRequest wanted_;
  std::shared_ptr<void> context_;
  FrameExchange &exchange_;
  Knobs &knobs_;
  Tickets &tickets_;
  Troubles &troubles_;

  uint32_t number_ = 0;  // in the bridge; 0: none is open
  std::unique_ptr<Doorbell> doorbell_;
  std::string description_;
  fb_format source_{}, result_{};

  uint64_t again_at_ = never;   // when to open again
  uint64_t pause_ns_;           // after the next refusal
  std::string refused_knob_;    // whose refusal is told
  bool without_knobs_ = false;  // since one of them was refused

  // Requests under way, 0 for none, and the tickets that wait for them.
  uint32_t open_request_ = 0, set_request_ = 0, load_request_ = 0, reset_request_ = 0;
  int64_t open_ticket_ = 0, load_ticket_ = 0, reset_ticket_ = 0;
};

}  // namespace framebridge
