// The way through OpenGL: frames and results go through the native library's rings of pixel buffers,
// and nothing waits for the graphics device.
#pragma once

#include "frame_source.h"
#include "gl_functions.h"
#include "result_texture.h"

#include <framebridge.h>

#include <cstdint>
#include <string>

namespace framebridge_godot {

class GlPath {
  public:
    /// Whether Godot draws with OpenGL on the thread that calls; if not, why. Asked once.
    bool is_usable();
    const std::string &reason() const { return reason_; }

    /// OpenGL's name of the source's texture; 0 if it has none, or shows only a part of it.
    static uint64_t native_handle(const FrameSource &source);

    /// Begins to read the source. Below 0: it cannot be read this way.
    fb_status send(fb_client client, const FrameSource &source, uint64_t frame_id);

    struct Shown {
        fb_status status = FB_OK;
        uint64_t frame_id = 0; ///< of what the texture shows now; 0 for nothing yet
        int32_t origin = FB_CLEARED;
        bool is_new = false; ///< another than at the last call
    };
    /// Has the newest result written into the texture, which takes on its size.
    Shown show(fb_client client, ResultTexture &target);

    /// Gives back what the client holds on the device; before it is destroyed.
    void close(fb_client client);

  private:
    bool copy(gl::Name from, int32_t width, int32_t height);

    gl::Functions gl_;
    bool asked_ = false, usable_ = false;
    std::string reason_;
    gl::Name framebuffers_[2] = {0, 0};
    gl::Name texture_ = 0; ///< the frame, RGBA8
    int32_t width_ = 0, height_ = 0;
    uint64_t shown_id_ = 0;
    int32_t shown_origin_ = FB_CLEARED;
};

} // namespace framebridge_godot
