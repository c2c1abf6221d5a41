using System;
using System.Collections.Generic;
using Framebridge.Internal;
using UnityEngine;
using UnityEngine.Rendering;

namespace Framebridge {

// What scripts do with a filter: listen, turn knobs, and read how it stands.
partial class NeuralFilter
{
    const double AskPeriod = 1;      // seconds between questions what the stream is
    const double ProblemPeriod = 0.5; // and whether anything is wrong with it

    static readonly List<NeuralFilter> _active = new List<NeuralFilter>();

    // Results come, for the first time or again.
    public event Action Connected;
    // No more results come; `whenLost` is done until Connected.
    public event Action Lost;
    // A result has come; with the id of its frame.
    public event Action<ulong> FrameReady;
    // Another model runs; with its name.
    public event Action<string> ModelChanged;
    // Something cannot be done; with what to do about it.
    public event Action<string> Failed;

    // What is shown; null before the first frame. Another size makes another texture.
    public RenderTexture output { get { return _session == null ? null : _session.Output; } }

    // Of the model that runs; empty before.
    public IList<Knob> knobs { get { return _info.knobs; } }

    public FilterState state { get { return ReadState(); } }

    StreamInfo _info = new StreamInfo();
    bool _infoKnown, _asking;
    double _nextQuestion, _nextProblem;
    ulong _askedRestarts;
    string _problem = "", _streamProblem = "", _openedModel = "", _refusedModel = "";
    bool _wasLive;
    readonly Dictionary<string, KnobSetting> _turned = new Dictionary<string, KnobSetting>();

    #region Knobs

    public void SetParameter(string knob, float value)
    {
        Store(new KnobSetting { name = knob, kind = KindOf(knob, KnobKind.Float), number = value });
    }

    public void SetParameter(string knob, int value) { SetParameter(knob, (float)value); }

    public void SetParameter(string knob, bool value)
    {
        Store(new KnobSetting { name = knob, kind = KnobKind.Bool, number = value ? 1 : 0 });
    }

    public void SetParameter(string knob, string choice)
    {
        Store(new KnobSetting { name = knob, kind = KnobKind.Choice, text = choice });
    }

    public void SetParameter(string knob, Color colour)
    {
        Store(new KnobSetting { name = knob, kind = KnobKind.Colour, colour = colour });
    }

    // What a knob is turned to from here; false if it is left as the model has it.
    public bool TryGetParameter(string knob, out KnobSetting setting)
    {
        foreach (var stored in _knobs)
            if (stored.name == knob)
            {
                setting = stored;
                return true;
            }
        setting = new KnobSetting();
        return false;
    }

    // State, tick and seed back to the beginning.
    public void ResetModel(int newSeed)
    {
        if (_session != null)
            _session.client.Ask("{\"type\": \"reset\", \"seed\": " + (uint)newSeed + "}", Answered);
    }

    KnobKind KindOf(string knob, KnobKind otherwise)
    {
        var known = _info.Find(knob);
        return known == null ? otherwise : known.kind;
    }

    void Store(KnobSetting setting)
    {
        for (var i = 0; i < _knobs.Count; i++)
            if (_knobs[i].name == setting.name)
            {
                _knobs[i] = setting;
                return;
            }
        _knobs.Add(setting);
    }

    // Only what differs from what was turned last, and only knobs that the model has: a setting of
    // another model is kept for when that one is back.
    void TurnKnobs()
    {
        foreach (var setting in _knobs)
        {
            var knob = _info.Find(setting.name);
            if (knob == null || SlotOf(setting.name) >= 0) continue;
            var turned = setting;
            if (knob.kind != KnobKind.Choice && knob.kind != KnobKind.Colour) turned.kind = knob.kind;
            if (turned.kind == knob.kind) Turn(turned);
        }
        for (var slot = 0; slot < Slots; slot++)
        {
            var name = _slotKnobs == null || slot >= _slotKnobs.Length ? null : _slotKnobs[slot];
            var knob = string.IsNullOrEmpty(name) ? null : _info.Find(name);
            if (knob == null || knob.kind == KnobKind.Choice || knob.kind == KnobKind.Colour) continue;
            var value = GetSlot(slot);
            if (knob.kind != KnobKind.Bool) value = Mathf.Clamp(value, knob.min, knob.max);
            Turn(new KnobSetting { name = name, kind = knob.kind, number = value });
        }
    }

    int SlotOf(string knob)
    {
        return _slotKnobs == null ? -1 : Array.IndexOf(_slotKnobs, knob);
    }

    void Turn(KnobSetting setting)
    {
        KnobSetting before;
        if (_turned.TryGetValue(setting.name, out before) && before.Same(setting)) return;
        _turned[setting.name] = setting;
        _session.client.Set(setting);
    }

    #endregion

    #region Each frame

    void Tick()
    {
        if (_session == null) return;
        _session.Update(_whenLost);
        var live = _session.Live;
        if (live != _wasLive)
        {
            _wasLive = live;
            Raise(live ? Connected : Lost);
            _nextQuestion = 0;
        }
        _session.client.Listen();
        LoadAnother();
        Enquire();
        if (live && _infoKnown) TurnKnobs();
    }

    void LoadAnother()
    {
        if (_model == _openedModel) return;
        _openedModel = _model;
        if (string.IsNullOrEmpty(_model) || !_session.Live)
        {
            Close(); // nothing runs that could run on; the next frame opens the other, if there is one
            return;
        }
        _session.client.Ask("{\"type\": \"load\", \"chain\": [" + Json.Quote(_model) + "]}", (done, answer) =>
        {
            _nextQuestion = 0;
            if (!done) Answered(done, answer);
        });
    }

    void Enquire()
    {
        var now = Time.realtimeSinceStartupAsDouble;
        var statistics = _session.client.Statistics;
        if (_askedRestarts != statistics.restarts) _nextQuestion = 0;
        if (_wasLive && !_asking && now >= _nextQuestion)
        {
            _asking = true;
            _askedRestarts = statistics.restarts;
            _nextQuestion = now + AskPeriod;
            _session.client.Ask("{\"type\": \"stream\"}", Learn);
        }
        if (now < _nextProblem) return;
        _nextProblem = now + ProblemPeriod;
        var problem = _session.client.Problem;
        if (problem == _streamProblem) return;
        _streamProblem = problem;
        if (problem != "" && statistics.state == (int)FilterConnection.Failed) Raise(Failed, problem);
    }

    void Learn(bool done, string answer)
    {
        _asking = false;
        if (!done) return;
        var info = StreamInfo.From(answer);
        if (info.model == "") return;
        var another = info.chain != _info.chain || info.model != _info.model;
        _info = info;
        _infoKnown = true;
        if (!another) return;
        _turned.Clear(); // another model begins with its own settings
        Raise(ModelChanged, info.model);
    }

    void Answered(bool done, string answer)
    {
        if (!done) Raise(Failed, Describe(answer));
    }

    // An error as the bridge words it, on one line.
    internal static string Describe(string answer)
    {
        var error = Json.Parse(answer);
        var nested = Json.Member(error, "error");
        if (nested != null) error = nested;
        if (Json.String(error, "code") == "") return answer;
        var text = Json.String(error, "code") + " " + Json.String(error, "place") + ": expected "
            + Json.String(error, "expected") + ", got " + Json.String(error, "found") + ".";
        var remedy = Json.String(error, "remedy");
        return remedy == "" ? text : text + " " + remedy;
    }

    void ForgetStream()
    {
        _info = new StreamInfo();
        _infoKnown = _asking = false;
        _turned.Clear();
        _nextQuestion = _nextProblem = 0;
        _streamProblem = "";
        if (!_wasLive) return;
        _wasLive = false;
        Raise(Lost);
    }

    void TellUnhooked()
    {
        if (_problem != "" || _session != null) return;
        var camera = HookedCamera;
        if (camera == null)
            _streamProblem = "There is no camera to take frames from. Name one, or put the filter on a camera.";
        else if (GraphicsSettings.currentRenderPipeline == null || !camera.isActiveAndEnabled)
            _streamProblem = "The camera is not rendering. Enable it and its object.";
        else _streamProblem = "The render pipeline does not call the filter. Under URP add the renderer "
            + "feature 'Neural Filter Feature' to the renderer asset; under HDRP add a Custom Pass Volume "
            + "(after post process) with the pass 'Neural Filter Pass'.";
    }

    #endregion

    #region State and events

    FilterState ReadState()
    {
        var state = new FilterState();
        state.connection = FilterConnection.Idle;
        state.problem = _problem != "" ? _problem : _streamProblem;
        if (_problem != "") state.connection = FilterConnection.Failed;
        else if (string.IsNullOrEmpty(_model) && _link == null) state.problem = "No model is chosen.";
        state.transport = state.model = state.backend = state.note = "";
        state.sourceFormat = state.resultFormat = "";
        if (_link != null) state.transport = _link.Transport;
        if (_session == null) return state;
        var from = _session.client.Statistics;
        state.connection = (FilterConnection)from.state;
        if (_session.Unfit != "") state.problem = _session.Unfit;
        state.transport = _session.Transport;
        state.model = _info.model;
        state.backend = _info.backend;
        state.note = _info.note;
        state.sourceFormat = Describe(from.source);
        state.resultFormat = Describe(from.result);
        state.frameIn = _session.FrameIn;
        state.frameOut = _session.FrameOut;
        state.latencyMs = (float)from.latency_ms;
        state.periodMs = _session.Period * 1000;
        state.sent = from.sent;
        state.returned = from.returned;
        state.dropped = from.dropped;
        state.skipped = from.skipped + _session.skippedHere;
        state.late = from.late;
        state.withheld = from.withheld;
        state.lost = from.lost;
        state.reused = _session.reused;
        state.restarts = from.restarts;
        state.connections = from.connections;
        return state;
    }

    static string Describe(fb_format format)
    {
        if (format.width == 0) return "";
        return format.width + " x " + format.height
            + (format.pixel_format == Fb.Rgba8 ? " RGBA8" : " BGRA8")
            + (format.rows == Fb.TopFirst ? ", top row first" : ", bottom row first")
            + (format.transfer == Fb.Srgb ? ", sRGB" : ", linear")
            + (format.alpha == Fb.Straight ? ", straight alpha" : ", opaque");
    }

    // A listener that fails spoils nothing but its own call.

    static void Raise(Action listeners)
    {
        if (listeners == null) return;
        try { listeners(); }
        catch (Exception thrown) { Debug.LogException(thrown); }
    }

    static void Raise<T>(Action<T> listeners, T value)
    {
        if (listeners == null) return;
        try { listeners(value); }
        catch (Exception thrown) { Debug.LogException(thrown); }
    }

    #endregion
}

} // namespace Framebridge
