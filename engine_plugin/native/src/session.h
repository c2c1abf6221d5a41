// The client's thread: it finds the bridge, speaks with it, and comes back when it does.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "connection.h"
#include "frame_exchange.h"
#include "knobs.h"
#include "options.h"
#include "stream.h"
#include "tickets.h"
#include "troubles.h"
#include "waker.h"

namespace framebridge {

class Session {
 public:
  /* Null, and an error: no thread or no socket is to be had. */
  static std::unique_ptr<Session> start(Options options, Error &error);

  /* Says bye, and waits for the thread. */
  ~Session();

  FrameExchange &exchange() { return exchange_; }
  Tickets &tickets() { return tickets_; }
  Troubles &troubles() { return troubles_; }

  /* By any thread. 0: too many are unanswered. */
  int64_t ask(Command command);

  /* By any thread. */
  bool turn(const std::string &name, Value value, Error &error);

  /* By any thread: how frames and results are, zeros before the first stream. */
  void formats(fb_format &source, fb_format &result) const;

 private:
  Session(Options options, std::shared_ptr<void> context);

  void run();
  void wait();
  void carry_on();
  std::optional<Address> find(int32_t &state, Error &error);
  void try_to_connect(uint64_t now);
  void disconnect(int32_t state);
  void receive();
  void greeted(const Message &message);
  void answer_commands();
  bool answer(const Command &command, int64_t ticket);
  void note_frames();

  const Options options_;
  Waker waker_;
  FrameExchange exchange_;
  Knobs knobs_;
  Tickets tickets_;
  Troubles troubles_;
  std::atomic<bool> ending_{false};

  mutable std::mutex mutex_;
  std::deque<std::pair<Command, int64_t>> asked_;
  fb_format source_{}, result_{};

  // The thread's alone.
  std::shared_ptr<void> context_;
  Stream stream_;
  std::unique_ptr<Connection> connection_;
  bool looked_ = false;  // for a bridge, at least once
  uint64_t try_at_ = 0;  // to connect
  uint64_t greet_until_ = 0;
  bool frame_failed_ = false;
  std::optional<std::string> silent_;  // an endpoint where nobody has greeted us
  std::deque<std::pair<Command, int64_t>> waiting_;
  std::vector<std::pair<uint32_t, int64_t>> requests_;  // of the connection, for tickets

  std::thread thread_;
};

}  // namespace framebridge
