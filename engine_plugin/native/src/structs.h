// Structs of the contract, whose callers may have an older or a newer header than ours.
#pragma once

#include <framebridge.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>

#include "errors.h"

namespace framebridge {

/* Whether a struct of the size that it states can be taken; else ARGUMENT or VERSION, and an error.
 * What is known of it has `known` bytes. */
inline fb_status check_size(const char *name, const void *given, size_t known, Error &error) {
  if (!given) {
    error = usage_error(name, "a struct", "a null pointer");
    return FB_ERROR_ARGUMENT;
  }
  uint32_t size;
  std::memcpy(&size, given, sizeof size);
  constexpr uint32_t most = 4096;
  if (size < sizeof size || size > most) {
    error = usage_error(std::string(name) + ".size", "sizeof of the struct, 4 to 4096",
                        std::to_string(size));
    return FB_ERROR_ARGUMENT;
  }
  const auto *bytes = static_cast<const unsigned char *>(given);
  if (size > known && std::any_of(bytes + known, bytes + size, [](unsigned char b) { return b; })) {
    error = usage_error(name, "the struct of ABI version " + std::to_string(FB_ABI_VERSION),
                        "a newer one, with something set in it that this library does not know",
                        "Update the library, or build with its own header.");
    return FB_ERROR_VERSION;
  }
  return FB_OK;
}

/* A copy of `given` that is complete: what an older one lacks is zero. Its size has been checked.
 */
template <typename Struct>
Struct complete(const Struct *given) {
  Struct whole{};
  std::memcpy(&whole, given, std::min<size_t>(given->size, sizeof whole));
  whole.size = sizeof whole;
  return whole;
}

/* Write as much of `whole` as the caller's struct has room for. */
template <typename Struct>
void give(const Struct &whole, Struct *given) {
  const uint32_t size = given->size;
  std::memcpy(given, &whole, std::min<size_t>(size, sizeof whole));
  given->size = size;
}

}  // namespace framebridge
