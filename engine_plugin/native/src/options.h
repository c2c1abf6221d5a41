// What a client has been asked to be: fb_options, checked and copied.
#pragma once

#include <framebridge.h>

#include <string>
#include <vector>

#include "discovery.h"
#include "messages.h"

namespace framebridge {

constexpr int32_t max_side = 16384;

struct Options {
  OpenRequest open;
  int32_t when_gone = FB_PASS_THROUGH;
  bool every = false;
  std::string client_name;
  Discovery discovery = Discovery::of_this_user();
  std::vector<std::string> start_words;  // empty: none is started
  bool shared = false;
};

/* Returns OK; else ARGUMENT or LIMIT, and an error. `given` is complete: see structs.h. */
fb_status read_options(const fb_options &given, Options &options, Error &error);

/* A package's name as it is, a path absolute: the bridge has another working folder. */
std::string located(const std::string &reference);

}  // namespace framebridge
