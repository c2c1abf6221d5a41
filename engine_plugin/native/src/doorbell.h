// The doorbell of one epoch: frames go to the worker, results come back.
#pragma once

#include <memory>
#include <string>

#include "frame_exchange.h"
#include "wire.h"

namespace framebridge {

/* By the client's thread alone. */
class Doorbell {
 public:
  /* Null: the system gives no socket, or that is no endpoint. */
  static std::unique_ptr<Doorbell> connect(std::shared_ptr<void> context,
                                           const std::string &endpoint);
  ~Doorbell();
  Doorbell(const Doorbell &) = delete;
  Doorbell &operator=(const Doorbell &) = delete;

  void *socket() const { return socket_; }

  /* Ring for all that the engine has left in the exchange. */
  void send(FrameExchange &exchange);

  /* Take in all that has arrived. */
  void receive(FrameExchange &exchange, bool ticks_itself);

  /* A frame that came back without a result because something was wrong with it: which, and why
   * (reason_failed or reason_withheld). It counts until the next result. */
  uint64_t failed_frame = 0;
  uint8_t failed_reason = 0;

 private:
  Doorbell(std::shared_ptr<void> context, void *socket);
  void done(FrameExchange &exchange, const Ring &ring, bool ticks_itself);
  void dropped(FrameExchange &exchange, const Ring &ring);
  void release(uint32_t epoch, uint8_t slot);

  std::shared_ptr<void> context_;
  void *socket_;
};

}  // namespace framebridge
