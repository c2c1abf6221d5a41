// Knobs that have been turned and that the bridge has not taken yet.
#pragma once

#include <deque>
#include <mutex>
#include <string>
#include <utility>

#include "parameters.h"

namespace framebridge {

class Knobs {
 public:
  /* By any thread. Of several turns of one knob the latest counts. False, and an error: too many
   * wait, or the name is too long. */
  bool turn(const std::string &name, Value value, Error &error);

  // By the client's thread.

  bool any() const;

  /* What is to be sent now; it counts as under way until one of those below. */
  Parameters take();

  const Parameters &under_way() const { return under_way_; }
  void accepted() { under_way_.clear(); }

  /* None of those under way was turned. True: that was one alone, which is forgotten. False: they
   * are tried one by one. */
  bool refused();

  /* These, too, unless they have been turned otherwise meanwhile. */
  void again(const Parameters &parameters);

  /* The bridge went before it answered, or there is none yet: they are sent again. */
  void unanswered();

 private:
  mutable std::mutex mutex_;
  Parameters turned_;
  // The thread's alone.
  Parameters under_way_;
  std::deque<std::pair<std::string, Value>> one_by_one_;
};

}  // namespace framebridge
