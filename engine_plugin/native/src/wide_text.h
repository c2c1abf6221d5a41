// Between UTF-8, which the library speaks, and UTF-16, which Windows does.
#pragma once
#ifdef _WIN32

#include <string>

namespace framebridge {

std::wstring wide(const std::string &utf8);
std::string utf8(const std::wstring &wide);

}  // namespace framebridge
#endif
