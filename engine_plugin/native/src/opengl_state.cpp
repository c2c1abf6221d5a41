#include "opengl_state.h"

namespace framebridge {
namespace {

struct PixelStore {
  gl::Enum name;
  gl::Int wanted;
  bool in_embedded;
};

constexpr PixelStore STORES[] = {
    {gl::PACK_ALIGNMENT, 4, true},     {gl::PACK_ROW_LENGTH, 0, true},
    {gl::PACK_SKIP_ROWS, 0, true},     {gl::PACK_SKIP_PIXELS, 0, true},
    {gl::PACK_SWAP_BYTES, 0, false},   {gl::UNPACK_ALIGNMENT, 4, true},
    {gl::UNPACK_ROW_LENGTH, 0, true},  {gl::UNPACK_SKIP_ROWS, 0, true},
    {gl::UNPACK_SKIP_PIXELS, 0, true}, {gl::UNPACK_SWAP_BYTES, 0, false},
};

}  // namespace

void SavedState::save(const gl::Functions &functions) {
  functions.get_integers(gl::READ_FRAMEBUFFER_BINDING, &read_framebuffer_);
  functions.get_integers(gl::PIXEL_PACK_BUFFER_BINDING, &pack_buffer_);
  functions.get_integers(gl::PIXEL_UNPACK_BUFFER_BINDING, &unpack_buffer_);
  functions.get_integers(gl::TEXTURE_BINDING_2D, &texture_);
  for (int i = 0; i < PIXEL_STORES; ++i) {
    if (embedded_ && !STORES[i].in_embedded) {
      continue;
    }
    functions.get_integers(STORES[i].name, &pixel_stores_[i]);
    if (pixel_stores_[i] != STORES[i].wanted) {
      functions.pixel_store(STORES[i].name, STORES[i].wanted);
    }
  }
  if (!blits_) {
    return;
  }
  functions.get_integers(gl::DRAW_FRAMEBUFFER_BINDING, &draw_framebuffer_);
  scissors_ = functions.is_enabled(gl::SCISSOR_TEST) != 0;
  if (scissors_) {
    functions.disable(gl::SCISSOR_TEST);
  }
  encodes_ = !embedded_ && functions.is_enabled(gl::FRAMEBUFFER_SRGB) != 0;
  if (encodes_) {
    functions.disable(gl::FRAMEBUFFER_SRGB);
  }
}

void SavedState::restore(const gl::Functions &functions) {
  for (int i = 0; i < PIXEL_STORES; ++i) {
    if ((!embedded_ || STORES[i].in_embedded) && pixel_stores_[i] != STORES[i].wanted) {
      functions.pixel_store(STORES[i].name, pixel_stores_[i]);
    }
  }
  functions.bind_texture(gl::TEXTURE_2D, static_cast<gl::Name>(texture_));
  functions.bind_buffer(gl::PIXEL_UNPACK_BUFFER, static_cast<gl::Name>(unpack_buffer_));
  functions.bind_buffer(gl::PIXEL_PACK_BUFFER, static_cast<gl::Name>(pack_buffer_));
  functions.bind_framebuffer(gl::READ_FRAMEBUFFER, static_cast<gl::Name>(read_framebuffer_));
  if (!blits_) {
    return;
  }
  functions.bind_framebuffer(gl::DRAW_FRAMEBUFFER, static_cast<gl::Name>(draw_framebuffer_));
  if (scissors_) {
    functions.enable(gl::SCISSOR_TEST);
  }
  if (encodes_) {
    functions.enable(gl::FRAMEBUFFER_SRGB);
  }
}

}  // namespace framebridge
