#ifdef _WIN32
#include <winsock2.h>
#include <ws2tcpip.h>

#include "waker.h"

namespace framebridge {

namespace {

/* Two ends of a loopback connection: Windows has no handle of another kind that can be polled
 * together with ZeroMQ's sockets. */
bool connected_pair(SOCKET &read, SOCKET &write) {
  const SOCKET listener = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
  if (listener == INVALID_SOCKET) return false;
  sockaddr_in here = {};
  here.sin_family = AF_INET;
  here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int length = sizeof here;
  const auto address = reinterpret_cast<sockaddr *>(&here);
  write = read = INVALID_SOCKET;
  if (bind(listener, address, length) == 0 && listen(listener, 1) == 0 &&
      getsockname(listener, address, &length) == 0) {
    write = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
    if (write != INVALID_SOCKET && connect(write, address, length) == 0)
      read = accept(listener, nullptr, nullptr);
  }
  closesocket(listener);
  sockaddr_in caller = {}, own = {};
  int size = sizeof caller, own_size = sizeof own;
  // Another process may have been quicker to connect to the port.
  const bool ours = read != INVALID_SOCKET &&
                    getpeername(read, reinterpret_cast<sockaddr *>(&caller), &size) == 0 &&
                    getsockname(write, reinterpret_cast<sockaddr *>(&own), &own_size) == 0 &&
                    caller.sin_port == own.sin_port;
  if (ours) return true;
  if (read != INVALID_SOCKET) closesocket(read);
  if (write != INVALID_SOCKET) closesocket(write);
  return false;
}

}  // namespace

Waker::Waker() {
  WSADATA data;
  if (WSAStartup(MAKEWORD(2, 2), &data) != 0) return;
  SOCKET read, write;
  if (!connected_pair(read, write)) {
    WSACleanup();
    return;
  }
  u_long on = 1;
  ioctlsocket(read, FIONBIO, &on);
  ioctlsocket(write, FIONBIO, &on);
  const BOOL at_once = TRUE;
  setsockopt(write, IPPROTO_TCP, TCP_NODELAY, reinterpret_cast<const char *>(&at_once),
             sizeof at_once);
  read_ = read;
  write_ = write;
}

Waker::~Waker() {
  if (read_ == no_handle) return;
  closesocket(read_);
  closesocket(write_);
  WSACleanup();
}

void Waker::ring() {
  const char byte = 1;
  send(write_, &byte, 1, 0);
}

void Waker::clear() {
  char bytes[64];
  while (recv(read_, bytes, sizeof bytes, 0) == sizeof bytes) {
  }
  woken_.exchange(false, std::memory_order_acq_rel);
}

}  // namespace framebridge
#endif
