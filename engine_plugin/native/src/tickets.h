// Answers to commands: a ticket for each, until its answer has been fetched.
#pragma once

#include <framebridge.h>

#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "errors.h"

namespace framebridge {

constexpr size_t max_tickets = 16;

/* For any thread; never waits for more than the copy of an answer. */
class Tickets {
 public:
  /* Above 0; 0 when too many are unanswered. */
  int64_t draw();

  void answer(int64_t ticket, std::string json);
  void refuse(int64_t ticket, const Error &error);
  void refuse(int64_t ticket, std::string error_json);

  /* As fb_answer. */
  fb_status fetch(int64_t ticket, char *json, size_t size, size_t *needed, Error &error);

 private:
  struct Answer {
    fb_status status = FB_NOTHING;
    std::string json;
  };
  void put(int64_t ticket, fb_status status, std::string json);

  std::mutex mutex_;
  int64_t last_ = 0;
  std::map<int64_t, Answer> answers_;
};

}  // namespace framebridge
