#include "call_error.h"

namespace framebridge {
namespace {

thread_local std::string last;

}  // namespace

void set_call_error(const std::string &text) { last = text; }

const std::string &call_error() { return last; }

}  // namespace framebridge
