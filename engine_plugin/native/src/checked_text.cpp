#include "checked_text.h"

#include <cstdint>

namespace framebridge {
namespace {

// How many bytes the character takes that begins with this byte; 0 if none does.
std::size_t length_of(std::uint8_t first) {
  if (first < 0x80) return 1;
  if (first < 0xc2) return 0;
  if (first < 0xe0) return 2;
  if (first < 0xf0) return 3;
  return first < 0xf5 ? 4 : 0;
}

}  // namespace

std::size_t count_characters(const std::string &text) {
  std::size_t characters = 0;
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = [&](std::size_t at) { return static_cast<std::uint8_t>(text[at]); };
    const std::size_t length = length_of(byte(i));
    if (length == 0 || length > text.size() - i) return std::string::npos;
    for (std::size_t k = 1; k < length; ++k) {
      if ((byte(i + k) & 0xc0) != 0x80) return std::string::npos;
    }
    // Longer forms than need be, halves of surrogate pairs, and what is beyond U+10FFFF.
    if (length == 3 && ((byte(i) == 0xe0 && byte(i + 1) < 0xa0) ||
                        (byte(i) == 0xed && byte(i + 1) >= 0xa0))) {
      return std::string::npos;
    }
    if (length == 4 && ((byte(i) == 0xf0 && byte(i + 1) < 0x90) ||
                        (byte(i) == 0xf4 && byte(i + 1) >= 0x90))) {
      return std::string::npos;
    }
    i += length;
    ++characters;
  }
  return characters;
}

bool check_text(const char *place, const std::string &text, std::size_t max_characters,
                Error &error) {
  const std::size_t characters = count_characters(text);
  const char *found = nullptr;
  if (characters == std::string::npos) {
    found = "other bytes";
  } else if (text.find('\0') != std::string::npos) {
    found = "a zero byte in it";
  } else if (characters > max_characters) {
    error = usage_error(place, "at most " + std::to_string(max_characters) + " characters",
                        std::to_string(characters), "Shorten it.");
    return false;
  }
  if (found != nullptr) error = usage_error(place, "text in UTF-8", found);
  return found == nullptr;
}

}  // namespace framebridge
