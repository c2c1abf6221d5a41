// What of OpenGL's state the client touches, kept and put back.
#pragma once

#include <array>

#include "opengl_functions.h"

namespace framebridge {

class SavedState {
 public:
  // `blits`: what would change a copy between framebuffers is kept, too.
  SavedState(bool embedded, bool blits) : embedded_(embedded), blits_(blits) {}

  // Keep it, and set what reading and writing whole, tightly packed pictures needs.
  void save(const gl::Functions &functions);
  void restore(const gl::Functions &functions);

 private:
  static constexpr int PIXEL_STORES = 10;

  bool embedded_;
  bool blits_;
  gl::Int read_framebuffer_ = 0, draw_framebuffer_ = 0;
  gl::Int pack_buffer_ = 0, unpack_buffer_ = 0;
  gl::Int texture_ = 0;
  std::array<gl::Int, PIXEL_STORES> pixel_stores_{};
  bool scissors_ = false, encodes_ = false;
};

}  // namespace framebridge
