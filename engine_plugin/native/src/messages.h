// The control messages of PROTOCOL.md: MessagePack out and in, and JSON for fb_command.
//
// Nothing here throws, but for want of memory. What comes from outside is bounded in size and depth.
#pragma once

#include <framebridge.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "checked_text.h"
#include "errors.h"
#include "parameters.h"

namespace framebridge {

constexpr std::int64_t protocol_version = 1;
constexpr std::size_t max_message_bytes = 1 << 20;  // of a message to the client
constexpr std::size_t max_request_bytes = 65536;    // of one to the bridge
constexpr std::size_t max_json_bytes = 65536;       // of fb_command and fb_options' texts
constexpr std::size_t max_chain = 8;
constexpr std::size_t max_reference_characters = 1024;  // of a package's name or folder
constexpr std::size_t max_text_characters = 256;        // of client, token, label

using Bytes = std::vector<std::uint8_t>;

// ---- What a client says. Numbers of requests are 1 and up. Texts have been checked. ----

struct OpenRequest {
  fb_format source{};
  std::vector<std::string> chain;
  std::int32_t policy = FB_LATEST;
  Parameters parameters;
  std::string label;
  double rate = 60;  // 0 counts as 60
  std::uint32_t seed = 0;
};

Bytes hello_message(std::uint32_t request, const std::string &client, const std::string &token);
Bytes open_message(std::uint32_t request, const OpenRequest &open);
Bytes close_message(std::uint32_t request, std::uint32_t stream);
Bytes load_message(std::uint32_t request, std::uint32_t stream,
                   const std::vector<std::string> &chain);
Bytes set_message(std::uint32_t request, std::uint32_t stream, const Parameters &parameters);
Bytes reset_message(std::uint32_t request, std::uint32_t stream, std::uint32_t seed);

/* Those without fields: `status`, `packages`, `heartbeat`, `bye`. */
Bytes plain_message(std::uint32_t request, const char *type);

// ---- What the bridge says. ----

enum class MessageKind {
  welcome,
  stream,
  paused,
  ok,
  state,
  packages,
  error,
  heartbeat,
  unknown,  // of a newer bridge; to be ignored, unless it is the answer to a command
};

/* The slots of one direction; their number is that of the names, 1 to 127. */
struct SlotsDescription {
  fb_format format{};  // complete; its `size` is set
  std::int64_t stride = 0;
  std::uint64_t size_bytes = 0;  // at least stride * height
  std::vector<std::string> names;
};

struct StreamDescription {
  std::uint32_t stream = 0;
  std::uint32_t epoch = 0;
  std::string doorbell;
  SlotsDescription source;
  SlotsDescription result;
  std::string policy;
  std::vector<std::string> packages;
  std::vector<std::string> references;  // never empty: the packages where the bridge names none
  std::string chain;                    // 64 hex digits
  std::uint32_t chain_number = 0;       // the first eight of them, as `done` has it
  std::string backend;
  std::string provider;
  std::string note;
  Parameters parameters;
  std::uint32_t seed = 0;
};

struct Message {
  MessageKind kind = MessageKind::unknown;
  std::uint32_t request = 0;
  std::uint32_t stream_number = 0;  // stream, paused
  bool final = false;               // paused
  std::int64_t protocol = 0;        // welcome
  std::string bridge;               // welcome
  std::string run;                  // welcome
  StreamDescription stream;         // stream
  Error error;                      // error, paused
  /* The whole as JSON, without `request`: what fb_answer gives. */
  std::string json;
};

/* Returns false, and an error: it is no message, or one whose fields are not as the protocol has
 * them. `message.request` is set as far as it could be read, so that its asker need not wait. */
bool read_message(const void *bytes, std::size_t size, Message &message, Error &error);

/* FB-E031: the bridge has greeted us in a version that is not ours. */
Error version_error(std::int64_t protocol);

/* An error of our own as fb_answer gives it: {"type": "error", "error": {...}}. */
std::string error_json(const Error &error);

// ---- What the engine says, as JSON. ----

enum class CommandKind { load, reset, packages, status, stream };

struct Command {
  CommandKind kind = CommandKind::status;
  std::vector<std::string> chain;  // load; paths made absolute by whoever sends it
  std::uint32_t seed = 0;          // reset
};

/* fb_command. Returns false, and an error. */
bool read_command(const char *json, Command &command, Error &error);

/* fb_options.start_command: a JSON array of 1 to 64 words. Returns false, and an error. */
bool read_words(const char *json, std::vector<std::string> &words, Error &error);

/* What `bridge.json` and the first line of `serve --json` hold. */
struct Address {
  std::string endpoint;
  std::string token;
  std::string run;
  std::int64_t protocol = 0;  // 0: it does not say
};

/* Returns false, and an error. */
bool read_address(const std::string &json, Address &address, Error &error);

}  // namespace framebridge
