using System;
using System.Collections.Generic;
using Framebridge;
using UnityEngine;
using UnityEngine.Rendering;

// Scenes about beginnings and ends.
partial class Scripts
{
    // Play mode 50 times, left at every stage of a session. What the system holds does not grow.
    void PlayMode()
    {
        var after = new List<Footprint>();
        var playing = new Footprint();
        for (var time = 0; time < 50; time++)
        {
            Device("gamma", time % 4 == 3 ? "readback" : "event");
            if (time % 4 != 3) SystemInfo.graphicsDeviceType = GraphicsDeviceType.OpenGLCore;
            StartPlaying();
            var filter = NewFilter("passthrough", Width, Height);
            filter.mix = time % 3 == 0 ? 0.5f : 1;
            if (time % 10 == 0) PlayUntil(() => filter.state.frameOut > 5, "results", () => Show(global::Chart.Draw(Width, Height, 1)));
            else for (var frame = 0; frame < time % 10; frame++) PlayerLoop.Frame();
            if (time == 40) playing = Footprint.Now();
            StopPlaying();
            after.Add(Footprint.Now());
        }
        Console.WriteLine(playing + " while results come; " + after[10] + ", then " + after[49]);
        Check.That(playing.threads > after[49].threads && playing.handles > after[49].handles && playing.segments > 0, "not measured");
        Check.That(after[49].segments == 0, "segments are left: " + after[49]);
        Check.That(after[49].threads <= after[10].threads, "threads: " + after[10] + ", then " + after[49]);
        Check.That(after[49].handles <= after[10].handles, "handles: " + after[10] + ", then " + after[49]);
    }

    // For a domain that is unloaded in the middle, as when scripts are compiled while playing.
    public void RunUntilReload(int frames)
    {
        Prepare();
        Device("gamma", "event");
        StartPlaying();
        var filter = NewFilter("passthrough", Width, Height);
        filter.mix = 0.5f;
        if (frames == int.MaxValue) PlayUntil(() => filter.state.frameOut > 5, "results");
        else for (var frame = 0; frame < frames; frame++) PlayerLoop.Frame();
        UnityEditor.AssemblyReloadEvents.Reload();
        GL.Flush();
        PlayerLoop.Frame(); // a last one, with the filter closed
        Check.That(filter.state.connection == FilterConnection.Idle, "it is open again");
        GL.Flush();
    }

    // The bridge is killed and comes back; meanwhile frames are seen as they are.
    void Killed(string carrier)
    {
        Device("gamma", carrier);
        StartPlaying();
        var filter = NewFilter("passthrough", Width, Height);
        ulong drawn = 0;
        Action draw = () => Show(global::Chart.Draw(Width, Height, ++drawn));
        for (var time = 0; time < 2; time++)
        {
            PlayUntil(() => Live && filter.state.frameOut > 0 && filter.state.frameOut + 30 > filter.state.frameIn, "results", draw);
            Tell("KILL");
            PlayUntil(() => !Live, "the loss", draw);
            for (var frame = 0; frame < 10; frame++)
            {
                draw();
                PlayerLoop.Frame();
                Check.That(global::Chart.Difference(Seen(filter.output), global::Chart.Draw(Width, Height, drawn)) == 0, "not passed through");
            }
            Check.That(_told[_told.Count - 1] == "lost", Told());
            Tell("START");
        }
        PlayUntil(() => Live, "the bridge to be back", draw);
        var back = filter.state.frameIn;
        PlayUntil(() => filter.state.frameOut > back, "results again", draw);
        Check.That(_told.FindAll(word => word == "connected").Count == 3, Told());
        Check.That(filter.state.connections == 3, Told());
    }

    // While no bridge is there, the last result stays, or nothing is seen.
    void Gone(string what)
    {
        Device("gamma", "event");
        StartPlaying();
        var filter = NewFilter("passthrough", Width, Height);
        filter.whenLost = what == "hold" ? LossAction.Hold : LossAction.Clear;
        Action draw = () => Show(global::Chart.Draw(Width, Height, filter.state.frameIn + 1));
        PlayUntil(() => filter.state.frameOut > 5, "results", draw);
        Tell("KILL");
        PlayUntil(() => !Live, "the loss", draw);
        var shown = filter.state.frameOut;
        for (var frame = 0; frame < 10; frame++)
        {
            draw();
            PlayerLoop.Frame();
            if (filter.state.frameOut > shown && frame < 3) shown = filter.state.frameOut; // was under way
            var expected = what == "hold" ? global::Chart.Draw(Width, Height, shown) : new byte[Width * Height * 4];
            Check.That(global::Chart.Difference(Seen(filter.output), expected) == 0, "another picture");
        }
    }

    // Another model while frames run, and one of another size; one that does not exist changes nothing.
    void Swap()
    {
        Device("gamma", "event");
        StartPlaying();
        var filter = NewFilter("passthrough", Width, Height);
        Action draw = () => Show(global::Chart.Draw(Width, Height, filter.state.frameIn + 1));
        PlayUntil(() => _told.Contains("model passthrough"), "a first model", draw);
        filter.model = "no-such-model";
        PlayUntil(() => _told.Exists(word => word.StartsWith("failed FB-E011")), "a refusal", draw);
        Check.That(Live, "lost over a name");
        filter.model = "upscale-x2-fast";
        PlayUntil(() => filter.output != null && filter.output.width == 2 * Width, "a larger result", draw);
        PlayUntil(() => _told.Contains("model upscale-x2-fast"), "the name of the model", draw);
        filter.model = "passthrough";
        PlayUntil(() => filter.output.width == Width, "a smaller result", draw);
        var from = filter.state.frameIn;
        PlayUntil(() => filter.state.frameOut > from, "results", draw);
        Check.That(global::Chart.Difference(Seen(filter.output), global::Chart.Draw(Width, Height, filter.state.frameOut)) == 0, "differs");
        Check.That(!_told.Contains("lost"), Told());
    }

    // Another size of the source, in the middle.
    void Resize(string carrier)
    {
        Device("gamma", carrier);
        StartPlaying();
        var filter = NewFilter("passthrough", Width, Height);
        filter.mix = 0.5f;
        Action draw = () => Show(global::Chart.Draw(_picture.width, _picture.height, filter.state.frameIn + 1));
        foreach (var width in new[] { Width, 80, 72, Width })
        {
            if (width != _picture.width)
            {
                UnityEngine.Object.Destroy(_picture);
                _picture = new Texture2D(width, Height, TextureFormat.RGBA32, false, false);
                _own.Add(_picture);
                filter.sourceTexture = _picture;
            }
            var from = filter.state.frameIn;
            PlayUntil(() => filter.state.frameOut > from + 3, "results of " + width, draw);
            Check.That(filter.output.width == width, "a result of " + filter.output.width + " for " + width);
            var expected = global::Chart.Draw(width, Height, filter.state.frameOut);
            Check.That(global::Chart.Difference(Seen(filter.output), expected) == 0, "differs at " + width);
        }
    }

    // The source is destroyed, the filter switched off and on, the model taken away.
    void Mishaps()
    {
        Device("gamma", "event");
        StartPlaying();
        var filter = NewFilter("passthrough", Width, Height);
        PlayUntil(() => filter.state.frameOut > 3, "results");
        UnityEngine.Object.DestroyImmediate(_picture);
        for (var frame = 0; frame < 5; frame++) PlayerLoop.Frame();
        _picture = new Texture2D(Width, Height, TextureFormat.RGBA32, false, false);
        _own.Add(_picture);
        filter.sourceTexture = _picture;
        UnityEngine.Object.DestroyImmediate(filter.output); // somebody destroys what is not theirs
        for (var frame = 0; frame < 5; frame++) PlayerLoop.Frame();
        filter.enabled = false;
        Check.That(filter.output == null && Footprint.Now().segments == 0, "not closed");
        for (var frame = 0; frame < 5; frame++) PlayerLoop.Frame();
        filter.enabled = true;
        PlayUntil(() => filter.state.frameOut > 3, "results again");
        filter.model = "";
        filter.Connected += () => { throw new Exception("of a listener"); };
        filter.enabled = false;
        filter.enabled = true;
        filter.model = "passthrough";
        PlayUntil(() => filter.state.frameOut > 3, "results for the third time");
        Check.That(UnityEngine.Debug.Logged.Exists(text => text.Contains("of a listener")), "nothing logged");
        UnityEngine.Debug.Logged.Clear();
        filter.FrameReady += id => filter.enabled = false; // in the middle of a frame
        PlayUntil(() => !filter.enabled, "a listener that switches it off");
        PlayerLoop.Frame();
        Check.That(Footprint.Now().segments == 0 && filter.output == null, "not closed");
        filter.FrameReady += id => UnityEngine.Object.Destroy(filter);
        filter.enabled = true;
        PlayUntil(() => filter == null, "a listener that destroys it");
        UnityEngine.Debug.Logged.Clear(); // what that listener has thrown once more
    }

    // The application ends in the middle of it all, without a word to anybody.
    void ExitNow(string when)
    {
        Device("gamma", "event");
        StartPlaying();
        var filter = NewFilter("passthrough", Width, Height);
        if (when == "live") PlayUntil(() => filter.state.frameOut > 5, "results");
        else PlayUntil(() => filter.state.frameIn > 100, "frames");
        Console.WriteLine("ends");
        Console.Out.Flush();
        Environment.Exit(0);
    }

    // Without the native library the filter says so, once, and the application goes on.
    void NoLibrary()
    {
        Device("gamma", "event");
        StartPlaying();
        var filter = NewFilter("passthrough", Width, Height);
        for (var frame = 0; frame < 20; frame++) PlayerLoop.Frame();
        Check.That(filter.state.connection == FilterConnection.Failed, Told());
        Check.That(filter.state.problem.Contains("is not in the package's Plugins folder"), Told());
        Check.That(_told.Count == 1, Told());
    }

    // In edit mode nothing is opened, unless it is asked for.
    void EditMode()
    {
        Device("gamma", "event");
        var filter = NewFilter("passthrough", Width, Height);
        for (var frame = 0; frame < 10; frame++) PlayerLoop.Frame();
        Check.That(filter.state.connection == FilterConnection.Idle && filter.output == null, "opened");
        filter.runInEditMode = true;
        PlayUntil(() => filter.state.frameOut > 3, "results");
        filter.runInEditMode = false;
        PlayerLoop.Frame();
        Check.That(filter.state.connection == FilterConnection.Idle && Footprint.Now().segments == 0, "not closed");
    }
}
