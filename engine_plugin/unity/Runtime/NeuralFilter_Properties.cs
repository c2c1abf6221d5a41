using System.Collections.Generic;
using Framebridge.Internal;
using UnityEngine;

namespace Framebridge {

// Serialized fields, and the properties by which scripts reach them. What is a float can be driven
// by an animation or a Timeline track.
partial class NeuralFilter
{
    internal const int Slots = 8;

    bool _optionsChanged; // what a session is opened with may have changed

    [SerializeField] FilterSource _source = FilterSource.Camera;
    public FilterSource source { get { return _source; } set { _source = value; } }

    [SerializeField] Camera _sourceCamera = null;
    // None: the camera of this object.
    public Camera sourceCamera { get { return _sourceCamera; } set { _sourceCamera = value; } }

    [SerializeField] Texture _sourceTexture = null;
    public Texture sourceTexture { get { return _sourceTexture; } set { _sourceTexture = value; } }

    [SerializeField] string _model = "";
    // A package's name, or the path of its folder; another one is loaded while the old one runs on.
    public string model { get { return _model; } set { _model = value ?? ""; } }

    [SerializeField] FramePolicy _policy = FramePolicy.Latest;
    public FramePolicy policy { get { return _policy; } set { _policy = value; _optionsChanged = true; } }

    [SerializeField, Range(1, Session.MostDelay)] int _delay = 4;
    // In frames that are sent; for FramePolicy.Delay.
    public int delay { get { return _delay; } set { _delay = Mathf.Clamp(value, 1, Session.MostDelay); } }

    [SerializeField] float _lockstepLimit = 30;
    // Seconds that FramePolicy.Lockstep waits at most, for the model to run and for each result.
    public float lockstepLimit { get { return _lockstepLimit; } set { _lockstepLimit = Mathf.Clamp(value, 0.1f, 600); } }

    [SerializeField] float _tickRate = 60;
    // Ticks a second at most; for FramePolicy.Free.
    public float tickRate { get { return _tickRate; } set { _tickRate = Mathf.Clamp(value, 0.1f, 1000); _optionsChanged = true; } }

    [SerializeField] int _seed = 0;
    public int seed { get { return _seed; } set { _seed = value; _optionsChanged = true; } }

    [SerializeField] float _maxSendRate = 0;
    // Frames a second that are sent at most; 0: all.
    public float maxSendRate { get { return _maxSendRate; } set { _maxSendRate = Mathf.Max(0, value); } }

    [SerializeField] LossAction _whenLost = LossAction.PassThrough;
    public LossAction whenLost { get { return _whenLost; } set { _whenLost = value; } }

    [SerializeField, Range(0, 1)] float _mix = 1;
    // 0: the source frame, 1: its result.
    public float mix { get { return _mix; } set { _mix = Mathf.Clamp01(value); } }

    [SerializeField] Presentation _presentation = Presentation.Newest;
    public Presentation presentation { get { return _presentation; } set { _presentation = value; } }

    [SerializeField] AlphaUse _alpha = AlphaUse.Opaque;
    public AlphaUse alpha { get { return _alpha; } set { _alpha = value; _optionsChanged = true; } }

    [SerializeField] bool _showOnCamera = true;
    // With FilterSource.Camera: whether the camera's own picture is replaced.
    public bool showOnCamera { get { return _showOnCamera; } set { _showOnCamera = value; } }

    [SerializeField] RenderTexture _targetTexture = null;
    public RenderTexture targetTexture { get { return _targetTexture; } set { _targetTexture = value; } }

    [SerializeField] Renderer _targetRenderer = null;
    public Renderer targetRenderer { get { return _targetRenderer; } set { _targetRenderer = value; } }

    [SerializeField] string _targetProperty = "_MainTex";
    // In URP and HDRP it is often _BaseMap or _BaseColorMap.
    public string targetProperty { get { return _targetProperty; } set { _targetProperty = value ?? ""; } }

    [SerializeField] BridgeStart _bridge = BridgeStart.Private;
    public BridgeStart bridge { get { return _bridge; } set { _bridge = value; _optionsChanged = true; } }

    [SerializeField] string[] _command = { "framebridge" };
    // How the bridge is started: a program and its first words.
    public string[] command { get { return _command; } set { _command = value ?? new string[0]; _optionsChanged = true; } }

    [SerializeField] string _endpoint = "";
    // Of a bridge that is known; else it is found, or started.
    public string endpoint { get { return _endpoint; } set { _endpoint = value ?? ""; _optionsChanged = true; } }

    [SerializeField] string _token = "";
    public string token { get { return _token; } set { _token = value ?? ""; _optionsChanged = true; } }

    [SerializeField] bool _runInEditMode = false;
    public bool runInEditMode { get { return _runInEditMode; } set { _runInEditMode = value; } }

    [SerializeField] PixelLink _link = null;
    // KlakSpout or KlakSyphon carry the pixels, to a bridge that listens there.
    public PixelLink link { get { return _link; } set { _link = value; } }

    [SerializeField] List<KnobSetting> _knobs = new List<KnobSetting>();

    // Which knob each of the animatable values below turns; empty: none.
    [SerializeField] string[] _slotKnobs = new string[Slots];
    [SerializeField] float _slot0 = 0, _slot1 = 0, _slot2 = 0, _slot3 = 0;
    [SerializeField] float _slot4 = 0, _slot5 = 0, _slot6 = 0, _slot7 = 0;

    // Bind an animatable value to a knob, or to none with "".
    public void BindSlot(int slot, string knob)
    {
        if (_slotKnobs == null || _slotKnobs.Length != Slots) _slotKnobs = new string[Slots];
        if (slot >= 0 && slot < Slots) _slotKnobs[slot] = knob ?? "";
    }

    public float GetSlot(int slot)
    {
        switch (slot)
        {
            case 0: return _slot0;
            case 1: return _slot1;
            case 2: return _slot2;
            case 3: return _slot3;
            case 4: return _slot4;
            case 5: return _slot5;
            case 6: return _slot6;
            case 7: return _slot7;
        }
        return 0;
    }

    public void SetSlot(int slot, float value)
    {
        switch (slot)
        {
            case 0: _slot0 = value; break;
            case 1: _slot1 = value; break;
            case 2: _slot2 = value; break;
            case 3: _slot3 = value; break;
            case 4: _slot4 = value; break;
            case 5: _slot5 = value; break;
            case 6: _slot6 = value; break;
            case 7: _slot7 = value; break;
        }
    }

    SessionOptions Wanted()
    {
        var wanted = new SessionOptions();
        wanted.policy = _policy;
        wanted.alpha = _alpha;
        wanted.start = _bridge;
        wanted.command = _command == null ? "" : string.Join("\n", _command);
        wanted.endpoint = _endpoint ?? "";
        wanted.token = _token ?? "";
        wanted.label = name;
        wanted.tickRate = _tickRate;
        wanted.seed = _seed;
        return wanted;
    }

    Look Look()
    {
        var look = new Look();
        look.mix = _mix;
        look.crossfade = _presentation == Presentation.Crossfade;
        look.whenLost = _whenLost;
        look.delay = _delay;
        look.lockstepLimit = _lockstepLimit;
        return look;
    }
}

} // namespace Framebridge
