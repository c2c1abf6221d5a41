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
    internal int holders;  // who shows it

    internal Capture(GpuTexture picture) { this.picture = picture; }
    internal bool Free { get { return !awaited && holders == 0; } }
}

// Source frames by id. Without blending one is enough; with it as many as are under way.
sealed class CaptureRing : IDisposable
{
    const int Most = 32;

    readonly List<Capture> _captures = new List<Capture>();

    // A picture to draw the next frame into; `keep`: until its result has come.
    internal Capture Next(int width, int height, bool keep)
    {
        Capture oldest = null, free = null;
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
                continue;
            }
            if (!fits) continue;
            if (capture.Free) free = capture;
            else if (capture.holders == 0 && (oldest == null || capture.id < oldest.id)) oldest = capture;
        }
        // The oldest that waits is given up when too many do; its result is then shown unblended.
        if (free == null && _captures.Count >= Most) free = oldest;
        if (free == null)
        {
            var target = Textures.NewTarget(width, height, "Framebridge source");
            free = new Capture(new GpuTexture(target));
            _captures.Add(free);
        }
        free.awaited = keep;
        return free;
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
