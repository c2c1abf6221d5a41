// Messages for people, to the function that the engine has set.
#pragma once

#include <framebridge.h>

#include <string>

namespace framebridge {

/* By the library's own threads alone, so that no caller waits for the engine's function. */
void log(int32_t level, const std::string &text);

/* After it returns the function before is not called again. */
void set_log(fb_log_function function, void *user, int32_t least_level);

}  // namespace framebridge
