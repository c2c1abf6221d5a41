// Finds the running bridge of this user.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "messages.h"

namespace framebridge {

/* Where to look. The environment is read once, when a client is made: another thread of the engine
 * may change it later. */
class Discovery {
 public:
  /* At an endpoint that the engine names. */
  explicit Discovery(Address named) : named_(std::move(named)) {}

  /* Where FRAMEBRIDGE_ENDPOINT says, else in the runtime folder of this user. */
  static Discovery of_this_user();

  /* The bridge's address as it stands now; nothing while none runs. Never waits. */
  std::optional<Address> find() const;

  /* In words, for an error. */
  std::string place() const;

  /* An endpoint has been named: no bridge is looked for elsewhere, and none is started. */
  bool is_named() const { return named_.has_value(); }

 private:
  Discovery() = default;

  std::optional<Address> named_;
  std::string folder_;
};

// One for each system, in discovery_posix.cpp and discovery_windows.cpp.

/* The value of an environment variable, or nothing where it is not set or empty. */
std::string environment(const char *name);

/* Where a bridge of this user publishes its address. */
std::string runtime_folder();

/* Where files can be made that nobody is to find. POSIX alone. */
std::string temporary_folder();

/* A file of the runtime folder, of at most 64 KiB; nothing where there is none or where the folder
 * is another user's. */
std::string read_published(const std::string &folder, const char *name);

/* False where it is certain that nobody listens: a socket that a dead bridge has left behind. */
bool may_answer(const std::string &endpoint);

}  // namespace framebridge
