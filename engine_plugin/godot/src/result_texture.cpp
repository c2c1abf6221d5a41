#include "result_texture.h"

namespace framebridge_godot {

namespace {

constexpr int64_t FORMAT_RGBA8 = 5; // Image.FORMAT_RGBA8

} // namespace

const Variant &ResultTexture::texture() {
    if (texture_.is_nil()) {
        texture_ = make_object("ImageTexture");
        if (image_.is_nil()) make_image(1, 1);
        texture_.call("set_image", {image_});
        resized_ = false;
    }
    return texture_;
}

uint8_t *ResultTexture::begin(int32_t width, int32_t height) {
    if (image_.is_nil() || width != width_ || height != height_) make_image(width, height);
    return godot.image_pointer_w(image_.as_object());
}

void ResultTexture::end() {
    if (texture_.is_nil()) return;
    texture_.call(resized_ ? "set_image" : "update", {image_});
    resized_ = false;
}

void ResultTexture::make_image(int32_t width, int32_t height) {
    Variant bytes = Variant::construct(GDEXTENSION_VARIANT_TYPE_PACKED_BYTE_ARRAY);
    bytes.call("resize", {static_cast<int64_t>(width) * height * 4});
    bytes.call("fill", {0});
    image_ = make_object("Image");
    image_.call("set_data", {width, height, false, FORMAT_RGBA8, bytes});
    width_ = width;
    height_ = height;
    resized_ = true;
}

} // namespace framebridge_godot
