#include "parameters.h"

#include <cmath>
#include <cstring>
#include <utility>

#include "checked_text.h"
#include "json_parameters.h"
#include "messages.h"

namespace framebridge {
namespace {

constexpr std::size_t max_numbers = 16;
// With the longest chain and label they still fit into one message to the bridge.
constexpr std::size_t max_parameters_bytes = 24576;

std::size_t bytes_of(const std::string &name, const Value &value) {
  std::size_t bytes = name.size() + 16;
  if (const auto *text = std::get_if<std::string>(&value)) bytes += text->size();
  if (const auto *numbers = std::get_if<std::vector<double>>(&value)) bytes += 9 * numbers->size();
  return bytes;
}

bool refuse(Error &error, std::string place, std::string expected, std::string found) {
  error = usage_error(std::move(place), std::move(expected), std::move(found));
  return false;
}

bool check_value(const std::string &place, const Value &value, Error &error) {
  if (const auto *number = std::get_if<double>(&value)) {
    return std::isfinite(*number) || refuse(error, place, "a finite number", "another");
  }
  if (const auto *text = std::get_if<std::string>(&value)) {
    return check_text(place.c_str(), *text, max_text_characters, error);
  }
  if (const auto *numbers = std::get_if<std::vector<double>>(&value)) {
    if (numbers->size() > max_numbers) {
      return refuse(error, place, "at most 16 numbers", std::to_string(numbers->size()));
    }
    for (double number : *numbers) {
      if (!std::isfinite(number)) return refuse(error, place, "finite numbers", "another");
    }
  }
  return true;
}

bool read_numbers(const std::string &place, const Json &json, Value &value, Error &error) {
  std::vector<double> numbers;
  for (const Json &number : json) {
    if (!number.is_number()) return refuse(error, place, "an array of numbers", to_text(number));
    if (numbers.size() == max_numbers) return refuse(error, place, "at most 16 numbers", "more");
    numbers.push_back(number.get<double>());
  }
  value = std::move(numbers);
  return true;
}

bool read_json_value(const std::string &place, const Json &json, Value &value, Error &error) {
  switch (json.type()) {
    case Json::value_t::boolean:
      value = json.get<bool>();
      return true;
    case Json::value_t::number_unsigned:
      if (json.get<std::uint64_t>() > INT64_MAX) {
        return refuse(error, place, "an integer of 64 bits", to_text(json));
      }
      [[fallthrough]];
    case Json::value_t::number_integer:
      value = json.get<std::int64_t>();
      return true;
    case Json::value_t::number_float:
      value = json.get<double>();
      return true;
    case Json::value_t::string:
      value = json.get<std::string>();
      return true;
    case Json::value_t::array:
      return read_numbers(place, json, value, error);
    default:
      return refuse(error, place, "a boolean, a number, a text or an array of numbers",
                    json.is_null() ? "null" : "an object");
  }
}

}  // namespace

bool read_value(const fb_value &value, Value &read, Error &error) {
  const std::string place = "value";
  switch (value.kind) {
    case FB_BOOL:
      read = value.integer != 0;
      return true;
    case FB_INT:
      read = value.integer;
      return true;
    case FB_FLOAT:
      read = value.number[0];
      break;
    case FB_TEXT:
      if (value.text == nullptr) return refuse(error, place, "a text", "a null pointer");
      if (strnlen(value.text, 4 * max_text_characters + 1) > 4 * max_text_characters) {
        return refuse(error, place, "at most 256 characters", "more");
      }
      read = std::string(value.text);
      break;
    case FB_COLOUR:
      read = std::vector<double>{value.number[0], value.number[1], value.number[2]};
      break;
    default:
      return refuse(error, "value.kind", "FB_BOOL to FB_COLOUR", std::to_string(value.kind));
  }
  return check_value(place, read, error);
}

bool put_parameter(Parameters &parameters, const std::string &name, Value value, Error &error) {
  if (name.empty()) return refuse(error, "name", "the name of a knob", "an empty text");
  if (!check_text("name", name, max_name_characters, error)) return false;
  if (!check_value("parameter '" + name + "'", value, error)) return false;
  std::size_t bytes = bytes_of(name, value);
  std::size_t count = 1;
  for (const auto &[other, kept] : parameters) {
    if (other == name) continue;
    bytes += bytes_of(other, kept);
    ++count;
  }
  if (count > max_parameters || bytes > max_parameters_bytes) {
    return refuse(error, "parameters",
                  "at most 64, of " + std::to_string(max_parameters_bytes) + " bytes in all",
                  std::to_string(count) + " of " + std::to_string(bytes) + " bytes");
  }
  parameters[name] = std::move(value);
  return true;
}

bool read_parameters(const char *json, Parameters &read, Error &error) {
  read.clear();
  if (json == nullptr) return true;
  const std::size_t size = strnlen(json, max_json_bytes + 1);
  std::string wrong = "more than 65536 bytes";
  Json value;
  if (size > max_json_bytes || !parse_bounded(json, size, Encoding::json, value, wrong)) {
    return refuse(error, "parameters", "a JSON object", wrong);
  }
  return parameters_from(value, read, error);
}

bool parameters_from(const Json &json, Parameters &read, Error &error) {
  read.clear();
  if (!json.is_object()) return refuse(error, "parameters", "a map", "something else");
  for (const auto &[name, item] : json.items()) {
    Value value;
    if (!read_json_value("parameter '" + name + "'", item, value, error)) return false;
    if (!put_parameter(read, name, std::move(value), error)) return false;
  }
  return true;
}

Json to_json(const Parameters &parameters) {
  Json map = Json::object();
  for (const auto &[name, value] : parameters) {
    std::visit([&, &key = name](const auto &known) { map[key] = known; }, value);
  }
  return map;
}

}  // namespace framebridge
