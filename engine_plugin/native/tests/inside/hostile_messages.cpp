// What a bridge should never send, and what an engine should never ask: refused in words.
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "bounded_json.h"
#include "checks.h"
#include "messages.h"

using framebridge::Bytes;
using framebridge::Command;
using framebridge::CommandKind;
using framebridge::Error;
using framebridge::Json;
using framebridge::Message;
using framebridge::MessageKind;
using framebridge::Parameters;

namespace {

bool reads(const Bytes &bytes, std::string *why = nullptr) {
  Message message;
  Error error;
  const bool read = framebridge::read_message(bytes.data(), bytes.size(), message, error);
  CHECK(read == error.empty());
  if (why != nullptr) *why = error.text();
  return read;
}

bool reads(const Json &json, std::string *why = nullptr) {
  return reads(Json::to_msgpack(json), why);
}

Json format() {
  return {{"width", 8},           {"height", 4},         {"pixel_format", "rgba8"},
          {"rows", "top_first"}, {"transfer", "srgb"}, {"alpha", "straight"}};
}

Json slots() {
  return {{"format", format()}, {"stride", 32}, {"size_bytes", 128},
          {"transport", "shared_memory"}, {"names", {"fb-a", "fb-b", "fb-c"}}};
}

Json stream() {
  return {{"type", "stream"}, {"request", 2}, {"stream", 1}, {"epoch", 7},
          {"doorbell", "ipc:///tmp/x"}, {"source", slots()}, {"result", slots()},
          {"policy", "latest"}, {"packages", {"passthrough"}}, {"chain", std::string(64, 'a')},
          {"backend", "x"}, {"provider", "cpu"}, {"note", ""}, {"knobs", Json::array()},
          {"parameters", {{"strength", 0.5}, {"tint", {1, 0.5, 0}}}}};
}

Json with(Json json, const std::string &pointer, const Json &value) {
  json[Json::json_pointer(pointer)] = value;
  return json;
}

void depth_and_size() {
  std::string why;
  CHECK(!reads(Bytes(framebridge::max_message_bytes, 0x91), &why));
  CHECK(why.find("more than 16 levels") != std::string::npos);
  CHECK(!reads(Bytes(framebridge::max_message_bytes + 1, 0x91), &why));
  CHECK(why.find("more than 1048576 bytes") != std::string::npos);
  Bytes maps;
  for (int i = 0; i < 100000; ++i) maps.insert(maps.end(), {0x81, 0xa1, 'a'});
  CHECK(!reads(maps));
  Bytes many{0xdd, 0x00, 0x0f, 0x00, 0x00};
  many.resize(many.size() + 0xf0000, 0x01);
  CHECK(!reads(many, &why));
  CHECK(why.find("more than 100000 values") != std::string::npos);
  CHECK(!reads(Bytes{0xdf, 0xff, 0xff, 0xff, 0xff}));
  CHECK(!reads(Bytes{0xdb, 0xff, 0xff, 0xff, 0xff, 'a'}));
  CHECK(!reads(Bytes{0x81, 0xa4, 't', 'y', 'p', 'e', 0xc4, 0x02, 'o', 'k'}));
  CHECK(!reads(Bytes{0x81, 0xa4, 't', 'y', 'p', 'e', 0xa2, 0xff, 0xfe}));
  CHECK(!reads(Bytes{0xc7, 0x01, 0x05, 0x00}));
}

void streams() {
  std::string why;
  CHECK(reads(stream()));
  CHECK(reads(with(stream(), "/of_a_newer_bridge", {{"a", 1}})));
  const std::vector<std::pair<std::string, Json>> wrong = {
      {"/stream", 0}, {"/stream", -1}, {"/stream", "1"}, {"/stream", 2147483648}, {"/epoch", 0},
      {"/epoch", 4294967296}, {"/epoch", 1.5}, {"/epoch", true}, {"/doorbell", 7},
      {"/source", "none"}, {"/source/format/width", 0}, {"/source/format/width", 16385},
      {"/source/format/pixel_format", "rgb565"}, {"/source/format/rows", nullptr},
      {"/source/stride", 31}, {"/source/stride", 1 << 21}, {"/source/size_bytes", 127},
      {"/source/size_bytes", std::numeric_limits<std::uint64_t>::max()},
      {"/source/transport", "pigeon"}, {"/source/names", Json::array()},
      {"/source/names", Json::array_t(128, "fb-a")}, {"/source/names", {"fb-a", ""}},
      {"/source/names", {"../fb-a"}}, {"/source/names", {"fb\\a"}}, {"/source/names", {1}},
      {"/source/names", {std::string("fb\0a", 4)}}, {"/packages", Json::array()},
      {"/packages", {std::string(1025, 'x')}}, {"/references", 1}, {"/chain", "abc"},
      {"/chain", std::string(64, 'G')}, {"/parameters", Json::array()},
      {"/parameters", {{"a", nullptr}}}, {"/parameters", {{"a", Json::array_t(17, 1)}}},
      {"/parameters", {{std::string(257, 'x'), 1}}}, {"/seed", -1}, {"/request", -1},
      {"/request", 4294967296}, {"/type", 1}};
  for (const auto &[pointer, value] : wrong) {
    checks::expect(!reads(with(stream(), pointer, value), &why), pointer + " = " + value.dump());
    const std::string place = pointer.substr(pointer.rfind('/') + 1);
    checks::expect(why.find(place) != std::string::npos || place == "parameters",
                   pointer + " is named in: " + why);
  }
  Json without = stream();
  without.erase("epoch");
  CHECK(!reads(without, &why));
  CHECK(why == "FB-E030 stream.epoch: expected an integer, got none. Update the sidecar, or this "
               "client.");
  Message message;
  Error error;
  const Bytes bytes = Json::to_msgpack(without);
  CHECK(!framebridge::read_message(bytes.data(), bytes.size(), message, error));
  CHECK(message.request == 2);
}

void other_messages() {
  CHECK(reads(Json{{"type", "of a newer bridge"}}));
  CHECK(!reads(Json{{"type", "error"}, {"request", 1}}));
  CHECK(reads(Json{{"type", "error"}, {"error", {{"code", 7}}}}));
  CHECK(!reads(Json{{"type", "paused"}, {"stream", 1}, {"final", 1}, {"error", Json::object()}}));
  CHECK(!reads(Json{{"type", "welcome"}, {"protocol", "1"}, {"bridge", ""}, {"run", ""}}));
}

// Whatever is changed in a real message: read or refused, and never a fault of memory.
void mutations(int rounds) {
  std::mt19937 random(6);
  const Bytes whole = Json::to_msgpack(stream());
  for (int round = 0; round < rounds; ++round) {
    Bytes bytes = whole;
    for (unsigned change = 0; change <= random() % 4; ++change) {
      bytes[random() % bytes.size()] = static_cast<std::uint8_t>(random());
    }
    if (random() % 8 == 0) bytes.resize(random() % bytes.size() + 1);
    reads(bytes);
  }
}

bool commands(const std::string &json, Command &command) {
  Error error;
  const bool read = framebridge::read_command(json.c_str(), command, error);
  checks::expect(read || error.code == "FB-E002", json + ": " + error.text());
  return read;
}

void engine() {
  Command command;
  CHECK(commands(R"({"type": "load", "chain": ["style-ink"]})", command));
  CHECK(command.kind == CommandKind::load && command.chain.size() == 1);
  CHECK(commands(R"({"type": "reset", "seed": 4294967295})", command));
  CHECK(command.kind == CommandKind::reset && command.seed == 4294967295u);
  CHECK(commands(R"({"type": "packages"})", command) && command.kind == CommandKind::packages);
  CHECK(commands(R"({"type": "status"})", command) && command.kind == CommandKind::status);
  CHECK(commands(R"({"type": "stream"})", command) && command.kind == CommandKind::stream);
  for (const char *wrong :
       {"", "{", "[]", "7", "null", "{}", R"({"type": "stop"})", R"({"type": "load"})",
        R"({"type": "load", "chain": []})", R"({"type": "load", "chain": [""]})",
        R"({"type": "load", "chain": "style-ink"})", R"({"type": "load", "chain": [1]})",
        R"({"type": "load", "chain": ["a"], "chian": 1})", R"({"type": "reset", "seed": -1})",
        R"({"type": "reset", "seed": 1.5})", R"({"type": "status", "request": 1})",
        R"({"type": "reset", "seed": 1e999})", R"({"type": "status"} x)", "{\"type\": \"\xff\"}"}) {
    CHECK(!commands(wrong, command));
  }
  CHECK(!commands(std::string(70000, ' '), command));
  CHECK(!commands(std::string(60000, '['), command));
  Error error;
  CHECK(!framebridge::read_command(nullptr, command, error));

  std::vector<std::string> words;
  CHECK(framebridge::read_words(R"(["python", "-m", "x"])", words, error) && words.size() == 3);
  for (const char *wrong : {"", "[]", "framebridge", R"("framebridge")", "[1]", R"([""])"}) {
    CHECK(!framebridge::read_words(wrong, words, error) && error.code == "FB-E002");
  }

  framebridge::Address address;
  CHECK(framebridge::read_address(R"({"endpoint": "ipc:///x", "token": "t", "more": 1})", address,
                                  error));
  CHECK(address.endpoint == "ipc:///x" && address.token == "t" && address.protocol == 0);
  for (const char *wrong : {"", "{}", "[]", R"({"endpoint": "ipc:///x"})",
                            R"({"endpoint": 1, "token": ""})"}) {
    CHECK(!framebridge::read_address(wrong, address, error));
  }
}

void knobs() {
  Parameters parameters;
  Error error;
  CHECK(framebridge::read_parameters(nullptr, parameters, error) && parameters.empty());
  CHECK(framebridge::read_parameters(R"({"a": 1, "b": 0.5, "c": true, "d": "x", "e": [1, 0.5, 0]})",
                                     parameters, error));
  CHECK(parameters.size() == 5 && std::get<std::int64_t>(parameters["a"]) == 1 &&
        std::get<double>(parameters["b"]) == 0.5 && std::get<bool>(parameters["c"]) &&
        std::get<std::string>(parameters["d"]) == "x" &&
        std::get<std::vector<double>>(parameters["e"]).size() == 3);
  for (const char *wrong : {"", "[]", "1", R"({"a": null})", R"({"a": {}})", R"({"a": ["x"]})",
                            R"({"": 1})", R"({"a": 18446744073709551615})", R"({"a": 1e999})"}) {
    CHECK(!framebridge::read_parameters(wrong, parameters, error));
  }
  parameters.clear();
  for (int i = 0; i < 64; ++i) {
    CHECK(framebridge::put_parameter(parameters, std::to_string(i), true, error));
  }
  CHECK(framebridge::put_parameter(parameters, "7", false, error));
  CHECK(!framebridge::put_parameter(parameters, "one too many", true, error));
  parameters.clear();
  bool all = true;
  for (int i = 0; i < 64; ++i) {
    std::string name = std::to_string(i);
    name.resize(256, 'x');
    all = framebridge::put_parameter(parameters, name, std::string(256, 'y'), error) && all;
  }
  CHECK(!all);
  CHECK(framebridge::set_message(1, 1, parameters).size() <= framebridge::max_request_bytes);

  fb_value value{};
  framebridge::Value read;
  value.size = sizeof value;
  value.kind = FB_FLOAT;
  value.number[0] = std::numeric_limits<double>::quiet_NaN();
  CHECK(!framebridge::read_value(value, read, error));
  value.kind = FB_COLOUR;
  CHECK(!framebridge::read_value(value, read, error));
  value.kind = 5;
  CHECK(!framebridge::read_value(value, read, error));
  value.kind = FB_TEXT;
  CHECK(!framebridge::read_value(value, read, error));
  const std::string long_text(2000, 'x');
  value.text = long_text.c_str();
  CHECK(!framebridge::read_value(value, read, error));
  value.text = "\xc3\x28";
  CHECK(!framebridge::read_value(value, read, error));
  value.text = "ink";
  CHECK(framebridge::read_value(value, read, error) && std::get<std::string>(read) == "ink");
}

void text() {
  Error error;
  CHECK(framebridge::check_text("x", "Stra\xc3\x9f" "e \xf0\x9f\x96\xbc", 8, error));
  CHECK(!framebridge::check_text("x", "123456789", 8, error));
  for (const char *wrong : {"\x80", "\xc0\xaf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80",
                            "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xc3", "\xe2\x82"}) {
    CHECK(!framebridge::check_text("x", wrong, 8, error));
  }
  CHECK(!framebridge::check_text("x", std::string("a\0b", 3), 8, error));
}

}  // namespace

int main(int argc, char **argv) {
  depth_and_size();
  streams();
  other_messages();
  mutations(argc > 1 ? std::stoi(argv[1]) : 20000);
  engine();
  knobs();
  text();
  return checks::report();
}
