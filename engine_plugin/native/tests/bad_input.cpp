// What no engine should ask for: a status and words, never a crash. No bridge is needed: where one
// runs in FRAMEBRIDGE_RUNTIME_DIR it makes no difference.
#include <framebridge.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <functional>
#include <limits>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "checks.h"
#include "client_options.h"

namespace {

/* The call fails with this, and says so in words that name the place. */
void refused(int64_t got, fb_status expected, const std::string &place, const std::string &what) {
  const std::string words = last_error(0);
  checks::expect(got == expected, what + ": status " + std::to_string(got) + ", " + words);
  checks::expect(words.find(place) != std::string::npos, what + ": names " + place + ": " + words);
  checks::expect(words.compare(0, 4, "FB-E") == 0 && words.find("expected") != std::string::npos,
                 what + ": " + words);
}

fb_client made(const fb_options &options) {
  fb_client client = 0;
  checks::expect(fb_create(&options, &client) == FB_OK && client != 0, last_error(0));
  return client;
}

void null_pointers(fb_client client) {
  const fb_options options = client_options();
  fb_client none = 7;
  refused(fb_create(nullptr, &none), FB_ERROR_ARGUMENT, "fb_options", "create of nothing");
  CHECK(none == 0);
  refused(fb_create(&options, nullptr), FB_ERROR_ARGUMENT, "client", "create into nothing");
  refused(fb_submit(client, nullptr, nullptr), FB_ERROR_ARGUMENT, "fb_frame", "submit of nothing");
  TestFrame frame(64, 48, 1);
  frame.frame.pixels = nullptr;
  refused(fb_submit(client, &frame.frame, nullptr), FB_ERROR_ARGUMENT, "frame", "no pixels");
  refused(fb_poll(client, nullptr), FB_ERROR_ARGUMENT, "fb_result", "poll into nothing");
  fb_value value{};
  value.size = sizeof value;
  refused(fb_set_parameter(client, nullptr, &value), FB_ERROR_ARGUMENT, "name", "no name");
  refused(fb_set_parameter(client, "", &value), FB_ERROR_ARGUMENT, "name", "an empty name");
  refused(fb_set_parameter(client, "a", nullptr), FB_ERROR_ARGUMENT, "fb_value", "no value");
  value.kind = FB_TEXT;
  refused(fb_set_parameter(client, "a", &value), FB_ERROR_ARGUMENT, "value", "no text");
  refused(fb_command(client, nullptr), FB_ERROR_ARGUMENT, "json", "command of nothing");
  refused(fb_get_statistics(client, nullptr), FB_ERROR_ARGUMENT, "fb_statistics", "nowhere");
  fb_answer(client, 12345, nullptr, 0, nullptr);
  CHECK(fb_last_error(client, nullptr, 0) >= 1);
  CHECK(fb_last_error(0, nullptr, 100) >= 1);
  fb_set_log(nullptr, nullptr, FB_DEBUG);
  CHECK(fb_destroy(0) == FB_OK);
}

void sizes(fb_client client) {
  // Of an older header: without the fields at the end.
  fb_options options = client_options();
  options.size = offsetof(fb_options, client_name);
  fb_client older = 0;
  CHECK(fb_create(&options, &older) == FB_OK);
  CHECK(fb_destroy(older) == FB_OK);
  options.size = offsetof(fb_options, model);
  refused(fb_create(&options, &older), FB_ERROR_ARGUMENT, "model", "options without a model");
  for (const uint32_t size : {0u, 1u, 3u, 4097u, 0xffffffffu}) {
    options.size = size;
    refused(fb_create(&options, &older), FB_ERROR_ARGUMENT, "size", "options of " +
                                                                        std::to_string(size));
  }

  // Of a newer one: taken while what is unknown is zero.
  struct Newer {
    fb_options options;
    uint64_t more;
  } newer{client_options(), 0};
  newer.options.size = sizeof newer;
  CHECK(fb_create(&newer.options, &older) == FB_OK);
  CHECK(fb_destroy(older) == FB_OK);
  newer.more = 1;
  refused(fb_create(&newer.options, &older), FB_ERROR_VERSION, "fb_options", "newer options");
  CHECK(older == 0);

  fb_options future = client_options();
  for (const uint32_t version : {FB_ABI_VERSION + 1, 0xffffffffu}) {
    future.abi_version = version;
    refused(fb_create(&future, &older), FB_ERROR_VERSION, "abi_version", "an ABI of the future");
  }

  // A smaller result or statistics: nothing behind it is written.
  TestFrame frame(64, 48, 9);
  CHECK(fb_submit(client, &frame.frame, nullptr) >= 0);
  for (const size_t size : {sizeof(uint32_t), offsetof(fb_result, chain), sizeof(fb_result) - 8}) {
    fb_result result;
    std::memset(&result, 0xa5, sizeof result);
    result.size = static_cast<uint32_t>(size);
    CHECK(fb_poll(client, &result) >= 0);
    const auto *bytes = reinterpret_cast<const unsigned char *>(&result);
    bool untouched = result.size == size;
    for (size_t i = size; i < sizeof result; ++i) untouched = untouched && bytes[i] == 0xa5;
    CHECK(untouched);
    CHECK(fb_submit(client, &frame.frame, nullptr) >= 0);
  }
  fb_statistics statistics;
  std::memset(&statistics, 0xa5, sizeof statistics);
  statistics.size = offsetof(fb_statistics, returned);
  CHECK(fb_get_statistics(client, &statistics) == FB_OK);
  CHECK(statistics.sent < 1000 && statistics.returned == 0xa5a5a5a5a5a5a5a5u);

  // An older frame has no pixels; a newer one may have more.
  fb_frame old = frame.frame;
  old.size = offsetof(fb_frame, pixels);
  refused(fb_submit(client, &old, nullptr), FB_ERROR_ARGUMENT, "frame", "a frame without pixels");
  struct NewerFrame {
    fb_frame frame;
    uint64_t more;
  } newer_frame{frame.frame, 5};
  newer_frame.frame.size = sizeof newer_frame;
  refused(fb_submit(client, &newer_frame.frame, nullptr), FB_ERROR_VERSION, "fb_frame", "newer");
}

void options() {
  using Change = std::function<void(fb_options &)>;
  const std::string long_text(3000, 'x');
  const std::string long_json = "{\"a\": \"" + std::string(70000, 'x') + "\"}";
  const struct {
    const char *place;
    fb_status status;
    Change change;
  } wrong[] = {
      {"frame", FB_ERROR_ARGUMENT, [](fb_options &o) { o.source.width = 0; }},
      {"frame", FB_ERROR_ARGUMENT, [](fb_options &o) { o.source.height = -5; }},
      {"frame", FB_ERROR_ARGUMENT, [](fb_options &o) { o.source.width = 16385; }},
      {"pixel_format", FB_ERROR_ARGUMENT, [](fb_options &o) { o.source.pixel_format = 2; }},
      {"rows", FB_ERROR_ARGUMENT, [](fb_options &o) { o.source.rows = -1; }},
      {"transfer", FB_ERROR_ARGUMENT, [](fb_options &o) { o.source.transfer = 9; }},
      {"alpha", FB_ERROR_ARGUMENT, [](fb_options &o) { o.source.alpha = 1 << 30; }},
      {"policy", FB_ERROR_ARGUMENT, [](fb_options &o) { o.policy = 3; }},
      {"when_gone", FB_ERROR_ARGUMENT, [](fb_options &o) { o.when_gone = 3; }},
      {"every", FB_ERROR_ARGUMENT, [](fb_options &o) { o.every = 2; }},
      {"rate", FB_ERROR_ARGUMENT, [](fb_options &o) { o.rate = -1; }},
      {"rate", FB_ERROR_ARGUMENT, [](fb_options &o) { o.rate = std::nan(""); }},
      {"rate", FB_ERROR_ARGUMENT, [](fb_options &o) { o.rate = 1e9; }},
      {"reserved", FB_ERROR_ARGUMENT, [](fb_options &o) { o.reserved = 1; }},
      {"model", FB_ERROR_ARGUMENT, [](fb_options &o) { o.model = nullptr; }},
      {"model", FB_ERROR_ARGUMENT, [](fb_options &o) { o.model = ""; }},
      {"model", FB_ERROR_LIMIT, [&](fb_options &o) { o.model = long_text.c_str(); }},
      {"label", FB_ERROR_LIMIT, [&](fb_options &o) { o.label = long_text.c_str(); }},
      {"client_name", FB_ERROR_LIMIT, [&](fb_options &o) { o.client_name = long_text.c_str(); }},
      {"parameters", FB_ERROR_ARGUMENT, [](fb_options &o) { o.parameters = "{"; }},
      {"parameters", FB_ERROR_ARGUMENT, [](fb_options &o) { o.parameters = "[1]"; }},
      {"parameter", FB_ERROR_ARGUMENT, [](fb_options &o) { o.parameters = "{\"a\": null}"; }},
      {"parameters", FB_ERROR_ARGUMENT, [&](fb_options &o) { o.parameters = long_json.c_str(); }},
      {"start_command", FB_ERROR_ARGUMENT, [](fb_options &o) { o.start_command = "framebridge"; }},
      {"start_command", FB_ERROR_ARGUMENT, [](fb_options &o) { o.start_command = "[]"; }},
  };
  for (const auto &one : wrong) {
    fb_options options = client_options();
    one.change(options);
    fb_client client = 7;
    refused(fb_create(&options, &client), one.status, one.place, one.place);
    CHECK(client == 0);
  }
  fb_options bytes = client_options();
  bytes.label = "\xff\xfe";
  fb_client client = 0;
  CHECK(fb_create(&bytes, &client) < 0);
  CHECK(last_error(0).find("UTF-8") != std::string::npos);
}

void frames(fb_client client) {
  TestFrame good(64, 48, 3);
  uint64_t id = 0;
  CHECK(fb_submit(client, &good.frame, &id) >= 0);
  using Change = std::function<void(fb_frame &)>;
  const Change wrong[] = {
      [](fb_frame &f) { f.width = 0; },     [](fb_frame &f) { f.height = -1; },
      [](fb_frame &f) { f.width = 16385; }, [](fb_frame &f) { f.stride = 255; },
      [](fb_frame &f) { f.stride = -256; }, [](fb_frame &f) { f.reserved = 1; },
      [](fb_frame &f) { f.stride = std::numeric_limits<int64_t>::max(); },
      [&](fb_frame &f) { f.frame_id = id; }};
  for (const Change &change : wrong) {
    TestFrame frame(64, 48, 3);
    change(frame.frame);
    refused(fb_submit(client, &frame.frame, nullptr), FB_ERROR_ARGUMENT, "frame", "a wrong frame");
  }
  // Rows that are farther apart, and another size in mid-flight: shown as they are.
  TestFrame wide(100, 30, 8);
  wide.frame.width = 20;
  wide.frame.stride = 400;
  CHECK(fb_submit(client, &wide.frame, &id) >= 0);
  fb_result result = empty_result();
  for (int i = 0; i < 1000 && result.frame_id != id; ++i) {
    fb_poll(client, &result);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  CHECK(result.frame_id == id && result.format.width == 20 && result.format.height == 30);
}

/* `living` is left alone. */
void handles(fb_client living) {
  const fb_options options = client_options();
  TestFrame frame(64, 48, 3);
  fb_value value{};
  value.size = sizeof value;
  fb_statistics statistics{};
  statistics.size = sizeof statistics;
  fb_result result = empty_result();
  char text[100];
  const auto all_refuse = [&](fb_client client) {
    bool good = fb_submit(client, &frame.frame, nullptr) == FB_ERROR_HANDLE;
    good = fb_poll(client, &result) == FB_ERROR_HANDLE && good;
    good = fb_set_parameter(client, "a", &value) == FB_ERROR_HANDLE && good;
    good = fb_command(client, "{\"type\": \"status\"}") == FB_ERROR_HANDLE && good;
    good = fb_answer(client, 1, text, sizeof text, nullptr) == FB_ERROR_HANDLE && good;
    good = fb_get_statistics(client, &statistics) == FB_ERROR_HANDLE && good;
    good = (client == 0 || fb_destroy(client) == FB_ERROR_HANDLE) && good;
    return good;
  };
  CHECK(all_refuse(0));
  const fb_client first = made(options);
  CHECK(fb_destroy(first) == FB_OK);
  CHECK(all_refuse(first));
  refused(fb_poll(first, &result), FB_ERROR_HANDLE, "client", "a stale handle");
  const fb_client second = made(options);
  CHECK(second != first);
  CHECK(all_refuse(first));
  std::mt19937_64 random(4);
  bool forged = true;
  for (int i = 0; i < 20000; ++i) {
    const fb_client guess = random() >> (random() % 64);
    if (guess != second && guess != living) forged = all_refuse(guess) && forged;
  }
  for (int bit = 0; bit < 64; ++bit) {
    const fb_client guess = second ^ uint64_t{1} << bit;
    if (guess != living) forged = all_refuse(guess) && forged;
  }
  CHECK(forged);
  CHECK(fb_last_error(first, text, sizeof text) > 1);
  CHECK(fb_destroy(second) == FB_OK);
}

void too_many() {
  const fb_options options = client_options();
  std::vector<fb_client> clients;
  fb_client client = 0;
  fb_status status = FB_OK;
  while (clients.size() < 100 && (status = fb_create(&options, &client)) == FB_OK) {
    clients.push_back(client);
  }
  CHECK(clients.size() == 31);  // beside the one of main
  refused(status, FB_ERROR_LIMIT, "client", "one client too many");
  for (const fb_client one : clients) CHECK(fb_destroy(one) == FB_OK);
}

void commands(fb_client client) {
  for (const char *wrong : {"", "x", "[]", "{}", "{\"type\": \"stop\"}", "{\"type\": \"load\"}",
                            "{\"type\": \"load\", \"chain\": []}", "{\"type\": 1}", "\xff"}) {
    refused(fb_command(client, wrong), FB_ERROR_ARGUMENT, "command", wrong);
  }
  const std::string deep(60000, '[');
  refused(fb_command(client, deep.c_str()), FB_ERROR_ARGUMENT, "command", "60,000 arrays");
  CHECK(fb_answer(client, 999999, nullptr, 0, nullptr) == FB_ERROR_ARGUMENT);
  CHECK(fb_answer(client, -1, nullptr, 0, nullptr) == FB_ERROR_ARGUMENT);
  std::vector<int64_t> tickets;
  int64_t ticket = 0;
  while (tickets.size() < 100 && (ticket = fb_command(client, "{\"type\": \"stream\"}")) > 0) {
    tickets.push_back(ticket);
  }
  CHECK(tickets.size() == 16);
  refused(ticket, FB_ERROR_LIMIT, "command", "one question too many");
  for (const int64_t one : tickets) {
    std::string answer(1, '\0');
    size_t needed = 0;
    fb_status status = FB_NOTHING;
    for (int i = 0; i < 5000 && status == FB_NOTHING; ++i) {
      status = fb_answer(client, one, answer.data(), answer.size(), &needed);
      if (status == FB_NOTHING) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    if (status == FB_ERROR_LIMIT) {
      answer.resize(needed);
      status = fb_answer(client, one, answer.data(), answer.size(), nullptr);
    }
    CHECK(status == FB_OK || status == FB_ERROR_BRIDGE);
    CHECK(fb_answer(client, one, answer.data(), answer.size(), nullptr) == FB_ERROR_ARGUMENT);
  }
}

void parameters(fb_client client) {
  fb_value value{};
  value.size = sizeof value;
  value.kind = 17;
  refused(fb_set_parameter(client, "a", &value), FB_ERROR_ARGUMENT, "kind", "an unknown kind");
  value.kind = FB_FLOAT;
  value.number[0] = std::numeric_limits<double>::infinity();
  refused(fb_set_parameter(client, "a", &value), FB_ERROR_ARGUMENT, "value", "infinity");
  value.number[0] = 0.5;
  CHECK(fb_set_parameter(client, std::string(300, 'x').c_str(), &value) < 0);
  CHECK(fb_set_parameter(client, "\xff", &value) < 0);
  fb_status status = FB_OK;
  for (int i = 0; i < 200 && status == FB_OK; ++i) {
    status = fb_set_parameter(client, ("knob " + std::to_string(i)).c_str(), &value);
  }
  refused(status, FB_ERROR_LIMIT, "parameters", "65 knobs");
}

void short_buffers() {
  fb_create(nullptr, nullptr);
  char text[8];
  std::memset(text, 'z', sizeof text);
  const size_t whole = fb_last_error(0, text, 5);
  CHECK(whole > 8 && std::strlen(text) == 4 && text[5] == 'z');
}

/* One thread submits, one polls, one asks, while a fourth destroys the client. */
void destroyed_in_use(int rounds) {
  for (int round = 0; round < rounds; ++round) {
    const fb_client client = made(client_options(32, 32));
    std::atomic<int> begun{0};
    std::atomic<bool> good{true};
    const auto until_gone = [&](const std::function<fb_status()> &call) {
      return std::thread([&, call] {
        fb_status status = FB_OK;
        bool counted = false;
        while ((status = call()) >= 0) {
          if (!counted) ++begun;
          counted = true;
        }
        if (!counted) ++begun;
        if (status != FB_ERROR_HANDLE) good = false;
      });
    };
    std::thread submits = until_gone([&] {
      thread_local TestFrame frame(32, 32, 5);
      return fb_submit(client, &frame.frame, nullptr);
    });
    std::thread polls = until_gone([&] {
      fb_result result = empty_result();
      return fb_poll(client, &result);
    });
    std::thread asks = until_gone([&] {
      fb_statistics statistics{};
      statistics.size = sizeof statistics;
      fb_value value{};
      value.size = sizeof value;
      fb_set_parameter(client, "a", &value);
      last_error(client);
      return fb_get_statistics(client, &statistics);
    });
    while (begun < 3) std::this_thread::yield();
    if (round % 2) std::this_thread::sleep_for(std::chrono::milliseconds(round % 20));
    CHECK(fb_destroy(client) == FB_OK);
    submits.join();
    polls.join();
    asks.join();
    CHECK(good);
  }
}

std::atomic<int> logged{0};

void FB_CALL count(int32_t, const char *text, void *user) {
  if (text && user == &logged) ++logged;
}

}  // namespace

int main(int argc, char **argv) {
  const int rounds = argc > 1 ? std::stoi(argv[1]) : 10;
  fb_set_log(count, &logged, FB_DEBUG);
  const fb_client client = made(client_options());
  null_pointers(client);
  fb_set_log(count, &logged, FB_DEBUG);
  sizes(client);
  options();
  frames(client);
  handles(client);
  too_many();
  commands(client);
  parameters(client);
  short_buffers();
  destroyed_in_use(rounds);
  CHECK(fb_destroy(client) == FB_OK);
  fb_set_log(nullptr, nullptr, FB_ERROR);
  return checks::report();
}
