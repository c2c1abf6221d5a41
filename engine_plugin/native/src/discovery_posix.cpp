#ifndef _WIN32
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "discovery.h"

namespace framebridge {

namespace {

constexpr size_t max_file_bytes = 65536;

}  // namespace

// The folder that Python's tempfile would take, as the bridge does.
std::string temporary_folder() {
  for (const char *name : {"TMPDIR", "TEMP", "TMP"}) {
    const std::string named = environment(name);
    if (!named.empty() && access(named.c_str(), W_OK | X_OK) == 0) return named;
  }
  for (const char *folder : {"/tmp", "/var/tmp", "/usr/tmp"}) {
    if (access(folder, W_OK | X_OK) == 0) return folder;
  }
  return "/tmp";
}

std::string environment(const char *name) {
  const char *value = std::getenv(name);
  return value ? value : "";
}

std::string runtime_folder() {
  const std::string named = environment("FRAMEBRIDGE_RUNTIME_DIR");
  if (!named.empty()) return named;
  const std::string runtime = environment("XDG_RUNTIME_DIR");
  if (!runtime.empty()) return runtime + "/framebridge";
  return temporary_folder() + "/framebridge-" + std::to_string(getuid());
}

std::string read_published(const std::string &folder, const char *name) {
  struct stat status = {};
  if (lstat(folder.c_str(), &status) != 0) return "";
  // Somebody else's, in a place where anybody can make folders, would be a trap.
  if (status.st_uid != getuid()) return "";
  // Not blocking, in case it is a pipe.
  const int fd = open((folder + "/" + name).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return "";
  std::string text(max_file_bytes, '\0');
  const ssize_t length = read(fd, text.data(), text.size());
  close(fd);
  text.resize(length > 0 ? static_cast<size_t>(length) : 0);
  return text;
}

bool may_answer(const std::string &endpoint) {
  const std::string scheme = "ipc://";
  if (endpoint.compare(0, scheme.size(), scheme) != 0) return true;
  const std::string path = endpoint.substr(scheme.size());
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return false;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const int probe = socket(AF_UNIX, SOCK_STREAM, 0);
  if (probe < 0) return true;
  fcntl(probe, F_SETFD, FD_CLOEXEC);
  fcntl(probe, F_SETFL, O_NONBLOCK);
  const bool connects =
      connect(probe, reinterpret_cast<const sockaddr *>(&address), sizeof address) == 0 ||
      errno == EAGAIN || errno == EINPROGRESS;
  close(probe);
  return connects;
}

}  // namespace framebridge
#endif
