#include "mixing.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace framebridge_godot {

void SentFrames::keep(uint64_t frame_id, const uint8_t *rgba8, int32_t width, int32_t height) {
    Frame &frame = frames_[next_];
    next_ = (next_ + 1) % KEPT;
    frame.id = frame_id;
    frame.width = width;
    frame.height = height;
    frame.pixels.resize(static_cast<size_t>(width) * static_cast<size_t>(height) * 4);
    std::memcpy(frame.pixels.data(), rgba8, frame.pixels.size());
}

void SentFrames::forget() {
    for (Frame &frame : frames_) frame = Frame{};
}

const SentFrames::Frame *SentFrames::find(uint64_t frame_id) const {
    for (const Frame &frame : frames_) {
        if (frame.id == frame_id && !frame.pixels.empty()) return &frame;
    }
    return nullptr;
}

namespace {

constexpr uint32_t ONE = 256;

uint8_t mixed(uint32_t result, uint32_t source, uint32_t share) {
    return static_cast<uint8_t>((result * share + source * (ONE - share) + ONE / 2) / ONE);
}

/// Where a line of the result falls in the source: the two lines about it, and the second's share.
struct Place {
    size_t first, second;
    uint32_t share;
};

Place place(int32_t at, int32_t size, int32_t source_size) {
    const double centre = (at + 0.5) * source_size / size - 0.5;
    const double held = std::clamp(centre, 0.0, static_cast<double>(source_size - 1));
    const auto first = static_cast<size_t>(held);
    return {first, std::min(first + 1, static_cast<size_t>(source_size - 1)),
            static_cast<uint32_t>(std::lround((held - static_cast<double>(first)) * ONE))};
}

} // namespace

void blend(uint8_t *result, int32_t width, int32_t height, const SentFrames::Frame &source, double mix) {
    const auto share = static_cast<uint32_t>(std::lround(std::clamp(mix, 0.0, 1.0) * ONE));
    if (share == ONE) return;
    const uint8_t *pixels = source.pixels.data();
    if (source.width == width && source.height == height) {
        for (size_t k = 0; k < source.pixels.size(); k++) result[k] = mixed(result[k], pixels[k], share);
        return;
    }
    std::vector<Place> columns;
    for (int32_t x = 0; x < width; x++) columns.push_back(place(x, width, source.width));
    const size_t stride = static_cast<size_t>(source.width) * 4;
    for (int32_t y = 0; y < height; y++) {
        const Place row = place(y, height, source.height);
        const uint8_t *upper = pixels + row.first * stride;
        const uint8_t *lower = pixels + row.second * stride;
        for (const Place &column : columns) {
            for (size_t c = 0; c < 4; c++, result++) {
                const size_t left = column.first * 4 + c, right = column.second * 4 + c;
                const uint32_t above = upper[left] * (ONE - column.share) + upper[right] * column.share;
                const uint32_t below = lower[left] * (ONE - column.share) + lower[right] * column.share;
                const uint32_t value =
                    (above * (ONE - row.share) + below * row.share + ONE * ONE / 2) / (ONE * ONE);
                *result = mixed(*result, value, share);
            }
        }
    }
}

} // namespace framebridge_godot
