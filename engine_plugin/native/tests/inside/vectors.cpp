// Runs engine_plugin/vectors through the codec. The folder is the first word.
#include <fstream>
#include <string>
#include <vector>

#include "bounded_json.h"
#include "checks.h"
#include "messages.h"
#include "wire.h"

using framebridge::Json;
using framebridge::Message;
using framebridge::MessageKind;

namespace {

Json load(const std::string &path) {
  std::ifstream file(path);
  return Json::parse(file);
}

std::vector<std::uint8_t> bytes_of(const Json &entry) {
  const auto hex = entry["hex"].get<std::string>();
  std::vector<std::uint8_t> bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    bytes.push_back(static_cast<std::uint8_t>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

template <typename Number>
Number number(const Json &fields, const char *name) {
  return fields[name].get<Number>();
}

template <typename Array>
bool same(const Array &written, const std::vector<std::uint8_t> &bytes) {
  return std::vector<std::uint8_t>(written.begin(), written.end()) == bytes;
}

void check_doorbell(const Json &entry) {
  const auto name = entry["name"].get<std::string>();
  const Json &fields = entry["fields"];
  const auto kind = fields["kind"].get<std::string>();
  const auto bytes = bytes_of(entry);
  const auto epoch = number<std::uint32_t>(fields, "epoch");
  const framebridge::Ring ring = framebridge::read_ring(bytes.data(), bytes.size());
  if (kind == "submit") {
    checks::expect(same(framebridge::write_submit(epoch, number<std::uint8_t>(fields, "slot"),
                                                  number<std::uint64_t>(fields, "frame_id"),
                                                  number<std::uint64_t>(fields, "time_ns")),
                        bytes), name);
    checks::expect(ring.kind == framebridge::RingKind::none, name + ": not from a worker");
  } else if (kind == "release") {
    checks::expect(
        same(framebridge::write_release(epoch, number<std::uint8_t>(fields, "slot")), bytes), name);
    checks::expect(ring.kind == framebridge::RingKind::none, name + ": not from a worker");
  } else if (kind == "done") {
    checks::expect(ring.kind == framebridge::RingKind::done && ring.epoch == epoch &&
                       ring.source_slot == number<std::uint8_t>(fields, "source_slot") &&
                       ring.result_slot == number<std::uint8_t>(fields, "result_slot") &&
                       ring.frame_id == number<std::uint64_t>(fields, "frame_id") &&
                       ring.model_us == number<std::uint32_t>(fields, "model_us") &&
                       ring.chain == number<std::uint32_t>(fields, "chain"), name);
  } else {
    checks::expect(kind == "dropped" && ring.kind == framebridge::RingKind::dropped &&
                       ring.epoch == epoch &&
                       ring.source_slot == number<std::uint8_t>(fields, "slot") &&
                       ring.frame_id == number<std::uint64_t>(fields, "frame_id") &&
                       ring.reason == number<std::uint8_t>(fields, "reason"), name);
  }
}

std::int32_t index_of(const Json &word, const std::vector<const char *> &words) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (word == words[i]) return static_cast<std::int32_t>(i);
  }
  return -1;
}

fb_format format_from(const Json &json) {
  fb_format format{};
  format.width = number<std::int32_t>(json, "width");
  format.height = number<std::int32_t>(json, "height");
  format.pixel_format = index_of(json["pixel_format"], {"rgba8", "bgra8"});
  format.rows = index_of(json["rows"], {"top_first", "bottom_first"});
  format.transfer = index_of(json["transfer"], {"srgb", "linear"});
  format.alpha = index_of(json["alpha"], {"straight", "opaque"});
  return format;
}

framebridge::Parameters parameters_from(const Json &json) {
  framebridge::Parameters parameters;
  framebridge::Error error;
  CHECK(framebridge::read_parameters(json.dump().c_str(), parameters, error));
  return parameters;
}

framebridge::Bytes written(const Json &fields) {
  const auto type = fields["type"].get<std::string>();
  const auto request = number<std::uint32_t>(fields, "request");
  const auto stream = fields.value("stream", 0u);
  const auto chain = fields.value("chain", std::vector<std::string>{});
  if (type == "hello") {
    return framebridge::hello_message(request, fields["client"], fields["token"]);
  }
  if (type == "open") {
    framebridge::OpenRequest open;
    open.source = format_from(fields["source"]);
    open.chain = chain;
    open.policy = index_of(fields["policy"], {"latest", "lockstep", "free"});
    open.parameters = parameters_from(fields["parameters"]);
    open.label = fields["label"];
    open.rate = fields["rate"];
    open.seed = number<std::uint32_t>(fields, "seed");
    return framebridge::open_message(request, open);
  }
  if (type == "close") return framebridge::close_message(request, stream);
  if (type == "load") return framebridge::load_message(request, stream, chain);
  if (type == "set") {
    return framebridge::set_message(request, stream, parameters_from(fields["parameters"]));
  }
  if (type == "reset") {
    return framebridge::reset_message(request, stream, number<std::uint32_t>(fields, "seed"));
  }
  return framebridge::plain_message(request, type.c_str());
}

bool same_format(const fb_format &read, const Json &json) {
  const fb_format format = format_from(json);
  return read.width == format.width && read.height == format.height &&
         read.pixel_format == format.pixel_format && read.rows == format.rows &&
         read.transfer == format.transfer && read.alpha == format.alpha;
}

bool same_slots(const framebridge::SlotsDescription &slots, const Json &json) {
  return same_format(slots.format, json["format"]) && slots.stride == json["stride"] &&
         slots.size_bytes == json["size_bytes"] && Json(slots.names) == json["names"];
}

bool same_error(const framebridge::Error &error, const Json &json) {
  return error.code == json["code"] && error.kind == json["kind"] &&
         error.place == json["place"] && error.expected == json["expected"] &&
         error.found == json["found"] && error.remedy == json["remedy"];
}

bool same_stream(const framebridge::StreamDescription &stream, const Json &fields) {
  const auto chain = fields["chain"].get<std::string>();
  return stream.stream == fields["stream"] && stream.epoch == fields["epoch"] &&
         stream.doorbell == fields["doorbell"] && same_slots(stream.source, fields["source"]) &&
         same_slots(stream.result, fields["result"]) && stream.policy == fields["policy"] &&
         Json(stream.packages) == fields["packages"] &&
         Json(stream.references) == fields["references"] && stream.chain == chain &&
         stream.chain_number == std::stoul(chain.substr(0, 8), nullptr, 16) &&
         stream.backend == fields["backend"] && stream.provider == fields["provider"] &&
         stream.note == fields["note"] && stream.seed == fields["seed"] &&
         stream.parameters.size() == fields["parameters"].size();
}

bool same_fields(const Message &message, const Json &fields) {
  switch (message.kind) {
    case MessageKind::welcome:
      return message.protocol == fields["protocol"] && message.bridge == fields["bridge"] &&
             message.run == fields["run"];
    case MessageKind::stream:
      return same_stream(message.stream, fields);
    case MessageKind::paused:
      return message.stream_number == fields["stream"] && message.final == fields["final"] &&
             same_error(message.error, fields["error"]);
    case MessageKind::error:
      return same_error(message.error, fields["error"]);
    default:
      return message.kind != MessageKind::unknown;
  }
}

void check_control(const Json &entry) {
  const auto name = entry["name"].get<std::string>();
  const auto bytes = bytes_of(entry);
  Json fields = entry["fields"];
  Message message;
  framebridge::Error error;
  if (entry["direction"] == "to client") {
    const bool read = framebridge::read_message(bytes.data(), bytes.size(), message, error);
    checks::expect(read, name + ": " + error.text());
    checks::expect(read && message.request == fields["request"] && same_fields(message, fields),
                   name + ": its fields");
    fields.erase("request");
    checks::expect(read && Json::parse(message.json) == fields, name + ": as JSON");
  } else {
    const Json means = entry.contains("means") ? entry["means"] : fields;
    checks::expect(Json::from_msgpack(written(means)) == means, name);
  }
  // Cut anywhere it is no message, and harms nothing.
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const std::vector<std::uint8_t> cut(bytes.begin(),
                                        bytes.begin() + static_cast<std::ptrdiff_t>(size));
    if (!CHECK(!framebridge::read_message(cut.data(), cut.size(), message, error))) return;
  }
}

void check_malformed(const Json &entry) {
  const auto name = entry["name"].get<std::string>();
  const auto bytes = bytes_of(entry);
  if (entry["channel"] == "doorbell") {
    checks::expect(
        framebridge::read_ring(bytes.data(), bytes.size()).kind == framebridge::RingKind::none,
        name);
    return;
  }
  // Most are well-formed MessagePack, malformed for the bridge alone.
  Message message;
  framebridge::Error error;
  const bool read = framebridge::read_message(bytes.data(), bytes.size(), message, error);
  checks::expect(read || !error.text().empty(), name + ": an error in words");
}

}  // namespace

int main(int argc, char **argv) {
  const std::string folder = argc > 1 ? argv[1] : "engine_plugin/vectors";
  for (const Json &entry : load(folder + "/doorbell.json")) check_doorbell(entry);
  for (const Json &entry : load(folder + "/control.json")) check_control(entry);
  for (const Json &entry : load(folder + "/malformed.json")) check_malformed(entry);
  return checks::report();
}
