// The few functions of OpenGL that copy a texture, found at run time: Godot has loaded OpenGL.
#pragma once

#include <cstdint>

#ifdef _WIN32
#define FB_GODOT_GL __stdcall
#else
#define FB_GODOT_GL
#endif

namespace framebridge_godot::gl {

using Enum = unsigned int;
using Name = unsigned int;
using Int = int;

// Values of the OpenGL 4.6 and OpenGL ES 3.2 registries.
constexpr Enum TEXTURE_2D = 0x0DE1, TEXTURE_BINDING_2D = 0x8069, RGBA = 0x1908, RGBA8 = 0x8058;
constexpr Enum UNSIGNED_BYTE = 0x1401, NEAREST = 0x2600, COLOR_BUFFER_BIT = 0x4000;
constexpr Enum TEXTURE_MIN_FILTER = 0x2801, TEXTURE_MAG_FILTER = 0x2800;
constexpr Enum READ_FRAMEBUFFER = 0x8CA8, DRAW_FRAMEBUFFER = 0x8CA9;
constexpr Enum READ_FRAMEBUFFER_BINDING = 0x8CAA, DRAW_FRAMEBUFFER_BINDING = 0x8CA6;
constexpr Enum COLOR_ATTACHMENT0 = 0x8CE0, FRAMEBUFFER_COMPLETE = 0x8CD5, SCISSOR_TEST = 0x0C11;
constexpr Enum PIXEL_UNPACK_BUFFER = 0x88EC, PIXEL_UNPACK_BUFFER_BINDING = 0x88EF;

// name, result, arguments
#define FB_GODOT_GL_FUNCTIONS(X)                                                                  \
    X(BindBuffer, void, (Enum target, Name buffer))                                               \
    X(BindFramebuffer, void, (Enum target, Name framebuffer))                                     \
    X(BindTexture, void, (Enum target, Name texture))                                             \
    X(BlitFramebuffer, void,                                                                      \
      (Int x0, Int y0, Int x1, Int y1, Int to_x0, Int to_y0, Int to_x1, Int to_y1, Enum mask,     \
       Enum filter))                                                                              \
    X(CheckFramebufferStatus, Enum, (Enum target))                                                \
    X(DeleteFramebuffers, void, (Int count, const Name *framebuffers))                            \
    X(DeleteTextures, void, (Int count, const Name *textures))                                    \
    X(Disable, void, (Enum capability))                                                           \
    X(Enable, void, (Enum capability))                                                            \
    X(FramebufferTexture2D, void, (Enum target, Enum attachment, Enum kind, Name texture, Int level)) \
    X(GenFramebuffers, void, (Int count, Name * framebuffers))                                    \
    X(GenTextures, void, (Int count, Name * textures))                                            \
    X(GetIntegerv, void, (Enum what, Int * value))                                                \
    X(IsEnabled, unsigned char, (Enum capability))                                                \
    X(TexImage2D, void,                                                                           \
      (Enum target, Int level, Int format, Int width, Int height, Int border, Enum of, Enum type, \
       const void *pixels))                                                                       \
    X(TexParameteri, void, (Enum target, Enum what, Int value))

struct Functions {
#define FB_GODOT_MEMBER(name, result, arguments) result(FB_GODOT_GL *name) arguments = nullptr;
    FB_GODOT_GL_FUNCTIONS(FB_GODOT_MEMBER)
#undef FB_GODOT_MEMBER
};

/// Returns false if one of them is not to be found.
bool load(Functions &functions);

} // namespace framebridge_godot::gl
