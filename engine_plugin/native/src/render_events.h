// What an engine asks for on the thread that renders: send a texture, show a result.
#pragma once

#include <framebridge.h>

#include "graphics.h"

namespace framebridge {

/* FB_EVENT_FRAME and FB_EVENT_CLOSE; `data` is an fb_render_event. */
void FB_CALL on_render_event(int event, void *data);

/* The graphics device of the engine goes: give back what all clients hold there. */
void give_back_all();

/* For a client whose frames are of `pixel_format`, on the engine's device; by unity.cpp. */
MadeTextures make_textures(int32_t pixel_format);

}  // namespace framebridge
