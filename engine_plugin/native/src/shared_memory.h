// Slots that the bridge has made, mapped into this process. Nothing is made or removed here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace framebridge {

/* Unmapped when it goes; the memory stays valid until then, whoever has died meanwhile. */
class Mapping {
 public:
  Mapping() = default;
  ~Mapping();
  Mapping(Mapping &&other) noexcept;
  Mapping &operator=(Mapping &&other) noexcept;

  /* Map `size_bytes` of the segment `name`. False, and why in `found`: there is none, or it is
   * smaller. */
  bool map(const std::string &name, size_t size_bytes, bool writable, std::string &found);

  uint8_t *bytes() const { return bytes_; }

 private:
  uint8_t *bytes_ = nullptr;
  size_t size_bytes_ = 0;
};

}  // namespace framebridge
