#include "render_events.h"

#include <array>
#include <cstring>
#include <exception>
#include <memory>
#include <mutex>
#include <string>

#include "client.h"
#include "clock.h"
#include "handles.h"
#include "options.h"
#include "structs.h"
#include "thread_error.h"

namespace framebridge {
namespace {

// What a client has on the graphics device, from its first event to its last.
struct Lane {
  std::mutex in_use;
  fb_client client = 0;
  std::unique_ptr<DeviceTextures> textures;
  fb_result result{};  // the newest; its pixels stay until the next poll
  bool has_result = false;
  void *shown_in = nullptr;  // the target that shows it; null: none yet
  std::string reported;      // what fb_last_error says of the graphics
};

// Never destroyed: when a process ends, its graphics device may be gone before.
std::mutex &finding = *new std::mutex;
auto &lanes = *new std::array<std::shared_ptr<Lane>, max_clients>;

std::shared_ptr<Lane> *place_of(fb_client client) {
  for (auto &lane : lanes) {
    if (lane != nullptr && lane->client == client) return &lane;
  }
  return nullptr;
}

std::shared_ptr<Lane> take_lane(fb_client client) {
  const std::lock_guard<std::mutex> lock(finding);
  auto *place = place_of(client);
  return place == nullptr ? nullptr : std::move(*place);
}

void give_back(Lane &lane) {
  if (lane.textures != nullptr && !lane.textures->is_current()) lane.textures->abandon();
  lane.textures.reset();
}

// The client's lane, a new one if need be. Whoever was destroyed without FB_EVENT_CLOSE makes room.
std::shared_ptr<Lane> lane_of(fb_client client) {
  const std::lock_guard<std::mutex> lock(finding);
  if (auto *place = place_of(client)) return *place;
  std::shared_ptr<Lane> *free = nullptr;
  for (auto &lane : lanes) {
    if (lane != nullptr && !PinnedClient(lane->client)) {
      const std::unique_lock<std::mutex> alone(lane->in_use, std::try_to_lock);
      if (alone) {
        give_back(*lane);
        free = &lane;
      }
    } else if (lane == nullptr) {
      free = &lane;
    }
  }
  if (free == nullptr) return nullptr;
  *free = std::make_shared<Lane>();
  (*free)->client = client;
  return *free;
}

// The first error of an event counts, and otherwise what is furthest from OK.
void merge(Outcome &into, Outcome outcome) {
  if (into.failed()) return;
  if (outcome.failed() || outcome.status > into.status) into = std::move(outcome);
}

Outcome argument_error(std::string place, std::string expected, std::string found,
                       std::string remedy) {
  return {FB_ERROR_ARGUMENT,
          usage_error(std::move(place), std::move(expected), std::move(found), std::move(remedy))};
}

Outcome handle_error(fb_client client) {
  return {FB_ERROR_HANDLE,
          usage_error("fb_render_event.client", "a client that lives", std::to_string(client),
                      "It was destroyed, or never made: stop its events before fb_destroy.")};
}

Outcome busy_error() {
  return argument_error("fb_render_event.client", "events of one client one after the other",
                        "two at the same time", "Issue them on one thread.");
}

// Readings that are complete go to the bridge.
Outcome submit_complete(DeviceTextures &textures, Client &client) {
  Outcome whole;
  Readback readback;
  for (;;) {
    Outcome outcome = textures.map_oldest(readback);
    if (outcome.status == FB_NOTHING) return whole;
    if (outcome.failed()) {
      merge(whole, std::move(outcome));
      return whole;
    }
    fb_frame frame{};
    frame.size = sizeof frame;
    frame.width = readback.size.width;
    frame.height = readback.size.height;
    frame.stride = readback.stride;
    frame.frame_id = readback.frame_id;
    frame.pixels = readback.pixels;
    merge(whole, {client.submit(frame, readback.since_ns)});
    textures.give_back_oldest();
  }
}

Outcome send(const fb_render_event &event, DeviceTextures &textures, Client &client) {
  const Size size{event.width, event.height};
  if (size.width < 1 || size.width > max_side || size.height < 1 || size.height > max_side) {
    return argument_error("fb_render_event.width, height", "1 to 16384 pixels", size.text(),
                          "State the size of the source.");
  }
  const uint64_t frame_id = client.take_frame_id(event.frame_id);
  if (frame_id == 0) {
    return argument_error("fb_render_event.frame_id", "a number larger than any before, or 0",
                          std::to_string(event.frame_id), "Count frames upwards.");
  }
  if (!client.wants_frames() || !textures.can_read()) {
    client.skip(frame_id);
    return {FB_SKIPPED};
  }
  Outcome outcome = textures.begin_reading(event.source, size, frame_id, monotonic_ns());
  if (outcome.failed()) client.skip(frame_id);
  return outcome;
}

// The newest result into the target, unless that shows it already. What the target has no room for
// waits until a newer result comes, or a target that fits.
Outcome show(const fb_render_event &event, Lane &lane, Client &client) {
  if (!lane.textures->can_write()) return {};
  fb_result newest{};
  newest.size = sizeof newest;
  if (client.poll(newest) == FB_OK) {
    lane.result = newest;
    lane.has_result = true;
    lane.shown_in = nullptr;
  }
  if (!lane.has_result || lane.shown_in == event.target) return {};
  lane.shown_in = nullptr;
  const Size size{lane.result.format.width, lane.result.format.height};
  if (size != Size{event.target_width, event.target_height}) return {FB_NOTHING};
  Outcome outcome =
      lane.textures->write(event.target, size, lane.result.pixels, lane.result.stride);
  if (outcome.status == FB_OK) lane.shown_in = event.target;
  return outcome;
}

// What the event tells of the result.
void tell(fb_render_event &event, const Lane &lane, const Client &client) {
  if (lane.has_result) {
    const bool shown = event.target != nullptr && lane.shown_in == event.target;
    event.result_id = shown ? lane.result.frame_id : 0;
    event.origin = shown ? lane.result.origin : 0;
    event.result_width = lane.result.format.width;
    event.result_height = lane.result.format.height;
    return;
  }
  fb_statistics statistics{};
  client.statistics(statistics);
  event.result_width = statistics.result.width > 0 ? statistics.result.width : event.width;
  event.result_height = statistics.result.width > 0 ? statistics.result.height : event.height;
}

Outcome frame(fb_render_event &event) {
  PinnedClient client(event.client);
  if (!client) {
    const auto lane = take_lane(event.client);
    if (lane != nullptr) {
      const std::lock_guard<std::mutex> alone(lane->in_use);
      give_back(*lane);
    }
    return handle_error(event.client);
  }
  const std::shared_ptr<Lane> lane = lane_of(event.client);
  if (lane == nullptr) return busy_error();
  const std::unique_lock<std::mutex> alone(lane->in_use, std::try_to_lock);
  if (!alone) return busy_error();

  Outcome outcome;
  if (lane->textures != nullptr && !lane->textures->is_current()) {
    give_back(*lane);
    lane->shown_in = nullptr;
  }
  if (lane->textures == nullptr) {
    MadeTextures made = make_textures(client->source_format().pixel_format);
    lane->textures = std::move(made.textures);
    merge(outcome, std::move(made.outcome));
  }
  if (!outcome.failed()) {
    lane->textures->enter();
    merge(outcome, submit_complete(*lane->textures, *client));
    if (event.source != nullptr) merge(outcome, send(event, *lane->textures, *client));
    if (event.target != nullptr) merge(outcome, show(event, *lane, *client));
    lane->textures->leave();
  }
  tell(event, *lane, *client);
  const std::string text = outcome.error.text();
  if (text != lane->reported) {
    client->report_graphics(text);
    lane->reported = text;
  }
  return outcome;
}

Outcome close(const fb_render_event &event) {
  const std::shared_ptr<Lane> lane = take_lane(event.client);
  if (lane == nullptr) {
    return PinnedClient(event.client) ? Outcome{} : handle_error(event.client);
  }
  const std::lock_guard<std::mutex> alone(lane->in_use);
  give_back(*lane);
  return {};
}

Outcome run(int kind, fb_render_event &event) {
  switch (kind) {
    case FB_EVENT_FRAME:
      return frame(event);
    case FB_EVENT_CLOSE:
      return close(event);
    default:
      return argument_error("render event", "FB_EVENT_FRAME (1) or FB_EVENT_CLOSE (2)",
                            std::to_string(kind), "");
  }
}

// Only what is told: the engine may be writing the rest for its next frame.
void write_back(const fb_render_event &event, void *data) {
  uint32_t size = 0;
  if (data != nullptr) std::memcpy(&size, data, sizeof size);
  const auto put = [data, size](const auto &field, size_t offset) {
    if (offset + sizeof field <= size) {
      std::memcpy(static_cast<char *>(data) + offset, &field, sizeof field);
    }
  };
  put(event.result_id, offsetof(fb_render_event, result_id));
  put(event.origin, offsetof(fb_render_event, origin));
  put(event.result_width, offsetof(fb_render_event, result_width));
  put(event.result_height, offsetof(fb_render_event, result_height));
  put(event.status, offsetof(fb_render_event, status));
}

}  // namespace

void FB_CALL on_render_event(int kind, void *data) {
  Outcome outcome;
  fb_render_event event{};
  try {
    auto *given = static_cast<fb_render_event *>(data);
    outcome.status = check_size("fb_render_event", given, sizeof event, outcome.error);
    if (!outcome.failed()) {
      event = complete(given);
      outcome = run(kind, event);
    }
    if (outcome.failed()) failed(outcome.status, outcome.error);
  } catch (const std::exception &) {
    outcome.status = FB_ERROR_SYSTEM;  // no memory, not even for words
  }
  event.status = outcome.status;
  write_back(event, data);
}

void give_back_all() {
  const std::lock_guard<std::mutex> lock(finding);
  for (auto &lane : lanes) {
    if (lane == nullptr) continue;
    const std::lock_guard<std::mutex> alone(lane->in_use);
    give_back(*lane);
    lane->shown_in = nullptr;
  }
}

}  // namespace framebridge
