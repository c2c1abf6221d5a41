using System;
using System.Collections.Generic;
using UnityEngine;
using UnityEngine.Experimental.Rendering;

namespace Framebridge.Internal {

// A texture of ours, with the pointer that the library is given; asked for once, since asking waits
// for the render thread.
sealed class GpuTexture
{
    internal readonly Texture texture;
    IntPtr _native;

    internal GpuTexture(Texture texture) { this.texture = texture; }

    internal int Width { get { return texture.width; } }
    internal int Height { get { return texture.height; } }
    internal RenderTexture Target { get { return texture as RenderTexture; } }

    internal IntPtr Native
    {
        get
        {
            var target = Target;
            if (target != null && !target.IsCreated()) // the device has been lost, or it is new
            {
                target.Create();
                _native = IntPtr.Zero;
            }
            if (_native == IntPtr.Zero) _native = texture.GetNativeTexturePtr();
            return _native;
        }
    }
}

static class Textures
{
    // Bytes in it are sRGB-encoded in both color spaces: the linear one converts at each access.
    internal static RenderTexture NewTarget(int width, int height, string name)
    {
        var format = QualitySettings.activeColorSpace == ColorSpace.Linear
            ? GraphicsFormat.R8G8B8A8_SRGB : GraphicsFormat.R8G8B8A8_UNorm;
        var target = new RenderTexture(width, height, 0, format);
        target.name = name;
        target.hideFlags = HideFlags.HideAndDontSave;
        target.wrapMode = TextureWrapMode.Clamp;
        target.Create();
        return target;
    }

    internal static Texture2D NewUpload(int width, int height)
    {
        var upload = new Texture2D(width, height, TextureFormat.RGBA32, false, false);
        upload.name = "Framebridge result";
        upload.hideFlags = HideFlags.HideAndDontSave;
        upload.wrapMode = TextureWrapMode.Clamp;
        return upload;
    }

    internal static void Destroy(UnityEngine.Object it)
    {
        if (it == null) return;
        if (Application.isPlaying) UnityEngine.Object.Destroy(it);
        else UnityEngine.Object.DestroyImmediate(it);
    }
}

// Textures that results are written into. Each is with one holder at a time: an event that may still
// write into it, or the presenter that shows it. They are made when needed and kept.
sealed class TexturePool : IDisposable
{
    const int Most = 24;

    readonly Func<int, int, Texture> _make;
    readonly List<GpuTexture> _free = new List<GpuTexture>();
    int _out;

    internal TexturePool(Func<int, int, Texture> make) { _make = make; }

    // Null when too many are out.
    internal GpuTexture Rent(int width, int height)
    {
        for (var i = _free.Count - 1; i >= 0; i--)
        {
            var texture = _free[i];
            _free.RemoveAt(i);
            if (texture.texture != null && texture.Width == width && texture.Height == height)
            {
                _out++;
                return texture;
            }
            Textures.Destroy(texture.texture);
        }
        if (_out >= Most) return null;
        _out++;
        return new GpuTexture(_make(width, height));
    }

    internal void Return(GpuTexture texture)
    {
        if (texture == null) return;
        _out--;
        _free.Add(texture);
    }

    public void Dispose()
    {
        foreach (var texture in _free) Textures.Destroy(texture.texture);
        _free.Clear();
    }
}

} // namespace Framebridge.Internal
