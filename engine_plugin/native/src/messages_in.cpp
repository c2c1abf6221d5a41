#include <cstdlib>
#include <cstring>
#include <utility>

#include "json_fields.h"
#include "json_parameters.h"
#include "messages.h"

namespace framebridge {
namespace {

constexpr std::int64_t max_u32 = 0xffffffff;
constexpr std::int64_t max_stride = 1 << 20;
constexpr std::int64_t max_slot_bytes = std::int64_t{1} << 34;
constexpr std::int32_t max_side = 16384;
constexpr std::size_t max_slots = 127;
constexpr std::size_t max_name_bytes = 255;
constexpr std::size_t max_note_characters = 65536;

MessageKind kind_of(const std::string &type) {
  static const struct {
    const char *type;
    MessageKind kind;
  } known[] = {
      {"welcome", MessageKind::welcome},   {"stream", MessageKind::stream},
      {"paused", MessageKind::paused},     {"ok", MessageKind::ok},
      {"state", MessageKind::state},       {"packages", MessageKind::packages},
      {"error", MessageKind::error},       {"heartbeat", MessageKind::heartbeat},
  };
  for (const auto &entry : known) {
    if (type == entry.type) return entry.kind;
  }
  return MessageKind::unknown;
}

bool read_format(const Json &map, const std::string &place, fb_format &format, Error &error) {
  Fields fields(map, place, error);
  std::int64_t width = 0, height = 0;
  format.size = sizeof(fb_format);
  if (!fields.integer("width", 1, max_side, width) ||
      !fields.integer("height", 1, max_side, height) ||
      !fields.choice("pixel_format", {"rgba8", "bgra8"}, format.pixel_format) ||
      !fields.choice("rows", {"top_first", "bottom_first"}, format.rows) ||
      !fields.choice("transfer", {"srgb", "linear"}, format.transfer) ||
      !fields.choice("alpha", {"straight", "opaque"}, format.alpha)) {
    return false;
  }
  format.width = static_cast<std::int32_t>(width);
  format.height = static_cast<std::int32_t>(height);
  return true;
}

bool read_slots(Fields &stream, const char *name, SlotsDescription &slots, Error &error) {
  const Json *map = stream.map(name);
  if (map == nullptr) return false;
  Fields fields(*map, stream.place_of(name), error);
  const Json *format = fields.map("format");
  std::int32_t transport = 0;
  std::int64_t size_bytes = 0;
  if (format == nullptr ||
      !read_format(*format, fields.place_of("format"), slots.format, error) ||
      !fields.choice("transport", {"shared_memory"}, transport) ||
      !fields.integer("stride", 4 * std::int64_t{slots.format.width}, max_stride, slots.stride) ||
      !fields.integer("size_bytes", slots.stride * slots.format.height, max_slot_bytes,
                      size_bytes) ||
      !fields.texts("names", 1, max_slots, max_name_bytes, slots.names)) {
    return false;
  }
  slots.size_bytes = static_cast<std::uint64_t>(size_bytes);
  for (const std::string &slot : slots.names) {
    // It becomes a part of a path.
    if (slot.find_first_of("/\\") != std::string::npos) {
      return fields.refuse("names", "plain names", "'" + slot + "'");
    }
  }
  return true;
}

bool read_chain(Fields &fields, StreamDescription &stream) {
  if (!fields.text("chain", 64, stream.chain)) return false;
  if (stream.chain.size() != 64 ||
      stream.chain.find_first_not_of("0123456789abcdef") != std::string::npos) {
    return fields.refuse("chain", "64 hex digits", "'" + stream.chain + "'");
  }
  const std::string first = stream.chain.substr(0, 8);
  stream.chain_number = static_cast<std::uint32_t>(std::strtoul(first.c_str(), nullptr, 16));
  return true;
}

bool read_stream(const Json &map, StreamDescription &stream, Error &error) {
  Fields fields(map, "stream", error);
  std::int64_t number = 0, epoch = 0, seed = 0;
  if (!fields.integer("stream", 1, INT32_MAX, number) ||
      !fields.integer("epoch", 1, max_u32, epoch) ||
      !fields.text("doorbell", max_reference_characters, stream.doorbell) ||
      !read_slots(fields, "source", stream.source, error) ||
      !read_slots(fields, "result", stream.result, error) ||
      !fields.text("policy", max_text_characters, stream.policy) ||
      !fields.texts("packages", 1, max_chain, max_reference_characters, stream.packages) ||
      !read_chain(fields, stream) ||
      !fields.text("backend", max_note_characters, stream.backend) ||
      !fields.text("provider", max_note_characters, stream.provider) ||
      !fields.text("note", max_note_characters, stream.note)) {
    return false;
  }
  stream.references = stream.packages;
  if (fields.has("references") &&
      !fields.texts("references", 1, max_chain, max_reference_characters, stream.references)) {
    return false;
  }
  if (fields.has("seed") && !fields.integer("seed", 0, max_u32, seed)) return false;
  const Json *parameters = fields.map("parameters");
  if (parameters == nullptr || !parameters_from(*parameters, stream.parameters, error)) {
    return false;
  }
  stream.stream = static_cast<std::uint32_t>(number);
  stream.epoch = static_cast<std::uint32_t>(epoch);
  stream.seed = static_cast<std::uint32_t>(seed);
  return true;
}

// Whatever an error lacks: it is still shown.
void read_error(const Json &map, Error &error) {
  const auto text = [&](const char *name) {
    const auto found = map.find(name);
    return found != map.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  error = {text("code"),     text("kind"),  text("place"),
           text("expected"), text("found"), text("remedy")};
  if (error.code.empty()) error.code = "FB-E000";
}

bool read_fields(const Json &map, const std::string &type, Message &message, Error &error) {
  Fields fields(map, type, error);
  std::int64_t number = 0;
  switch (message.kind) {
    case MessageKind::welcome:
      return fields.integer("protocol", 0, INT64_MAX, message.protocol) &&
             fields.text("bridge", max_text_characters, message.bridge) &&
             fields.text("run", max_text_characters, message.run);
    case MessageKind::stream:
      if (!read_stream(map, message.stream, error)) return false;
      message.stream_number = message.stream.stream;
      return true;
    case MessageKind::paused:
      if (!fields.integer("stream", 1, INT32_MAX, number) ||
          !fields.boolean("final", message.final)) {
        return false;
      }
      message.stream_number = static_cast<std::uint32_t>(number);
      [[fallthrough]];
    case MessageKind::error: {
      const Json *wrong = fields.map("error");
      if (wrong == nullptr) return false;
      read_error(*wrong, message.error);
      return true;
    }
    default:
      return true;
  }
}

}  // namespace

Error version_error(std::int64_t protocol) {
  return {"FB-E031",
          "VersionError",
          "protocol",
          "version " + std::to_string(protocol_version),
          "version " + std::to_string(protocol),
          protocol > protocol_version ? "Update this client." : "Update the sidecar."};
}

bool read_message(const void *bytes, std::size_t size, Message &message, Error &error) {
  message = {};
  Json map;
  std::string wrong = "more than " + std::to_string(max_message_bytes) + " bytes";
  if (size > max_message_bytes || !parse_bounded(bytes, size, Encoding::msgpack, map, wrong)) {
    error = protocol_error("message of the bridge", "a MessagePack map", wrong);
    return false;
  }
  if (!map.is_object()) {
    error = protocol_error("message of the bridge", "a map", "something else");
    return false;
  }
  Fields fields(map, "message of the bridge", error);
  std::int64_t request = 0;
  if (fields.has("request") && !fields.integer("request", 0, max_u32, request)) return false;
  message.request = static_cast<std::uint32_t>(request);
  std::string type;
  if (!fields.text("type", max_text_characters, type)) return false;
  message.kind = kind_of(type);
  if (!read_fields(map, type, message, error)) return false;
  map.erase("request");
  message.json = to_text(map);
  return true;
}

}  // namespace framebridge
