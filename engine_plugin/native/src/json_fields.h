// Reads the fields of a map that came from outside, and says which one is wrong.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bounded_json.h"
#include "errors.h"

namespace framebridge {

/* Each reader returns false, and an error, where the field is missing or of another kind; a field
 * with a default may be missing. */
class Fields {
 public:
  /* `map` must outlive it. */
  Fields(const Json &map, std::string place, Error &error)
      : map_(map), place_(std::move(place)), error_(error) {}

  bool integer(const char *name, std::int64_t least, std::int64_t greatest, std::int64_t &read);
  bool boolean(const char *name, bool &read);
  bool text(const char *name, std::size_t max_characters, std::string &read);
  bool texts(const char *name, std::size_t least, std::size_t most, std::size_t max_characters,
             std::vector<std::string> &read);

  /* One of some words; `read` is its index. */
  bool choice(const char *name, const std::vector<const char *> &words, std::int32_t &read);

  /* The map under a name, to be read further; null, and an error. */
  const Json *map(const char *name);

  bool has(const char *name) const { return map_.is_object() && map_.contains(name); }
  std::string place_of(const char *name) const { return place_ + "." + name; }
  bool refuse(const char *name, std::string expected, std::string found);

 private:
  const Json *find(const char *name, const char *expected);

  const Json &map_;
  std::string place_;
  Error &error_;
};

}  // namespace framebridge
