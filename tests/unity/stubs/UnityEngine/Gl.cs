using System;
using System.Runtime.InteropServices;

namespace UnityEngine {

// OpenGL as the stubs use it.
static class Gl
{
    const string Library = "libGL.so.1";

    internal const uint Texture2D = 0x0DE1, Framebuffer = 0x8D40, ReadFramebuffer = 0x8CA8, DrawFramebuffer = 0x8CA9;
    internal const uint ColorAttachment = 0x8CE0, Rgba = 0x1908, UnsignedByte = 0x1401, FramebufferSrgb = 0x8DB9;
    internal const int Rgba8 = 0x8058, Srgb8Alpha8 = 0x8C43;
    internal const uint ColorBufferBit = 0x4000, Triangles = 4, Texture0 = 0x84C0;
    internal const uint VertexShader = 0x8B31, FragmentShader = 0x8B30, CompileStatus = 0x8B81, LinkStatus = 0x8B82;
    internal const uint MinFilter = 0x2801, MagFilter = 0x2800, WrapS = 0x2802, WrapT = 0x2803;

    [DllImport(Library)] internal static extern void glGenTextures(int n, out uint name);
    [DllImport(Library)] internal static extern void glDeleteTextures(int n, ref uint name);
    [DllImport(Library)] internal static extern void glBindTexture(uint target, uint name);
    [DllImport(Library)] internal static extern void glActiveTexture(uint unit);
    [DllImport(Library)] internal static extern void glTexParameteri(uint target, uint what, int value);
    [DllImport(Library)] internal static extern void glTexImage2D(uint target, int level, int format, int w, int h, int border, uint layout, uint type, IntPtr pixels);
    [DllImport(Library)] internal static extern void glTexSubImage2D(uint target, int level, int x, int y, int w, int h, uint layout, uint type, byte[] pixels);
    [DllImport(Library)] internal static extern void glGenFramebuffers(int n, out uint name);
    [DllImport(Library)] internal static extern void glDeleteFramebuffers(int n, ref uint name);
    [DllImport(Library)] internal static extern void glBindFramebuffer(uint target, uint name);
    [DllImport(Library)] internal static extern void glFramebufferTexture2D(uint target, uint attachment, uint kind, uint name, int level);
    [DllImport(Library)] internal static extern void glReadPixels(int x, int y, int w, int h, uint layout, uint type, byte[] pixels);
    [DllImport(Library)] internal static extern void glViewport(int x, int y, int w, int h);
    [DllImport(Library)] internal static extern void glClearColor(float r, float g, float b, float a);
    [DllImport(Library)] internal static extern void glClear(uint what);
    [DllImport(Library)] internal static extern void glEnable(uint what);
    [DllImport(Library)] internal static extern void glDisable(uint what);
    [DllImport(Library)] internal static extern void glDrawArrays(uint mode, int first, int count);
    [DllImport(Library)] internal static extern void glGenVertexArrays(int n, out uint name);
    [DllImport(Library)] internal static extern void glBindVertexArray(uint name);
    [DllImport(Library)] internal static extern uint glCreateShader(uint kind);
    [DllImport(Library)] internal static extern void glShaderSource(uint shader, int n, string[] text, int[] lengths);
    [DllImport(Library)] internal static extern void glCompileShader(uint shader);
    [DllImport(Library)] internal static extern void glGetShaderiv(uint shader, uint what, out int value);
    [DllImport(Library)] internal static extern void glGetShaderInfoLog(uint shader, int size, out int length, byte[] text);
    [DllImport(Library)] internal static extern uint glCreateProgram();
    [DllImport(Library)] internal static extern void glAttachShader(uint program, uint shader);
    [DllImport(Library)] internal static extern void glLinkProgram(uint program);
    [DllImport(Library)] internal static extern void glUseProgram(uint program);
    [DllImport(Library)] internal static extern int glGetUniformLocation(uint program, string name);
    [DllImport(Library)] internal static extern void glUniform1i(int location, int value);
    [DllImport(Library)] internal static extern void glUniform4f(int location, float x, float y, float z, float w);
    [DllImport(Library)] internal static extern void glFinish();
    [DllImport(Library)] internal static extern uint glGetError();

    internal static void Check(string what)
    {
        var error = glGetError();
        if (error != 0) throw new InvalidOperationException("OpenGL error " + error.ToString("x") + " in " + what);
    }
}

} // namespace UnityEngine
