#ifdef _WIN32
#include <windows.h>

#include <utility>

#include "shared_memory.h"
#include "wide_text.h"

namespace framebridge {

Mapping::~Mapping() {
  if (bytes_) UnmapViewOfFile(bytes_);
}

bool Mapping::map(const std::string &name, size_t size_bytes, bool writable, std::string &found) {
  const HANDLE segment =
      OpenFileMappingW(FILE_MAP_READ | FILE_MAP_WRITE, FALSE, wide(name).c_str());
  if (!segment) {
    found = "Windows error " + std::to_string(GetLastError());
    return false;
  }
  // It fails where the segment is smaller.
  void *memory =
      MapViewOfFile(segment, writable ? FILE_MAP_WRITE : FILE_MAP_READ, 0, 0, size_bytes);
  if (!memory) found = "Windows error " + std::to_string(GetLastError());
  CloseHandle(segment);
  if (!memory) return false;
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
