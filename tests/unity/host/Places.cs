using System;
using System.Collections.Generic;
using Framebridge;
using UnityEngine;
using UnityEngine.Rendering;

// Scenes about where frames come from, where results go, and what turns knobs.
partial class Scripts
{
    // A camera's own picture is replaced, by the built-in pipeline's hook; without results it stays.
    void OnCamera()
    {
        Device("linear", "event");
        StartPlaying();
        var filter = NewFilter("passthrough", Width, Height);
        UnityEngine.Object.DestroyImmediate(filter);
        var camera = new GameObject("Camera").AddComponent<Camera>();
        camera.Picture = _picture;
        filter = camera.gameObject.AddComponent<NeuralFilter>();
        filter.model = "passthrough";
        filter.bridge = BridgeStart.Wait;
        filter.alpha = AlphaUse.Straight;
        _filter = filter;
        Action draw = () => Show(global::Chart.Draw(Width, Height, filter.state.frameIn + 1));
        draw();
        PlayerLoop.Frame();
        PlayerLoop.Frame();
        Check.That(global::Chart.Difference(Seen(camera.Screen), global::Chart.Draw(Width, Height, 1)) == 0, "not as it is");
        PlayUntil(() => filter.state.frameOut > 10, "results", draw);
        Check.That(global::Chart.Difference(Seen(camera.Screen), global::Chart.Draw(Width, Height, filter.state.frameOut)) == 0, "not the result");
        filter.showOnCamera = false;
        draw();
        var now = filter.state.frameIn + 1;
        PlayerLoop.Frame();
        Check.That(global::Chart.Difference(Seen(camera.Screen), global::Chart.Draw(Width, Height, now)) == 0, "still the result");
        filter.enabled = false;
        PlayerLoop.Frame();
        Check.That(camera.gameObject.Components.Count == 2, "the hook is left"); // camera and filter
        filter.enabled = true;
        GraphicsSettings.currentRenderPipeline = new RenderPipelineAsset();
        for (var frame = 0; frame < 150; frame++) PlayerLoop.Frame();
        Check.That(filter.state.problem.Contains("Neural Filter Feature"), filter.state.problem);
        GraphicsSettings.currentRenderPipeline = null;
    }

    // The game view is upright, whichever way the device has its rows.
    void GameView(string uvStartsAtTop)
    {
        Device("gamma", "event");
        SystemInfo.graphicsUVStartsAtTop = uvStartsAtTop == "top";
        StartPlaying();
        var filter = NewFilter("passthrough", Width, Height);
        filter.source = FilterSource.GameView;
        ScreenCapture.View = _picture;
        Action draw = () => Show(global::Chart.Draw(Width, Height, filter.state.frameIn + 1));
        PlayUntil(() => filter.state.frameOut > 10, "results", draw);
        Check.That(global::Chart.Difference(Seen(filter.output), global::Chart.Draw(Width, Height, filter.state.frameOut)) == 0, "differs");
    }

    // Results go into a texture of any size, and into a renderer's property; the renderer is left as
    // it was.
    void Targets()
    {
        Device("gamma", "event");
        StartPlaying();
        var filter = NewFilter("passthrough", Width, Height);
        var target = new RenderTexture(Width, Height, 0, UnityEngine.Experimental.Rendering.GraphicsFormat.R8G8B8A8_UNorm);
        target.Create();
        _own.Add(target);
        var renderer = filter.GetComponent<Renderer>();
        filter.targetTexture = target;
        filter.targetRenderer = renderer;
        filter.targetProperty = "_BaseMap";
        PlayUntil(() => filter.state.frameOut > 10, "results", () => Show(global::Chart.Draw(Width, Height, filter.state.frameIn + 1)));
        Check.That(global::Chart.Difference(Seen(target), global::Chart.Draw(Width, Height, filter.state.frameOut)) == 0, "differs");
        Check.That(renderer.Textures["_BaseMap"] == filter.output, "the renderer shows another texture");
        filter.enabled = false;
        Check.That(renderer.Textures.Count == 0, "the renderer is left with a texture that is gone");
    }

    // Knobs of every kind are turned by scripts, and by slots, once for each change, and only as far
    // as they go; a setting of another model does no harm.
    void Knobs(string model)
    {
        Device("gamma", "event");
        StartPlaying();
        var filter = NewFilter(model, Width, Height);
        filter.SetParameter("of-another-model", 1);
        filter.SetParameter("strength", 0.25f);
        PlayUntil(() => filter.knobs.Count == 5, "knobs");
        Check.That(Knob(filter, "strength").unit == "x" && Knob(filter, "strength").max == 2, "not described");
        Check.That(Double(filter, "strength") == 0.25, "it is " + Turned(filter, "strength"));
        filter.SetParameter("strength", 0.5f);
        filter.SetParameter("steps", 7);
        filter.SetParameter("on", false);
        filter.SetParameter("mode", "hard");
        filter.SetParameter("tint", new Color(0, 0.5f, 1, 1));
        PlayUntil(() => Double(filter, "strength") == 0.5 && Double(filter, "steps") == 7, "the knobs to be turned");
        Check.That(false.Equals(Turned(filter, "on")), "it is " + Turned(filter, "on"));
        Check.That("hard".Equals(Turned(filter, "mode")), "it is " + Turned(filter, "mode"));
        var tint = (List<object>)Turned(filter, "tint");
        Check.That((double)tint[0] == 0 && (double)tint[1] == 0.5 && (double)tint[2] == 1, "another tint");
        filter.BindSlot(3, "strength");
        filter.SetSlot(3, 0.75f);
        PlayUntil(() => Double(filter, "strength") == 0.75, "the slot to turn it");
        filter.SetSlot(3, 1e9f);
        PlayUntil(() => Double(filter, "strength") == 2, "the most");
        Check.That(!_told.Exists(word => word.StartsWith("failed")), Told());
        Check.That(Live, Told());
    }

    static Knob Knob(NeuralFilter filter, string name)
    {
        foreach (var knob in filter.knobs) if (knob.name == name) return knob;
        throw new InvalidOperationException("no knob " + name);
    }

    // As the bridge has it.
    object Turned(NeuralFilter filter, string knob)
    {
        string answer = null;
        filter.Client.Ask("{\"type\": \"stream\"}", (done, json) => answer = json);
        PlayUntil(() => answer != null, "an answer");
        var parameters = Framebridge.Internal.Json.Member(Framebridge.Internal.Json.Parse(answer), "parameters");
        return Framebridge.Internal.Json.Member(parameters, knob);
    }

    double Double(NeuralFilter filter, string knob)
    {
        var value = Turned(filter, knob);
        return value != null && value.GetType() == typeof(double) ? (double)value : double.NaN;
    }

    // The inspector: what it warns of, the models that the bridge knows, and the knobs with their
    // bounds, one for each kind.
    void Inspector(string model)
    {
        Device("gamma", "event");
        var filter = NewFilter("", Width, Height);
        var drawn = UnityEditor.EditorGUILayout.Drawn;
        var chosen = UnityEditor.EditorGUILayout.Chosen;
        Inspect(filter);
        Check.That(drawn[0] == "Warning: No model is chosen. Ask the bridge which ones there are, below, and choose one.", drawn[0]);
        chosen["button Which models are there?"] = true;
        PlayUntil(() =>
        {
            Inspect(filter);
            return drawn.Exists(line => line.StartsWith("Known models: -1 of ") && line.Contains(" passthrough") && line.Contains(" style-ink"));
        }, "the drop-down");
        Check.That(Footprint.Now().segments == 0, "the question has left a stream");
        var names = drawn.Find(line => line.StartsWith("Known models")).Replace("Known models: -1 of ", "").Split(' ');
        chosen["Known models"] = Array.IndexOf(names, "style-ink");
        Inspect(filter);
        Check.That(filter.model == "style-ink", "chosen: " + filter.model);
        filter.model = model;
        StartPlaying();
        PlayUntil(() => filter.knobs.Count > 0, "knobs");
        Inspect(filter);
        Check.That(drawn[0].StartsWith("Warning: The result is shown nowhere."), drawn[0]);
        foreach (var line in new[] { "Strength (x): 1 from 0 to 2", "steps: 3 from 1 to 9", "on: True", "mode: 0 of soft hard" })
            Check.That(drawn.Contains(line), line + " is not among\n" + string.Join("\n", drawn.ToArray()));
        chosen["Strength (x)"] = 0.25f;
        chosen["mode"] = 1;
        Inspect(filter);
        PlayUntil(() => Double(filter, "strength") == 0.25 && "hard".Equals(Turned(filter, "mode")), "the knobs to be turned");
        Inspect(filter);
        Check.That(drawn.Contains("Connection: Live"), string.Join("\n", drawn.ToArray()));
    }

    static void Inspect(NeuralFilter filter)
    {
        UnityEditor.EditorGUILayout.Drawn.Clear();
        var editor = new Framebridge.Editor.NeuralFilterEditor();
        editor.Edit(filter);
        editor.OnInspectorGUI();
    }

    // A bridge that nobody else has started: for this process alone, and gone with it.
    void OwnBridge(string program, string word1, string word2)
    {
        Device("gamma", "event");
        StartPlaying();
        var filter = NewFilter("passthrough", Width, Height);
        filter.bridge = BridgeStart.Private;
        filter.command = new[] { program, word1, word2 };
        PlayUntil(() => filter.state.frameOut > 5, "results");
    }
}
