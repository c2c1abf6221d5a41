#ifndef _WIN32
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "child_process.h"
#include "discovery.h"

#ifdef __APPLE__
#include <crt_externs.h>
#define environ (*_NSGetEnviron())
#else
extern char **environ;
#endif

namespace framebridge {

namespace {

// A shell that starts the command in the background and ends at once: so the command is not the
// engine's child, and leaves it no zombie and no SIGCHLD. Its input goes by another number, since a
// shell gives a command in the background an empty one.
constexpr const char *in_background = "exec 3<&0; \"$@\" <&3 3<&- &";

/* A file descriptor that is closed when it goes. */
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() { reset(); }
  Descriptor(Descriptor &&other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor &operator=(Descriptor &&other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  void reset() {
    if (number_ >= 0) close(number_);
    number_ = -1;
  }
  int number() const { return number_; }
  explicit operator bool() const { return number_ >= 0; }

 private:
  int number_ = -1;
};

/* The same, but none of the three that the child has for its input and output: an engine that has
 * closed those would be given their numbers. */
Descriptor lifted(int number) {
  Descriptor given(number);
  if (number < 0 || number > 2) return given;
  return Descriptor(fcntl(number, F_DUPFD_CLOEXEC, 3));
}

bool make_pipe(Descriptor &read_end, Descriptor &write_end) {
  int ends[2];
#ifdef __linux__
  // At once closed to other children: another thread of the engine may start one meanwhile.
  if (pipe2(ends, O_CLOEXEC) != 0) return false;
#else
  if (pipe(ends) != 0) return false;
  for (int end : ends) fcntl(end, F_SETFD, FD_CLOEXEC);
#endif
  read_end = lifted(ends[0]);
  write_end = lifted(ends[1]);
  return read_end && write_end;
}

/* A file without a name: nobody has to read it for its writer to go on. */
Descriptor nameless_file() {
  std::string name = temporary_folder() + "/framebridge-XXXXXX";
  Descriptor file = lifted(mkstemp(name.data()));
  if (!file) return lifted(open("/dev/null", O_RDWR | O_CLOEXEC));
  unlink(name.c_str());
  fcntl(file.number(), F_SETFD, FD_CLOEXEC);
  return file;
}

class SpawnSettings {
 public:
  SpawnSettings() {
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    // As a process begins: the thread that starts it has signals blocked.
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
#ifdef POSIX_SPAWN_SETSID
    flags |= POSIX_SPAWN_SETSID;
#endif
    posix_spawnattr_setflags(&attributes, flags);
  }
  ~SpawnSettings() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
};

}  // namespace

struct ChildProcess::Handles {
  Descriptor input, output, complaints;
};

std::unique_ptr<ChildProcess> ChildProcess::start(const std::vector<std::string> &words,
                                                  Input input, Error &error) {
  Descriptor its_input, our_input, our_output, its_output, complaints = nameless_file();
  const bool piped = make_pipe(its_input, our_input) && make_pipe(our_output, its_output);
  if (!piped || !complaints) {
    error = system_error("start_command", "a pipe", std::strerror(errno));
    return nullptr;
  }
  if (input == Input::none) its_input = lifted(open("/dev/null", O_RDONLY | O_CLOEXEC));
  fcntl(our_output.number(), F_SETFL, O_NONBLOCK);

  std::vector<const char *> arguments = {"sh", "-c", in_background, "sh"};
  for (const std::string &word : words) arguments.push_back(word.c_str());
  arguments.push_back(nullptr);

  SpawnSettings settings;
  posix_spawn_file_actions_adddup2(&settings.actions, its_input.number(), 0);
  posix_spawn_file_actions_adddup2(&settings.actions, its_output.number(), 1);
  posix_spawn_file_actions_adddup2(&settings.actions, complaints.number(), 2);
  pid_t shell = 0;
  const int failed = posix_spawn(&shell, "/bin/sh", &settings.actions, &settings.attributes,
                                 const_cast<char *const *>(arguments.data()), environ);
  if (failed) {
    error = system_error("start_command", "a process", std::strerror(failed));
    return nullptr;
  }
  while (waitpid(shell, nullptr, 0) < 0 && errno == EINTR) {
  }
  std::unique_ptr<ChildProcess> child(new ChildProcess);
  child->handles_ = std::make_unique<Handles>();
  if (input == Input::held) child->handles_->input = std::move(our_input);
  child->handles_->output = std::move(our_output);
  child->handles_->complaints = std::move(complaints);
  return child;
}

ChildProcess::~ChildProcess() = default;

bool ChildProcess::read_output(std::string &text) {
  char bytes[4096];
  for (;;) {
    const ssize_t length = read(handles_->output.number(), bytes, sizeof bytes);
    if (length > 0) {
      text.append(bytes, static_cast<size_t>(length));
    } else if (length == 0) {
      return false;
    } else if (errno != EINTR) {
      return errno == EAGAIN || errno == EWOULDBLOCK;
    }
  }
}

std::string ChildProcess::complaints() const {
  const int file = handles_->complaints.number();
  const off_t end = lseek(file, 0, SEEK_END);
  if (end <= 0) return {};
  char bytes[1000];
  const off_t from =
      end > static_cast<off_t>(sizeof bytes) ? end - static_cast<off_t>(sizeof bytes) : 0;
  const ssize_t length = pread(file, bytes, sizeof bytes, from);
  return length > 0 ? std::string(bytes, static_cast<size_t>(length)) : std::string();
}

}  // namespace framebridge
#endif
