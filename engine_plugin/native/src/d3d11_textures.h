// Textures of Direct3D 11, read and written through staging textures.
#pragma once

#include "graphics.h"

namespace framebridge {

/* On an engine's ID3D11Device, whose immediate context the events' thread may use. `pixel_format`:
 * FB_RGBA8 or FB_BGRA8, of the client's frames. */
MadeTextures make_d3d11_textures(void *device, int32_t pixel_format);

}  // namespace framebridge
