// Where frames come from: a viewport or a texture, by way of the processor.
#pragma once

#include "godot_interface.h"

#include <cstdint>
#include <string>

namespace framebridge_godot {

/// A viewport, a texture, or nothing with the reason in words.
struct FrameSource {
    Variant viewport; ///< nil, or a Viewport
    Variant texture;  ///< nil, or the Texture2D that frames are read from
    std::string reason;

    bool found() const { return !texture.is_nil(); }
    int32_t width() const;
    int32_t height() const;
    /// Its values are proportional to light, not sRGB-encoded.
    bool is_linear() const;
};

/// The source that a filter names: the viewport of the node at `path`, else `texture`, else the
/// viewport that the filter itself is in. A SubViewportContainer stands for the SubViewport in it.
FrameSource find_source(const Variant &filter, const Variant &path, const Variant &texture);

/// A picture read back, RGBA8, top row first. Reading a viewport waits for what draws it.
struct CapturedFrame {
    Variant image;
    const uint8_t *pixels = nullptr;
    int32_t width = 0, height = 0;
};

/// Returns false if there is no picture, such as before the first frame is drawn.
bool capture(const FrameSource &source, CapturedFrame &frame);
/// The same of an Image of any format; a copy is made only if it has to be converted.
bool capture_image(const Variant &image, CapturedFrame &frame);

} // namespace framebridge_godot
