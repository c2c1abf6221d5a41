// Knobs and their values, as a client sets them and as the bridge reports them.
#pragma once

#include <framebridge.h>

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "errors.h"

namespace framebridge {

/* A knob's value; numbers are finite, an array (a colour) has at most 16 of them. */
using Value = std::variant<bool, std::int64_t, double, std::string, std::vector<double>>;
using Parameters = std::map<std::string, Value>;

// What the bridge takes of one message.
constexpr std::size_t max_parameters = 64;
constexpr std::size_t max_name_characters = 256;

/* `value` of fb_set_parameter, whose size has been checked. Returns false, and an error. */
bool read_value(const fb_value &value, Value &read, Error &error);

/* fb_options.parameters, a JSON object. Null is none. Returns false, and an error. */
bool read_parameters(const char *json, Parameters &read, Error &error);

/* Put one more into `parameters`. Returns false, and an error, and changes nothing: the name is
 * empty or too long, or all together are more than one message can carry. */
bool put_parameter(Parameters &parameters, const std::string &name, Value value, Error &error);

}  // namespace framebridge
