// A process that is started for the sidecar, on each system in its own way.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "errors.h"

namespace framebridge {

/* Started without a console window, in a session of its own, so that the engine's Ctrl-C is not
 * its. It is nobody's zombie: it is not the engine's child (POSIX), or nobody needs to fetch its
 * end (Windows). Nothing here waits, but for the moment that starting takes. */
class ChildProcess {
 public:
  enum class Input {
    held,  // a pipe that ends with this process, however it ends, or with this object
    none,
  };

  /* Null, and an error: no such command, or the system gives no process. */
  static std::unique_ptr<ChildProcess> start(const std::vector<std::string> &words, Input input,
                                             Error &error);
  ~ChildProcess();
  ChildProcess(const ChildProcess &) = delete;
  ChildProcess &operator=(const ChildProcess &) = delete;

  /* Append what it has written since. False: it has ended. */
  bool read_output(std::string &text);

  /* The end of what it has written to its standard error, at most 1000 bytes. */
  std::string complaints() const;

 private:
  ChildProcess() = default;

  struct Handles;
  std::unique_ptr<Handles> handles_;
};

}  // namespace framebridge
