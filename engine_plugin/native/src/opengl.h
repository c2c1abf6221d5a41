// Textures of OpenGL 3.3 and OpenGL ES 3.0, read and written through rings of pixel buffers.
#pragma once

#include "graphics.h"

namespace framebridge {

// On the context that is current on the calling thread. `pixel_format`: FB_RGBA8 or FB_BGRA8, of
// the client's frames.
MadeTextures make_opengl_textures(int32_t pixel_format);

}  // namespace framebridge
