// The few functions of OpenGL 3.3 and OpenGL ES 3.0 that the client uses, found at run time, so
// that the library needs no OpenGL to be loaded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#ifdef _WIN32
#define FB_GL __stdcall
#else
#define FB_GL
#endif

namespace framebridge::gl {

using Enum = unsigned int;
using Name = unsigned int;
using Int = int;
using Sync = struct SyncObject *;
using Address = ptrdiff_t;

// Values of the OpenGL 4.6 and OpenGL ES 3.2 registries.
constexpr Enum TEXTURE_2D = 0x0DE1, TEXTURE_BINDING_2D = 0x8069;
constexpr Enum TEXTURE_WIDTH = 0x1000, TEXTURE_HEIGHT = 0x1001;
constexpr Enum RGBA = 0x1908, BGRA = 0x80E1, UNSIGNED_BYTE = 0x1401;
constexpr Enum RGBA8 = 0x8058;
constexpr Enum UNSIGNED_NORMALIZED = 0x8C17;
constexpr Enum READ_FRAMEBUFFER = 0x8CA8, DRAW_FRAMEBUFFER = 0x8CA9;
constexpr Enum READ_FRAMEBUFFER_BINDING = 0x8CAA, DRAW_FRAMEBUFFER_BINDING = 0x8CA6;
constexpr Enum COLOR_ATTACHMENT0 = 0x8CE0, FRAMEBUFFER_COMPLETE = 0x8CD5;
constexpr Enum ATTACHMENT_RED_SIZE = 0x8212, ATTACHMENT_GREEN_SIZE = 0x8213;
constexpr Enum ATTACHMENT_BLUE_SIZE = 0x8214, ATTACHMENT_ALPHA_SIZE = 0x8215;
constexpr Enum ATTACHMENT_COMPONENT_TYPE = 0x8211;
constexpr Enum PIXEL_PACK_BUFFER = 0x88EB, PIXEL_PACK_BUFFER_BINDING = 0x88ED;
constexpr Enum PIXEL_UNPACK_BUFFER = 0x88EC, PIXEL_UNPACK_BUFFER_BINDING = 0x88EF;
constexpr Enum STREAM_READ = 0x88E1, STREAM_DRAW = 0x88E0;
constexpr Enum PACK_SWAP_BYTES = 0x0D00, PACK_ROW_LENGTH = 0x0D02, PACK_SKIP_ROWS = 0x0D03;
constexpr Enum PACK_SKIP_PIXELS = 0x0D04, PACK_ALIGNMENT = 0x0D05;
constexpr Enum UNPACK_SWAP_BYTES = 0x0CF0, UNPACK_ROW_LENGTH = 0x0CF2, UNPACK_SKIP_ROWS = 0x0CF3;
constexpr Enum UNPACK_SKIP_PIXELS = 0x0CF4, UNPACK_ALIGNMENT = 0x0CF5;
constexpr Enum MAP_READ = 0x0001, MAP_WRITE = 0x0002, MAP_INVALIDATE_BUFFER = 0x0008;
constexpr Enum MAP_UNSYNCHRONIZED = 0x0020;
constexpr Enum SYNC_GPU_COMMANDS_COMPLETE = 0x9117, SYNC_FLUSH_COMMANDS = 0x0001;
constexpr Enum ALREADY_SIGNALED = 0x911A, TIMEOUT_EXPIRED = 0x911B, CONDITION_SATISFIED = 0x911C;
constexpr Enum WAIT_FAILED = 0x911D;
constexpr Enum VERSION = 0x1F02, RENDERER = 0x1F01, MAJOR_VERSION = 0x821B, MINOR_VERSION = 0x821C;
constexpr Enum ATTACHMENT_COLOR_ENCODING = 0x8210, SRGB = 0x8C40, SRGB8_ALPHA8 = 0x8C43;
constexpr Enum FRAMEBUFFER_SRGB = 0x8DB9, SCISSOR_TEST = 0x0C11, COLOR_BUFFER = 0x4000;
constexpr Enum NEAREST = 0x2600;

// name in OpenGL, member, result, arguments
#define FB_GL_FUNCTIONS(X)                                                                      \
  X(glBindBuffer, bind_buffer, void, (Enum target, Name buffer))                                \
  X(glBindFramebuffer, bind_framebuffer, void, (Enum target, Name framebuffer))                 \
  X(glBindTexture, bind_texture, void, (Enum target, Name texture))                             \
  X(glBlitFramebuffer, blit_framebuffer, void,                                                  \
    (Int x0, Int y0, Int x1, Int y1, Int to_x0, Int to_y0, Int to_x1, Int to_y1, Enum mask,     \
     Enum filter))                                                                              \
  X(glBufferData, buffer_data, void, (Enum target, Address size, const void *data, Enum usage)) \
  X(glCheckFramebufferStatus, check_framebuffer_status, Enum, (Enum target))                    \
  X(glClientWaitSync, client_wait_sync, Enum, (Sync sync, Enum flags, uint64_t timeout_ns))     \
  X(glDeleteBuffers, delete_buffers, void, (Int count, const Name *buffers))                    \
  X(glDeleteFramebuffers, delete_framebuffers, void, (Int count, const Name *framebuffers))     \
  X(glDeleteSync, delete_sync, void, (Sync sync))                                               \
  X(glDeleteTextures, delete_textures, void, (Int count, const Name *textures))                 \
  X(glDisable, disable, void, (Enum capability))                                                \
  X(glEnable, enable, void, (Enum capability))                                                  \
  X(glFenceSync, fence_sync, Sync, (Enum condition, Enum flags))                                \
  X(glFramebufferTexture2D, framebuffer_texture, void,                                          \
    (Enum target, Enum attachment, Enum kind, Name texture, Int level))                         \
  X(glGenBuffers, gen_buffers, void, (Int count, Name * buffers))                               \
  X(glGenFramebuffers, gen_framebuffers, void, (Int count, Name * framebuffers))                \
  X(glGenTextures, gen_textures, void, (Int count, Name * textures))                            \
  X(glGetError, get_error, Enum, ())                                                            \
  X(glGetFramebufferAttachmentParameteriv, get_attachment, void,                                \
    (Enum target, Enum attachment, Enum what, Int * value))                                     \
  X(glGetIntegerv, get_integers, void, (Enum what, Int * values))                               \
  X(glGetString, get_string, const unsigned char *, (Enum what))                                \
  X(glIsEnabled, is_enabled, unsigned char, (Enum capability))                                  \
  X(glIsFramebuffer, is_framebuffer, unsigned char, (Name framebuffer))                         \
  X(glIsTexture, is_texture, unsigned char, (Name texture))                                     \
  X(glMapBufferRange, map_buffer_range, void *,                                                 \
    (Enum target, Address offset, Address size, Enum access))                                   \
  X(glPixelStorei, pixel_store, void, (Enum what, Int value))                                   \
  X(glReadPixels, read_pixels, void,                                                            \
    (Int x, Int y, Int width, Int height, Enum format, Enum type, void *pixels))                \
  X(glTexImage2D, tex_image, void,                                                              \
    (Enum target, Int level, Int format, Int width, Int height, Int border, Enum of, Enum type, \
     const void *pixels))                                                                       \
  X(glTexSubImage2D, tex_sub_image, void,                                                       \
    (Enum target, Int level, Int x, Int y, Int width, Int height, Enum format, Enum type,       \
     const void *pixels))                                                                       \
  X(glUnmapBuffer, unmap_buffer, unsigned char, (Enum target))

struct Functions {
#define FB_MEMBER(name, member, result, arguments) result(FB_GL *member) arguments = nullptr;
  FB_GL_FUNCTIONS(FB_MEMBER)
#undef FB_MEMBER
  // OpenGL, and OpenGL ES from 3.1 on; null in OpenGL ES 3.0.
  void(FB_GL *get_tex_level)(Enum target, Int level, Enum what, Int *value) = nullptr;
};

// How a system tells which OpenGL context is current on the calling thread.
using CurrentContext = void *(*)();

/* The one whose context is current on this thread; null where none is. */
CurrentContext find_current_context();

/* Fill in the functions of the current context. Returns the names of those that are missing. */
std::string load(Functions &functions);

}  // namespace framebridge::gl
