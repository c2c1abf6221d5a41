// The control channel to one bridge, and ZeroMQ's context, which all clients of the process share.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "messages.h"

namespace framebridge {

/* Ends with the last who holds it, and ZeroMQ's own threads with it. Null: the system gives none.
 */
std::shared_ptr<void> zeromq_context();

/* One connection to one bridge; a lost one is not used again. By the client's thread alone. */
class Connection {
 public:
  /* Begin to connect and greet; the answer comes with the other messages. Null, and an error. */
  static std::unique_ptr<Connection> begin(std::shared_ptr<void> context, const Address &address,
                                           const std::string &client_name, Error &error);

  /* Says bye, if the other side is there. */
  ~Connection();
  Connection(const Connection &) = delete;
  Connection &operator=(const Connection &) = delete;

  /* For the next message; 1 is the greeting's. */
  uint32_t next_request();

  /* Never waits; a message that cannot be sent shows in `lost`. */
  void send(const Bytes &message);

  /* The next message that has arrived; false: there is none. What cannot be read is passed over,
   * unless it answers a request of ours: then it is an error. */
  bool receive(Message &message);

  /* What the monitor has to tell. */
  void look_at_monitor();

  bool lost() const { return lost_; }
  bool greeted = false;

  void *socket() const { return socket_; }
  void *monitor() const { return monitor_; }
  const Address address;

 private:
  Connection(std::shared_ptr<void> context, Address address);

  std::shared_ptr<void> context_;
  void *socket_ = nullptr;
  void *monitor_ = nullptr;
  uint32_t requests_ = 0;
  bool lost_ = false;
};

}  // namespace framebridge
