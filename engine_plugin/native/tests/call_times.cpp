// What fb_submit and fb_poll take of the engine's thread, beside one memcpy of the same frame, in
// turn. tests/bench/native.py speaks with it.
//
//   call_times WIDTH HEIGHT ROUNDS PERIOD_MS [live]
//
// Prints `ready`, with `live` once results come; waits for a line on its input; then prints for each
// round the seconds of the memcpy, of fb_submit and of fb_poll, and their statuses.
#include <framebridge.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "client_options.h"

namespace {

using Clock = std::chrono::steady_clock;
constexpr auto watchdog = std::chrono::seconds(60);

double seconds_of(Clock::duration time) { return std::chrono::duration<double>(time).count(); }

struct Round {
  double copy_s = 0, submit_s = 0, poll_s = 0;
  fb_status submitted = FB_OK, polled = FB_OK;
};

class Calls {
 public:
  Calls(fb_client client, int32_t width, int32_t height)
      : client_(client), frame_(width, height, 77), copy_(frame_.bytes.size(), 1) {}

  void copy(Round &round) {
    const auto begin = Clock::now();
    std::memcpy(copy_.data(), frame_.bytes.data(), copy_.size());
    round.copy_s = seconds_of(Clock::now() - begin);
  }

  void call(Round &round) {
    const auto begin = Clock::now();
    round.submitted = fb_submit(client_, &frame_.frame, nullptr);
    const auto between = Clock::now();
    fb_result result = empty_result();
    round.polled = fb_poll(client_, &result);
    const auto end = Clock::now();
    round.submit_s = seconds_of(between - begin);
    round.poll_s = seconds_of(end - between);
    if (round.polled == FB_OK && result.origin == FB_FROM_BRIDGE) ++results;
  }

  int results = 0;

 private:
  fb_client client_;
  TestFrame frame_;
  std::vector<uint8_t> copy_;
};

}  // namespace

int main(int count, char **words) {
  if (count < 5) return 2;
  const int32_t width = std::atoi(words[1]), height = std::atoi(words[2]);
  const int rounds = std::atoi(words[3]);
  const auto period = std::chrono::milliseconds(std::atoi(words[4]));
  const fb_options options = client_options(width, height);
  fb_client client = 0;
  if (fb_create(&options, &client) != FB_OK) {
    std::fprintf(stderr, "%s\n", last_error(0).c_str());
    return 1;
  }
  Calls calls(client, width, height);
  const auto begin = Clock::now();
  Round unused;
  for (int warm_up = 0; warm_up < 10 || (count > 5 && calls.results < 10); ++warm_up) {
    if (Clock::now() - begin > watchdog) {
      std::fprintf(stderr, "no results: %s\n", last_error(client).c_str());
      return 1;
    }
    calls.copy(unused);
    calls.call(unused);
    std::this_thread::sleep_for(period);
  }
  std::puts("ready");
  std::fflush(stdout);
  std::string line;
  std::getline(std::cin, line);
  std::mt19937 random(0);
  std::vector<Round> taken(static_cast<size_t>(rounds));
  for (Round &round : taken) {
    // Neither always has what the other leaves behind.
    const bool copy_first = random() % 2 == 0;
    if (copy_first) calls.copy(round);
    calls.call(round);
    if (!copy_first) calls.copy(round);
    std::this_thread::sleep_for(period);
  }
  for (const Round &round : taken) {
    std::printf("%.9f %.9f %.9f %d %d\n", round.copy_s, round.submit_s, round.poll_s,
                static_cast<int>(round.submitted), static_cast<int>(round.polled));
  }
  fb_destroy(client);
  return 0;
}
