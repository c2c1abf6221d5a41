#include <cstring>
#include <utility>

#include "json_fields.h"
#include "messages.h"

namespace framebridge {
namespace {

constexpr std::int64_t max_u32 = 0xffffffff;
constexpr std::size_t max_words = 64;
constexpr std::size_t max_word_characters = 4096;

// The engine's fault, and so an error of wrong use and not one of the protocol.
bool as_usage(Error &error) {
  error = usage_error(error.place, error.expected, error.found);
  return false;
}

bool parse(const char *place, const char *expected, const char *json, Json &value, Error &error) {
  std::string wrong = "a null pointer";
  if (json != nullptr) {
    const std::size_t size = strnlen(json, max_json_bytes + 1);
    wrong = "more than " + std::to_string(max_json_bytes) + " bytes";
    if (size <= max_json_bytes && parse_bounded(json, size, Encoding::json, value, wrong)) {
      return true;
    }
  }
  error = usage_error(place, expected, wrong);
  return false;
}

bool knows_all(const Json &map, std::initializer_list<const char *> known, Error &error) {
  for (const auto &entry : map.items()) {
    bool found = entry.key() == "type";
    for (const char *name : known) found = found || entry.key() == name;
    if (!found) {
      error = usage_error("command", "no field beside those of its type",
                          entry.key().size() <= 60 ? "'" + entry.key() + "'" : "a longer name");
      return false;
    }
  }
  return true;
}

}  // namespace

std::string error_json(const Error &error) {
  return to_text({{"type", "error"},
                  {"error",
                   {{"code", error.code},
                    {"kind", error.kind},
                    {"place", error.place},
                    {"expected", error.expected},
                    {"found", error.found},
                    {"remedy", error.remedy}}}});
}

bool read_command(const char *json, Command &command, Error &error) {
  Json map;
  command = {};
  if (!parse("command", "a JSON object with a `type`", json, map, error)) return false;
  Fields fields(map, "command", error);
  std::int32_t kind = 0;
  if (!fields.choice("type", {"load", "reset", "packages", "status", "stream"}, kind)) {
    return as_usage(error);
  }
  command.kind = static_cast<CommandKind>(kind);
  switch (command.kind) {
    case CommandKind::load:
      return (knows_all(map, {"chain"}, error) &&
              fields.texts("chain", 1, max_chain, max_reference_characters, command.chain)) ||
             as_usage(error);
    case CommandKind::reset: {
      std::int64_t seed = 0;
      if (!knows_all(map, {"seed"}, error)) return false;
      if (fields.has("seed") && !fields.integer("seed", 0, max_u32, seed)) return as_usage(error);
      command.seed = static_cast<std::uint32_t>(seed);
      return true;
    }
    default:
      return knows_all(map, {}, error);
  }
}

bool read_words(const char *json, std::vector<std::string> &words, Error &error) {
  Json list;
  const char *expected = "a JSON array of words, such as [\"framebridge\"]";
  if (!parse("start_command", expected, json, list, error)) return false;
  const Json map = {{"start_command", list}};
  Fields fields(map, "options", error);
  return fields.texts("start_command", 1, max_words, max_word_characters, words) ||
         as_usage(error);
}

bool read_address(const std::string &json, Address &address, Error &error) {
  Json map;
  address = {};
  if (!parse("bridge.json", "a JSON object", json.c_str(), map, error)) return false;
  Fields fields(map, "bridge.json", error);
  return fields.text("endpoint", max_reference_characters, address.endpoint) &&
         fields.text("token", max_text_characters, address.token) &&
         (!fields.has("run") || fields.text("run", max_text_characters, address.run)) &&
         (!fields.has("protocol") ||
          fields.integer("protocol", 0, INT64_MAX, address.protocol));
}

}  // namespace framebridge
