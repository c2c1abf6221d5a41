// A result blended with the very frame that it was made of.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace framebridge_godot {

/// The frames that were sent last, by their ids. A result may come back several frames later; mixed
/// with a younger frame, whatever moves would show a second edge.
class SentFrames {
  public:
    void keep(uint64_t frame_id, const uint8_t *rgba8, int32_t width, int32_t height);
    void forget();

    struct Frame {
        uint64_t id = 0;
        int32_t width = 0, height = 0;
        std::vector<uint8_t> pixels;
    };
    /// Null if it is not kept any more.
    const Frame *find(uint64_t frame_id) const;

  private:
    // More than the slots of a stream and the results on their way.
    static constexpr size_t KEPT = 8;
    Frame frames_[KEPT];
    size_t next_ = 0;
};

/// Blends `source`, stretched to the size of the result, into `result`, in place.
/// mix: how much of the result stays, 0 to 1.
void blend(uint8_t *result, int32_t width, int32_t height, const SentFrames::Frame &source, double mix);

} // namespace framebridge_godot
