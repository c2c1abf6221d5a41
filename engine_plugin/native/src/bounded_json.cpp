#include "bounded_json.h"

#include <cstdint>
#include <utility>
#include <vector>

#include "checked_text.h"

namespace framebridge {
namespace {

// Puts together what the parser meets, and stops it at the limits: it would recurse as deep as the
// message says.
class Builder : public nlohmann::json_sax<Json> {
 public:
  Builder(Json &root, std::string &wrong) : root_(root), wrong_(wrong) {}

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t value, const string_t &) override { return add(value); }
  bool string(string_t &value) override { return check(value) && add(std::move(value)); }
  bool binary(binary_t &) override { return refuse("bytes where text is expected"); }

  bool start_object(std::size_t) override { return open(Json::object()); }
  bool start_array(std::size_t) override { return open(Json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t &name) override {
    if (!check(name)) return false;
    member_ = &(*open_.back())[name];
    return true;
  }

  bool parse_error(std::size_t position, const std::string &,
                   const nlohmann::detail::exception &) override {
    return refuse("something else at byte " + std::to_string(position));
  }

 private:
  bool add(Json value) { return put(std::move(value)) != nullptr; }

  bool open(Json container) {
    if (open_.size() >= static_cast<std::size_t>(max_json_depth)) {
      return refuse("more than " + std::to_string(max_json_depth) + " levels");
    }
    Json *placed = put(std::move(container));
    if (placed == nullptr) return false;
    open_.push_back(placed);
    return true;
  }

  bool close() {
    open_.pop_back();
    return true;
  }

  Json *put(Json value) {
    if (++values_ > max_json_values) {
      refuse("more than " + std::to_string(max_json_values) + " values");
      return nullptr;
    }
    if (open_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    if (open_.back()->is_array()) {
      open_.back()->push_back(std::move(value));
      return &open_.back()->back();
    }
    *member_ = std::move(value);
    return member_;
  }

  bool check(const std::string &text) {
    return count_characters(text) != std::string::npos || refuse("text that is not UTF-8");
  }

  bool refuse(std::string wrong) {
    if (wrong_.empty()) wrong_ = std::move(wrong);
    return false;
  }

  Json &root_;
  std::string &wrong_;
  std::vector<Json *> open_;
  Json *member_ = nullptr;
  std::size_t values_ = 0;
};

}  // namespace

bool parse_bounded(const void *bytes, std::size_t size, Encoding encoding, Json &value,
                   std::string &wrong) {
  wrong.clear();
  value = nullptr;
  if (size == 0) {
    wrong = "nothing";
    return false;
  }
  Builder builder(value, wrong);
  const auto *first = static_cast<const std::uint8_t *>(bytes);
  const auto format = encoding == Encoding::json ? Json::input_format_t::json
                                                 : Json::input_format_t::msgpack;
  if (Json::sax_parse(first, first + size, &builder, format, true)) return true;
  if (wrong.empty()) wrong = "something else";
  value = nullptr;
  return false;
}

std::string to_text(const Json &value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace framebridge
