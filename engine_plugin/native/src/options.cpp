#include "options.h"

#include <cmath>
#include <filesystem>
#include <utility>

namespace framebridge {

namespace {

std::string text_of(const char *text) { return text ? text : ""; }

/* One of the numbers from 0 to `last`. */
bool check_choice(const char *place, int32_t value, int32_t last, Error &error) {
  if (value >= 0 && value <= last) return true;
  error = usage_error(place, "a number from 0 to " + std::to_string(last), std::to_string(value));
  return false;
}

bool check_format(const fb_format &format, Error &error) {
  for (const int32_t side : {format.width, format.height}) {
    if (side >= 1 && side <= max_side) continue;
    error = frame_error("1 to 16384 pixels each way",
                        std::to_string(format.width) + " x " + std::to_string(format.height));
    return false;
  }
  return check_choice("source.pixel_format", format.pixel_format, FB_BGRA8, error) &&
         check_choice("source.rows", format.rows, FB_BOTTOM_FIRST, error) &&
         check_choice("source.transfer", format.transfer, FB_LINEAR, error) &&
         check_choice("source.alpha", format.alpha, FB_OPAQUE, error);
}

}  // namespace

std::string located(const std::string &reference) {
#ifdef _WIN32
  const bool path = reference.find_first_of("/\\") != std::string::npos;
#else
  const bool path = reference.find('/') != std::string::npos;
#endif
  if (!path && reference.compare(0, 1, ".") != 0) return reference;
  std::error_code failed;
  const auto absolute = std::filesystem::absolute(std::filesystem::u8path(reference), failed);
  return failed ? reference : absolute.u8string();
}

fb_status read_options(const fb_options &given, Options &options, Error &error) {
  if (!check_format(given.source, error)) return FB_ERROR_ARGUMENT;
  if (!check_choice("policy", given.policy, FB_FREE, error) ||
      !check_choice("when_gone", given.when_gone, FB_CLEAR, error) ||
      !check_choice("every", given.every, 1, error) ||
      !check_choice("shared", given.shared, 1, error) ||
      !check_choice("reserved", given.reserved, 0, error))
    return FB_ERROR_ARGUMENT;
  const bool rate_is_right =
      given.rate == 0 || (std::isfinite(given.rate) && given.rate >= 0.1 && given.rate <= 1000);
  if (!rate_is_right) {
    error = usage_error("rate", "0.1 to 1000 ticks a second, or 0", std::to_string(given.rate));
    return FB_ERROR_ARGUMENT;
  }
  if (!given.model || !*given.model) {
    error = usage_error("model", "a package's name, or the path of its folder", "none");
    return FB_ERROR_ARGUMENT;
  }
  OpenRequest &open = options.open;
  open.source = given.source;
  open.source.size = sizeof open.source;
  open.policy = given.policy;
  open.rate = given.rate;
  open.seed = given.seed;
  open.label = text_of(given.label);
  open.chain = {located(given.model)};
  options.client_name = text_of(given.client_name);
  options.when_gone = given.when_gone;
  options.every = given.every == 1;
  options.shared = given.shared == 1;
  const std::string token = text_of(given.token);
  if (!check_text("model", open.chain[0], max_reference_characters, error) ||
      !check_text("client_name", options.client_name, max_text_characters, error) ||
      !check_text("label", open.label, max_text_characters, error) ||
      !check_text("token", token, max_text_characters, error))
    return FB_ERROR_LIMIT;
  if (!read_parameters(given.parameters, open.parameters, error)) return FB_ERROR_ARGUMENT;
  if (given.start_command && *given.start_command &&
      !read_words(given.start_command, options.start_words, error))
    return FB_ERROR_ARGUMENT;
  if (given.endpoint && *given.endpoint) {
    Address named;
    named.endpoint = given.endpoint;
    named.token = token;
    if (!check_text("endpoint", named.endpoint, max_reference_characters, error))
      return FB_ERROR_LIMIT;
    options.discovery = Discovery(named);
  }
  return FB_OK;
}

}  // namespace framebridge
