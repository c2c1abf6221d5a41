#ifndef _WIN32
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "shared_memory.h"

namespace framebridge {

namespace {

// By the client's thread, so that the engine's first copy into a slot meets no page faults.
#ifdef MAP_POPULATE
constexpr int touched_at_once = MAP_POPULATE;
#else
constexpr int touched_at_once = 0;
#endif

}  // namespace

Mapping::~Mapping() {
  if (bytes_) munmap(bytes_, size_bytes_);
}

bool Mapping::map(const std::string &name, size_t size_bytes, bool writable, std::string &found) {
  const int fd = shm_open(("/" + name).c_str(), O_RDWR | O_CLOEXEC, 0);
  if (fd < 0) {
    found = std::strerror(errno);
    return false;
  }
  struct stat status = {};
  void *memory = MAP_FAILED;
  if (fstat(fd, &status) != 0) {
    found = std::strerror(errno);
  } else if (status.st_size < 0 || static_cast<uint64_t>(status.st_size) < size_bytes) {
    // To touch what lies beyond would be a SIGBUS in the engine.
    found = std::to_string(status.st_size) + " bytes";
  } else {
    const int access = writable ? PROT_READ | PROT_WRITE : PROT_READ;
    memory = mmap(nullptr, size_bytes, access, MAP_SHARED | touched_at_once, fd, 0);
    if (memory == MAP_FAILED) found = std::strerror(errno);
  }
  close(fd);
  if (memory == MAP_FAILED) return false;
  Mapping mapped;
  mapped.bytes_ = static_cast<uint8_t *>(memory);
  mapped.size_bytes_ = size_bytes;
  *this = std::move(mapped);
  return true;
}

Mapping::Mapping(Mapping &&other) noexcept { *this = std::move(other); }

Mapping &Mapping::operator=(Mapping &&other) noexcept {
  std::swap(bytes_, other.bytes_);
  std::swap(size_bytes_, other.size_bytes_);
  return *this;
}

}  // namespace framebridge
#endif
