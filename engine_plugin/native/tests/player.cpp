// Plays an engine: it is told what to do by lines on its standard input, and answers each with one
// line. tests/native/player.py speaks with it.
//
//   create KEY=VALUE ...    a client; it becomes the present one
//   use N                   the present one is the Nth that was created, from 0
//   destroy
//   size WIDTH HEIGHT       of the frames from now on
//   play WHAT COUNT         ticks until so many more of:
//                           ticks polls results passed cleared reopened
//   wait STATE              until the client is absent, connecting, opening, live ...
//   state STATE             the same, with ticks meanwhile
//   film WIDTH HEIGHT IN OUT   each frame of a file in order, each result into another, with
//   `every` churn SECONDS           submits, polls and asks from four threads at once farewell
//   destroys the client while two threads submit and poll statistics, error set NAME KIND VALUE...
//   KIND is bool int float text colour command JSON            and its answer end
//
// Every frame shows its number in each pixel, and every result is compared with the frame whose id
// it carries.
#include <framebridge.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr double watchdog_s = 60;

double seconds() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double>(now).count();
}

struct Trouble {
  std::string text;
};

std::string error_of(fb_client client) {
  char text[2048];
  fb_last_error(client, text, sizeof text);
  return text;
}

void check(fb_status status, const char *call) {
  if (status < 0) throw Trouble{std::string(call) + ": " + error_of(0)};
}

class Player {
 public:
  explicit Player(std::istringstream &words) {
    fb_options options{};
    options.size = sizeof options;
    options.abi_version = FB_ABI_VERSION;
    options.source.size = sizeof options.source;
    options.source.width = options.source.height = 32;
    std::map<std::string, std::string> texts = {{"model", "passthrough"}};
    for (std::string word; words >> word;) {
      const size_t equals = word.find('=');
      texts[word.substr(0, equals)] = equals == std::string::npos ? "" : word.substr(equals + 1);
    }
    const auto number = [&](const char *key, int32_t otherwise) {
      return texts.count(key) ? std::atoi(texts[key].c_str()) : otherwise;
    };
    const auto text = [&](const char *key) {
      return texts.count(key) ? texts[key].c_str() : nullptr;
    };
    options.source.width = width_ = number("width", 32);
    options.source.height = height_ = number("height", 32);
    options.source.pixel_format = number("pixel_format", FB_RGBA8);
    options.model = text("model");
    options.client_name = "player";
    options.label = text("label");
    options.parameters = text("parameters");
    options.policy = number("policy", FB_LATEST);
    options.when_gone = number("when_gone", FB_PASS_THROUGH);
    options.rate = texts.count("rate") ? std::atof(texts["rate"].c_str()) : 0;
    options.seed = static_cast<uint32_t>(number("seed", 0));
    options.every = number("every", 0);
    options.endpoint = text("endpoint");
    options.token = text("token");
    options.start_command = text("start");
    options.shared = number("shared", 0);
    free_ = options.policy == FB_FREE;
    check_pixels_ = number("check", 1) != 0;
    padding_ = number("padding", 0);
    id_step_ = static_cast<uint64_t>(number("id_step", 0));
    send_ = number("send", 1) != 0;
    check(fb_create(&options, &client), "fb_create");
    resize(width_, height_);
  }

  void resize(int width, int height) {
    width_ = width;
    height_ = height;
    frame_.assign(static_cast<size_t>(stride()) * static_cast<size_t>(height), 0);
  }

  void tick() {
    if (send_) submit();
    poll();
  }

  void submit() {
    ++number_;
    paint();
    fb_frame frame{};
    frame.size = sizeof frame;
    frame.width = width_;
    frame.height = height_;
    frame.stride = padding_ ? stride() : 0;
    frame.frame_id = id_step_ ? number_ * id_step_ : 0;
    frame.pixels = frame_.data();
    uint64_t id = 0;
    const fb_status status = fb_submit(client, &frame, &id);
    check(status, "fb_submit");
    if (id_step_ && id != frame.frame_id) throw Trouble{"another id than was given"};
    sent_[id % slots] = {id, number_};
    if (status == FB_OK) ++ok;
    if (status == FB_SKIPPED || status == FB_REOPENING) ++not_sent;
    if (status == FB_REOPENING) ++reopened;
    ++ticks;
  }

  bool poll() {
    fb_result result{};
    result.size = sizeof result;
    const fb_status status = fb_poll(client, &result);
    check(status, "fb_poll");
    ++polls;
    if (status == FB_NOTHING) return false;
    if (result.origin == FB_CLEARED) {
      if (check_pixels_ && first_pixel(result) != 0) throw Trouble{"not cleared"};
      ++cleared;
      return true;
    }
    if (result.origin == FB_PASSED_THROUGH) ++passed;
    if (result.origin == FB_FROM_BRIDGE) ++results;
    const bool tick = free_ && result.origin == FB_FROM_BRIDGE;
    if (!tick) {
      if (result.frame_id <= last_shown) throw Trouble{"an older frame after a newer one"};
      last_shown = result.frame_id;
      if (check_pixels_) compare(result);
    }
    chain = result.chain;
    result_width = result.format.width;
    result_height = result.format.height;
    return true;
  }

  fb_client client = 0;
  uint64_t ticks = 0, polls = 0, ok = 0, not_sent = 0, reopened = 0, results = 0, passed = 0,
           cleared = 0;
  uint64_t last_shown = 0;
  uint32_t chain = 0;
  int result_width = 0, result_height = 0;

 private:
  static constexpr size_t slots = 1024;
  struct Sent {
    uint64_t id = 0, number = 0;
  };

  int64_t stride() const { return int64_t{4} * width_ + padding_; }

  void paint() {
    const uint32_t pixel = colour(number_);
    for (int row = 0; row < height_; ++row) {
      uint8_t *bytes = frame_.data() + row * stride();
      for (int column = 0; column < width_; ++column)
        std::memcpy(bytes + 4 * column, &pixel, sizeof pixel);
    }
  }

  static uint32_t colour(uint64_t number) {
    const uint8_t bytes[4] = {static_cast<uint8_t>(number), static_cast<uint8_t>(number >> 8),
                              static_cast<uint8_t>(number >> 16), 255};
    uint32_t pixel;
    std::memcpy(&pixel, bytes, sizeof pixel);
    return pixel;
  }

  uint32_t first_pixel(const fb_result &result) const {
    uint32_t first;
    std::memcpy(&first, result.pixels, sizeof first);
    for (int row = 0; row < result.format.height; ++row) {
      const auto *bytes = static_cast<const uint8_t *>(result.pixels) + row * result.stride;
      for (int column = 0; column < result.format.width; ++column) {
        if (std::memcmp(bytes + 4 * column, &first, sizeof first) != 0)
          throw Trouble{"a torn frame"};
      }
    }
    return first;
  }

  void compare(const fb_result &result) const {
    const Sent &sent = sent_[result.frame_id % slots];
    if (sent.id != result.frame_id) throw Trouble{"a result of a frame that was never sent"};
    if (first_pixel(result) != colour(sent.number))
      throw Trouble{"a result that belongs to another frame"};
  }

  int width_ = 0, height_ = 0, padding_ = 0;
  bool free_ = false, check_pixels_ = true, send_ = true;
  uint64_t id_step_ = 0, number_ = 0;
  std::vector<uint8_t> frame_;
  Sent sent_[slots];
};

constexpr const char *states[] = {"absent", "connecting", "opening", "live", "paused", "failed"};

fb_statistics statistics_of(fb_client client) {
  fb_statistics statistics{};
  statistics.size = sizeof statistics;
  check(fb_get_statistics(client, &statistics), "fb_get_statistics");
  return statistics;
}

template <typename Act, typename Done>
void act_until(Player &player, const std::string &what, Act act, Done done) {
  const double end = seconds() + watchdog_s;
  while (!done()) {
    if (seconds() > end) throw Trouble{"never came: " + what + "; " + error_of(player.client)};
    act();
    std::this_thread::sleep_for(std::chrono::milliseconds(4));
  }
}

void play(Player &player, const std::string &what, uint64_t more) {
  const std::map<std::string, uint64_t *> counts = {
      {"ticks", &player.ticks},   {"polls", &player.polls},     {"results", &player.results},
      {"passed", &player.passed}, {"cleared", &player.cleared}, {"reopened", &player.reopened}};
  const uint64_t *count = counts.at(what);
  const uint64_t wanted = *count + more;
  const auto done = [&] { return *count >= wanted; };
  if (what == "polls")
    act_until(player, what, [&] { player.poll(); }, done);
  else
    act_until(player, what, [&] { player.tick(); }, done);
}

void wait_for_state(Player &player, const std::string &state, bool ticking) {
  const auto act = [&] {
    if (ticking) player.tick();
  };
  const auto done = [&] { return states[statistics_of(player.client).state] == state; };
  act_until(player, "state " + state, act, done);
}

std::string answer_to(fb_client client, const std::string &json) {
  const int64_t ticket = fb_command(client, json.c_str());
  if (ticket < 0) return "refused " + error_of(0);
  const double end = seconds() + watchdog_s;
  std::vector<char> room(1);
  for (;;) {
    size_t needed = 0;
    const fb_status status = fb_answer(client, ticket, room.data(), room.size(), &needed);
    if (status == FB_OK) return std::string("ok ") + room.data();
    if (status == FB_ERROR_BRIDGE) return std::string("bridge ") + room.data();
    if (status == FB_ERROR_LIMIT) {
      room.resize(needed);
      continue;
    }
    check(status, "fb_answer");
    if (seconds() > end) throw Trouble{"no answer"};
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

void set(fb_client client, std::istringstream &words) {
  std::string name, kind, text;
  words >> name >> kind;
  fb_value value{};
  value.size = sizeof value;
  if (kind == "bool" || kind == "int") {
    value.kind = kind == "bool" ? FB_BOOL : FB_INT;
    words >> value.integer;
  } else if (kind == "float") {
    value.kind = FB_FLOAT;
    words >> value.number[0];
  } else if (kind == "colour") {
    value.kind = FB_COLOUR;
    words >> value.number[0] >> value.number[1] >> value.number[2];
  } else {
    value.kind = FB_TEXT;
    words >> text;
    value.text = text.c_str();
  }
  check(fb_set_parameter(client, name.c_str(), &value), "fb_set_parameter");
}

/* Offline: each frame is sent, and sent again while no slot is free; each result is kept. */
uint64_t film(fb_client client, std::istringstream &words) {
  int width, height;
  std::string from, to;
  words >> width >> height >> from >> to;
  std::FILE *in = std::fopen(from.c_str(), "rb");
  std::FILE *out = std::fopen(to.c_str(), "wb");
  if (!in || !out) throw Trouble{"cannot open " + from + " or " + to};
  std::vector<uint8_t> pixels(static_cast<size_t>(width) * static_cast<size_t>(height) * 4);
  uint64_t sent = 0, results = 0, last_id = 0;
  bool more = true, held = false;
  const double end = seconds() + watchdog_s;
  while (more || results < sent) {
    if (seconds() > end) throw Trouble{"the film does not end; " + error_of(client)};
    if (more && !held) {
      more = std::fread(pixels.data(), 1, pixels.size(), in) == pixels.size();
      held = more;
    }
    if (held) {
      fb_frame frame{};
      frame.size = sizeof frame;
      frame.width = width;
      frame.height = height;
      frame.pixels = pixels.data();
      const fb_status status = fb_submit(client, &frame, nullptr);
      check(status, "fb_submit");
      if (status == FB_OK) {
        held = false;
        ++sent;
      }
    }
    fb_result result{};
    result.size = sizeof result;
    const fb_status status = fb_poll(client, &result);
    check(status, "fb_poll");
    if (status == FB_OK && result.origin == FB_FROM_BRIDGE) {
      if (result.frame_id <= last_id) throw Trouble{"out of order"};
      last_id = result.frame_id;
      const size_t row = static_cast<size_t>(result.format.width) * 4;
      for (int y = 0; y < result.format.height; ++y)
        std::fwrite(static_cast<const uint8_t *>(result.pixels) + y * result.stride, 1, row, out);
      ++results;
    } else {
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
  }
  std::fclose(in);
  std::fclose(out);
  return results;
}

bool is_gone(fb_client client) {
  fb_statistics statistics{};
  statistics.size = sizeof statistics;
  return fb_get_statistics(client, &statistics) == FB_ERROR_HANDLE;
}

/* The engine's threads at their worst: one submits, one polls, two ask and turn, all at once. */
std::string churn(Player &player, double length_s) {
  std::atomic<bool> over{false};
  std::atomic<uint64_t> wrong{0};
  const auto asking = [&] {
    while (!over) {
      statistics_of(player.client);
      error_of(player.client);
      fb_value value{};
      value.size = sizeof value;
      value.kind = FB_FLOAT;
      fb_set_parameter(player.client, "no-such-knob", &value);
      const int64_t ticket = fb_command(player.client, "{\"type\": \"stream\"}");
      char room[8];
      for (int look = 0; ticket > 0 && look < 5; ++look)
        fb_answer(player.client, ticket, room, sizeof room, nullptr);
      if (!is_gone(player.client + 256)) ++wrong;
      std::this_thread::sleep_for(std::chrono::microseconds(300));
    }
  };
  std::string trouble;
  std::thread polling([&] {
    try {
      while (!over) {
        fb_result result{};
        result.size = sizeof result;
        check(fb_poll(player.client, &result), "fb_poll");
        std::this_thread::sleep_for(std::chrono::microseconds(500));
      }
    } catch (const Trouble &met) {
      trouble = met.text;
    }
  });
  std::thread first(asking), second(asking);
  const double end = seconds() + length_s;
  while (seconds() < end) {
    player.submit();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  over = true;
  for (std::thread *thread : {&polling, &first, &second}) thread->join();
  if (wrong) throw Trouble{"a handle that is none was taken"};
  if (!trouble.empty()) throw Trouble{trouble};
  return "done";
}

/* The client is destroyed while other threads use it: from some call on they are told so. */
std::string farewell(Player &player) {
  std::atomic<int> told{0};
  std::thread submitting([&] {
    const std::vector<uint8_t> pixels(32 * 32 * 4);
    fb_frame frame{};
    frame.size = sizeof frame;
    frame.width = frame.height = 32;
    frame.pixels = pixels.data();
    fb_status status = FB_OK;
    while (status >= 0) status = fb_submit(player.client, &frame, nullptr);
    told += status == FB_ERROR_HANDLE;
  });
  std::thread polling([&] {
    fb_result result{};
    result.size = sizeof result;
    fb_status status = FB_OK;
    while (status >= 0) status = fb_poll(player.client, &result);
    told += status == FB_ERROR_HANDLE;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  check(fb_destroy(player.client), "fb_destroy");
  submitting.join();
  polling.join();
  if (told != 2) throw Trouble{"a call with a handle that is gone was something else than that"};
  return "destroyed";
}

std::string told(const fb_statistics &s) {
  char text[1024];
  const auto number = [](uint64_t count) { return static_cast<unsigned long long>(count); };
  std::snprintf(text, sizeof text,
                "{\"state\": \"%s\", \"sent\": %llu, \"returned\": %llu, \"dropped\": %llu, "
                "\"skipped\": %llu, \"late\": %llu, \"withheld\": %llu, \"taken\": %llu, "
                "\"lost\": %llu, \"passed\": %llu, \"restarts\": %llu, \"connections\": %llu, "
                "\"last_sent_id\": %llu, \"last_result_id\": %llu, \"latency_ms\": %.3f, "
                "\"source\": [%d, %d], \"result\": [%d, %d]}",
                states[s.state], number(s.sent), number(s.returned), number(s.dropped),
                number(s.skipped), number(s.late), number(s.withheld), number(s.taken),
                number(s.lost), number(s.passed), number(s.restarts), number(s.connections),
                number(s.last_sent_id), number(s.last_result_id), s.latency_ms, s.source.width,
                s.source.height, s.result.width, s.result.height);
  return text;
}

std::string carry_out(std::vector<Player> &players, size_t &present, const std::string &verb,
                      std::istringstream &words) {
  if (verb == "create") {
    players.emplace_back(words);
    present = players.size() - 1;
    return "client " + std::to_string(present);
  }
  if (verb == "use") {
    words >> present;
    return "client " + std::to_string(present);
  }
  Player &player = players.at(present);
  std::string word;
  if (verb == "play") {
    uint64_t count;
    words >> word >> count;
    play(player, word, count);
  } else if (verb == "state" || verb == "wait") {
    words >> word;
    wait_for_state(player, word, verb == "state");
  } else if (verb == "size") {
    int width, height;
    words >> width >> height;
    player.resize(width, height);
  } else if (verb == "film") {
    return std::to_string(film(player.client, words));
  } else if (verb == "churn") {
    double length_s;
    words >> length_s;
    return churn(player, length_s);
  } else if (verb == "farewell") {
    return farewell(player);
  } else if (verb == "statistics") {
    return told(statistics_of(player.client));
  } else if (verb == "error") {
    return error_of(player.client);
  } else if (verb == "set") {
    set(player.client, words);
  } else if (verb == "command") {
    std::string json;
    std::getline(words >> std::ws, json);
    return answer_to(player.client, json);
  } else if (verb == "destroy") {
    check(fb_destroy(player.client), "fb_destroy");
    if (!is_gone(player.client)) throw Trouble{"it is still there"};
    return "destroyed";
  } else {
    throw Trouble{"no such verb: " + verb};
  }
  char text[256];
  std::snprintf(text, sizeof text,
                "{\"ticks\": %llu, \"ok\": %llu, \"not_sent\": %llu, \"results\": %llu, "
                "\"passed\": %llu, \"cleared\": %llu, \"last_shown\": %llu, "
                "\"chain\": \"%08x\", \"shown\": [%d, %d]}",
                static_cast<unsigned long long>(player.ticks),
                static_cast<unsigned long long>(player.ok),
                static_cast<unsigned long long>(player.not_sent),
                static_cast<unsigned long long>(player.results),
                static_cast<unsigned long long>(player.passed),
                static_cast<unsigned long long>(player.cleared),
                static_cast<unsigned long long>(player.last_shown), player.chain,
                player.result_width, player.result_height);
  return text;
}

void FB_CALL write_log(int32_t level, const char *text, void *) {
  std::fprintf(stderr, "[%d] %s\n", level, text);
}

}  // namespace

int main() {
  fb_set_log(write_log, nullptr, FB_DEBUG);
  std::vector<Player> players;
  size_t present = 0;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string verb;
    words >> verb;
    if (verb == "end") break;
    try {
      std::cout << carry_out(players, present, verb, words) << std::endl;
    } catch (const Trouble &trouble) {
      std::cout << "!" << trouble.text << std::endl;
    } catch (const std::exception &error) {
      std::cout << "!" << error.what() << std::endl;
    }
  }
  fb_set_log(nullptr, nullptr, FB_ERROR);
  return 0;
}
