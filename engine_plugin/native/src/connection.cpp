#include "connection.h"

#include <zmq.h>

#include <atomic>
#include <cstring>
#include <mutex>
#include <utility>

namespace framebridge {

namespace {

constexpr int linger_ms = 200;  // so that `bye` leaves

std::mutex context_mutex;
// Never destroyed: at the end of a process, threads of its clients may use it still.
std::weak_ptr<void> &context_now = *new std::weak_ptr<void>;

}  // namespace

std::shared_ptr<void> zeromq_context() {
  const std::lock_guard<std::mutex> lock(context_mutex);
  std::shared_ptr<void> context = context_now.lock();
  if (context) return context;
  void *made = zmq_ctx_new();
  if (!made) return nullptr;
  context.reset(made, [](void *ended) {
    while (zmq_ctx_term(ended) != 0 && zmq_errno() == EINTR) {
    }
  });
  context_now = context;
  return context;
}

Connection::Connection(std::shared_ptr<void> context, Address to)
    : address(std::move(to)), context_(std::move(context)) {}

std::unique_ptr<Connection> Connection::begin(std::shared_ptr<void> context, const Address &address,
                                              const std::string &client_name, Error &error) {
  std::unique_ptr<Connection> made(new Connection(context, address));
  const auto failed = [&](const char *what) {
    error = system_error("control channel", what, zmq_strerror(zmq_errno()));
    return nullptr;
  };
  made->socket_ = zmq_socket(context.get(), ZMQ_DEALER);
  if (!made->socket_) return failed("a socket");
  zmq_setsockopt(made->socket_, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
  const int64_t max_size = max_message_bytes;
  zmq_setsockopt(made->socket_, ZMQ_MAXMSGSIZE, &max_size, sizeof max_size);

  static std::atomic<uint64_t> monitors{0};
  const std::string place = "inproc://framebridge-monitor-" + std::to_string(++monitors);
  const int events = ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_CONNECT_RETRIED;
  if (zmq_socket_monitor(made->socket_, place.c_str(), events) != 0) return failed("a monitor");
  made->monitor_ = zmq_socket(context.get(), ZMQ_PAIR);
  const int at_once = 0;
  if (!made->monitor_) return failed("a socket");
  zmq_setsockopt(made->monitor_, ZMQ_LINGER, &at_once, sizeof at_once);
  if (zmq_connect(made->monitor_, place.c_str()) != 0) return failed("a monitor");

  if (zmq_connect(made->socket_, address.endpoint.c_str()) != 0) {
    error = usage_error("endpoint", "ipc://PATH or tcp://127.0.0.1:PORT", address.endpoint);
    return nullptr;
  }
  made->send(hello_message(made->next_request(), client_name, address.token));
  return made;
}

Connection::~Connection() {
  if (!socket_) return;
  if (!lost_ && greeted) {
    send(plain_message(next_request(), "bye"));
  } else {
    const int at_once = 0;
    zmq_setsockopt(socket_, ZMQ_LINGER, &at_once, sizeof at_once);
  }
  zmq_socket_monitor(socket_, nullptr, 0);
  if (monitor_) zmq_close(monitor_);
  zmq_close(socket_);
}

uint32_t Connection::next_request() {
  if (++requests_ == 0) requests_ = 1;  // 0 marks what the bridge says unasked
  return requests_;
}

void Connection::send(const Bytes &message) {
  if (zmq_send(socket_, message.data(), message.size(), ZMQ_DONTWAIT) < 0) lost_ = true;
}

bool Connection::receive(Message &message) {
  zmq_msg_t raw;
  zmq_msg_init(&raw);
  bool received = false;
  while (!received && zmq_msg_recv(&raw, socket_, ZMQ_DONTWAIT) >= 0) {
    message = Message();
    Error error;
    received = read_message(zmq_msg_data(&raw), zmq_msg_size(&raw), message, error);
    if (!received && message.request) {
      message.kind = MessageKind::error;
      message.error = error;
      message.json = error_json(error);
      received = true;
    }
  }
  zmq_msg_close(&raw);
  return received;
}

void Connection::look_at_monitor() {
  zmq_msg_t part;
  zmq_msg_init(&part);
  while (zmq_msg_recv(&part, monitor_, ZMQ_DONTWAIT) >= 0) {
    uint16_t event = 0;
    if (zmq_msg_size(&part) >= sizeof event) std::memcpy(&event, zmq_msg_data(&part), sizeof event);
    // A try that failed, before the greeting: nobody listens there.
    if (event == ZMQ_EVENT_DISCONNECTED || (event == ZMQ_EVENT_CONNECT_RETRIED && !greeted))
      lost_ = true;
    if (zmq_msg_more(&part)) zmq_msg_recv(&part, monitor_, ZMQ_DONTWAIT);
  }
  zmq_msg_close(&part);
}

}  // namespace framebridge
