using System;
using System.Collections.Generic;
using System.IO;
using System.Runtime.InteropServices;
using Unity.Collections;
using UnityEngine.Rendering;

namespace UnityEngine {

// Commands run in order, but late: what a frame has given is run at the end of the next one, as with
// a render thread that is a frame behind. GL.Flush lets it catch up.
static class RenderThread
{
    static readonly Queue<Action> _commands = new Queue<Action>();
    static int _ofLastFrame;

    internal static void Do(Action command) { _commands.Enqueue(command); }

    internal static void EndFrame()
    {
        for (; _ofLastFrame > 0; _ofLastFrame--) _commands.Dequeue()();
        _ofLastFrame = _commands.Count;
    }

    internal static void CatchUp()
    {
        while (_commands.Count > 0) _commands.Dequeue()();
        _ofLastFrame = 0;
    }
}

public static class GL
{
    public static void Flush() { RenderThread.CatchUp(); }
}

public static class SystemInfo
{
    public static GraphicsDeviceType graphicsDeviceType { get; internal set; }
    public static bool supportsAsyncGPUReadback { get; internal set; }
    public static bool graphicsUVStartsAtTop { get; internal set; }
}

public sealed class Shader : Object
{
    static readonly List<string> _names = new List<string>();
    internal string Source; // the package's own file
    public static int PropertyToID(string name)
    {
        if (!_names.Contains(name)) _names.Add(name);
        return _names.IndexOf(name);
    }
    internal static string NameOf(int id) { return _names[id]; }
}

public sealed class Material : Object
{
    internal readonly Shader Shader;
    public Material(Shader shader) { Shader = shader; }
}

public static class Resources
{
    internal static string Folder; // of the package; set by the host
    public static T Load<T>(string name) where T : Object
    {
        var path = Path.Combine(Folder, name + ".shader");
        return File.Exists(path) ? new Shader { name = name, Source = path } as T : null;
    }
}

public sealed class MaterialPropertyBlock
{
    internal Dictionary<string, Texture> Textures = new Dictionary<string, Texture>();
    public void SetTexture(string name, Texture texture) { Textures[name] = texture; }
    public void Clear() { Textures.Clear(); }
}

public class Renderer : Component
{
    internal Dictionary<string, Texture> Textures = new Dictionary<string, Texture>();
    public void GetPropertyBlock(MaterialPropertyBlock block) { block.Textures = new Dictionary<string, Texture>(Textures); }
    public void SetPropertyBlock(MaterialPropertyBlock block) { Textures = new Dictionary<string, Texture>(block.Textures); }
}

public sealed class Camera : Behaviour
{
    internal Texture Picture; // what it sees; set by the tests
    internal RenderTexture Screen; // what is seen of it
    internal override void OnDestroyed() { DestroyImmediate(Screen); }
}

public static class Graphics
{
    public static void ExecuteCommandBuffer(CommandBuffer commands)
    {
        foreach (var command in commands.Commands) RenderThread.Do(command);
    }
    public static void Blit(Texture source, RenderTexture target) { RenderThread.Do(Drawing.Copy(source, target, new Vector4(1, 1, 0, 0))); }
    public static void Blit(Texture source, RenderTexture target, Vector2 scale, Vector2 offset)
    {
        RenderThread.Do(Drawing.Copy(source, target, new Vector4(scale.x, scale.y, offset.x, offset.y)));
    }
}

// Draws a rectangle over a whole target. Linear color space converts at each access, as the engine.
static class Drawing
{
    const string Vertex = "#version 330 core\nout vec2 uv; uniform vec4 place;\n"
        + "void main() { vec2 p = vec2(gl_VertexID == 1 ? 2 : 0, gl_VertexID == 2 ? 2 : 0);\n"
        + "gl_Position = vec4(p * 2 - 1, 0, 1); uv = p * place.xy + place.zw; }\n";
    const string CopyFragment = "#version 330 core\nin vec2 uv; out vec4 shown; uniform sampler2D _MainTex;\n"
        + "void main() { shown = texture(_MainTex, uv); }\n";

    static readonly Dictionary<string, uint> _programs = new Dictionary<string, uint>();
    static readonly Dictionary<string, Texture> _textures = new Dictionary<string, Texture>();
    static readonly Dictionary<string, Vector4> _vectors = new Dictionary<string, Vector4>();
    static uint _framebuffer, _vertices;

    internal static void Set(string name, Texture texture) { _textures[name] = texture; }
    internal static void Set(string name, Vector4 vector) { _vectors[name] = vector; }

    internal static Action Copy(Texture source, Texture target, Vector4 place)
    {
        if (source == null || target == null) throw new InvalidOperationException("a blit with a texture that was destroyed");
        return () => Draw("", source, target, place);
    }

    internal static Action With(Material material, Texture source, Texture target)
    {
        return () => Draw(material.Shader.Source, source, target, new Vector4(1, 1, 0, 0));
    }

    internal static Action Clear(Texture target, Color colour)
    {
        return () =>
        {
            Bind(target);
            Gl.glClearColor(colour.r, colour.g, colour.b, colour.a);
            Gl.glClear(Gl.ColorBufferBit);
            Unbind();
        };
    }

    static void Bind(Texture target)
    {
        if (target.Name == 0) throw new InvalidOperationException("drawn into a texture that is gone: " + target.name);
        if (_framebuffer == 0) Gl.glGenFramebuffers(1, out _framebuffer);
        if (_vertices == 0) Gl.glGenVertexArrays(1, out _vertices);
        Gl.glBindFramebuffer(Gl.Framebuffer, _framebuffer);
        Gl.glFramebufferTexture2D(Gl.Framebuffer, Gl.ColorAttachment, Gl.Texture2D, target.Name, 0);
        Gl.glViewport(0, 0, target.width, target.height);
        if (target.Encoded) Gl.glEnable(Gl.FramebufferSrgb);
        else Gl.glDisable(Gl.FramebufferSrgb);
    }

    static void Unbind()
    {
        Gl.glDisable(Gl.FramebufferSrgb);
        Gl.glFramebufferTexture2D(Gl.Framebuffer, Gl.ColorAttachment, Gl.Texture2D, 0, 0);
        Gl.glBindFramebuffer(Gl.Framebuffer, 0);
    }

    static void Draw(string shader, Texture source, Texture target, Vector4 place)
    {
        var program = Program(shader);
        Bind(target);
        Gl.glUseProgram(program);
        Gl.glBindVertexArray(_vertices);
        Gl.glUniform4f(Gl.glGetUniformLocation(program, "place"), place.x, place.y, place.z, place.w);
        Sample(program, "_MainTex", source, 0);
        if (shader != "")
        {
            var unit = 1;
            foreach (var texture in _textures) Sample(program, texture.Key, texture.Value, unit++);
            foreach (var vector in _vectors)
                Gl.glUniform4f(Gl.glGetUniformLocation(program, vector.Key), vector.Value.x, vector.Value.y, vector.Value.z, vector.Value.w);
        }
        Gl.glDrawArrays(Gl.Triangles, 0, 3);
        Unbind();
        Gl.Check("a blit");
    }

    static void Sample(uint program, string name, Texture texture, int unit)
    {
        var location = Gl.glGetUniformLocation(program, name);
        if (location < 0) return;
        if (texture.Name == 0) throw new InvalidOperationException("drawn from a texture that is gone: " + texture.name);
        Gl.glActiveTexture(Gl.Texture0 + (uint)unit);
        Gl.glBindTexture(Gl.Texture2D, texture.Name);
        Gl.glUniform1i(location, unit);
        Gl.glActiveTexture(Gl.Texture0);
    }

    static uint Program(string shader)
    {
        uint program;
        if (_programs.TryGetValue(shader, out program)) return program;
        program = Gl.glCreateProgram();
        Attach(program, Gl.VertexShader, Vertex);
        Attach(program, Gl.FragmentShader, shader == "" ? CopyFragment : Translate(shader));
        Gl.glLinkProgram(program);
        Gl.Check("glLinkProgram");
        _programs[shader] = program;
        return program;
    }

    // The package's shader in GLSL: its own lines, with the words that differ defined away.
    static string Translate(string path)
    {
        var text = File.ReadAllText(path);
        var begin = text.IndexOf("sampler2D _MainTex;");
        var body = text.Substring(begin, text.IndexOf("ENDHLSL") - begin)
            .Replace("sampler2D ", "uniform sampler2D ").Replace("float4 _", "uniform float4 _")
            .Replace("(v2f_img i) : SV_Target", "(v2f_img i)");
        return "#version 330 core\n#define float4 vec4\n#define lerp mix\n#define tex2D texture\n"
            + "in vec2 uv; out vec4 shown; struct v2f_img { vec2 uv; };\n"
            + File.ReadAllText(Path.ChangeExtension(path, ".hlsl")) + body
            + "\nvoid main() { v2f_img i; i.uv = uv; shown = Fragment(i); }\n";
    }

    static void Attach(uint program, uint kind, string text)
    {
        var shader = Gl.glCreateShader(kind);
        Gl.glShaderSource(shader, 1, new[] { text }, null);
        Gl.glCompileShader(shader);
        int good;
        Gl.glGetShaderiv(shader, Gl.CompileStatus, out good);
        if (good == 0)
        {
            var log = new byte[4096];
            int length;
            Gl.glGetShaderInfoLog(shader, log.Length, out length, log);
            throw new InvalidOperationException(System.Text.Encoding.ASCII.GetString(log, 0, length) + text);
        }
        Gl.glAttachShader(program, shader);
    }

    internal static byte[] Read(Texture texture)
    {
        var pixels = new byte[texture.width * texture.height * 4];
        Bind(texture);
        Gl.glReadPixels(0, 0, texture.width, texture.height, Gl.Rgba, Gl.UnsignedByte, pixels);
        Unbind();
        Gl.Check("glReadPixels");
        return pixels;
    }
}

namespace Rendering {

public enum GraphicsDeviceType { Direct3D11 = 2, OpenGLCore = 17, Direct3D12 = 18, Metal = 16, Vulkan = 21 }

public class RenderPipelineAsset : Object {}

public static class GraphicsSettings
{
    public static RenderPipelineAsset currentRenderPipeline { get; internal set; }
}

public struct RenderTargetIdentifier
{
    internal Texture Texture;
    public static implicit operator RenderTargetIdentifier(Texture texture) { return new RenderTargetIdentifier { Texture = texture }; }
}

public sealed class CommandBuffer
{
    internal readonly List<Action> Commands = new List<Action>();
    Texture _target;

    public string name { get; set; }
    public void Clear() { Commands.Clear(); }
    public void Release() { Commands.Clear(); }

    public void Blit(RenderTargetIdentifier source, RenderTargetIdentifier target) { Blit(source.Texture, target); }
    public void Blit(Texture source, RenderTargetIdentifier target) { Commands.Add(Drawing.Copy(source, target.Texture, new Vector4(1, 1, 0, 0))); }
    public void Blit(Texture source, RenderTargetIdentifier target, Vector2 scale, Vector2 offset)
    {
        Commands.Add(Drawing.Copy(source, target.Texture, new Vector4(scale.x, scale.y, offset.x, offset.y)));
    }
    public void Blit(Texture source, RenderTargetIdentifier target, Material material, int pass)
    {
        Commands.Add(Drawing.With(material, source, target.Texture));
    }
    public void SetRenderTarget(RenderTargetIdentifier target) { _target = target.Texture; }
    public void ClearRenderTarget(bool depth, bool color, Color background) { Commands.Add(Drawing.Clear(_target, background)); }
    public void SetGlobalTexture(int id, RenderTargetIdentifier texture)
    {
        Commands.Add(() => Drawing.Set(Shader.NameOf(id), texture.Texture));
    }
    public void SetGlobalVector(int id, Vector4 value) { Commands.Add(() => Drawing.Set(Shader.NameOf(id), value)); }

    public void IssuePluginEventAndData(IntPtr function, int id, IntPtr data)
    {
        if (function == IntPtr.Zero) throw new ArgumentException("function");
        Commands.Add(() => PluginEvents.Call(function, id, data));
    }

    public void RequestAsyncReadback(Texture source, Action<AsyncGPUReadbackRequest> then)
    {
        Commands.Add(() => AsyncGPUReadback.Begin(source, then));
    }
}

static class PluginEvents
{
    [UnmanagedFunctionPointer(CallingConvention.StdCall)]
    delegate void Event(int id, IntPtr data);

    static IntPtr _function;
    static Event _event;
    internal static int Calls;

    internal static void Call(IntPtr function, int id, IntPtr data)
    {
        if (function != _function)
        {
            _event = (Event)Marshal.GetDelegateForFunctionPointer(function, typeof(Event));
            _function = function;
        }
        Calls++;
        _event(id, data);
        Gl.Check("a render event");
    }
}

public struct AsyncGPUReadbackRequest
{
    internal byte[] Pixels;
    public bool hasError { get { return Pixels == null; } }
    public unsafe NativeArray<T> GetData<T>() where T : struct { return new NativeArray<T>(Pixels); }
}

// Answers come two frames after the request has run, on the main thread.
public static class AsyncGPUReadback
{
    sealed class Reading
    {
        internal int frames = 2;
        internal AsyncGPUReadbackRequest request;
        internal Action<AsyncGPUReadbackRequest> then;
    }

    static readonly List<Reading> _readings = new List<Reading>();

    internal static void Begin(Texture source, Action<AsyncGPUReadbackRequest> then)
    {
        var request = new AsyncGPUReadbackRequest { Pixels = source.Name == 0 ? null : Drawing.Read(source) };
        _readings.Add(new Reading { request = request, then = then });
    }

    internal static void Update()
    {
        foreach (var reading in _readings.ToArray())
            if (--reading.frames <= 0) { _readings.Remove(reading); reading.then(reading.request); }
    }

    public static void WaitAllRequests()
    {
        RenderThread.CatchUp();
        foreach (var reading in _readings.ToArray()) { _readings.Remove(reading); reading.then(reading.request); }
    }
}

} // namespace Rendering
} // namespace UnityEngine

namespace Unity.Collections {

public struct NativeArray<T> where T : struct
{
    internal readonly byte[] Bytes;
    internal NativeArray(byte[] bytes) { Bytes = bytes; }
    public int Length { get { return Bytes.Length; } }
}

namespace LowLevel.Unsafe {
    public static class NativeArrayUnsafeUtility
    {
        static GCHandle _pinned;
        public static unsafe void* GetUnsafeReadOnlyPtr<T>(NativeArray<T> array) where T : struct
        {
            if (_pinned.IsAllocated) _pinned.Free();
            _pinned = GCHandle.Alloc(array.Bytes, GCHandleType.Pinned);
            return (void*)_pinned.AddrOfPinnedObject();
        }
    }
}

} // namespace Unity.Collections
