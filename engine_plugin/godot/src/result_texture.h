// The texture that a filter shows its results in.
#pragma once

#include "godot_interface.h"

#include <cstdint>

namespace framebridge_godot {

/// One ImageTexture for as long as the filter lives, whatever the size of its results.
class ResultTexture {
  public:
    /// The ImageTexture; one transparent pixel before the first result.
    const Variant &texture();
    /// The Image that was shown last, nil before; its pixels are RGBA8, top row first.
    const Variant &image() const { return image_; }

    /// Where the next picture is written, width * height * 4 bytes; null if there is no memory.
    uint8_t *begin(int32_t width, int32_t height);
    /// Shows what was written since `begin`.
    void end();

    int32_t width() const { return width_; }
    int32_t height() const { return height_; }

  private:
    void make_image(int32_t width, int32_t height);

    Variant texture_, image_;
    int32_t width_ = 0, height_ = 0;
    bool resized_ = false;
};

} // namespace framebridge_godot
