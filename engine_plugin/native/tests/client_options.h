// What the test programs ask for, unless they ask for something else.
#pragma once

#include <framebridge.h>

#include <cstdint>
#include <string>
#include <vector>

inline fb_options client_options(int32_t width = 64, int32_t height = 48,
                                 const char *model = "passthrough") {
  fb_options options{};
  options.size = sizeof options;
  options.abi_version = FB_ABI_VERSION;
  options.source.size = sizeof options.source;
  options.source.width = width;
  options.source.height = height;
  options.model = model;
  options.client_name = "test program";
  return options;
}

/* A frame of one value, and the struct that shows it; valid as long as it is. */
struct TestFrame {
  TestFrame(int32_t width, int32_t height, uint8_t value)
      : bytes(static_cast<size_t>(width) * static_cast<size_t>(height) * 4, value) {
    frame.size = sizeof frame;
    frame.width = width;
    frame.height = height;
    frame.pixels = bytes.data();
  }

  std::vector<uint8_t> bytes;
  fb_frame frame{};
};

inline fb_result empty_result() {
  fb_result result{};
  result.size = sizeof result;
  return result;
}

inline fb_statistics statistics_of(fb_client client) {
  fb_statistics statistics{};
  statistics.size = sizeof statistics;
  fb_get_statistics(client, &statistics);
  return statistics;
}

inline std::string last_error(fb_client client) {
  char text[4096] = "";
  fb_last_error(client, text, sizeof text);
  return text;
}
