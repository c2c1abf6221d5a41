#include "thread_setup.h"

#ifndef _WIN32
#include <pthread.h>
#include <signal.h>

#include <initializer_list>
#endif

namespace framebridge {

#ifdef _WIN32

SignalsBlocked::SignalsBlocked() {}
SignalsBlocked::~SignalsBlocked() {}
void name_this_thread(const char *) {}

#else

namespace {

// The mask of the thread before; the object lives for the length of a call, on that thread.
thread_local sigset_t before;

}  // namespace

SignalsBlocked::SignalsBlocked() {
  sigset_t blocked;
  sigfillset(&blocked);
  // A fault must end the process where it happens.
  for (int fault : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP}) sigdelset(&blocked, fault);
  pthread_sigmask(SIG_SETMASK, &blocked, &before);
}

SignalsBlocked::~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before, nullptr); }

void name_this_thread(const char *name) {
#ifdef __APPLE__
  pthread_setname_np(name);
#else
  pthread_setname_np(pthread_self(), name);
#endif
}

#endif

}  // namespace framebridge
