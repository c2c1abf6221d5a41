using System;
using System.Collections.Generic;
using System.IO;
using System.Runtime.InteropServices;

// The part of an engine that outlives its scripts: a graphics device, and native plugins that are
// loaded once. It lives in the first domain; scripts live in others, as in the editor.
static class Engine
{
    delegate int GetRenderer();
    delegate void Register(IntPtr callback);
    delegate int Reserve(int count);
    delegate IntPtr GetInterface(ulong high, ulong low);

    [DllImport("libEGL.so.1")] static extern IntPtr eglGetPlatformDisplay(uint platform, IntPtr display, IntPtr attributes);
    [DllImport("libEGL.so.1")] static extern int eglInitialize(IntPtr display, out int major, out int minor);
    [DllImport("libEGL.so.1")] static extern int eglBindAPI(uint api);
    [DllImport("libEGL.so.1")] static extern int eglChooseConfig(IntPtr display, int[] attributes, out IntPtr config, int size, out int count);
    [DllImport("libEGL.so.1")] static extern IntPtr eglCreateContext(IntPtr display, IntPtr config, IntPtr shared, int[] attributes);
    [DllImport("libEGL.so.1")] static extern int eglMakeCurrent(IntPtr display, IntPtr draw, IntPtr read, IntPtr context);
    [DllImport("framebridge")] static extern void UnityPluginLoad(IntPtr interfaces);
    [DllImport("framebridge")] static extern void UnityPluginUnload();

    static readonly GetRenderer _renderer = () => 17; // OpenGL core
    static readonly Register _register = callback => {};
    static readonly Reserve _reserve = count => 100;
    static readonly GetInterface _get = (high, low) => high == 0x7CBA0A9CA4DDB544 ? _graphics : IntPtr.Zero;
    static IntPtr _graphics;

    internal static void Start()
    {
        const int surfacelessMesa = 0x31DD, openGl = 0x30A2;
        var display = eglGetPlatformDisplay(surfacelessMesa, IntPtr.Zero, IntPtr.Zero);
        int major, minor, count;
        IntPtr config;
        if (eglInitialize(display, out major, out minor) == 0) throw new InvalidOperationException("no EGL");
        eglBindAPI(openGl);
        eglChooseConfig(display, new[] { 0x3040, 8, 0x3033, 1, 0x3038 }, out config, 1, out count);
        var context = eglCreateContext(display, config, IntPtr.Zero, new[] { 0x3098, 3, 0x30FB, 3, 0x30FD, 1, 0x3038 });
        if (eglMakeCurrent(display, IntPtr.Zero, IntPtr.Zero, context) == 0) throw new InvalidOperationException("no context");
    }

    [DllImport("libdl.so.2")] static extern IntPtr dlopen(string name, int how);

    // The engine holds the library itself, until the process is gone; mono alone would drop it when it
    // ends, under the feet of the library's threads.
    internal static void LoadPlugin()
    {
        const int now = 2;
        Check.That(dlopen("libframebridge.so", now) != IntPtr.Zero, "the library does not load");
        _graphics = Table(_renderer, _register, _register, _reserve);
        UnityPluginLoad(Table(null, null, _get, null));
    }

    internal static void UnloadPlugin() { UnityPluginUnload(); }

    static IntPtr Table(params Delegate[] functions)
    {
        var table = Marshal.AllocHGlobal(functions.Length * IntPtr.Size);
        for (var i = 0; i < functions.Length; i++)
        {
            var function = functions[i] == null ? IntPtr.Zero : Marshal.GetFunctionPointerForDelegate(functions[i]);
            Marshal.WriteIntPtr(table, i * IntPtr.Size, function);
        }
        return table;
    }
}

// What this process holds of the system.
[Serializable]
struct Footprint
{
    internal int threads, handles, segments;

    internal static Footprint Now()
    {
        var segments = 0;
        foreach (var line in File.ReadAllLines("/proc/self/maps")) if (line.Contains("/dev/shm/fb-")) segments++;
        return new Footprint
        {
            threads = Directory.GetDirectories("/proc/self/task").Length,
            handles = OpenFiles(),
            segments = segments,
        };
    }

    // One by one: /proc/self/fd as mono lists it has no sockets.
    static int OpenFiles()
    {
        const int getFlags = 1;
        var open = 0;
        for (var file = 0; file < 1024; file++) if (fcntl(file, getFlags, 0) >= 0) open++;
        return open;
    }

    [DllImport("libc")] static extern int fcntl(int file, int command, int argument);

    public override string ToString()
    {
        return threads + " threads, " + handles + " handles, " + segments + " segments";
    }
}

static class Program
{
    // host.exe SCENE...: each in a domain of its own, unless the scene asks for more.
    static int Main(string[] scenes)
    {
        Engine.Start();
        var plugin = Environment.GetEnvironmentVariable("HOST_WITHOUT_LIBRARY") == null;
        if (plugin) Engine.LoadPlugin();
        foreach (var scene in scenes)
        {
            try { Domains.Run(scene); }
            catch (Exception thrown)
            {
                Console.WriteLine("FAILED " + scene + ": " + thrown);
                return 1;
            }
            Console.WriteLine("DONE " + scene);
        }
        if (plugin) Engine.UnloadPlugin();
        return 0;
    }
}

static class Domains
{
    const int Reloads = 8;

    internal static void Run(string scene)
    {
        if (scene == "reload") Reload();
        else Once(scene);
    }

    static void Once(string scene)
    {
        var domain = AppDomain.CreateDomain("scripts");
        var scripts = Load(domain);
        scripts.Run(scene);
        AppDomain.Unload(domain);
    }

    static Scripts Load(AppDomain domain)
    {
        return (Scripts)domain.CreateInstanceFromAndUnwrap(typeof(Scripts).Assembly.Location, typeof(Scripts).FullName);
    }

    // Scripts are reloaded while a filter runs, at various moments of its life. What the system holds
    // is the same after the second time and the last.
    static void Reload()
    {
        var after = new List<Footprint>();
        for (var time = 0; time < Reloads; time++)
        {
            var domain = AppDomain.CreateDomain("scripts");
            Load(domain).RunUntilReload(time % 2 == 0 ? int.MaxValue : time);
            AppDomain.Unload(domain);
            GC.Collect();
            GC.WaitForPendingFinalizers();
            after.Add(Footprint.Now());
        }
        foreach (var footprint in after) Console.WriteLine(footprint);
        var second = after[1];
        var last = after[Reloads - 1];
        Check.That(last.segments == 0, "segments are left: " + last);
        Check.That(last.threads <= second.threads, "threads have grown from " + second + " to " + last);
        Check.That(last.handles <= second.handles, "handles have grown from " + second + " to " + last);
    }
}

static class Check
{
    internal static void That(bool condition, string what)
    {
        if (!condition) throw new InvalidOperationException(what);
    }
}
