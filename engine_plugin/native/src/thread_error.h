// Why the last call of this thread failed, for fb_last_error(0, ...).
#pragma once

#include <framebridge.h>

#include <string>

#include "errors.h"

namespace framebridge {

/* Keep the error for this thread. Returns `status`. */
fb_status failed(fb_status status, const Error &error);

/* FB_ERROR_HANDLE, said of this handle. */
fb_status no_such_client(fb_client handle);

/* Empty if none has. */
const char *thread_error();

}  // namespace framebridge
