// What went wrong, in words for a person; the bridge's own errors have the same six strings.
#pragma once

#include <string>

namespace framebridge {

struct Error {
  std::string code;  // FB-E000 to FB-E999; empty: nothing is wrong
  std::string kind;  // name of the error's class in the bridge
  std::string place;
  std::string expected;
  std::string found;
  std::string remedy;  // may be empty

  bool empty() const { return code.empty(); }

  /* `FB-E020 frame: expected ..., got .... What to do.` Empty for no error. */
  std::string text() const;
};

/* FB-E002: the caller has asked for something that cannot be. */
Error usage_error(std::string place, std::string expected, std::string found,
                  std::string remedy = {});

/* FB-E020: a frame of the wrong shape. */
Error frame_error(std::string expected, std::string found, std::string remedy = {});

/* FB-E030: the other side has said something that is no message. */
Error protocol_error(std::string place, std::string expected, std::string found);

/* FB-E050: no room for slots, or a slot cannot be mapped. */
Error transport_error(std::string place, std::string expected, std::string found,
                      std::string remedy = {});

/* FB-E071: no bridge runs, or it has gone. */
Error not_running(std::string place, std::string found,
                  std::string remedy = "Start one: framebridge serve");

/* FB-E000: the system gives no thread, socket or memory. */
Error system_error(std::string place, std::string expected, std::string found,
                   std::string remedy = {});

}  // namespace framebridge
