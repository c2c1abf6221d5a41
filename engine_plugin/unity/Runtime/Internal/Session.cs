using System;
using System.Threading;
using UnityEngine;
using UnityEngine.Rendering;

namespace Framebridge.Internal {

// What a filter's session is opened with; another one opens it anew.
struct SessionOptions
{
    public FramePolicy policy;
    public AlphaUse alpha;
    public BridgeStart start;
    public string command, endpoint, token, label;
    public float tickRate;
    public int seed;

    internal bool Same(SessionOptions other)
    {
        return policy == other.policy && alpha == other.alpha && start == other.start
            && command == other.command && endpoint == other.endpoint && token == other.token
            && label == other.label && tickRate == other.tickRate && seed == other.seed;
    }
}

// How results are to be shown; may change from frame to frame.
struct Look
{
    public float mix;
    public bool crossfade;
    public LossAction whenLost;
    public int delay;
    public float lockstepLimit; // seconds
}

// Everything of a filter that is no property: a client of the library, the way that its pixels take,
// and what is shown. Begin and End enclose the drawing of one frame.
sealed class Session : IDisposable
{
    internal const int MostDelay = 15;

    internal readonly SessionOptions options;
    internal readonly Client client;

    readonly CaptureRing _captures;
    readonly Presenter _presenter = new Presenter();
    readonly SendRate _rate = new SendRate();
    ICarrier _carrier;
    Capture _capture;
    RenderTexture _output;
    ulong _frameId, _due;
    bool _live;

    internal ulong skippedHere, reused;
    internal Action<ulong> frameReady;
    internal Action<string> failed;
    internal Action tick; // what the filter does each frame, for waits in lockstep
    internal Func<bool> prepared = () => true; // knobs are set, so that a frame may be sent in lockstep

    Session(SessionOptions options, Client client)
    {
        this.options = options;
        this.client = client;
        _captures = new CaptureRing(CaptureRing.UnderWay + (options.policy == FramePolicy.Delay ? MostDelay : 0));
        if (RenderEventCarrier.Knows(SystemInfo.graphicsDeviceType))
            _carrier = new RenderEventCarrier(client, InOrder(options.policy));
        else _carrier = new ReadbackCarrier(client);
    }

    internal static Session Open(SessionOptions options, string model, int width, int height, out string problem)
    {
        var client = Client.Create(Opened(options, model, width, height), out problem);
        return client == null ? null : new Session(options, client);
    }

    internal static ClientOptions Opened(SessionOptions options, string model, int width, int height)
    {
        var opened = new ClientOptions();
        opened.width = width;
        opened.height = height;
        opened.model = model;
        opened.clientName = "unity " + Application.unityVersion + " " + Application.productName;
        opened.label = options.label;
        opened.endpoint = options.endpoint;
        opened.token = options.token;
        var words = (options.command ?? "").Split(new[] { '\n' }, StringSplitOptions.RemoveEmptyEntries);
        if (options.start != BridgeStart.Wait && string.IsNullOrEmpty(options.endpoint)) opened.startCommand = words;
        opened.shared = options.start == BridgeStart.Shared ? 1 : 0;
        opened.alpha = options.alpha == AlphaUse.Straight ? Fb.Straight : Fb.Opaque;
        var inOrder = InOrder(options.policy);
        opened.policy = inOrder ? Fb.Lockstep : options.policy == FramePolicy.Free ? Fb.Free : Fb.Latest;
        opened.every = inOrder ? 1 : 0;
        opened.rate = options.tickRate;
        opened.seed = (uint)options.seed;
        return opened;
    }

    static bool InOrder(FramePolicy policy)
    {
        return policy == FramePolicy.Delay || policy == FramePolicy.Lockstep;
    }

    internal string Transport { get { return _carrier.Name; } }
    internal string Unfit { get { return _carrier.Unfit; } }
    internal RenderTexture Output { get { return _output; } }
    internal ulong FrameIn { get { return _frameId; } }
    internal ulong FrameOut { get { return _presenter.ShownId; } }
    internal float Period { get { return _presenter.Period; } }
    internal bool Live { get { return client.Statistics.state == (int)FilterConnection.Live; } }

    static double Now { get { return Time.realtimeSinceStartupAsDouble; } }

    // Once a frame, before anything is drawn.
    internal void Update(LossAction whenLost)
    {
        client.ReadStatistics();
        _captures.Sent(client.Statistics.last_sent_id);
        if (_live && !Live && whenLost != LossAction.Hold) _presenter.Clear(_carrier);
        _live = Live;
        if (_carrier.Unfit != "" && _carrier.GetType() == typeof(RenderEventCarrier))
        {
            _presenter.Clear(_carrier);
            _carrier.Dispose();
            _carrier = new ReadbackCarrier(client);
        }
    }

    // Where the frame is to be drawn; null if it is not wanted.
    internal RenderTexture Begin(int width, int height, float maxRate, Look look)
    {
        _capture = null;
        if (options.policy == FramePolicy.Lockstep)
        {
            if (_due != 0) WaitFor(look, () => _due == 0);
            WaitFor(look, () => Live && prepared());
        }
        if (!_rate.Due(Now, maxRate) && Live) return null;
        var keep = look.mix < 1 && options.policy != FramePolicy.Free;
        _capture = _captures.Next(width, height, keep);
        _capture.id = ++_frameId;
        return _capture.picture.Target;
    }

    // Send what was drawn, fetch what has come, and draw what is to be seen. `immediate`: `commands`
    // may be executed right here. Null: the source is to be seen as it is.
    internal RenderTexture End(CommandBuffer commands, Look look, bool immediate)
    {
        Collect(look); // first, so that what has come need not be fetched again
        if (!_carrier.Exchange(commands, _capture) && _capture != null)
        {
            skippedHere++;
            _capture.awaited = false;
        }
        else if (options.policy == FramePolicy.Lockstep && _capture != null && Live)
        {
            _due = _capture.id;
            if (immediate)
            {
                Graphics.ExecuteCommandBuffer(commands);
                commands.Clear();
                WaitFor(look, () => _due == 0);
            }
        }
        if (_carrier.Behind) _carrier.Exchange(commands, null);
        var delayed = options.policy == FramePolicy.Delay;
        var wanted = !delayed ? ulong.MaxValue : _frameId > (ulong)look.delay ? _frameId - (ulong)look.delay : 0;
        var another = _presenter.Show(_carrier, wanted, look.crossfade, Now);
        if (!another && _live && _presenter.HasResult) reused++;
        return Present(commands, look);
    }

    RenderTexture Present(CommandBuffer commands, Look look)
    {
        if (_presenter.HasResult)
        {
            Prepare(_presenter.Width, _presenter.Height);
            _presenter.Draw(commands, _output, look.mix, Now);
            return _output;
        }
        if (_capture == null) return null;
        Prepare(_capture.picture.Width, _capture.picture.Height);
        _presenter.Redraw();
        if (look.whenLost == LossAction.Clear)
        {
            commands.SetRenderTarget(_output);
            commands.ClearRenderTarget(false, true, Color.clear);
            return _output;
        }
        commands.Blit(_capture.picture.texture, _output);
        return null;
    }

    void Prepare(int width, int height)
    {
        if (_output != null && _output.width == width && _output.height == height) return;
        Textures.Destroy(_output);
        _output = Textures.NewTarget(width, height, "Framebridge output");
        _presenter.Redraw();
    }

    void Collect(Look look)
    {
        Arrival arrival;
        while (_carrier.Take(out arrival))
        {
            if (!_live && look.whenLost != LossAction.Hold) // it was under way when the model went
            {
                _carrier.Return(arrival.picture);
                continue;
            }
            var blended = look.mix < 1 && options.policy != FramePolicy.Free;
            var source = blended ? _captures.Hold(arrival.id) : null;
            if (options.policy != FramePolicy.Free) _captures.NoneBefore(arrival.id);
            _presenter.Add(_carrier, arrival, source, Now);
            if (arrival.id >= _due) _due = 0;
            frameReady(arrival.id);
        }
    }

    // Lockstep alone waits, and never for ever.
    void WaitFor(Look look, Func<bool> condition)
    {
        var end = Now + look.lockstepLimit;
        while (!condition())
        {
            var hopeless = client.Statistics.state == (int)FilterConnection.Failed;
            if (Now > end || hopeless)
            {
                if (hopeless) failed("The model does not run. " + client.Problem);
                else if (_due != 0) failed("No result for frame " + _due + " within " + look.lockstepLimit
                    + " s. Raise the limit of lockstep, or choose a faster model.");
                else failed("The model does not run after " + look.lockstepLimit + " s. " + client.Problem);
                _due = 0;
                return;
            }
            tick();
            if (_due != 0)
            {
                if (!Live) { _due = 0; return; } // its frame is lost
                _carrier.Nudge();
                Collect(look);
            }
            Thread.Sleep(1);
        }
    }

    public void Dispose()
    {
        _presenter.Dispose(_carrier);
        _carrier.Dispose();
        client.Dispose();
        _captures.Dispose();
        Textures.Destroy(_output);
        _output = null;
    }
}

} // namespace Framebridge.Internal
