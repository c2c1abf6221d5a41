// Wakes the client's thread out of zmq_poll, from any other thread.
#pragma once

#include <atomic>
#include <cstdint>

namespace framebridge {

class Waker {
 public:
#ifdef _WIN32
  using Handle = uintptr_t;  // a SOCKET
  static constexpr Handle no_handle = ~static_cast<Handle>(0);
#else
  using Handle = int;
  static constexpr Handle no_handle = -1;
#endif

  Waker();
  ~Waker();
  Waker(const Waker &) = delete;
  Waker &operator=(const Waker &) = delete;

  /* False: the system gave no handle. */
  bool usable() const { return read_ != no_handle; }

  /* What zmq_poll looks at: readable once somebody has called wake. */
  Handle handle() const { return read_; }

  /* Never waits. What the caller wrote before is seen by the thread after its clear. */
  void wake() {
    if (!woken_.exchange(true, std::memory_order_acq_rel)) ring();
  }

  /* By the thread, before it looks at what others have left for it. */
  void clear();

 private:
  void ring();

  Handle read_ = no_handle;
  Handle write_ = no_handle;
  // Most wakes find one under way already, and need no system call.
  std::atomic<bool> woken_{false};
};

}  // namespace framebridge
