#include "doorbell.h"

#include <zmq.h>

#include <utility>

#include "clock.h"

namespace framebridge {

namespace {

// Far above a doorbell message, since libzmq holds its own handshake to it.
constexpr int64_t max_size = 512;

/* Take an input slot back; false: it is none, or the worker does not have it with that frame. */
bool take_back(Epoch &epoch, const Ring &ring, uint64_t &since_ns) {
  const uint8_t slot = ring.source_slot;
  if (slot >= epoch.inputs.size() || !epoch.with_worker.test(slot)) return false;
  if (epoch.under_way[slot].frame_id != ring.frame_id) return false;
  since_ns = epoch.under_way[slot].since_ns;
  epoch.with_worker.reset(slot);
  epoch.free_inputs.push(slot);
  return true;
}

}  // namespace

std::unique_ptr<Doorbell> Doorbell::connect(std::shared_ptr<void> context,
                                            const std::string &endpoint) {
  void *socket = zmq_socket(context.get(), ZMQ_DEALER);
  if (!socket) return nullptr;
  const int at_once = 0;
  zmq_setsockopt(socket, ZMQ_LINGER, &at_once, sizeof at_once);
  zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &max_size, sizeof max_size);
  std::unique_ptr<Doorbell> doorbell(new Doorbell(std::move(context), socket));
  if (zmq_connect(socket, endpoint.c_str()) != 0) return nullptr;
  return doorbell;
}

Doorbell::Doorbell(std::shared_ptr<void> context, void *socket)
    : context_(std::move(context)), socket_(socket) {}

Doorbell::~Doorbell() { zmq_close(socket_); }

void Doorbell::send(FrameExchange &exchange) {
  Epoch *epoch = exchange.epoch();
  if (!epoch) return;
  // Results first: the worker may be waiting for a slot to write the next one into.
  uint8_t slot;
  while (exchange.next_release(slot)) release(epoch->number, slot);
  Epoch::Filled filled;
  while (exchange.next_filled(filled)) {
    const SubmitBytes bytes =
        write_submit(epoch->number, filled.slot, filled.frame_id, filled.since_ns);
    if (zmq_send(socket_, bytes.data(), bytes.size(), ZMQ_DONTWAIT) >= 0) continue;
    // Its queue holds far more than there are slots, so this is no traffic jam; but whatever it is,
    // the frame is lost and its slot is ours.
    exchange.counters.lost.fetch_add(1, std::memory_order_relaxed);
    epoch->with_worker.reset(filled.slot);
    epoch->free_inputs.push(filled.slot);
  }
}

void Doorbell::receive(FrameExchange &exchange, bool ticks_itself) {
  uint8_t bytes[max_size];
  for (;;) {
    const int size = zmq_recv(socket_, bytes, sizeof bytes, ZMQ_DONTWAIT);
    if (size < 0) return;
    const Epoch *epoch = exchange.epoch();
    const Ring ring = read_ring(bytes, static_cast<size_t>(size));
    if (!epoch || ring.epoch != epoch->number) continue;
    if (ring.kind == RingKind::done) done(exchange, ring, ticks_itself);
    if (ring.kind == RingKind::dropped) dropped(exchange, ring);
  }
}

void Doorbell::done(FrameExchange &exchange, const Ring &ring, bool ticks_itself) {
  Epoch &epoch = *exchange.epoch();
  Counters &counters = exchange.counters;
  const uint64_t now = monotonic_ns();
  uint64_t since_ns = now;
  const bool has_source = ring.source_slot != no_slot;
  if (has_source ? !take_back(epoch, ring, since_ns) : !ticks_itself) return;
  if (ring.result_slot >= epoch.ready.size() || epoch.with_client.test(ring.result_slot)) return;
  failed_frame = 0;
  epoch.with_client.set(ring.result_slot);
  Ready &ready = epoch.ready[ring.result_slot];
  ready.frame_id = ring.frame_id;
  ready.since_ns = since_ns;
  ready.model_us = ring.model_us;
  ready.chain = ring.chain;
  counters.returned.fetch_add(1, std::memory_order_relaxed);
  counters.last_result_id.store(ring.frame_id, std::memory_order_relaxed);
  if (has_source)
    counters.latency_ms.store(static_cast<double>(now - since_ns) / 1e6, std::memory_order_relaxed);
  uint8_t slot;
  if (exchange.publish(ready, slot)) release(epoch.number, slot);
}

void Doorbell::dropped(FrameExchange &exchange, const Ring &ring) {
  uint64_t since_ns;
  if (!take_back(*exchange.epoch(), ring, since_ns)) return;
  Counters &counters = exchange.counters;
  auto &counter = ring.reason == reason_taken ? counters.taken : counters.dropped;
  counter.fetch_add(1, std::memory_order_relaxed);
  if (ring.reason == reason_withheld) counters.withheld.fetch_add(1, std::memory_order_relaxed);
  if (ring.reason != reason_failed && ring.reason != reason_withheld) return;
  failed_frame = ring.frame_id;
  failed_reason = ring.reason;
}

void Doorbell::release(uint32_t epoch, uint8_t slot) {
  const ReleaseBytes bytes = write_release(epoch, slot);
  zmq_send(socket_, bytes.data(), bytes.size(), ZMQ_DONTWAIT);
}

}  // namespace framebridge
