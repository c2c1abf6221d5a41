#include "errors.h"

#include <utility>

namespace framebridge {

std::string Error::text() const {
  if (empty()) return {};
  std::string line = code + " " + place + ": expected " + expected + ", got " + found + ".";
  if (!remedy.empty()) line += " " + remedy;
  return line;
}

Error usage_error(std::string place, std::string expected, std::string found, std::string remedy) {
  return {"FB-E002",           "UsageError",     std::move(place),
          std::move(expected), std::move(found), std::move(remedy)};
}

Error frame_error(std::string expected, std::string found, std::string remedy) {
  return {"FB-E020",           "FrameFormatError", "frame",
          std::move(expected), std::move(found),   std::move(remedy)};
}

Error protocol_error(std::string place, std::string expected, std::string found) {
  return {"FB-E030",
          "ProtocolError",
          std::move(place),
          std::move(expected),
          std::move(found),
          "Update the sidecar, or this client."};
}

Error transport_error(std::string place, std::string expected, std::string found,
                      std::string remedy) {
  return {"FB-E050",           "TransportError", std::move(place),
          std::move(expected), std::move(found), std::move(remedy)};
}

Error not_running(std::string place, std::string found, std::string remedy) {
  return {"FB-E071",           "NotRunningError", std::move(place),
          "a running sidecar", std::move(found),  std::move(remedy)};
}

Error system_error(std::string place, std::string expected, std::string found,
                   std::string remedy) {
  return {"FB-E000",           "FramebridgeError", std::move(place),
          std::move(expected), std::move(found),   std::move(remedy)};
}

}  // namespace framebridge
