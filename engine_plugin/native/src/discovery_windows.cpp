#ifdef _WIN32
#include <windows.h>

#include "discovery.h"
#include "wide_text.h"

namespace framebridge {

namespace {

constexpr DWORD max_file_bytes = 65536;

}  // namespace

std::string environment(const char *name) {
  // Not getenv, whose copy of the environment is the C library's and of another encoding.
  const std::wstring wide_name = wide(name);
  const DWORD needed = GetEnvironmentVariableW(wide_name.c_str(), nullptr, 0);
  if (needed == 0) return "";
  std::wstring value(needed, L'\0');
  const DWORD length = GetEnvironmentVariableW(wide_name.c_str(), value.data(), needed);
  if (length >= needed) return "";
  value.resize(length);
  return utf8(value);
}

std::string runtime_folder() {
  const std::string named = environment("FRAMEBRIDGE_RUNTIME_DIR");
  if (!named.empty()) return named;
  const std::string local = environment("LOCALAPPDATA");
  if (!local.empty()) return local + "\\framebridge";
  wchar_t folder[MAX_PATH + 1];
  const DWORD length = GetTempPathW(MAX_PATH + 1, folder);
  return utf8(std::wstring(folder, length)) + "framebridge";
}

std::string read_published(const std::string &folder, const char *name) {
  // The folder lies in the user's profile, which Windows keeps others out of. Shared in every way,
  // so that the bridge can take the file away meanwhile.
  const HANDLE file = CreateFileW(wide(folder + "\\" + name).c_str(), GENERIC_READ,
                                  FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, nullptr,
                                  OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, nullptr);
  if (file == INVALID_HANDLE_VALUE) return "";
  std::string text(max_file_bytes, '\0');
  DWORD length = 0;
  if (!ReadFile(file, text.data(), max_file_bytes, &length, nullptr)) length = 0;
  CloseHandle(file);
  text.resize(length);
  return text;
}

bool may_answer(const std::string &) {
  // A TCP port cannot be asked without waiting; the greeting decides.
  return true;
}

}  // namespace framebridge
#endif
