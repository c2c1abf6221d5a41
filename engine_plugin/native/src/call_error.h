// Why the last call of a thread failed, for fb_last_error(0, ...).
#pragma once

#include <string>

namespace framebridge {

/* Of the calling thread; empty for nothing. */
void set_call_error(const std::string &text);
const std::string &call_error();

}  // namespace framebridge
