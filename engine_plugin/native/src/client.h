// A client: one connection, one stream, one thread that does all that could wait.
#pragma once

#include <framebridge.h>

#include <cstdint>
#include <memory>
#include <string>

namespace framebridge {

struct Error;
struct Options;
class Session;

class Client {
 public:
  /* Begin to look for the bridge. Null, and an error: the system gives no thread or no socket. */
  static std::unique_ptr<Client> start(Options options, Error &error);
  ~Client();
  Client(const Client &) = delete;
  Client &operator=(const Client &) = delete;

  // For whoever has frames. One thread at a time for these; none of them waits, none allocates
  // after the first frame.

  /* What the bytes of frames mean, as at fb_create; width and height are those of the latest
   * frame. */
  const fb_format &source_format() const;

  /* False while a frame would be neither sent nor passed through, so that it need not be read. */
  bool wants_frames() const;

  /* Take the id of a frame that is submitted later: `wanted`, or the next one where that is 0.
   * Returns 0 when it is not larger than any before. */
  uint64_t take_frame_id(uint64_t wanted);

  /* Copy a frame into a slot and send it. `frame` has been checked; its id was taken. Returns OK,
   * SKIPPED, REOPENING.
   * since_ns: when it was drawn, as monotonic_ns gives it. */
  fb_status submit(const fb_frame &frame, uint64_t since_ns);

  /* A frame whose id was taken does not come, since there was no room to read it. */
  void skip(uint64_t frame_id);

  // For whoever shows results. One thread at a time.

  /* The newest result that was not given yet, to look at until the next poll. Returns OK,
   * NOTHING. result.size is left alone. */
  fb_status poll(fb_result &result);

  // For any thread.

  /* What is wrong with its graphics, for fb_last_error; empty text when nothing is. */
  void report_graphics(const std::string &text);

  fb_status set_parameter(const char *name, const fb_value &value, Error &error);
  int64_t command(const char *json, Error &error);
  fb_status answer(int64_t ticket, char *json, size_t size, size_t *needed, Error &error);
  void statistics(fb_statistics &statistics) const;
  std::string last_error() const;

 private:
  explicit Client(std::unique_ptr<Session> session);
  std::unique_ptr<Session> session_;
};

/* Holds a client for the length of a call, so that it is not destroyed meanwhile.
 *
 *   PinnedClient client(event.client);
 *   if (!client) return FB_ERROR_HANDLE;
 *   client->poll(result);
 */
class PinnedClient {
 public:
  explicit PinnedClient(fb_client handle);
  ~PinnedClient();
  PinnedClient(const PinnedClient &) = delete;
  PinnedClient &operator=(const PinnedClient &) = delete;
  explicit operator bool() const { return client_ != nullptr; }
  Client *operator->() const { return client_; }
  Client &operator*() const { return *client_; }

 private:
  fb_client handle_;
  Client *client_;
};

}  // namespace framebridge
