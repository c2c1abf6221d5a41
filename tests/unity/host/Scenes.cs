using System;
using System.Collections.Generic;
using System.IO;
using Framebridge;
using UnityEngine;
using UnityEngine.Rendering;

// The scenes; each is named on the command line, its arguments after colons.
partial class Scripts
{
    const int Width = 64, Height = 48;

    static void Device(string space, string carrier)
    {
        QualitySettings.activeColorSpace = space == "linear" ? ColorSpace.Linear : ColorSpace.Gamma;
        if (carrier == "readback") SystemInfo.graphicsDeviceType = GraphicsDeviceType.Vulkan;
    }

    // Every result that is shown is, pixel by pixel, the picture of the frame whose id it has.
    void Chart(string space, string carrier, string frames)
    {
        Device(space, carrier);
        StartPlaying();
        var filter = NewFilter("passthrough", Width, Height);
        var ids = 0;
        filter.FrameReady += id => ids++;
        Action draw = () => Show(global::Chart.Draw(Width, Height, filter.state.frameIn + 1));
        PlayUntil(() => filter.state.frameOut > 0, "a first result", draw);
        var checkedResults = 0;
        ulong shown = 0;
        PlayUntil(() => checkedResults >= int.Parse(frames), "results", () =>
        {
            draw();
            var id = filter.state.frameOut;
            if (id == shown) return;
            shown = id;
            var difference = global::Chart.Difference(Seen(filter.output), global::Chart.Draw(Width, Height, id));
            Check.That(difference == 0, "result " + id + " differs by " + difference);
            checkedResults++;
        });
        var state = filter.state;
        Check.That(state.transport == (carrier == "readback" ? "readback" : "render event"), state.transport);
        Check.That(state.sourceFormat == "64 x 48 RGBA8, bottom row first, sRGB, straight alpha", state.sourceFormat);
        Check.That(state.model == "passthrough", state.model);
        Check.That(ids >= checkedResults, "FrameReady was raised " + ids + " times");
        Console.WriteLine(Describe());
    }

    // A model sees the picture upright, unswapped and with the right transfer: one that moves it down
    // by a row and halves red does just that.
    void Crooked(string space, string carrier, string model)
    {
        Device(space, carrier);
        StartPlaying();
        var filter = NewFilter(model, Width, Height);
        filter.policy = FramePolicy.Lockstep;
        var picture = global::Chart.Draw(Width, Height, 12345);
        Show(picture);
        PlayUntil(() => filter.state.frameOut > 0, "a result");
        var seen = Seen(filter.output);
        for (var y = 0; y < Height; y++)
            for (var x = 0; x < Width; x++)
                for (var channel = 0; channel < 4; channel++)
                {
                    var at = (y * Width + x) * 4 + channel;
                    var from = y + 1 < Height ? picture[at + Width * 4] : 0; // bottom row first
                    var expected = channel == 3 ? picture[at] : channel == 0 ? from / 2f : from;
                    Check.That(Math.Abs(seen[at] - expected) <= 1, "at " + x + ", " + y + " channel " + channel
                        + ": expected " + expected + ", got " + seen[at]);
                }
    }

    // A result is blended with its own source: with a model that changes nothing, nothing changes.
    void Mix(string space, string carrier)
    {
        Device(space, carrier);
        StartPlaying();
        var filter = NewFilter("passthrough", Width, Height);
        filter.mix = 0.5f;
        Action draw = () => Show(global::Chart.Edge(Width, Height, filter.state.frameIn + 1));
        PlayUntil(() => filter.state.frameOut > 0, "a first result", draw);
        var behind = 0;
        ulong shown = 0;
        PlayUntil(() => behind >= 40, "results that are behind", () =>
        {
            draw();
            var state = filter.state;
            if (state.frameOut == shown) return;
            shown = state.frameOut;
            var picture = Seen(filter.output);
            foreach (var level in picture) Check.That(level == 0 || level == 255, "an edge of level " + level);
            var difference = global::Chart.Difference(picture, global::Chart.Edge(Width, Height, shown));
            Check.That(difference == 0, "result " + shown + " is not with its own source");
            if (state.frameOut < state.frameIn) behind++;
        });
    }

    // The same, with a model that turns black into white: half and half is grey where it is seen with
    // its own source, everywhere. Under a linear color space that is half the light.
    void MixHalf(string space, string model)
    {
        Device(space, "event");
        StartPlaying();
        var filter = NewFilter(model, Width, Height);
        Action draw = () => Show(global::Chart.Edge(Width, Height, filter.state.frameIn + 1));
        PlayUntil(() => filter.state.frameOut > 0, "a first result", draw);
        filter.mix = 0.5f;
        var from = filter.state.frameIn + 20;
        var seen = 0;
        PlayUntil(() => seen >= 20, "results", () =>
        {
            draw();
            if (filter.state.frameOut < from) return;
            seen++;
            var expected = space == "linear" ? 188 : 128;
            var picture = Seen(filter.output);
            for (var i = 0; i < picture.Length; i++)
                if (i % 4 != 3) Check.That(Math.Abs(picture[i] - expected) <= 1, "level " + picture[i]);
        });
    }

    // Exactly the frame N before, for as long as the model keeps up.
    void Delay(string carrier, string delay)
    {
        Device("gamma", carrier);
        StartPlaying();
        var filter = NewFilter("passthrough", Width, Height);
        filter.policy = FramePolicy.Delay;
        filter.delay = int.Parse(delay);
        Action draw = () =>
        {
            Show(global::Chart.Draw(Width, Height, filter.state.frameIn + 1));
            System.Threading.Thread.Sleep(15); // an engine of some 60 frames a second
        };
        PlayUntil(() => filter.state.frameOut > 20, "a first result", draw);
        var exact = 0;
        PlayUntil(() => exact >= 60, "frames", () =>
        {
            draw();
            var state = filter.state;
            Check.That(state.frameOut <= state.frameIn - (ulong)filter.delay, "too early: " + state.frameOut + " at " + state.frameIn);
            if (state.frameOut == state.frameIn - (ulong)filter.delay) exact++;
            else Console.WriteLine("late: " + state.frameOut + " at " + state.frameIn);
            var difference = global::Chart.Difference(Seen(filter.output), global::Chart.Draw(Width, Height, state.frameOut));
            Check.That(difference == 0, "result " + state.frameOut + " differs by " + difference);
        });
        Console.WriteLine(Describe());
    }

    // From the first frame on, each shows its own result.
    void Lockstep(string carrier)
    {
        Device("gamma", carrier);
        StartPlaying();
        var filter = NewFilter("passthrough", Width, Height);
        filter.policy = FramePolicy.Lockstep;
        for (ulong frame = 1; frame <= 40; frame++)
        {
            Show(global::Chart.Draw(Width, Height, frame));
            PlayerLoop.Frame();
            Check.That(filter.state.frameOut == frame, "frame " + frame + " shows " + filter.state.frameOut + Told());
            Check.That(global::Chart.Difference(Seen(filter.output), global::Chart.Draw(Width, Height, frame)) == 0, "differs");
        }
        Check.That(!_told.Exists(word => word.StartsWith("failed")), Told());
    }

    // Without a bridge lockstep waits up to its limit, says so, and shows the frame as it is.
    void LockstepAlone()
    {
        Device("gamma", "event");
        StartPlaying();
        var filter = NewFilter("passthrough", Width, Height);
        filter.policy = FramePolicy.Lockstep;
        filter.lockstepLimit = 0.2f;
        var picture = global::Chart.Draw(Width, Height, 5);
        Show(picture);
        for (var frame = 0; frame < 3; frame++) PlayerLoop.Frame();
        Check.That(_told.Exists(word => word.Contains("does not run after 0.2 s")), Told());
        Check.That(global::Chart.Difference(Seen(filter.output), picture) == 0, "not passed through");
    }

    // Results come slower than frames, and each is faded into the next: shown levels grow in small
    // steps and never go back.
    void Crossfade(string space)
    {
        Device(space, "event");
        StartPlaying();
        var filter = NewFilter("passthrough", Width, Height);
        filter.presentation = Presentation.Crossfade;
        var time = 1.0;
        UnityEngine.Time.Set = time;
        PlayUntil(() => Live, "live", () => UnityEngine.Time.Set = time += 1.0 / 60);
        filter.maxSendRate = 12;
        var first = filter.state.frameIn;
        Func<ulong, int> level = id => (int)(id - first) * 5;
        ulong ready = 0;
        filter.FrameReady += id => ready = id;
        Action step = () =>
        {
            Show(global::Chart.Flat(Width, Height, level(filter.state.frameIn + 1)));
            UnityEngine.Time.Set = time += 1.0 / 60;
            PlayerLoop.Frame();
            // The clock stands still until the result is there, so that the model is as fast as it may be.
            PlayUntil(() => ready >= filter.state.frameIn || filter.state.frameIn == first, "a result");
        };
        while (filter.state.frameOut < first + 5) step();
        Console.WriteLine(filter.state.periodMs + " ms from result to result");
        var between = 0;
        var last = -1;
        while (filter.state.frameOut < first + 45)
        {
            // In the second half results come twice as often at times: what is seen never jumps.
            if (filter.state.frameOut > first + 25) filter.maxSendRate = filter.state.frameOut % 4 == 0 ? 24 : 12;
            step();
            int seen = Seen(filter.output)[0];
            Check.That(seen >= last - 1, "back from " + last + " to " + seen);
            Check.That(seen <= level(filter.state.frameOut) + 1, "ahead of its result");
            Check.That(last < 0 || seen - last <= 2, "a jump from " + last + " to " + seen);
            if (seen % 5 != 0) between++;
            last = Math.Max(last, seen);
        }
        UnityEngine.Time.Set = null;
        Check.That(between > 40, "only " + between + " frames show what is between two results");
        Check.That(filter.state.periodMs > 55 && filter.state.periodMs < 90, "the period is " + filter.state.periodMs + " ms");
    }

    // No more frames are sent than asked for, and those evenly.
    void Rate()
    {
        Device("gamma", "event");
        StartPlaying();
        var filter = NewFilter("passthrough", Width, Height);
        var time = 1.0;
        UnityEngine.Time.Set = time;
        PlayUntil(() => Live, "live", () => UnityEngine.Time.Set = time += 1.0 / 60);
        filter.maxSendRate = 25;
        var before = filter.state.frameIn;
        for (var frame = 0; frame < 600; frame++)
        {
            UnityEngine.Time.Set = time += 1.0 / 60;
            PlayerLoop.Frame();
        }
        var sent = filter.state.frameIn - before;
        UnityEngine.Time.Set = null;
        Check.That(sent >= 245 && sent <= 252, sent + " frames in 10 s at 25 a second");
    }
}
