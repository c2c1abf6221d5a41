// What is wrong with a client, of each kind the latest, for fb_last_error.
#pragma once

#include <array>
#include <mutex>
#include <string>

#include "errors.h"

namespace framebridge {

class Troubles {
 public:
  /* In the order in which they are told. */
  enum Kind { connection, stream, knob, frame, graphics, kinds };

  /* By the client's thread; the log has it, too, unless it was the case already. */
  void set(Kind kind, const Error &error);
  void clear(Kind kind);

  /* By any thread; nothing is logged. */
  void set_text(Kind kind, const std::string &text);

  /* A line for each; empty if nothing is wrong. */
  std::string text() const;

 private:
  mutable std::mutex mutex_;
  std::array<std::string, kinds> texts_;
};

}  // namespace framebridge
