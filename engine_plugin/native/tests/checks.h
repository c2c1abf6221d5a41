// Checks of the test programs: all are made, what fails is named, and the exit code says it.
#pragma once

#include <cstdio>
#include <string>

namespace checks {

inline int failed = 0;
inline int made = 0;

inline bool expect(bool good, const std::string &what) {
  ++made;
  if (!good) {
    ++failed;
    std::fprintf(stderr, "not so: %s\n", what.c_str());
  }
  return good;
}

/* The exit code; prints how many checks were made. */
inline int report() {
  std::printf("%d checks, %d failed\n", made, failed);
  return failed == 0 ? 0 : 1;
}

}  // namespace checks

#define CHECK(condition) checks::expect((condition), #condition)
