using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Reflection;
using System.Threading;
using Framebridge;
using UnityEngine;

// What runs in a domain of scripts: scenes, by name. Each is an engine with filters, frame by frame.
public sealed partial class Scripts : MarshalByRefObject
{
    const double WatchdogS = 60;

    public override object InitializeLifetimeService() { return null; }

    public void Run(string scene)
    {
        Prepare();
        var words = scene.Split(':');
        var method = typeof(Scripts).GetMethod(words[0], BindingFlags.Instance | BindingFlags.NonPublic);
        Check.That(method != null, "no scene " + words[0]);
        var arguments = new object[words.Length - 1];
        Array.Copy(words, 1, arguments, 0, arguments.Length);
        try { method.Invoke(this, arguments); }
        catch (TargetInvocationException thrown)
        {
            throw new InvalidOperationException(thrown.InnerException.ToString() + Told());
        }
        StopPlaying();
        Check.That(Texture.Alive <= _texturesBefore, Texture.Alive - _texturesBefore + " textures are left");
        Check.That(UnityEngine.Debug.Logged.Count == 0, "logged: " + string.Join("\n", UnityEngine.Debug.Logged.ToArray()));
    }

    int _texturesBefore;
    NeuralFilter _filter;
    Texture2D _picture;
    readonly List<string> _told = new List<string>();
    readonly List<UnityEngine.Object> _own = new List<UnityEngine.Object>();

    string Told() { return "\nheard: " + string.Join(", ", _told.ToArray()) + "\n" + Describe(); }

    string Describe()
    {
        if (_filter == null) return "no filter";
        var state = _filter.state;
        return state.connection + " '" + state.problem + "' in " + state.frameIn + " out " + state.frameOut
            + " sent " + state.sent + " returned " + state.returned + " dropped " + state.dropped + " skipped "
            + state.skipped + " lost " + state.lost + " reused " + state.reused + " " + state.transport
            + " " + state.sourceFormat + " " + state.resultFormat;
    }

    static void Prepare()
    {
        Resources.Folder = Environment.GetEnvironmentVariable("PACKAGE_RESOURCES");
        SystemInfo.graphicsDeviceType = UnityEngine.Rendering.GraphicsDeviceType.OpenGLCore;
        SystemInfo.supportsAsyncGPUReadback = true;
        Screen.width = 64;
        Screen.height = 48;
        System.Runtime.CompilerServices.RuntimeHelpers.RunClassConstructor(
            Type.GetType("Framebridge.Editor.ReloadGuard, Framebridge.Editor", true).TypeHandle);
    }

    #region An engine to play in

    void StartPlaying()
    {
        UnityEditor.EditorApplication.Change(UnityEditor.PlayModeStateChange.ExitingEditMode);
        Application.isPlaying = true;
        UnityEditor.EditorApplication.Change(UnityEditor.PlayModeStateChange.EnteredPlayMode);
    }

    // Objects of the scene are destroyed, as when play mode is left.
    void StopPlaying()
    {
        UnityEditor.EditorApplication.Change(UnityEditor.PlayModeStateChange.ExitingPlayMode);
        foreach (var it in GameObject.All.ToArray()) UnityEngine.Object.DestroyImmediate(it);
        foreach (var it in _own) UnityEngine.Object.DestroyImmediate(it);
        _own.Clear();
        RenderTexture.DropTemporary();
        _filter = null;
        Application.isPlaying = false;
        UnityEditor.EditorApplication.Change(UnityEditor.PlayModeStateChange.EnteredEditMode);
        PlayerLoop.Frame();
        GL.Flush();
    }

    // A filter of a texture that shows a chart with a number in it.
    NeuralFilter NewFilter(string model, int width, int height)
    {
        _picture = new Texture2D(width, height, TextureFormat.RGBA32, false, false);
        _own.Add(_picture);
        var it = new GameObject("Filter");
        it.AddComponent<Renderer>();
        var filter = it.AddComponent<NeuralFilter>();
        filter.source = FilterSource.Texture;
        filter.sourceTexture = _picture;
        filter.model = model;
        filter.bridge = BridgeStart.Wait;
        filter.alpha = AlphaUse.Straight;
        filter.Connected += () => _told.Add("connected");
        filter.Lost += () => _told.Add("lost");
        filter.ModelChanged += name => _told.Add("model " + name);
        filter.Failed += problem => _told.Add("failed " + problem);
        _filter = filter;
        return filter;
    }

    void Show(byte[] picture)
    {
        _picture.Load(picture);
        _picture.Apply(false, false);
    }

    static byte[] Seen(Texture texture)
    {
        GL.Flush();
        return Drawing.Read(texture);
    }

    // Frames until something holds; sleeps a little, as an engine does at vsync.
    void PlayUntil(Func<bool> condition, string what, Action before = null)
    {
        var watch = Stopwatch.StartNew();
        while (!condition())
        {
            Check.That(watch.Elapsed.TotalSeconds < WatchdogS, what + ": not within " + WatchdogS + " s" + Told());
            if (before != null) before();
            PlayerLoop.Frame();
            Thread.Sleep(2);
        }
    }

    bool Live { get { return _filter.state.connection == FilterConnection.Live; } }

    #endregion

    // Say something to whoever has started this process, and wait for a line.
    static void Tell(string word)
    {
        Console.WriteLine(word);
        Console.Out.Flush();
        Check.That(Console.ReadLine() != null, "nobody answers");
    }
}
