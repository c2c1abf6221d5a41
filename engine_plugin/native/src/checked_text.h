// Text from outside: UTF-8 of bounded length, or an error.
#pragma once

#include <cstddef>
#include <string>

#include "errors.h"

namespace framebridge {

/* True if it is UTF-8 of at most so many characters (code points), without a zero byte; else an
 * error that names the place. */
bool check_text(const char *place, const std::string &text, std::size_t max_characters,
                Error &error);

/* How many characters a UTF-8 text has; or npos, which is no number of them: it is none. */
std::size_t count_characters(const std::string &text);

}  // namespace framebridge
