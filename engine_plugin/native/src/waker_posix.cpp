#ifndef _WIN32
#include <fcntl.h>
#include <unistd.h>

#include "waker.h"
#ifdef __linux__
#include <sys/eventfd.h>
#endif

namespace framebridge {

#ifdef __linux__

Waker::Waker() { read_ = write_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

Waker::~Waker() {
  if (read_ != no_handle) close(read_);
}

#else

Waker::Waker() {
  int ends[2];
  if (pipe(ends) != 0) return;
  for (int end : ends) {
    fcntl(end, F_SETFD, FD_CLOEXEC);
    fcntl(end, F_SETFL, O_NONBLOCK);
  }
  read_ = ends[0];
  write_ = ends[1];
}

Waker::~Waker() {
  if (read_ == no_handle) return;
  close(read_);
  close(write_);
}

#endif

void Waker::ring() {
  const uint64_t one = 1;  // eight bytes, as an eventfd wants them
  // A full pipe is readable, too.
  [[maybe_unused]] const ssize_t written = write(write_, &one, sizeof one);
}

void Waker::clear() {
  uint64_t bytes[8];
  while (read(read_, bytes, sizeof bytes) == sizeof bytes) {
  }
  // Only now, and by an exchange: whatever was left by those whose wake this takes back is seen.
  woken_.exchange(false, std::memory_order_acq_rel);
}

}  // namespace framebridge
#endif
