#include "session.h"

#include <zmq.h>

#include <algorithm>
#include <system_error>

#include "clock.h"
#include "log.h"
#include "sidecar.h"
#include "thread_setup.h"

namespace framebridge {

namespace {

constexpr uint64_t retry_ns = 100 * millisecond_ns;
constexpr uint64_t leisure_ns = second_ns;
constexpr uint64_t greeting_limit_ns = 2 * second_ns;

FrameExchange::Options exchange_options(const Options &options) {
  FrameExchange::Options exchange;
  exchange.source = options.open.source;
  exchange.when_gone = options.when_gone;
  exchange.every = options.every;
  exchange.ticks_itself = options.open.policy == FB_FREE;
  return exchange;
}

}  // namespace

Session::Session(Options options, std::shared_ptr<void> context)
    : options_(std::move(options)),
      exchange_(exchange_options(options_), waker_),
      context_(std::move(context)),
      stream_(options_.open, context_, exchange_, knobs_, tickets_, troubles_) {}

std::unique_ptr<Session> Session::start(Options options, Error &error) {
  auto context = zeromq_context();
  if (!context) {
    error = system_error("client", "a ZeroMQ context", zmq_strerror(zmq_errno()));
    return nullptr;
  }
  std::unique_ptr<Session> session(new Session(std::move(options), std::move(context)));
  if (!session->waker_.usable()) {
    error = system_error("client", "a handle to wake its thread by", "none");
    return nullptr;
  }
  try {
    const SignalsBlocked blocked;  // the thread inherits that
    session->thread_ = std::thread([raw = session.get()] { raw->run(); });
  } catch (const std::system_error &failed) {
    error = system_error("client", "a thread", failed.what());
    return nullptr;
  }
  return session;
}

Session::~Session() {
  ending_.store(true, std::memory_order_release);
  waker_.wake();
  if (thread_.joinable()) thread_.join();
}

// ---- Any thread. ----

int64_t Session::ask(Command command) {
  const int64_t ticket = tickets_.draw();
  if (!ticket) return 0;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    asked_.emplace_back(std::move(command), ticket);
  }
  waker_.wake();
  return ticket;
}

bool Session::turn(const std::string &name, Value value, Error &error) {
  if (!knobs_.turn(name, std::move(value), error)) return false;
  waker_.wake();
  return true;
}

void Session::formats(fb_format &source, fb_format &result) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  source = source_;
  result = result_;
}

// ---- The thread. ----

void Session::run() {
  name_this_thread("framebridge");
  while (!ending_.load(std::memory_order_acquire)) {
    carry_on();
    wait();
    waker_.clear();
    receive();
  }
  disconnect(FB_ABSENT);
}

void Session::wait() {
  uint64_t until = connection_ ? stream_.due() : try_at_;
  if (connection_ && !connection_->greeted) until = greet_until_;
  const uint64_t now = monotonic_ns();
  long timeout_ms = -1;
  if (until != Stream::never)
    timeout_ms = until <= now ? 0 : static_cast<long>((until - now) / millisecond_ns + 1);
  zmq_pollitem_t items[4] = {};
  int count = 0;
  items[count].fd = waker_.handle();
  items[count++].events = ZMQ_POLLIN;
  if (connection_) {
    items[count].socket = connection_->socket();
    items[count++].events = ZMQ_POLLIN;
    items[count].socket = connection_->monitor();
    items[count++].events = ZMQ_POLLIN;
  }
  if (Doorbell *doorbell = stream_.doorbell()) {
    items[count].socket = doorbell->socket();
    items[count++].events = ZMQ_POLLIN;
  }
  zmq_poll(items, count, timeout_ms);
}

void Session::carry_on() {
  const uint64_t now = monotonic_ns();
  if (!connection_ && now >= try_at_) try_to_connect(now);
  if (connection_ && !connection_->greeted && now >= greet_until_) {
    silent_ = connection_->address.endpoint;
    troubles_.set(Troubles::connection,
                  not_running(connection_->address.endpoint, "no answer within 2 s"));
    disconnect(FB_ABSENT);
  }
  if (connection_ && connection_->greeted) stream_.carry_on(*connection_, now);
  answer_commands();
  if (Doorbell *doorbell = stream_.doorbell()) doorbell->send(exchange_);
  uint8_t slot;
  while (!exchange_.epoch() && exchange_.next_release(slot)) {
  }
  exchange_.clear_away();
}

std::optional<Address> Session::find(int32_t &state, Error &error) {
  state = FB_ABSENT;
  const bool may_start = !options_.start_words.empty() && !options_.discovery.is_named();
  if (may_start && !options_.shared) {
    if (auto own = Sidecar::private_one().address()) return own;
  }
  // Where nobody has greeted us, somebody may have left an address behind that cannot be tried.
  auto found = options_.discovery.find();
  if (found && !(may_start && silent_ && found->endpoint == *silent_)) return found;
  if (!may_start) {
    error = not_running(options_.discovery.place(), "none");
    return std::nullopt;
  }
  Sidecar &sidecar = options_.shared ? Sidecar::shared_one() : Sidecar::private_one();
  error = sidecar.want(options_.start_words);
  if (error.empty()) state = FB_CONNECTING;
  return options_.shared ? found : sidecar.address();
}

void Session::try_to_connect(uint64_t now) {
  try_at_ = now + retry_ns;
  looked_ = true;
  int32_t state;
  Error error;
  const auto address = find(state, error);
  if (address) connection_ = Connection::begin(context_, *address, options_.client_name, error);
  if (!error.empty()) troubles_.set(Troubles::connection, error);
  exchange_.set_state(connection_ ? FB_CONNECTING : state);
  if (connection_) {
    greet_until_ = now + greeting_limit_ns;
  } else if (address) {
    try_at_ = now + leisure_ns;
  } else if (error.empty()) {
    troubles_.clear(Troubles::connection);  // it is being started
  }
}

void Session::disconnect(int32_t state) {
  for (const auto &request : requests_)
    tickets_.refuse(request.second, not_running("bridge", "one that has gone"));
  requests_.clear();
  stream_.disconnected(state);
  connection_.reset();
}

void Session::receive() {
  if (Doorbell *doorbell = stream_.doorbell()) {
    doorbell->receive(exchange_, options_.open.policy == FB_FREE);
    note_frames();
  }
  if (!connection_) return;
  Message message;
  while (connection_ && connection_->receive(message)) {
    const auto asked = std::find_if(requests_.begin(), requests_.end(), [&](const auto &request) {
      return message.request && request.first == message.request;
    });
    if (!connection_->greeted) {
      if (message.request == 1) greeted(message);
    } else if (asked != requests_.end()) {
      if (message.kind == MessageKind::error)
        tickets_.refuse(asked->second, message.json);
      else
        tickets_.answer(asked->second, message.json);
      requests_.erase(asked);
    } else {
      stream_.take(*connection_, message);
      const std::lock_guard<std::mutex> lock(mutex_);
      source_ = stream_.source();
      result_ = stream_.result();
    }
  }
  if (!connection_) return;
  connection_->look_at_monitor();
  if (!connection_->lost()) return;
  const bool was_there = connection_->greeted;
  if (!was_there) silent_ = connection_->address.endpoint;
  troubles_.set(Troubles::connection, not_running(connection_->address.endpoint,
                                                  was_there ? "one that has gone" : "none"));
  disconnect(FB_ABSENT);
  if (was_there) try_at_ = monotonic_ns();
}

void Session::greeted(const Message &message) {
  if (message.kind == MessageKind::welcome && message.protocol != protocol_version) {
    troubles_.set(Troubles::connection, version_error(message.protocol));
    disconnect(FB_FAILED);
    try_at_ = monotonic_ns() + leisure_ns;
  } else if (message.kind == MessageKind::welcome) {
    connection_->greeted = true;
    silent_.reset();
    exchange_.counters.connections.fetch_add(1, std::memory_order_relaxed);
    troubles_.clear(Troubles::connection);
    log(FB_INFO, "connected to bridge " + message.bridge + ", run " + message.run + ", at " +
                     connection_->address.endpoint);
    stream_.connected(*connection_);
  } else if (message.kind == MessageKind::error) {
    troubles_.set(Troubles::connection, message.error);
    disconnect(FB_FAILED);
    try_at_ = monotonic_ns() + leisure_ns;
  }
}

void Session::note_frames() {
  const Doorbell &doorbell = *stream_.doorbell();
  if (!doorbell.failed_frame) {
    if (frame_failed_) troubles_.clear(Troubles::frame);
    frame_failed_ = false;
    return;
  }
  frame_failed_ = true;
  Error error;
  error.place = "frame " + std::to_string(doorbell.failed_frame);
  if (doorbell.failed_reason == reason_withheld) {
    error.code = "FB-E043";
    error.kind = "NonFiniteError";
    error.expected = "finite numbers";
    error.found = "NaN or infinity";
    error.remedy = "Turn the last knob back.";
  } else {
    error.code = "FB-E042";
    error.kind = "InferenceError";
    error.expected = "a finished run";
    error.found = "a failed one";
    error.remedy = "`framebridge ctl status` says why.";
  }
  troubles_.set(Troubles::frame, error);
}

void Session::answer_commands() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (auto &each : asked_) waiting_.push_back(std::move(each));
    asked_.clear();
  }
  // Loads and resets in their order; one that has to wait holds up those after it, and no question.
  bool held_up = false;
  for (auto each = waiting_.begin(); each != waiting_.end();) {
    const CommandKind kind = each->first.kind;
    const bool changes = kind == CommandKind::load || kind == CommandKind::reset;
    if (!(changes && held_up) && answer(each->first, each->second)) {
      each = waiting_.erase(each);
    } else {
      held_up = held_up || changes;
      ++each;
    }
  }
}

bool Session::answer(const Command &command, int64_t ticket) {
  const bool connected = connection_ && connection_->greeted;
  Connection *connection = connected ? connection_.get() : nullptr;
  switch (command.kind) {
    case CommandKind::stream:
      if (stream_.description().empty())
        tickets_.refuse(ticket, not_running("stream", "none that was ever open"));
      else
        tickets_.answer(ticket, stream_.description());
      return true;
    case CommandKind::load:
    case CommandKind::reset:
      return stream_.command(connection, command, ticket);
    case CommandKind::status:
    case CommandKind::packages:
      break;
  }
  if (!connection) {
    if (!looked_ || exchange_.state() == FB_CONNECTING) return false;  // it may greet us yet
    tickets_.refuse(ticket, not_running(options_.discovery.place(), "none"));
    return true;
  }
  const uint32_t request = connection->next_request();
  connection->send(
      plain_message(request, command.kind == CommandKind::status ? "status" : "packages"));
  requests_.emplace_back(request, ticket);
  return true;
}

}  // namespace framebridge
