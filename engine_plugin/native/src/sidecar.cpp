#include "sidecar.h"

#include <algorithm>

#include "clock.h"
#include "log.h"

namespace framebridge {

namespace {

constexpr uint64_t first_pause_ns = 250 * millisecond_ns;
constexpr uint64_t longest_pause_ns = 5 * second_ns;
constexpr uint64_t good_run_ns = 10 * second_ns;  // after that its end is a surprise, not a habit
constexpr size_t max_line = 65536;

std::string last_line(const std::string &text) {
  const size_t end = text.find_last_not_of(" \r\n\t");
  if (end == std::string::npos) return {};
  const size_t before = text.find_last_of('\n', end);
  return text.substr(before == std::string::npos ? 0 : before + 1,
                     end - (before == std::string::npos ? 0 : before + 1) + 1);
}

}  // namespace

// Never destroyed: the pipe is to end with the process, and clients' threads may outlast statics.
Sidecar &Sidecar::private_one() {
  static Sidecar &one = *new Sidecar(false);
  return one;
}

Sidecar &Sidecar::shared_one() {
  static Sidecar &one = *new Sidecar(true);
  return one;
}

std::optional<Address> Sidecar::address() {
  const std::lock_guard<std::mutex> lock(mutex_);
  look();
  return address_;
}

Error Sidecar::want(const std::vector<std::string> &words) {
  const std::lock_guard<std::mutex> lock(mutex_);
  look();
  const uint64_t now = monotonic_ns();
  if (child_ || now < again_at_) return child_ ? Error() : error_;
  words_ = words;
  std::vector<std::string> all = words;
  all.push_back("serve");
  if (!shared_) all.insert(all.end(), {"--private", "--end-with-input", "--json"});
  const auto input = shared_ ? ChildProcess::Input::none : ChildProcess::Input::held;
  Error error;
  output_.clear();
  address_.reset();
  started_at_ = now;
  child_ = ChildProcess::start(all, input, error);
  if (child_) {
    log(FB_INFO, "started " + words[0] + " serve");
    error_ = Error();
  } else {
    ended(error.found);
  }
  return error_;
}

void Sidecar::look() {
  if (!child_) return;
  const bool running = child_->read_output(output_);
  const size_t line = output_.find('\n');
  if (!shared_ && !address_ && line != std::string::npos) {
    Address address;
    Error error;
    if (read_address(output_.substr(0, line), address, error)) {
      address_ = address;
    } else {
      // Something else than a sidecar: it is let go, which ends its input.
      ended("as its first line: " + output_.substr(0, std::min<size_t>(line, 200)));
      return;
    }
  }
  if (address_ || output_.size() > max_line) output_.clear();
  if (running) return;
  const std::string complaint = last_line(child_->complaints());
  ended(complaint.empty() ? "one that has ended" : "one that has ended: " + complaint);
}

void Sidecar::ended(const std::string &found) {
  const uint64_t now = monotonic_ns();
  child_.reset();
  address_.reset();
  if (now - started_at_ >= good_run_ns) pause_ns_ = 0;
  pause_ns_ = std::clamp(pause_ns_ * 2, first_pause_ns, longest_pause_ns);
  again_at_ = now + pause_ns_;
  error_ = not_running("start_command " + (words_.empty() ? "" : words_[0]), found,
                       "Check that the command runs in a terminal; it is started again.");
  log(FB_WARNING, error_.text());
}

}  // namespace framebridge
