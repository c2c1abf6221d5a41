#include "log.h"

#include <atomic>
#include <mutex>

namespace framebridge {

namespace {

// Recursive, since the function may set another; never destroyed, since threads may outlast it.
std::recursive_mutex &calling = *new std::recursive_mutex;
fb_log_function function_now = nullptr;
void *user_now = nullptr;
std::atomic<int32_t> least{FB_ERROR + 1};

}  // namespace

void log(int32_t level, const std::string &text) {
  if (level < least.load(std::memory_order_relaxed)) return;
  const std::lock_guard<std::recursive_mutex> lock(calling);
  if (function_now) function_now(level, text.c_str(), user_now);
}

void set_log(fb_log_function function, void *user, int32_t least_level) {
  const std::lock_guard<std::recursive_mutex> lock(calling);
  function_now = function;
  user_now = user;
  least.store(function ? least_level : FB_ERROR + 1, std::memory_order_relaxed);
}

}  // namespace framebridge
