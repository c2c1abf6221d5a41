/* Unusual state of an engine's OpenGL context, and whether it is still so after an event. */
#pragma once

#include <GL/glcorearb.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { STATES = 24 };

static const GLenum state_names[STATES] = {
    GL_READ_FRAMEBUFFER_BINDING,
    GL_DRAW_FRAMEBUFFER_BINDING,
    GL_PIXEL_PACK_BUFFER_BINDING,
    GL_PIXEL_UNPACK_BUFFER_BINDING,
    GL_TEXTURE_BINDING_2D,
    GL_ACTIVE_TEXTURE,
    GL_PACK_ALIGNMENT,
    GL_PACK_ROW_LENGTH,
    GL_PACK_SKIP_ROWS,
    GL_PACK_SKIP_PIXELS,
    GL_UNPACK_ALIGNMENT,
    GL_UNPACK_ROW_LENGTH,
    GL_UNPACK_SKIP_ROWS,
    GL_UNPACK_SKIP_PIXELS,
    GL_VIEWPORT,
    GL_SCISSOR_BOX,
    GL_SCISSOR_TEST,
    GL_BLEND,
    GL_ARRAY_BUFFER_BINDING,
    GL_VERTEX_ARRAY_BINDING,
    GL_CURRENT_PROGRAM,
    /* not in OpenGL ES */
    GL_PACK_SWAP_BYTES,
    GL_UNPACK_SWAP_BYTES,
    GL_FRAMEBUFFER_SRGB,
};

struct engine_state {
  GLint values[STATES][4];
  int count;
};

static void read_state(bool embedded, struct engine_state *state) {
  memset(state, 0, sizeof *state);
  state->count = embedded ? STATES - 3 : STATES;
  for (int i = 0; i < state->count; ++i) glGetIntegerv(state_names[i], state->values[i]);
}

/* Settings that break a reading or writing which does not set its own. */
static void make_state_unusual(bool embedded, GLuint framebuffer, GLuint texture, GLuint buffer) {
  glBindFramebuffer(GL_FRAMEBUFFER, framebuffer);
  glBindTexture(GL_TEXTURE_2D, texture);
  glBindBuffer(GL_PIXEL_PACK_BUFFER, buffer);
  glBindBuffer(GL_PIXEL_UNPACK_BUFFER, buffer);
  glPixelStorei(GL_PACK_ALIGNMENT, 8);
  glPixelStorei(GL_PACK_ROW_LENGTH, 1234);
  glPixelStorei(GL_PACK_SKIP_ROWS, 3);
  glPixelStorei(GL_PACK_SKIP_PIXELS, 5);
  glPixelStorei(GL_UNPACK_ALIGNMENT, 1);
  glPixelStorei(GL_UNPACK_ROW_LENGTH, 777);
  glPixelStorei(GL_UNPACK_SKIP_ROWS, 2);
  glPixelStorei(GL_UNPACK_SKIP_PIXELS, 7);
  glEnable(GL_SCISSOR_TEST);
  glScissor(1, 2, 3, 4);
  glEnable(GL_BLEND);
  if (!embedded) {
    glPixelStorei(GL_PACK_SWAP_BYTES, 1);
    glPixelStorei(GL_UNPACK_SWAP_BYTES, 1);
    glEnable(GL_FRAMEBUFFER_SRGB);
  }
}

static void make_state_plain(bool embedded) {
  glBindFramebuffer(GL_FRAMEBUFFER, 0);
  glBindTexture(GL_TEXTURE_2D, 0);
  glBindBuffer(GL_PIXEL_PACK_BUFFER, 0);
  glBindBuffer(GL_PIXEL_UNPACK_BUFFER, 0);
  for (int i = 6; i < 14; ++i) {
    const bool alignment =
        state_names[i] == GL_PACK_ALIGNMENT || state_names[i] == GL_UNPACK_ALIGNMENT;
    glPixelStorei(state_names[i], alignment ? 4 : 0);
  }
  glDisable(GL_SCISSOR_TEST);
  glDisable(GL_BLEND);
  if (!embedded) {
    glPixelStorei(GL_PACK_SWAP_BYTES, 0);
    glPixelStorei(GL_UNPACK_SWAP_BYTES, 0);
    glDisable(GL_FRAMEBUFFER_SRGB);
  }
}

static bool same_state(const struct engine_state *before, const struct engine_state *after) {
  for (int i = 0; i < before->count; ++i) {
    if (memcmp(before->values[i], after->values[i], sizeof before->values[i]) != 0) {
      fprintf(stderr, "state 0x%04x was %d, is %d\n", state_names[i], before->values[i][0],
              after->values[i][0]);
      return false;
    }
  }
  return true;
}
