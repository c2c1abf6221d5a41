// A bridge that this library starts.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "child_process.h"
#include "messages.h"

namespace framebridge {

/* One for the whole process, whichever of its clients asks first; it is started again, after a
 * pause that grows, when it has ended. Private: nobody else finds it, and it ends with this
 * process, however that ends. Shared: it serves all of this user, is found as any other, and goes
 * on. */
class Sidecar {
 public:
  static Sidecar &private_one();
  static Sidecar &shared_one();

  /* Its address, once it has said it; a shared one says none. Starts nothing. */
  std::optional<Address> address();

  /* See to it that one runs, or is being started; by clients' threads. It never waits longer than
   * starting a process takes. An error: why none runs at the moment; another try follows. */
  Error want(const std::vector<std::string> &words);

 private:
  explicit Sidecar(bool shared) : shared_(shared) {}
  void look();
  void ended(const std::string &found);

  const bool shared_;
  std::mutex mutex_;
  std::vector<std::string> words_;
  std::unique_ptr<ChildProcess> child_;
  std::string output_;
  std::optional<Address> address_;
  Error error_;
  uint64_t started_at_ = 0;
  uint64_t again_at_ = 0;
  uint64_t pause_ns_ = 0;
};

}  // namespace framebridge
