using System;

namespace Framebridge.Internal {

// Which frames are sent when fewer than all are wanted. Steps are counted from a fixed beginning, so
// that the average is the rate even if it does not divide the engine's.
sealed class SendRate
{
    double _next;

    // Whether the frame at `time` is to be sent; a rate of 0 sends all.
    internal bool Due(double time, float rate)
    {
        if (rate <= 0) return true;
        if (time < _next) return false;
        var step = 1.0 / rate;
        _next = Math.Max(_next + step, time + step / 2); // half a step at least, after a pause
        return true;
    }
}

} // namespace Framebridge.Internal
