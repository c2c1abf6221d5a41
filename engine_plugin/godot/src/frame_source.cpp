#include "frame_source.h"

namespace framebridge_godot {

namespace {

constexpr int64_t FORMAT_RGBA8 = 5; // Image.FORMAT_RGBA8

bool is_a(const Variant &object, const char *class_name) {
    return object.as_object() != nullptr && object.call("is_class", {class_name}).as_bool();
}

Variant viewport_of(const Variant &node) {
    if (is_a(node, "Viewport")) return node;
    if (is_a(node, "SubViewportContainer")) {
        const int64_t count = node.call("get_child_count").as_int();
        for (int64_t k = 0; k < count; k++) {
            Variant child = node.call("get_child", {k});
            if (is_a(child, "SubViewport")) return child;
        }
    }
    return node.call("get_viewport");
}

} // namespace

int32_t FrameSource::width() const { return static_cast<int32_t>(texture.call("get_width").as_int()); }

int32_t FrameSource::height() const { return static_cast<int32_t>(texture.call("get_height").as_int()); }

bool FrameSource::is_linear() const {
    // The setting has no effect where Godot draws with OpenGL.
    return !viewport.is_nil() && viewport.call("is_using_hdr_2d").as_bool() &&
           singleton("RenderingServer").call("get_current_rendering_method").as_string() != "gl_compatibility";
}

FrameSource find_source(const Variant &filter, const Variant &path, const Variant &texture) {
    FrameSource source;
    if (!path.call("is_empty").as_bool()) {
        const Variant node = filter.call("get_node_or_null", {path});
        if (node.as_object() == nullptr) {
            source.reason = "source: no node at " + path.as_string() + ". Choose a Viewport.";
            return source;
        }
        source.viewport = viewport_of(node);
    } else if (texture.as_object() != nullptr) {
        source.texture = texture;
        return source;
    } else {
        source.viewport = filter.call("get_viewport");
    }
    if (source.viewport.as_object() == nullptr) {
        source.reason = "source: no viewport. Choose a Viewport or a Texture2D.";
        return source;
    }
    source.texture = source.viewport.call("get_texture");
    return source;
}

bool capture(const FrameSource &source, CapturedFrame &frame) {
    return source.found() && capture_image(source.texture.call("get_image"), frame);
}

bool capture_image(const Variant &image, CapturedFrame &frame) {
    if (!is_a(image, "Image") || image.call("is_empty").as_bool()) return false;
    frame.image = image;
    if (image.call("is_compressed").as_bool() || image.call("get_format").as_int() != FORMAT_RGBA8) {
        frame.image = image.call("duplicate");
        if (frame.image.call("is_compressed").as_bool()) frame.image.call("decompress");
        frame.image.call("convert", {FORMAT_RGBA8});
        if (frame.image.call("get_format").as_int() != FORMAT_RGBA8) return false;
    }
    frame.width = static_cast<int32_t>(frame.image.call("get_width").as_int());
    frame.height = static_cast<int32_t>(frame.image.call("get_height").as_int());
    frame.pixels = godot.image_pointer(frame.image.as_object());
    return frame.pixels != nullptr && frame.width > 0 && frame.height > 0;
}

} // namespace framebridge_godot
