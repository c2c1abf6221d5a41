#include "thread_error.h"

#include <algorithm>
#include <cstring>

namespace framebridge {

namespace {

// An array and not a string: a string would have to be destroyed when a thread of the engine ends,
// and the library may be gone by then.
thread_local char text_now[1024];

}  // namespace

fb_status failed(fb_status status, const Error &error) {
  const std::string text = error.text();
  size_t length = std::min(text.size(), sizeof text_now - 1);
  // Not in the middle of a character.
  while (length < text.size() && length > 0 && (text[length] & 0xc0) == 0x80) --length;
  std::memcpy(text_now, text.data(), length);
  text_now[length] = '\0';
  return status;
}

fb_status no_such_client(fb_client handle) {
  return failed(FB_ERROR_HANDLE,
                usage_error("client", "the handle of a client that lives", std::to_string(handle),
                            "Take it from fb_create, and not after fb_destroy."));
}

const char *thread_error() { return text_now; }

}  // namespace framebridge
