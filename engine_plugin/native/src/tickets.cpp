#include "tickets.h"

#include <cstring>
#include <utility>

#include "messages.h"

namespace framebridge {

int64_t Tickets::draw() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (answers_.size() >= max_tickets) return 0;
  answers_[++last_];
  return last_;
}

void Tickets::answer(int64_t ticket, std::string json) { put(ticket, FB_OK, std::move(json)); }

void Tickets::refuse(int64_t ticket, const Error &error) { refuse(ticket, error_json(error)); }

void Tickets::refuse(int64_t ticket, std::string error_json) {
  put(ticket, FB_ERROR_BRIDGE, std::move(error_json));
}

void Tickets::put(int64_t ticket, fb_status status, std::string json) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto place = answers_.find(ticket);
  if (place == answers_.end() || place->second.status != FB_NOTHING) return;
  place->second.status = status;
  place->second.json = std::move(json);
}

fb_status Tickets::fetch(int64_t ticket, char *json, size_t size, size_t *needed, Error &error) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto place = answers_.find(ticket);
  if (place == answers_.end()) {
    error = usage_error("ticket", "one whose answer has not been fetched", std::to_string(ticket),
                        "Take it from fb_command.");
    return FB_ERROR_ARGUMENT;
  }
  const Answer &answer = place->second;
  if (answer.status == FB_NOTHING) return FB_NOTHING;
  const size_t bytes = answer.json.size() + 1;
  if (needed) *needed = bytes;
  if (!json || size < bytes) {
    error = usage_error("json", "room for " + std::to_string(bytes) + " bytes",
                        std::to_string(json ? size : 0), "Ask again with more room.");
    return FB_ERROR_LIMIT;
  }
  std::memcpy(json, answer.json.c_str(), bytes);
  const fb_status status = answer.status;
  answers_.erase(place);
  return status;
}

}  // namespace framebridge
