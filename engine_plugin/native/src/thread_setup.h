// How a thread of the library is a good guest in the engine's process.
#pragma once

namespace framebridge {

/* While it lives, signals go to other threads; a thread that is started meanwhile keeps that. */
class SignalsBlocked {
 public:
  SignalsBlocked();
  ~SignalsBlocked();
  SignalsBlocked(const SignalsBlocked &) = delete;
  SignalsBlocked &operator=(const SignalsBlocked &) = delete;
};

/* For debuggers and profilers. At most 15 characters. */
void name_this_thread(const char *name);

}  // namespace framebridge
