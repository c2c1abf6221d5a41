#include "client.h"

#include <utility>

#include "handles.h"
#include "session.h"

namespace framebridge {

std::unique_ptr<Client> Client::start(Options options, Error &error) {
  auto session = Session::start(std::move(options), error);
  return session ? std::unique_ptr<Client>(new Client(std::move(session))) : nullptr;
}

Client::Client(std::unique_ptr<Session> session) : session_(std::move(session)) {}
Client::~Client() = default;

const fb_format &Client::source_format() const { return session_->exchange().format(); }

bool Client::wants_frames() const { return session_->exchange().wants_frames(); }

uint64_t Client::take_frame_id(uint64_t wanted) {
  return session_->exchange().take_frame_id(wanted);
}

fb_status Client::submit(const fb_frame &frame, uint64_t since_ns) {
  return session_->exchange().submit(frame, since_ns);
}

void Client::skip(uint64_t frame_id) { session_->exchange().skip(frame_id); }

fb_status Client::poll(fb_result &result) { return session_->exchange().poll(result); }

void Client::report_graphics(const std::string &text) {
  session_->troubles().set_text(Troubles::graphics, text);
}

fb_status Client::set_parameter(const char *name, const fb_value &value, Error &error) {
  Value read;
  if (!read_value(value, read, error)) return FB_ERROR_ARGUMENT;
  return session_->turn(name, std::move(read), error) ? FB_OK : FB_ERROR_LIMIT;
}

int64_t Client::command(const char *json, Error &error) {
  Command command;
  if (!read_command(json, command, error)) return FB_ERROR_ARGUMENT;
  for (std::string &reference : command.chain) reference = located(reference);
  const int64_t ticket = session_->ask(std::move(command));
  if (ticket) return ticket;
  error = usage_error("command", "at most 16 that are unanswered", "one more",
                      "Fetch the answers with fb_answer.");
  return FB_ERROR_LIMIT;
}

fb_status Client::answer(int64_t ticket, char *json, size_t size, size_t *needed, Error &error) {
  return session_->tickets().fetch(ticket, json, size, needed, error);
}

void Client::statistics(fb_statistics &statistics) const {
  const FrameExchange &exchange = session_->exchange();
  const Counters &counters = exchange.counters;
  statistics.state = exchange.state();
  statistics.sent = counters.sent.load(std::memory_order_relaxed);
  statistics.returned = counters.returned.load(std::memory_order_relaxed);
  statistics.dropped = counters.dropped.load(std::memory_order_relaxed);
  statistics.skipped = counters.skipped.load(std::memory_order_relaxed);
  statistics.late = counters.late.load(std::memory_order_relaxed);
  statistics.withheld = counters.withheld.load(std::memory_order_relaxed);
  statistics.taken = counters.taken.load(std::memory_order_relaxed);
  statistics.lost = counters.lost.load(std::memory_order_relaxed);
  statistics.passed = counters.passed.load(std::memory_order_relaxed);
  statistics.restarts = counters.restarts.load(std::memory_order_relaxed);
  statistics.connections = counters.connections.load(std::memory_order_relaxed);
  statistics.last_sent_id = counters.last_sent_id.load(std::memory_order_relaxed);
  statistics.last_result_id = counters.last_result_id.load(std::memory_order_relaxed);
  statistics.latency_ms = counters.latency_ms.load(std::memory_order_relaxed);
  session_->formats(statistics.source, statistics.result);
}

std::string Client::last_error() const { return session_->troubles().text(); }

PinnedClient::PinnedClient(fb_client handle) : handle_(handle), client_(pin_client(handle)) {}

PinnedClient::~PinnedClient() {
  if (client_) unpin_client(handle_);
}

}  // namespace framebridge
