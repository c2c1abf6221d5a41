// The functions of the contract: arguments are checked here, and nowhere below.
#include <framebridge.h>

#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <utility>

#include "client.h"
#include "clock.h"
#include "errors.h"
#include "handles.h"
#include "log.h"
#include "options.h"
#include "structs.h"
#include "thread_error.h"

using namespace framebridge;

namespace {

fb_status check_frame(const fb_frame &frame, Error &error) {
  if (frame.width < 1 || frame.width > max_side || frame.height < 1 || frame.height > max_side) {
    error = frame_error("1 to 16384 pixels each way",
                        std::to_string(frame.width) + " x " + std::to_string(frame.height));
  } else if (!frame.pixels) {
    error = frame_error("pixels", "a null pointer");
  } else if (frame.stride != 0 &&
             (frame.stride < int64_t{4} * frame.width || frame.stride > int64_t{1} << 31)) {
    error = frame_error(
        "a stride of " + std::to_string(int64_t{4} * frame.width) + " bytes or more, or 0",
        std::to_string(frame.stride), "Rows begin at the lowest address.");
  } else if (frame.reserved != 0) {
    error = usage_error("frame.reserved", "0", std::to_string(frame.reserved));
  } else {
    return FB_OK;
  }
  return FB_ERROR_ARGUMENT;
}

size_t give_text(const char *from, char *text, size_t size) {
  const size_t bytes = std::strlen(from) + 1;
  if (text && size > 0) {
    const size_t length = bytes <= size ? bytes - 1 : size - 1;
    std::memcpy(text, from, length);
    text[length] = '\0';
  }
  return bytes;
}

/* No memory is the one thing that is thrown below. */
template <typename Call>
auto guarded(Call call) -> decltype(call()) {
  try {
    return call();
  } catch (const std::exception &thrown) {
    return failed(FB_ERROR_SYSTEM, system_error("library", "memory", thrown.what()));
  }
}

}  // namespace

extern "C" {

uint32_t FB_CALL fb_abi_version(void) { return FB_ABI_VERSION; }

fb_status FB_CALL fb_create(const fb_options *options, fb_client *client) {
  return guarded([&]() -> fb_status {
    Error error;
    if (!client)
      return failed(FB_ERROR_ARGUMENT, usage_error("client", "where to put it", "a null pointer"));
    *client = 0;
    fb_status status = check_size("fb_options", options, sizeof *options, error);
    if (status != FB_OK) return failed(status, error);
    const fb_options whole = complete(options);
    if (whole.abi_version < 1 || whole.abi_version > FB_ABI_VERSION)
      return failed(FB_ERROR_VERSION,
                    usage_error("fb_options.abi_version", "1 to " + std::to_string(FB_ABI_VERSION),
                                std::to_string(whole.abi_version), "Update the library."));
    Options read;
    status = read_options(whole, read, error);
    if (status != FB_OK) return failed(status, error);
    std::unique_ptr<Client> made = Client::start(std::move(read), error);
    if (!made) return failed(FB_ERROR_SYSTEM, error);
    *client = add_client(made);
    if (*client) return FB_OK;
    return failed(FB_ERROR_LIMIT,
                  usage_error("client", "at most " + std::to_string(max_clients) + " at a time",
                              "one more", "Destroy those that are not needed."));
  });
}

fb_status FB_CALL fb_destroy(fb_client client) {
  if (client == 0) return FB_OK;
  const std::unique_ptr<Client> taken = remove_client(client);
  return taken ? FB_OK : no_such_client(client);
}

fb_status FB_CALL fb_submit(fb_client client, const fb_frame *frame, uint64_t *frame_id) {
  return guarded([&]() -> fb_status {
    Error error;
    fb_status status = check_size("fb_frame", frame, sizeof *frame, error);
    if (status != FB_OK) return failed(status, error);
    fb_frame whole = complete(frame);
    status = check_frame(whole, error);
    if (status != FB_OK) return failed(status, error);
    PinnedClient pinned(client);
    if (!pinned) return no_such_client(client);
    const uint64_t wanted = whole.frame_id;
    whole.frame_id = pinned->take_frame_id(wanted);
    if (!whole.frame_id)
      return failed(FB_ERROR_ARGUMENT,
                    usage_error("frame.frame_id", "one that is larger than any before",
                                std::to_string(wanted)));
    if (frame_id) *frame_id = whole.frame_id;
    return pinned->submit(whole, monotonic_ns());
  });
}

fb_status FB_CALL fb_poll(fb_client client, fb_result *result) {
  Error error;
  const fb_status status = check_size("fb_result", result, sizeof *result, error);
  if (status != FB_OK) return failed(status, error);
  PinnedClient pinned(client);
  if (!pinned) return no_such_client(client);
  fb_result whole{};
  const fb_status polled = pinned->poll(whole);
  if (polled == FB_OK) give(whole, result);
  return polled;
}

fb_status FB_CALL fb_set_parameter(fb_client client, const char *name, const fb_value *value) {
  return guarded([&]() -> fb_status {
    Error error;
    fb_status status = check_size("fb_value", value, sizeof *value, error);
    if (status != FB_OK) return failed(status, error);
    if (!name || !*name)
      return failed(FB_ERROR_ARGUMENT, usage_error("name", "the name of a knob", "none"));
    PinnedClient pinned(client);
    if (!pinned) return no_such_client(client);
    status = pinned->set_parameter(name, complete(value), error);
    return status == FB_OK ? status : failed(status, error);
  });
}

int64_t FB_CALL fb_command(fb_client client, const char *json) {
  return guarded([&]() -> int64_t {
    Error error;
    if (!json) return failed(FB_ERROR_ARGUMENT, usage_error("json", "an object", "a null pointer"));
    PinnedClient pinned(client);
    if (!pinned) return no_such_client(client);
    const int64_t ticket = pinned->command(json, error);
    return ticket > 0 ? ticket : failed(static_cast<fb_status>(ticket), error);
  });
}

fb_status FB_CALL fb_answer(fb_client client, int64_t ticket, char *json, size_t size,
                            size_t *needed) {
  return guarded([&]() -> fb_status {
    PinnedClient pinned(client);
    if (!pinned) return no_such_client(client);
    Error error;
    const fb_status status = pinned->answer(ticket, json, size, needed, error);
    return error.empty() ? status : failed(status, error);
  });
}

fb_status FB_CALL fb_get_statistics(fb_client client, fb_statistics *statistics) {
  return guarded([&]() -> fb_status {
    Error error;
    const fb_status status = check_size("fb_statistics", statistics, sizeof *statistics, error);
    if (status != FB_OK) return failed(status, error);
    PinnedClient pinned(client);
    if (!pinned) return no_such_client(client);
    fb_statistics whole{};
    pinned->statistics(whole);
    give(whole, statistics);
    return FB_OK;
  });
}

size_t FB_CALL fb_last_error(fb_client client, char *text, size_t size) {
  if (client == 0) return give_text(thread_error(), text, size);
  try {
    PinnedClient pinned(client);
    if (!pinned) {
      no_such_client(client);
      return give_text(thread_error(), text, size);
    }
    return give_text(pinned->last_error().c_str(), text, size);
  } catch (const std::bad_alloc &) {
    return give_text("", text, size);
  }
}

void FB_CALL fb_set_log(fb_log_function function, void *user, int32_t least_level) {
  set_log(function, user, least_level);
}

}  // extern "C"
