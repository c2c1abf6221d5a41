#include "gl_path.h"

namespace framebridge_godot {

namespace {

/// What a copy changes of OpenGL's state, put back at the end.
class KeptState {
  public:
    explicit KeptState(const gl::Functions &functions) : gl_(functions) {
        gl_.GetIntegerv(gl::READ_FRAMEBUFFER_BINDING, &read_);
        gl_.GetIntegerv(gl::DRAW_FRAMEBUFFER_BINDING, &draw_);
        gl_.GetIntegerv(gl::TEXTURE_BINDING_2D, &texture_);
        gl_.GetIntegerv(gl::PIXEL_UNPACK_BUFFER_BINDING, &unpack_);
        scissors_ = gl_.IsEnabled(gl::SCISSOR_TEST) != 0;
        gl_.Disable(gl::SCISSOR_TEST);
        gl_.BindBuffer(gl::PIXEL_UNPACK_BUFFER, 0);
    }
    ~KeptState() {
        gl_.BindFramebuffer(gl::READ_FRAMEBUFFER, static_cast<gl::Name>(read_));
        gl_.BindFramebuffer(gl::DRAW_FRAMEBUFFER, static_cast<gl::Name>(draw_));
        gl_.BindTexture(gl::TEXTURE_2D, static_cast<gl::Name>(texture_));
        gl_.BindBuffer(gl::PIXEL_UNPACK_BUFFER, static_cast<gl::Name>(unpack_));
        if (scissors_) gl_.Enable(gl::SCISSOR_TEST);
    }
    KeptState(const KeptState &) = delete;
    KeptState &operator=(const KeptState &) = delete;

  private:
    const gl::Functions &gl_;
    gl::Int read_ = 0, draw_ = 0, texture_ = 0, unpack_ = 0;
    bool scissors_ = false;
};

void *as_texture(uint64_t name) { return reinterpret_cast<void *>(static_cast<uintptr_t>(name)); }

} // namespace

bool GlPath::is_usable() {
    if (asked_) return usable_;
    asked_ = true;
    const Variant rendering = singleton("RenderingServer");
    if (rendering.call("get_current_rendering_method").as_string() != "gl_compatibility") {
        reason_ = "Godot does not draw with OpenGL.";
    } else if (!rendering.call("is_on_render_thread").as_bool()) {
        reason_ = "Godot draws on a thread of its own.";
    } else if (!gl::load(gl_)) {
        reason_ = "OpenGL's functions are not to be found.";
    } else if (fb_render_event_function() == nullptr) {
        reason_ = "the native library was built without OpenGL.";
    } else {
        usable_ = true;
    }
    return usable_;
}

uint64_t GlPath::native_handle(const FrameSource &source) {
    const Variant rendering = singleton("RenderingServer");
    Variant texture;
    if (!source.viewport.is_nil()) {
        // The viewport's own texture; what `get_texture` gives stands for it and has no handle.
        texture = rendering.call("viewport_get_texture", {source.viewport.call("get_viewport_rid")});
    } else {
        // Others may show a part of what their handle names, or be compressed.
        if (source.texture.call("get_class").as_string() != "ImageTexture") return 0;
        texture = source.texture.call("get_rid");
    }
    return static_cast<uint64_t>(rendering.call("texture_get_native_handle", {texture}).as_int());
}

// The model wants 8 bits a channel; Godot's viewports have ten, or sixteen. Their rows lie as those of
// its other textures, the top one first (seen with Godot 4.6, and the tests look).
bool GlPath::copy(gl::Name from, int32_t width, int32_t height) {
    const KeptState kept(gl_);
    if (framebuffers_[0] == 0) gl_.GenFramebuffers(2, framebuffers_);
    if (texture_ == 0) gl_.GenTextures(1, &texture_);
    if (width != width_ || height != height_) {
        gl_.BindTexture(gl::TEXTURE_2D, texture_);
        gl_.TexImage2D(gl::TEXTURE_2D, 0, static_cast<gl::Int>(gl::RGBA8), width, height, 0, gl::RGBA,
                       gl::UNSIGNED_BYTE, nullptr);
        gl_.TexParameteri(gl::TEXTURE_2D, gl::TEXTURE_MIN_FILTER, static_cast<gl::Int>(gl::NEAREST));
        gl_.TexParameteri(gl::TEXTURE_2D, gl::TEXTURE_MAG_FILTER, static_cast<gl::Int>(gl::NEAREST));
        width_ = width;
        height_ = height;
    }
    gl_.BindFramebuffer(gl::READ_FRAMEBUFFER, framebuffers_[0]);
    gl_.FramebufferTexture2D(gl::READ_FRAMEBUFFER, gl::COLOR_ATTACHMENT0, gl::TEXTURE_2D, from, 0);
    gl_.BindFramebuffer(gl::DRAW_FRAMEBUFFER, framebuffers_[1]);
    gl_.FramebufferTexture2D(gl::DRAW_FRAMEBUFFER, gl::COLOR_ATTACHMENT0, gl::TEXTURE_2D, texture_, 0);
    const bool whole = gl_.CheckFramebufferStatus(gl::READ_FRAMEBUFFER) == gl::FRAMEBUFFER_COMPLETE &&
                       gl_.CheckFramebufferStatus(gl::DRAW_FRAMEBUFFER) == gl::FRAMEBUFFER_COMPLETE;
    if (whole) {
        gl_.BlitFramebuffer(0, 0, width, height, 0, 0, width, height, gl::COLOR_BUFFER_BIT, gl::NEAREST);
    }
    // An attachment would keep the texture alive after Godot has freed it.
    gl_.FramebufferTexture2D(gl::READ_FRAMEBUFFER, gl::COLOR_ATTACHMENT0, gl::TEXTURE_2D, 0, 0);
    return whole;
}

fb_status GlPath::send(fb_client client, const FrameSource &source, uint64_t frame_id) {
    const int32_t width = source.width(), height = source.height();
    const uint64_t handle = native_handle(source);
    if (handle == 0 || !copy(static_cast<gl::Name>(handle), width, height)) {
        return FB_ERROR_FORMAT;
    }
    fb_render_event event{};
    event.size = sizeof event;
    event.client = client;
    event.source = as_texture(texture_);
    event.width = width;
    event.height = height;
    event.frame_id = frame_id;
    fb_render_event_function()(FB_EVENT_FRAME, &event);
    return event.status;
}

GlPath::Shown GlPath::show(fb_client client, ResultTexture &target) {
    const Variant rendering = singleton("RenderingServer");
    const auto handle = static_cast<uint64_t>(
        rendering.call("texture_get_native_handle", {target.texture().call("get_rid")}).as_int());
    fb_render_event event{};
    event.size = sizeof event;
    event.client = client;
    event.target = as_texture(handle);
    event.target_width = target.width();
    event.target_height = target.height();
    fb_render_event_function()(FB_EVENT_FRAME, &event);
    const bool fits = event.result_width == target.width() && event.result_height == target.height();
    if (event.status >= 0 && !fits && event.result_width > 0 && event.result_height > 0) {
        // The library keeps the result until a texture fits.
        if (target.begin(event.result_width, event.result_height) != nullptr) target.end();
        return {};
    }
    Shown shown;
    shown.status = event.status;
    shown.frame_id = event.result_id;
    shown.origin = event.origin;
    shown.is_new = shown.frame_id != 0 && (shown.frame_id != shown_id_ || shown.origin != shown_origin_);
    if (shown.is_new) {
        shown_id_ = shown.frame_id;
        shown_origin_ = shown.origin;
    }
    return shown;
}

void GlPath::close(fb_client client) {
    if (!usable_) return;
    fb_render_event event{};
    event.size = sizeof event;
    event.client = client;
    fb_render_event_function()(FB_EVENT_CLOSE, &event);
    if (framebuffers_[0] != 0) gl_.DeleteFramebuffers(2, framebuffers_);
    if (texture_ != 0) gl_.DeleteTextures(1, &texture_);
    framebuffers_[0] = framebuffers_[1] = texture_ = 0;
    width_ = height_ = 0;
    shown_id_ = 0;
}

} // namespace framebridge_godot
