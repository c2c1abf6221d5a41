#include "stream.h"

#include <algorithm>
#include <utility>

#include "clock.h"
#include "log.h"

namespace framebridge {

namespace {

constexpr uint64_t first_pause_ns = second_ns;
constexpr uint64_t longest_pause_ns = 5 * second_ns;
constexpr const char *ok_json = "{\"type\":\"ok\"}";

Error gone() { return not_running("stream", "a bridge that has gone"); }

}  // namespace

Stream::Stream(OpenRequest wanted, std::shared_ptr<void> context, FrameExchange &exchange,
               Knobs &knobs, Tickets &tickets, Troubles &troubles)
    : wanted_(std::move(wanted)),
      context_(std::move(context)),
      exchange_(exchange),
      knobs_(knobs),
      tickets_(tickets),
      troubles_(troubles),
      pause_ns_(first_pause_ns) {}

void Stream::connected(Connection &connection) {
  pause_ns_ = first_pause_ns;
  open(connection);
}

void Stream::disconnected(int32_t state) {
  end_epoch(state);
  number_ = open_request_ = set_request_ = load_request_ = reset_request_ = 0;
  again_at_ = never;
  knobs_.unanswered();
  for (int64_t *ticket : {&load_ticket_, &reset_ticket_}) {
    if (*ticket) tickets_.refuse(*ticket, gone());
    *ticket = 0;
  }
}

void Stream::carry_on(Connection &connection, uint64_t now) {
  if (!open_request_ && size_has_changed()) {
    // One open at a time: while a window is being drawn larger, sizes in between are left out.
    if (number_) close(connection);
    open(connection);
  } else if (now >= again_at_) {
    if (number_) close(connection);
    open(connection);
  }
  if (exchange_.epoch() && number_ && !set_request_ && knobs_.any()) {
    set_request_ = connection.next_request();
    connection.send(set_message(set_request_, number_, knobs_.take()));
  }
}

bool Stream::size_has_changed() {
  int32_t width, height;
  exchange_.wanted_size(width, height);
  const bool changed = width != wanted_.source.width || height != wanted_.source.height;
  wanted_.source.width = width;
  wanted_.source.height = height;
  return changed;
}

void Stream::open(Connection &connection) {
  size_has_changed();
  again_at_ = never;
  exchange_.set_state(FB_OPENING);
  OpenRequest request = wanted_;
  if (without_knobs_) {
    request.parameters.clear();
  } else {
    // Those that were turned while there was no stream. More than one message can carry wait.
    for (auto &[name, value] : knobs_.take()) {
      Error ignored;
      put_parameter(request.parameters, name, value, ignored);
    }
  }
  open_request_ = connection.next_request();
  connection.send(open_message(open_request_, request));
}

void Stream::close(Connection &connection) {
  end_epoch(FB_OPENING);
  connection.send(close_message(connection.next_request(), number_));
  number_ = set_request_ = 0;
  knobs_.unanswered();
}

void Stream::take(Connection &connection, const Message &message) {
  const bool refusal = message.kind == MessageKind::error;
  if (!message.request) {
    if (!number_ || message.stream_number != number_) return;
    if (message.kind == MessageKind::stream) {
      description_ = message.json;
      adopt(message.stream);
    } else if (message.kind == MessageKind::paused) {
      paused(message);
    }
  } else if (message.request == open_request_) {
    opened(connection, message);
  } else if (message.request == set_request_) {
    knobs_answered(message);
  } else if (message.request == load_request_) {
    load_request_ = 0;
    if (refusal)
      tickets_.refuse(load_ticket_, message.json);
    else
      tickets_.answer(load_ticket_, message.json);
    if (!refusal) knobs_are_right();
    load_ticket_ = 0;
  } else if (message.request == reset_request_) {
    reset_request_ = 0;
    if (refusal)
      tickets_.refuse(reset_ticket_, message.json);
    else
      tickets_.answer(reset_ticket_, message.json);
    reset_ticket_ = 0;
  }
}

void Stream::opened(Connection &connection, const Message &message) {
  open_request_ = 0;
  if (message.kind == MessageKind::error) {
    refused(connection, message.error);
    return;
  }
  if (message.kind != MessageKind::stream) return;
  if (without_knobs_) {
    // Now each for itself, so that those that there are get their value.
    without_knobs_ = false;
    knobs_.again(wanted_.parameters);
  } else {
    knobs_.accepted();
    knobs_are_right();
  }
  if (open_ticket_) tickets_.answer(open_ticket_, ok_json);
  open_ticket_ = 0;
  number_ = message.stream.stream;
  description_ = message.json;
  pause_ns_ = first_pause_ns;
  adopt(message.stream);
}

void Stream::refused(Connection &connection, const Error &error) {
  if (error.code == "FB-E021" && !without_knobs_) {
    troubles_.set(Troubles::knob, error);
    without_knobs_ = true;
    knobs_.unanswered();
    open(connection);
    return;
  }
  without_knobs_ = false;
  knobs_.unanswered();
  troubles_.set(Troubles::stream, error);
  exchange_.set_state(FB_FAILED);
  if (open_ticket_) tickets_.refuse(open_ticket_, error);
  open_ticket_ = 0;
  again_at_ = monotonic_ns() + pause_ns_;
  pause_ns_ = std::min(pause_ns_ * 2, longest_pause_ns);
}

void Stream::adopt(const StreamDescription &description) {
  // Whoever changed it: this is what to open again after the bridge was gone.
  wanted_.chain = description.references;
  wanted_.parameters = description.parameters;
  wanted_.seed = description.seed;
  const Epoch *epoch = exchange_.epoch();
  if (epoch && epoch->number == description.epoch) return;
  if (description.source.format.width != wanted_.source.width ||
      description.source.format.height != wanted_.source.height) {
    end_epoch(FB_FAILED);
    troubles_.set(Troubles::stream,
                  protocol_error("stream.source", "the size that was asked for", "another"));
    again_at_ = monotonic_ns() + longest_pause_ns;
    return;
  }
  int32_t width, height;
  exchange_.wanted_size(width, height);
  if (description.source.format.width != width || description.source.format.height != height) {
    // Of no use any more; carry_on opens another.
    end_epoch(FB_OPENING);
    return;
  }
  Error error;
  auto mapped = Epoch::map(description, error);
  auto doorbell = mapped ? Doorbell::connect(context_, description.doorbell) : nullptr;
  if (!doorbell) {
    if (mapped) error = system_error("doorbell", "a connection", description.doorbell);
    end_epoch(FB_PAUSED);
    troubles_.set(Troubles::stream, error);
    // If the slots are gone another epoch is on its way; if it is our own fault, none is.
    again_at_ = monotonic_ns() + second_ns;
    return;
  }
  again_at_ = never;
  source_ = description.source.format;
  result_ = description.result.format;
  doorbell_ = std::move(doorbell);
  exchange_.begin(std::move(mapped));
  exchange_.set_state(FB_LIVE);
  troubles_.clear(Troubles::stream);
  troubles_.clear(Troubles::frame);
  log(FB_INFO, "stream " + std::to_string(number_) + " is live, epoch " +
                   std::to_string(description.epoch) + ", on " + description.provider +
                   (description.note.empty() ? "" : "; " + description.note));
}

void Stream::end_epoch(int32_t state) {
  // The state first: what the poller is given in place of results is offered after that.
  exchange_.set_state(state);
  exchange_.end();
  doorbell_.reset();
}

void Stream::paused(const Message &message) {
  end_epoch(message.final ? FB_FAILED : FB_PAUSED);
  again_at_ = never;
  troubles_.set(Troubles::stream, message.error);
}

void Stream::knobs_answered(const Message &message) {
  set_request_ = 0;
  const Parameters turned = knobs_.under_way();
  if (message.kind != MessageKind::error) {
    knobs_.accepted();
    // It is told until that very knob is turned as it may be, or the model is another.
    if (turned.count(refused_knob_)) knobs_are_right();
  } else if (knobs_.refused() && !turned.empty()) {
    refused_knob_ = turned.begin()->first;
    troubles_.set(Troubles::knob, message.error);
  }
}

void Stream::knobs_are_right() {
  refused_knob_.clear();
  troubles_.clear(Troubles::knob);
}

bool Stream::command(Connection *connection, const Command &command, int64_t ticket) {
  return command.kind == CommandKind::load ? load(connection, command, ticket)
                                           : reset(connection, command.seed, ticket);
}

bool Stream::load(Connection *connection, const Command &command, int64_t ticket) {
  if (load_request_ || open_request_) return false;
  if (connection && number_) {
    load_request_ = connection->next_request();
    load_ticket_ = ticket;
    connection->send(load_message(load_request_, number_, command.chain));
    return true;
  }
  // There is no stream that could go on with its old chain meanwhile.
  wanted_.chain = command.chain;
  wanted_.parameters.clear();
  if (open_ticket_)
    tickets_.refuse(open_ticket_, usage_error("load", "one at a time", "another one after it"));
  open_ticket_ = ticket;
  if (connection) open(*connection);
  return true;
}

bool Stream::reset(Connection *connection, uint32_t seed, int64_t ticket) {
  if (reset_request_ || open_request_) return false;
  if (connection && number_) {
    reset_request_ = connection->next_request();
    reset_ticket_ = ticket;
    connection->send(reset_message(reset_request_, number_, seed));
    return true;
  }
  wanted_.seed = seed;
  tickets_.answer(ticket, ok_json);
  return true;
}

}  // namespace framebridge
