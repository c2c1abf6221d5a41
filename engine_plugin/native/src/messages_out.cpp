#include "json_parameters.h"
#include "messages.h"

namespace framebridge {
namespace {

Json message(const char *type, std::uint32_t request) {
  return {{"type", type}, {"request", request}};
}

Bytes packed(const Json &message) { return Json::to_msgpack(message); }

Json format_of(const fb_format &format) {
  return {
      {"width", format.width},
      {"height", format.height},
      {"pixel_format", format.pixel_format == FB_BGRA8 ? "bgra8" : "rgba8"},
      {"rows", format.rows == FB_BOTTOM_FIRST ? "bottom_first" : "top_first"},
      {"transfer", format.transfer == FB_LINEAR ? "linear" : "srgb"},
      {"alpha", format.alpha == FB_OPAQUE ? "opaque" : "straight"},
  };
}

const char *policy_of(std::int32_t policy) {
  if (policy == FB_LOCKSTEP) return "lockstep";
  return policy == FB_FREE ? "free" : "latest";
}

}  // namespace

Bytes hello_message(std::uint32_t request, const std::string &client, const std::string &token) {
  Json out = message("hello", request);
  out["protocol"] = protocol_version;
  out["client"] = client;
  out["token"] = token;
  return packed(out);
}

Bytes open_message(std::uint32_t request, const OpenRequest &open) {
  Json out = message("open", request);
  out["source"] = format_of(open.source);
  out["chain"] = open.chain;
  out["policy"] = policy_of(open.policy);
  out["parameters"] = to_json(open.parameters);
  out["label"] = open.label;
  out["rate"] = open.rate > 0 ? open.rate : 60.0;
  out["seed"] = open.seed;
  return packed(out);
}

Bytes close_message(std::uint32_t request, std::uint32_t stream) {
  Json out = message("close", request);
  out["stream"] = stream;
  return packed(out);
}

Bytes load_message(std::uint32_t request, std::uint32_t stream,
                   const std::vector<std::string> &chain) {
  Json out = message("load", request);
  out["stream"] = stream;
  out["chain"] = chain;
  return packed(out);
}

Bytes set_message(std::uint32_t request, std::uint32_t stream, const Parameters &parameters) {
  Json out = message("set", request);
  out["stream"] = stream;
  out["parameters"] = to_json(parameters);
  return packed(out);
}

Bytes reset_message(std::uint32_t request, std::uint32_t stream, std::uint32_t seed) {
  Json out = message("reset", request);
  out["stream"] = stream;
  out["seed"] = seed;
  return packed(out);
}

Bytes plain_message(std::uint32_t request, const char *type) {
  return packed(message(type, request));
}

}  // namespace framebridge
