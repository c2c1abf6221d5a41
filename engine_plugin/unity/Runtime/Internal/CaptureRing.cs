using System;
using System.Collections.Generic;
using UnityEngine;

namespace Framebridge.Internal {

// A frame of the engine, kept until nobody needs it: it is to be blended with its own result.
sealed class Capture
{
    internal readonly GpuTexture picture;
    internal ulong id;
    internal bool awaited; // its result may still come
    internal bool sent;    // it is known to have gone to the bridge
    internal int holders;  // who shows it

    internal Capture(GpuTexture picture) { this.picture = picture; }
    internal bool Free { get { return !awaited && holders == 0; } }
}

// Source frames by id. Without blending one is enough; with it as many as are under way.
//
// Which frames the library has left out is not known at once, so when there are many, one that was
// not sent is given up first, the oldest of them: of those not sent only the newest are on their way.
sealed class CaptureRing : IDisposable
{
    // Sent and unanswered 3, answered and not taken 3, on their way to the library 4, shown 2.
    internal const int UnderWay = 12;

    readonly int _most;
    readonly List<Capture> _captures = new List<Capture>();

    internal CaptureRing(int most) { _most = most; }

    // A picture to draw the next frame into; `keep`: until its result has come.
    internal Capture Next(int width, int height, bool keep)
    {
        Capture free = null, victim = null;
        for (var i = _captures.Count - 1; i >= 0; i--)
        {
            var capture = _captures[i];
            var fits = capture.picture.texture != null
                && capture.picture.Width == width && capture.picture.Height == height;
            if (!keep && capture.holders == 0) capture.awaited = false;
            if (capture.Free && !fits)
            {
                Textures.Destroy(capture.picture.texture);
                _captures.RemoveAt(i);
            }
            else if (fits && capture.Free) free = capture;
            else if (fits && capture.holders == 0 && IsRather(capture, victim)) victim = capture;
        }
        if (free == null && _captures.Count >= _most) free = victim;
        if (free == null)
        {
            var target = Textures.NewTarget(width, height, "Framebridge source");
            free = new Capture(new GpuTexture(target));
            _captures.Add(free);
        }
        free.awaited = keep;
        free.sent = false;
        return free;
    }

    static bool IsRather(Capture capture, Capture victim)
    {
        if (victim == null) return true;
        return capture.sent == victim.sent ? capture.id < victim.id : victim.sent;
    }

    // The library has sent this frame.
    internal void Sent(ulong id)
    {
        foreach (var capture in _captures) if (capture.id == id) capture.sent = true;
    }

    // The frame that a result was made of, with one more holder; null if it is gone.
    internal Capture Hold(ulong id)
    {
        foreach (var capture in _captures)
            if (capture.id == id && capture.picture.texture != null)
            {
                capture.holders++;
                return capture;
            }
        return null;
    }

    // Results come in order, so no frame before this one will have any.
    internal void NoneBefore(ulong id)
    {
        foreach (var capture in _captures) if (capture.id <= id) capture.awaited = false;
    }

    public void Dispose()
    {
        foreach (var capture in _captures) Textures.Destroy(capture.picture.texture);
        _captures.Clear();
    }
}

} // namespace Framebridge.Internal
