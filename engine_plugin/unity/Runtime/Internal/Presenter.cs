using System.Collections.Generic;
using UnityEngine;
using UnityEngine.Rendering;

namespace Framebridge.Internal {

// Which results are shown, and how: blended with their own source frames, one faded into the next.
sealed class Presenter
{
    const int MostWaiting = 16;
    const double LongestPeriod = 1; // seconds; a longer gap is an interruption, not the model's pace
    const float Smoothing = 0.2f;   // weight of the newest interval

    static readonly int NowSource = Shader.PropertyToID("_FramebridgeNowSource");
    static readonly int Before = Shader.PropertyToID("_FramebridgeBefore");
    static readonly int BeforeSource = Shader.PropertyToID("_FramebridgeBeforeSource");
    static readonly int Weights = Shader.PropertyToID("_FramebridgeWeights");

    struct Shown
    {
        public Arrival arrival;
        public Capture source; // null: shown unblended
    }

    readonly List<Shown> _waiting = new List<Shown>();
    Shown _before, _now;
    double _since;   // when the newest began to be shown
    double _arrived; // when the last result came
    float _drawnMix = -1, _drawnFade = -1;
    bool _early, _fromMiddle; // the newest has come before the one before was faded in
    RenderTexture _middle;    // what was seen then, to fade from
    Material _material;

    internal ulong ShownId { get { return _now.arrival.id; } }
    internal bool HasResult { get { return _now.arrival.picture != null; } }
    internal float Period { get; private set; } // seconds from result to result, smoothed
    internal int Width { get { return _now.arrival.picture.Width; } }
    internal int Height { get { return _now.arrival.picture.Height; } }

    // Keep a result until Show wants it.
    internal void Add(ICarrier carrier, Arrival arrival, Capture source, double time)
    {
        var interval = time - _arrived;
        if (_arrived > 0 && interval > 0 && interval < LongestPeriod)
            Period = Period == 0 ? (float)interval : Mathf.Lerp(Period, (float)interval, Smoothing);
        _arrived = time;
        _waiting.Add(new Shown { arrival = arrival, source = source });
        while (_waiting.Count > MostWaiting) Drop(carrier, 0);
    }

    // Show the newest result that waits and is of frame `wanted` or one before. False: none waits.
    internal bool Show(ICarrier carrier, ulong wanted, bool crossfade, double time)
    {
        var newest = -1;
        for (var i = 0; i < _waiting.Count; i++) if (_waiting[i].arrival.id <= wanted) newest = i;
        if (newest < 0) return false;
        Release(carrier, ref _before);
        if (crossfade) _before = _now;
        else Release(carrier, ref _now);
        _now = _waiting[newest];
        _waiting.RemoveAt(newest);
        while (--newest >= 0) Drop(carrier, newest);
        _since = time;
        _early = crossfade && _drawnFade >= 0 && _drawnFade < 1;
        _fromMiddle = false;
        _drawnMix = -1;
        return true;
    }

    // Draw what is to be seen into `output`, unless it is seen there already.
    internal void Draw(CommandBuffer commands, RenderTexture output, float mix, double time)
    {
        var fade = 1f;
        if (_before.arrival.picture != null && Period > 0)
            fade = Mathf.Clamp01((float)(time - _since) / Period);
        if (mix == _drawnMix && fade == _drawnFade) return;
        if (_early) KeepMiddle(commands, output);
        _drawnMix = mix;
        _drawnFade = fade;
        var nowMix = _now.source == null ? 1 : mix;
        var now = _now.arrival.picture.texture;
        if (fade == 1 && nowMix == 1 || !HasMaterial())
        {
            commands.Blit(now, output);
            return;
        }
        var before = _before.arrival.picture == null ? now : _before.arrival.picture.texture;
        if (_fromMiddle) before = _middle;
        var blended = _before.source != null && !_fromMiddle;
        var beforeSource = blended ? _before.source.picture.texture : before;
        var beforeMix = blended ? mix : 1;
        commands.SetGlobalTexture(NowSource, _now.source == null ? now : _now.source.picture.texture);
        commands.SetGlobalTexture(Before, before);
        commands.SetGlobalTexture(BeforeSource, beforeSource);
        commands.SetGlobalVector(Weights, new Vector4(beforeMix, nowMix, fade, 0));
        commands.Blit(now, output, _material, 0);
    }

    // The output is another one, or shows something else now.
    internal void Redraw()
    {
        _drawnMix = -1;
        _early = _fromMiddle = false;
    }

    void KeepMiddle(CommandBuffer commands, RenderTexture output)
    {
        if (_middle == null || _middle.width != output.width || _middle.height != output.height)
        {
            Textures.Destroy(_middle);
            _middle = Textures.NewTarget(output.width, output.height, "Framebridge crossfade");
        }
        commands.Blit(output, _middle);
        _early = false;
        _fromMiddle = true;
    }

    internal void Clear(ICarrier carrier)
    {
        while (_waiting.Count > 0) Drop(carrier, _waiting.Count - 1);
        Release(carrier, ref _before);
        Release(carrier, ref _now);
        _arrived = 0;
        _drawnFade = -1;
        Redraw();
    }

    internal void Dispose(ICarrier carrier)
    {
        Clear(carrier);
        Textures.Destroy(_material);
        Textures.Destroy(_middle);
        _material = null;
        _middle = null;
    }

    bool HasMaterial()
    {
        if (_material != null) return true;
        var shader = Resources.Load<Shader>("FramebridgeCompose");
        if (shader == null) return false;
        _material = new Material(shader);
        _material.hideFlags = HideFlags.HideAndDontSave;
        return true;
    }

    void Drop(ICarrier carrier, int index)
    {
        var shown = _waiting[index];
        _waiting.RemoveAt(index);
        Release(carrier, ref shown);
    }

    static void Release(ICarrier carrier, ref Shown shown)
    {
        if (shown.arrival.picture != null) carrier.Return(shown.arrival.picture);
        if (shown.source != null) shown.source.holders--;
        shown = new Shown();
    }
}

} // namespace Framebridge.Internal
