#ifdef _WIN32
#include <windows.h>

#include <vector>

#include "child_process.h"
#include "wide_text.h"

namespace framebridge {

namespace {

/* A HANDLE that is closed when it goes. */
class Handle {
 public:
  Handle() = default;
  explicit Handle(HANDLE handle) : handle_(handle == INVALID_HANDLE_VALUE ? nullptr : handle) {}
  ~Handle() {
    if (handle_) CloseHandle(handle_);
  }
  Handle(Handle &&other) noexcept { std::swap(handle_, other.handle_); }
  Handle &operator=(Handle &&other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  HANDLE get() const { return handle_; }
  HANDLE *out() { return &handle_; }
  explicit operator bool() const { return handle_ != nullptr; }

 private:
  HANDLE handle_ = nullptr;
};

void let_inherit(const Handle &handle) {
  SetHandleInformation(handle.get(), HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT);
}

/* A file that goes with its last handle: nobody has to read it for its writer to go on. */
Handle passing_file() {
  wchar_t folder[MAX_PATH + 1], name[MAX_PATH + 1];
  if (!GetTempPathW(MAX_PATH + 1, folder) || !GetTempFileNameW(folder, L"fbr", 0, name)) return {};
  return Handle(CreateFileW(
      name, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
      nullptr, CREATE_ALWAYS, FILE_ATTRIBUTE_TEMPORARY | FILE_FLAG_DELETE_ON_CLOSE, nullptr));
}

/* One word as the C library of the other side takes it apart again: backslashes count double only
 * before a quotation mark. */
void append_quoted(std::wstring &line, const std::wstring &word) {
  if (!line.empty()) line += L' ';
  if (!word.empty() && word.find_first_of(L" \t\n\v\"") == std::wstring::npos) {
    line += word;
    return;
  }
  line += L'"';
  size_t backslashes = 0;
  for (const wchar_t character : word) {
    if (character == L'\\') {
      ++backslashes;
      continue;
    }
    if (character == L'"') backslashes = 2 * backslashes + 1;
    line.append(backslashes, L'\\');
    backslashes = 0;
    line += character;
  }
  line.append(2 * backslashes, L'\\');
  line += L'"';
}

std::string last_error_text() { return "Windows error " + std::to_string(GetLastError()); }

}  // namespace

struct ChildProcess::Handles {
  Handle input, output, complaints, process;
};

std::unique_ptr<ChildProcess> ChildProcess::start(const std::vector<std::string> &words,
                                                  Input input, Error &error) {
  Handle its_input, our_input, our_output, its_output, complaints = passing_file();
  const bool piped = CreatePipe(its_input.out(), our_input.out(), nullptr, 0) &&
                     CreatePipe(our_output.out(), its_output.out(), nullptr, 0);
  if (!piped || !complaints) {
    error = system_error("start_command", "a pipe", last_error_text());
    return nullptr;
  }
  if (input == Input::none)
    its_input = Handle(CreateFileW(L"NUL", GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE,
                                   nullptr, OPEN_EXISTING, 0, nullptr));
  for (const Handle *handle : {&its_input, &its_output, &complaints}) let_inherit(*handle);

  std::wstring line;
  for (const std::string &word : words) append_quoted(line, wide(word));

  // These three and no other handle of the engine, and no other process gets these.
  HANDLE inherited[] = {its_input.get(), its_output.get(), complaints.get()};
  SIZE_T size = 0;
  InitializeProcThreadAttributeList(nullptr, 1, 0, &size);
  std::vector<unsigned char> room(size);
  const auto list = reinterpret_cast<LPPROC_THREAD_ATTRIBUTE_LIST>(room.data());
  bool prepared = InitializeProcThreadAttributeList(list, 1, 0, &size);
  prepared = prepared && UpdateProcThreadAttribute(list, 0, PROC_THREAD_ATTRIBUTE_HANDLE_LIST,
                                                   inherited, sizeof inherited, nullptr, nullptr);
  STARTUPINFOEXW startup = {};
  startup.StartupInfo.cb = sizeof startup;
  startup.StartupInfo.dwFlags = STARTF_USESTDHANDLES;
  startup.StartupInfo.hStdInput = inherited[0];
  startup.StartupInfo.hStdOutput = inherited[1];
  startup.StartupInfo.hStdError = inherited[2];
  startup.lpAttributeList = list;
  PROCESS_INFORMATION process = {};
  const DWORD flags = CREATE_NO_WINDOW | CREATE_NEW_PROCESS_GROUP | EXTENDED_STARTUPINFO_PRESENT;
  const bool started =
      prepared && CreateProcessW(nullptr, line.data(), nullptr, nullptr, TRUE, flags, nullptr,
                                 nullptr, &startup.StartupInfo, &process);
  const std::string found = started ? "" : last_error_text();
  DeleteProcThreadAttributeList(list);
  if (!started) {
    error = system_error("start_command", "a command that can be started, " + words[0], found);
    return nullptr;
  }
  CloseHandle(process.hThread);
  std::unique_ptr<ChildProcess> child(new ChildProcess);
  child->handles_ = std::make_unique<Handles>();
  if (input == Input::held) child->handles_->input = std::move(our_input);
  child->handles_->output = std::move(our_output);
  child->handles_->complaints = std::move(complaints);
  child->handles_->process = Handle(process.hProcess);
  return child;
}

ChildProcess::~ChildProcess() = default;

bool ChildProcess::read_output(std::string &text) {
  // Asked first: what it wrote before it ended is read below all the same.
  const bool running = WaitForSingleObject(handles_->process.get(), 0) == WAIT_TIMEOUT;
  char bytes[4096];
  DWORD there = 0;
  while (PeekNamedPipe(handles_->output.get(), nullptr, 0, nullptr, &there, nullptr) && there) {
    DWORD length = 0;
    if (!ReadFile(handles_->output.get(), bytes, sizeof bytes, &length, nullptr)) break;
    text.append(bytes, length);
  }
  return running;
}

std::string ChildProcess::complaints() const {
  const HANDLE file = handles_->complaints.get();
  LARGE_INTEGER size = {};
  if (!GetFileSizeEx(file, &size)) return {};
  char bytes[1000];
  const LONGLONG room = sizeof bytes;
  // By its offset: the position is the writer's, too.
  const LONGLONG from = size.QuadPart > room ? size.QuadPart - room : 0;
  OVERLAPPED place = {};
  place.Offset = static_cast<DWORD>(from);
  place.OffsetHigh = static_cast<DWORD>(from >> 32);
  DWORD length = 0;
  if (!ReadFile(file, bytes, sizeof bytes, &length, &place)) return {};
  return std::string(bytes, length);
}

}  // namespace framebridge
#endif
