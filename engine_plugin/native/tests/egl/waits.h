/* Counts what the library does that could wait for the device, from between the two.
 *
 * The library asks eglGetProcAddress for its functions and finds the one below, since a program's
 * own comes first. What it is given keeps an account of all that it orders of pixel buffers: each
 * order has a number, each fence the number of the last order before it, and an order is over once
 * a fence behind it was seen to have passed. To map a buffer whose last order is not over would
 * wait.
 */
#pragma once

#include <EGL/egl.h>
#include <GL/glcorearb.h>
#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { SPIED_BUFFERS = 4096, SPIED_FENCES = 64 };

static struct {
  unsigned asked; /* functions that were asked for */
  unsigned waits; /* what waits, or may wait */
  unsigned looks; /* fences looked at without waiting */
  unsigned reads, maps, writes;
  unsigned long long order, over;
  unsigned long long last_order[SPIED_BUFFERS];
  struct {
    GLsync sync;
    unsigned long long order;
  } fences[SPIED_FENCES];
  GLuint pack, unpack;
} spied;

static struct {
  PFNGLBINDBUFFERPROC bind_buffer;
  PFNGLCLIENTWAITSYNCPROC client_wait_sync;
  PFNGLFENCESYNCPROC fence_sync;
  PFNGLMAPBUFFERRANGEPROC map_buffer_range;
  PFNGLREADPIXELSPROC read_pixels;
  PFNGLTEXSUBIMAGE2DPROC tex_sub_image;
} real;

/* Not where there are several contexts, whose numbers are the same. */
static bool spy_counts;

/* What the library is to believe of the device. */
static bool spy_says_graphics_card;
static int spy_says_version; /* such as 21; 0: the truth */

static void waits(const char *what) {
  if (!spy_counts || ++spied.waits > 10) return;
  fprintf(stderr, "it may wait: %s\n", what);
}

/* The numbers of the library's buffers; the program's own are bound beside it. */
static inline void spy_begin_event(void) {
  GLint bound = 0;
  glGetIntegerv(GL_PIXEL_PACK_BUFFER_BINDING, &bound);
  spied.pack = (GLuint)bound;
  glGetIntegerv(GL_PIXEL_UNPACK_BUFFER_BINDING, &bound);
  spied.unpack = (GLuint)bound;
}

static void APIENTRY spy_bind_buffer(GLenum target, GLuint buffer) {
  if (target == GL_PIXEL_PACK_BUFFER) spied.pack = buffer;
  if (target == GL_PIXEL_UNPACK_BUFFER) spied.unpack = buffer;
  real.bind_buffer(target, buffer);
}

static GLsync APIENTRY spy_fence_sync(GLenum condition, GLbitfield flags) {
  GLsync sync = real.fence_sync(condition, flags);
  for (int i = 0; i < SPIED_FENCES; ++i) {
    if (!spy_counts || spied.fences[i].sync == NULL || spied.fences[i].sync == sync) {
      spied.fences[i].sync = sync;
      spied.fences[i].order = spied.order;
      return sync;
    }
  }
  waits("more fences than are ever deleted");
  return sync;
}

static GLenum APIENTRY spy_client_wait_sync(GLsync sync, GLbitfield flags, GLuint64 timeout_ns) {
  if (timeout_ns != 0) waits("glClientWaitSync with a timeout");
  ++spied.looks;
  const GLenum result = real.client_wait_sync(sync, flags, timeout_ns);
  if (result != GL_ALREADY_SIGNALED && result != GL_CONDITION_SATISFIED) return result;
  for (int i = 0; i < SPIED_FENCES; ++i) {
    if (spied.fences[i].sync != sync) continue;
    if (spied.fences[i].order > spied.over) spied.over = spied.fences[i].order;
    spied.fences[i].sync = NULL;
  }
  return result;
}

static void APIENTRY spy_read_pixels(GLint x, GLint y, GLsizei width, GLsizei height, GLenum format,
                                     GLenum type, void *pixels) {
  ++spied.reads;
  if (spied.pack == 0) waits("glReadPixels into plain memory");
  spied.last_order[spied.pack % SPIED_BUFFERS] = ++spied.order;
  real.read_pixels(x, y, width, height, format, type, pixels);
}

static void APIENTRY spy_tex_sub_image(GLenum target, GLint level, GLint x, GLint y, GLsizei width,
                                       GLsizei height, GLenum format, GLenum type,
                                       const void *pixels) {
  ++spied.writes;
  if (spied.unpack == 0) waits("glTexSubImage2D from plain memory");
  spied.last_order[spied.unpack % SPIED_BUFFERS] = ++spied.order;
  real.tex_sub_image(target, level, x, y, width, height, format, type, pixels);
}

static void *APIENTRY spy_map_buffer_range(GLenum target, GLintptr offset, GLsizeiptr length,
                                           GLbitfield access) {
  const GLuint buffer = target == GL_PIXEL_PACK_BUFFER ? spied.pack : spied.unpack;
  const unsigned long long last = spied.last_order[buffer % SPIED_BUFFERS];
  ++spied.maps;
  if (last > spied.over) waits("glMapBufferRange of a buffer that the device may be using");
  return real.map_buffer_range(target, offset, length, access);
}

static void APIENTRY spy_finish(void) { waits("glFinish"); }

/* Whatever waits by its nature, and has no other use. */
static void APIENTRY spy_forbidden(void) {
  waits("glGetTexImage, glGetBufferSubData or glWaitSync");
}

static const GLubyte *APIENTRY spy_get_string(GLenum name) {
  if (name == GL_RENDERER && spy_says_graphics_card) return (const GLubyte *)"a graphics card";
  return glGetString(name);
}

static void APIENTRY spy_get_integers(GLenum name, GLint *values) {
  glGetIntegerv(name, values);
  if (name == GL_MAJOR_VERSION && spy_says_version != 0) *values = spy_says_version / 10;
  if (name == GL_MINOR_VERSION && spy_says_version != 0) *values = spy_says_version % 10;
}

typedef void (*any_function)(void);

static any_function real_function(const char *name) {
  static any_function (*get)(const char *);
  if (get == NULL) {
    void *found = dlsym(RTLD_NEXT, "eglGetProcAddress");
    memcpy(&get, &found, sizeof found);
  }
  return get(name);
}

__attribute__((visibility("default"))) any_function eglGetProcAddress(const char *name) {
#define SPY(function, kept, spy)              \
  if (strcmp(name, function) == 0) {          \
    ++spied.asked;                            \
    any_function found = real_function(name); \
    memcpy(&real.kept, &found, sizeof found); \
    return (any_function)spy;                 \
  }
  SPY("glBindBuffer", bind_buffer, spy_bind_buffer)
  SPY("glClientWaitSync", client_wait_sync, spy_client_wait_sync)
  SPY("glFenceSync", fence_sync, spy_fence_sync)
  SPY("glMapBufferRange", map_buffer_range, spy_map_buffer_range)
  SPY("glReadPixels", read_pixels, spy_read_pixels)
  SPY("glTexSubImage2D", tex_sub_image, spy_tex_sub_image)
#undef SPY
  if (strcmp(name, "glGetString") == 0) return (any_function)spy_get_string;
  if (strcmp(name, "glGetIntegerv") == 0) return (any_function)spy_get_integers;
  if (strcmp(name, "glFinish") == 0) return (any_function)spy_finish;
  if (strcmp(name, "glGetTexImage") == 0 || strcmp(name, "glGetBufferSubData") == 0 ||
      strcmp(name, "glWaitSync") == 0 || strcmp(name, "glMapBuffer") == 0) {
    return (any_function)spy_forbidden;
  }
  return real_function(name);
}
