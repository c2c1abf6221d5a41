// JSON and MessagePack from outside: bounded in depth and in number of values, never thrown out of.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>

namespace framebridge {

using Json = nlohmann::json;

constexpr int max_json_depth = 16;
constexpr std::size_t max_json_values = 100000;

enum class Encoding { json, msgpack };

/* Returns false, and says what is wrong: not of this encoding, not UTF-8, bytes left over, a kind
 * that JSON does not have, or beyond a limit. */
bool parse_bounded(const void *bytes, std::size_t size, Encoding encoding, Json &value,
                   std::string &wrong);

/* As text on one line. */
std::string to_text(const Json &value);

}  // namespace framebridge
