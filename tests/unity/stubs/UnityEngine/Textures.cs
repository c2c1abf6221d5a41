using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using UnityEngine.Experimental.Rendering;

namespace UnityEngine {

public enum TextureWrapMode { Repeat, Clamp }
public enum FilterMode { Point, Bilinear }
public enum TextureFormat { RGBA32 = 4 }
public enum ColorSpace { Gamma = 0, Linear = 1 }

// Textures live in OpenGL, bottom row first, 8 bits a channel.
public class Texture : Object
{
    internal static int Alive; // textures that OpenGL has

    internal uint Name;
    internal bool Encoded; // sRGB: converted at each access
    public int width { get; protected set; }
    public int height { get; protected set; }
    public TextureWrapMode wrapMode { get; set; }
    public FilterMode filterMode { get; set; }

    public IntPtr GetNativeTexturePtr() { return (IntPtr)Name; }

    internal void Make()
    {
        Gl.glGenTextures(1, out Name);
        Alive++;
        Gl.glBindTexture(Gl.Texture2D, Name);
        Gl.glTexParameteri(Gl.Texture2D, Gl.MinFilter, 0x2601);
        Gl.glTexParameteri(Gl.Texture2D, Gl.MagFilter, 0x2601);
        Gl.glTexParameteri(Gl.Texture2D, Gl.WrapS, 0x812F);
        Gl.glTexParameteri(Gl.Texture2D, Gl.WrapT, 0x812F);
        Gl.glTexImage2D(Gl.Texture2D, 0, Encoded ? Gl.Srgb8Alpha8 : Gl.Rgba8, width, height, 0, Gl.Rgba, Gl.UnsignedByte, IntPtr.Zero);
        Gl.Check("glTexImage2D");
    }

    // After all commands that were given before.
    internal override void OnDestroyed()
    {
        if (Name == 0) return;
        RenderThread.Do(() => { Gl.glDeleteTextures(1, ref Name); Name = 0; Alive--; });
    }
}

public sealed class Texture2D : Texture
{
    byte[] _pixels;

    public Texture2D(int width, int height, TextureFormat format, bool mips, bool linear)
    {
        this.width = width;
        this.height = height;
        Encoded = !linear && QualitySettings.activeColorSpace == ColorSpace.Linear;
        _pixels = new byte[width * height * 4];
        Make();
    }

    public void LoadRawTextureData(IntPtr data, int size)
    {
        if (size != _pixels.Length) throw new ArgumentException("size");
        Marshal.Copy(data, _pixels, 0, size);
    }

    internal void Load(byte[] pixels) { pixels.CopyTo(_pixels, 0); }

    public void Apply(bool mips, bool unreadable)
    {
        var copy = (byte[])_pixels.Clone();
        RenderThread.Do(() =>
        {
            Gl.glBindTexture(Gl.Texture2D, Name);
            Gl.glTexSubImage2D(Gl.Texture2D, 0, 0, 0, width, height, Gl.Rgba, Gl.UnsignedByte, copy);
            Gl.Check("glTexSubImage2D");
        });
    }
}

public sealed class RenderTexture : Texture
{
    static readonly List<RenderTexture> _temporary = new List<RenderTexture>();

    public RenderTexture(int width, int height, int depth, GraphicsFormat format)
    {
        this.width = width;
        this.height = height;
        Encoded = format == GraphicsFormat.R8G8B8A8_SRGB;
    }

    public bool Create() { if (Name == 0) Make(); return true; }
    public bool IsCreated() { return Name != 0; }

    public static RenderTexture GetTemporary(int width, int height, int depth)
    {
        foreach (var free in _temporary)
            if (free.width == width && free.height == height) { _temporary.Remove(free); return free; }
        var encoded = QualitySettings.activeColorSpace == ColorSpace.Linear;
        var made = new RenderTexture(width, height, depth, encoded ? GraphicsFormat.R8G8B8A8_SRGB : GraphicsFormat.R8G8B8A8_UNorm);
        made.Create();
        return made;
    }
    public static void ReleaseTemporary(RenderTexture texture) { _temporary.Add(texture); }
    internal static void DropTemporary()
    {
        foreach (var texture in _temporary) DestroyImmediate(texture);
        _temporary.Clear();
    }
}

public static class QualitySettings
{
    public static ColorSpace activeColorSpace { get; internal set; }
    public static int vSyncCount
    {
        get { return 1; }
        set { throw new InvalidOperationException("the frame rate is the application's"); }
    }
}

public static class Screen
{
    public static int width { get; internal set; }
    public static int height { get; internal set; }
}

public static class ScreenCapture
{
    // What the game view shows; set by the tests. Upside down where texture coordinates start at the
    // top, as the engine has it.
    internal static Texture View;
    public static void CaptureScreenshotIntoRenderTexture(RenderTexture texture)
    {
        if (SystemInfo.graphicsUVStartsAtTop)
            Graphics.Blit(View, texture, new Vector2(1, -1), new Vector2(0, 1));
        else Graphics.Blit(View, texture);
    }
}

namespace Experimental.Rendering {
    public enum GraphicsFormat { R8G8B8A8_SRGB = 4, R8G8B8A8_UNorm = 8 }
}

} // namespace UnityEngine
