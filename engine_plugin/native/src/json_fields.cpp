#include "json_fields.h"

#include <utility>

#include "checked_text.h"

namespace framebridge {
namespace {

// For an error's text: short, whatever it is.
std::string shown(const Json &value) {
  if (value.is_array()) return "an array of " + std::to_string(value.size());
  if (value.is_object()) return "a map of " + std::to_string(value.size());
  const std::string text = to_text(value);
  if (count_characters(text) <= 60) return text;
  return value.is_string() ? "a longer text" : "a longer number";
}

}  // namespace

bool Fields::refuse(const char *name, std::string expected, std::string found) {
  error_ = protocol_error(place_of(name), std::move(expected), std::move(found));
  return false;
}

const Json *Fields::find(const char *name, const char *expected) {
  if (map_.is_object()) {
    const auto found = map_.find(name);
    if (found != map_.end()) return &*found;
  }
  refuse(name, expected, "none");
  return nullptr;
}

bool Fields::integer(const char *name, std::int64_t least, std::int64_t greatest,
                     std::int64_t &read) {
  const Json *value = find(name, "an integer");
  if (value == nullptr) return false;
  // As unsigned it may be beyond what fits; the upper bound is never negative.
  const bool fits = value->is_number_unsigned()
                        ? value->get<std::uint64_t>() <= static_cast<std::uint64_t>(greatest)
                        : value->is_number_integer() && value->get<std::int64_t>() <= greatest;
  if (!fits || value->get<std::int64_t>() < least) {
    return refuse(name, "an integer from " + std::to_string(least) + " to " +
                            std::to_string(greatest), shown(*value));
  }
  read = value->get<std::int64_t>();
  return true;
}

bool Fields::boolean(const char *name, bool &read) {
  const Json *value = find(name, "a boolean");
  if (value == nullptr) return false;
  if (!value->is_boolean()) return refuse(name, "a boolean", shown(*value));
  read = value->get<bool>();
  return true;
}

bool Fields::text(const char *name, std::size_t max_characters, std::string &read) {
  const Json *value = find(name, "a text");
  if (value == nullptr) return false;
  if (!value->is_string()) return refuse(name, "a text", shown(*value));
  Error wrong;
  if (!check_text("", value->get_ref<const std::string &>(), max_characters, wrong)) {
    return refuse(name, wrong.expected, wrong.found);
  }
  read = value->get<std::string>();
  return true;
}

bool Fields::texts(const char *name, std::size_t least, std::size_t most,
                   std::size_t max_characters, std::vector<std::string> &read) {
  const Json *value = find(name, "an array of texts");
  if (value == nullptr) return false;
  if (!value->is_array() || value->size() < least || value->size() > most) {
    return refuse(name, "an array of " + std::to_string(least) + " to " + std::to_string(most) +
                            " texts", shown(*value));
  }
  read.clear();
  for (const Json &item : *value) {
    Error wrong;
    if (!item.is_string()) return refuse(name, "an array of texts", shown(item) + " in it");
    const auto &text = item.get_ref<const std::string &>();
    if (text.empty()) return refuse(name, "texts", "an empty one");
    if (!check_text("", text, max_characters, wrong)) {
      return refuse(name, wrong.expected, wrong.found);
    }
    read.push_back(text);
  }
  return true;
}

bool Fields::choice(const char *name, const std::vector<const char *> &words,
                    std::int32_t &read) {
  std::string expected = "one of";
  for (const char *word : words) expected += std::string(" ") + word;
  const Json *value = find(name, expected.c_str());
  if (value == nullptr) return false;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (*value == words[i]) {
      read = static_cast<std::int32_t>(i);
      return true;
    }
  }
  return refuse(name, expected, shown(*value));
}

const Json *Fields::map(const char *name) {
  const Json *value = find(name, "a map");
  if (value == nullptr) return nullptr;
  if (!value->is_object()) {
    refuse(name, "a map", shown(*value));
    return nullptr;
  }
  return value;
}

}  // namespace framebridge
